"""The two files beside a notebook: the public module bundle and the teacher's key bundle.

Their formats are in ARCHITECTURE.md. What is public is chosen by name, field by field, so that a
new field of an item stays out of a student's folder until somebody puts it in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clerkship_courses.module import Module
from clerkship_courses.notebook import Edition, split_heading
from clerkship_courses.parts import (
    AnnotateTask,
    CommitReveal,
    PracticeQuiz,
    QuizTask,
    Task,
    WrittenTask,
)

if TYPE_CHECKING:
    from clerkship_courses.items import Item

__all__ = ["key_bundle", "module_bundle"]


def module_bundle(module: Module, edition: Edition) -> dict[str, Any]:
    """Return what the widgets of a student's page may know.

    Parameters
    ----------
    module : Module
        A checked module.
    edition : {"class", "self-study"}
        The self-study edition holds no graded quiz at all.

    Returns
    -------
    dict
        The content of `module.json`.
    """
    practice = [part for part in module.parts if isinstance(part, PracticeQuiz)]
    tasks = {
        name: task
        for name, task in module.tasks.items()
        if edition == "class" or isinstance(task, AnnotateTask)
    }
    items: dict[str, Any] = {}
    for quiz in practice:
        items |= {key: _practice_item(module.items.by_id[key]) for key in quiz.items}
    for task in tasks.values():
        if isinstance(task, QuizTask):
            items |= {key: _graded_item(module.items.by_id[key]) for key in task.items}
    return {
        "course": module.course,
        "module": module.slug,
        "title": module.header.title,
        "tasks": {name: _public_task(task) for name, task in tasks.items()},
        "items": items,
        "practice": {
            quiz.name: {"items": list(quiz.items), "withhold": quiz.withhold} for quiz in practice
        },
        "reveals": {
            part.name: {
                "title": _title(part.prompt, part.name),
                "prompt": _body(part.prompt),
                "options": part.options,
                "confidence": part.confidence,
                "markdown": part.reveal,
            }
            for part in module.parts
            if isinstance(part, CommitReveal)
        },
    }


def key_bundle(module: Module) -> dict[str, Any]:
    """Return everything that a student must not see.

    Returns
    -------
    dict
        The content of `keys/<module>.json`.
    """
    return {
        "course": module.course,
        "module": module.slug,
        "tasks": {name: _task_key(module, task) for name, task in module.tasks.items()},
    }


def _public_task(task: Task) -> dict[str, Any]:
    public: dict[str, Any] = {"kind": task.kind, "points": task.points}
    if isinstance(task, QuizTask):
        public |= {"items": list(task.items)}
    if isinstance(task, AnnotateTask):
        public |= {
            "case": task.case,
            "prompt": _first_paragraph(task.prompt),
            "tools": list(task.tools),
            "labels": list(task.labels),
        }
    return public


def _graded_item(item: Item) -> dict[str, Any]:
    public: dict[str, Any] = {"kind": item.kind, "stem": item.stem, "points": item.points}
    if item.kind == "number":
        return public | {"unit": item.unit}
    return public | {"options": {key: {"text": o.text} for key, o in item.options.items()}}


def _practice_item(item: Item) -> dict[str, Any]:
    told = _graded_item(item)
    if item.kind == "number":
        told |= {"answer": item.answer, "tolerance": item.tolerance}
    else:
        told["options"] = {
            key: {"text": o.text, "correct": o.correct, "feedback": o.feedback}
            for key, o in item.options.items()
        }
    return told | {"explanation": item.explanation}


def _task_key(module: Module, task: Task) -> dict[str, Any]:
    key: dict[str, Any] = {"kind": task.kind, "points": task.points}
    if isinstance(task, QuizTask):
        return key | {"items": {name: _item_key(module.items.by_id[name]) for name in task.items}}
    if isinstance(task, AnnotateTask):
        return key | {
            "case": task.case,
            "finding": task.finding,
            "rubric": task.rubric,
            "feedback": task.feedback,
        }
    if isinstance(task, WrittenTask):
        return key | {
            "rubric": [{"points": line.points, "text": line.text} for line in task.rubric],
            "example_answer": task.example_answer,
        }
    return key  # a code task's tests are in the notebook, between nbgrader's marks


def _item_key(item: Item) -> dict[str, Any]:
    key: dict[str, Any] = {"kind": item.kind, "points": item.points, "stem": item.stem}
    if item.kind == "number":
        key |= {"answer": item.answer, "tolerance": item.tolerance, "unit": item.unit}
    else:
        key |= {
            "answer": item.right_options,
            "options": {name: option.text for name, option in item.options.items()},
            "feedback": {
                name: option.feedback for name, option in item.options.items() if option.feedback
            },
            "misconceptions": {
                name: option.misconception
                for name, option in item.options.items()
                if option.misconception
            },
        }
    return key | {"explanation": item.explanation, "objective": item.objective}


def _title(prompt: str, name: str) -> str:
    return split_heading(prompt)[0].lstrip("# ") or name.replace("-", " ").capitalize()


def _first_paragraph(prompt: str) -> str:
    """Return what is said once more above the image; all of it stands in the notebook."""
    return " ".join(_body(prompt).split("\n\n")[0].split())


def _body(prompt: str) -> str:
    return split_heading(prompt)[1]
