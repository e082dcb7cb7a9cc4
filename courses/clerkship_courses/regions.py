"""Marked regions of `module.md`: what each kind may say, and the part that it becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerkship_courses.code_blocks import check_python, read_solution, read_tests
from clerkship_courses.errors import CourseError, one_of, suggestion
from clerkship_courses.items import ID
from clerkship_courses.located_yaml import load_yaml
from clerkship_courses.parts import (
    AnnotateTask,
    CodeTask,
    CommitReveal,
    Example,
    InstructorNotes,
    Part,
    PracticeQuiz,
    QuizTask,
    Show,
    Task,
    Text,
    WrittenTask,
)
from clerkship_courses.rubrics import read_annotate_rubric, read_feedback, read_mark_scheme
from clerkship_courses.source import Block, Code, Prose, Region, Source

if TYPE_CHECKING:
    from clerkship_courses.catalogue import Catalogue
    from clerkship_courses.header import ModuleHeader
    from clerkship_courses.items import Items

__all__ = ["read_parts"]

TOOLS = ("length", "angle", "ellipse", "region", "arrow")
"""What a student may draw with; the kinds of `clerkship_cases.Annotation`."""


def read_parts(
    source: Source, header: ModuleHeader, items: Items, catalogue: Catalogue
) -> tuple[Part, ...]:
    """Turn the pieces of a `module.md` into parts.

    Raises
    ------
    CourseError
        At the line of the first piece that does not fit its kind, the header, the items or the
        cases.
    """
    return _Reader(source, header, items, catalogue).parts()


@dataclass(frozen=True)
class _Grammar:
    """What one kind of region takes."""

    attributes: frozenset[str]
    required: frozenset[str]
    blocks: frozenset[str]
    required_blocks: frozenset[str]


def _grammar(attributes: str, blocks: str) -> _Grammar:
    """Read a short table: names with a `?` are optional."""
    names = attributes.split()
    block_names = [name.replace("_", " ") for name in blocks.split()]
    return _Grammar(
        frozenset(name.rstrip("?") for name in names),
        frozenset(name for name in names if not name.endswith("?")),
        frozenset(name.rstrip("?") for name in block_names),
        frozenset(name for name in block_names if not name.endswith("?")),
    )


_REGIONS = {
    "practice": _grammar("practice withhold?", "ITEMS"),
    "commit": _grammar("commit confidence?", "REVEAL OPTIONS?"),
    "notes": _grammar("notes", ""),
}
_TASKS = {
    "quiz": _grammar("task kind points", "ITEMS HINT?"),
    "annotate": _grammar("task kind points case finding tools? labels?", "RUBRIC FEEDBACK? HINT?"),
    "code": _grammar("task kind points", "SOLUTION TESTS HIDDEN_TESTS? HINT?"),
    "written": _grammar("task kind points", "RUBRIC SOLUTION? HINT?"),
}


class _Reader:
    """Turn the pieces of one `module.md` into parts."""

    def __init__(
        self, source: Source, header: ModuleHeader, items: Items, catalogue: Catalogue
    ) -> None:
        self.source = source
        self.header = header
        self.items = items
        self.catalogue = catalogue
        self.names: dict[str, int] = {}

    def error(self, message: str, line: int) -> CourseError:
        return CourseError(message, self.source.path, line)

    def parts(self) -> tuple[Part, ...]:
        return tuple(self._part(segment) for segment in self.source.segments)

    def _part(self, segment: Prose | Code | Region) -> Part:
        if isinstance(segment, Prose):
            return Text(segment.text, segment.line)
        if isinstance(segment, Code):
            check_python(segment.text, self.source.path, segment.line)
            if segment.show:
                return Show(segment.text, segment.line)
            return Example(segment.text, segment.line)
        given = segment.attributes
        if "task" in given:
            return self._task(segment)
        for kind, grammar in _REGIONS.items():
            if kind in given:
                self._check_grammar(segment, grammar, kind)
                return self._other(segment, kind)
        raise self.error(
            f"this region says {one_of(given)}; a region begins with task=, practice=, commit= or "
            f'notes=, for example <!-- #region task="my-task" kind="quiz" points=5 -->.',
            segment.line,
        )

    # -- practice, commit, notes ------------------------------------------------------------------

    def _other(self, region: Region, kind: str) -> Part:
        prompt = region.blocks["PROMPT"].text
        if kind == "notes":
            if region.attributes["notes"] != "instructor":
                raise self.error(
                    f'notes={region.attributes["notes"]!r} is not known; write notes="instructor".',
                    region.line,
                )
            return InstructorNotes(prompt, region.line)
        name = self._name(region, kind)
        if kind == "practice":
            return PracticeQuiz(
                name,
                prompt,
                self._item_ids(region),
                self._flag(region, "withhold"),
                region.line,
            )
        options = region.blocks.get("OPTIONS")
        return CommitReveal(
            name,
            prompt,
            self._option_texts(options) if options else None,
            self._flag(region, "confidence"),
            region.blocks["REVEAL"].text,
            region.line,
        )

    def _flag(self, region: Region, name: str) -> bool:
        value = region.attributes.get(name, False)
        if not isinstance(value, bool):
            raise self.error(f"{name}={value!r}; write {name}=true or leave it out.", region.line)
        return value

    def _option_texts(self, block: Block) -> dict[str, str]:
        sheet = load_yaml(block.text, self.source.path, block.line)
        if not isinstance(sheet.data, dict) or not all(
            isinstance(text, str) for text in sheet.data.values()
        ):
            raise sheet.error("the options are not understood; write one option-id: text per line.")
        return dict(sheet.data)

    # -- tasks ------------------------------------------------------------------------------------

    def _task(self, region: Region) -> Task:
        kind = region.attributes.get("kind")
        if not isinstance(kind, str) or kind not in _TASKS:
            given = "no kind" if kind is None else f"kind={kind!r}"
            raise self.error(
                f"this task has {given}; write kind= with {one_of(_TASKS)}."
                f"{suggestion(str(kind), _TASKS)}",
                region.line,
            )
        self._check_grammar(region, _TASKS[kind], f"{kind} task")
        name = self._name(region, "task")
        points = region.attributes["points"]
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            raise self.error(
                f"the task '{name}' has points={points!r}; write a number greater than 0.",
                region.line,
            )
        hint = region.blocks.get("HINT")
        common = {
            "name": name,
            "points": float(points),
            "prompt": region.blocks["PROMPT"].text,
            "hint": hint.text if hint else "",
            "line": region.line,
        }
        if kind == "quiz":
            return self._quiz(region, common)
        if kind == "annotate":
            return self._annotate(region, common)
        if kind == "code":
            return self._code(region, common)
        return self._written(region, common)

    def _quiz(self, region: Region, common: dict[str, Any]) -> QuizTask:
        ids = self._item_ids(region)
        total = sum(self.items.by_id[key].points for key in ids)
        if not math.isclose(total, common["points"]):
            raise self.error(
                f"the task '{common['name']}' has points={common['points']:g}, but its items add "
                f"up to {total:g}; make them equal.",
                region.line,
            )
        return QuizTask(items=ids, **common)

    def _annotate(self, region: Region, common: dict[str, Any]) -> AnnotateTask:
        case, finding = region.attributes["case"], region.attributes["finding"]
        if case not in self.header.cases:
            raise self.error(
                f"the case '{case}' is not among the cases of the header, which are "
                f"{one_of(self.header.cases)}.{suggestion(str(case), self.header.cases)} "
                f"Add it there or correct the name.",
                region.line,
            )
        tools = self._names_of(region, "tools", ("region",))
        for tool in tools:
            if tool not in TOOLS:
                raise self.error(
                    f"there is no tool '{tool}'; a task may offer {one_of(TOOLS)}."
                    f"{suggestion(tool, TOOLS)}",
                    region.line,
                )
        try:
            known = self.catalogue.find_findings(case)
        except CourseError as failure:
            raise self.error(str(failure), region.line) from failure
        if finding not in known:
            raise self.error(
                f"the key of case '{case}' has no finding '{finding}'; it has {one_of(known)}."
                f"{suggestion(str(finding), known)}",
                region.line,
            )
        rubric = read_annotate_rubric(
            region.blocks["RUBRIC"], self.source.path, common["points"], tools
        )
        feedback = region.blocks.get("FEEDBACK")
        return AnnotateTask(
            case=case,
            finding=finding,
            tools=tools,
            labels=self._names_of(region, "labels", ()),
            rubric=rubric,
            feedback=read_feedback(feedback, self.source.path) if feedback else {},
            **common,
        )

    def _code(self, region: Region, common: dict[str, Any]) -> CodeTask:
        path, blocks = self.source.path, region.blocks
        hidden = blocks.get("HIDDEN TESTS")
        return CodeTask(
            solution=read_solution(blocks["SOLUTION"], path),
            tests=read_tests(blocks["TESTS"], path),
            hidden_tests=read_tests(hidden, path) if hidden else "",
            **common,
        )

    def _written(self, region: Region, common: dict[str, Any]) -> WrittenTask:
        example = region.blocks.get("SOLUTION")
        return WrittenTask(
            rubric=read_mark_scheme(region.blocks["RUBRIC"], self.source.path, common["points"]),
            example_answer=example.text if example else "",
            **common,
        )

    # -- small checks -----------------------------------------------------------------------------

    def _check_grammar(self, region: Region, grammar: _Grammar, what: str) -> None:
        for name in region.attributes:
            if name not in grammar.attributes:
                raise self.error(
                    f"a {what} region takes no '{name}'; it takes {one_of(grammar.attributes)}."
                    f"{suggestion(name, grammar.attributes)}",
                    region.line,
                )
        for name in sorted(grammar.required - set(region.attributes)):
            raise self.error(
                f"this {what} region says no {name}=; add it to the line that opens the region.",
                region.line,
            )
        for name, block in region.blocks.items():
            if name != "PROMPT" and name not in grammar.blocks:
                raise self.error(
                    f"a {what} region has no block {name}; it may have "
                    f"{one_of(grammar.blocks)}.{suggestion(name, grammar.blocks)}",
                    block.line - 1,
                )
        if "PROMPT" not in region.blocks:
            raise self.error(
                f"this {what} region is empty; say in a sentence or two what to do.", region.line
            )
        for name in sorted(grammar.required_blocks - set(region.blocks)):
            raise self.error(
                f"this {what} region has no block {name}; add a line === {name} === and write it "
                f"below.",
                region.line,
            )

    def _name(self, region: Region, attribute: str) -> str:
        name = region.attributes[attribute]
        if not isinstance(name, str) or not ID.fullmatch(name):
            raise self.error(
                f"{attribute}={name!r} cannot name a file; write small letters, digits and "
                f'hyphens, for instance {attribute}="mark-lesion".',
                region.line,
            )
        if name in self.names:
            raise self.error(
                f"the name '{name}' is given twice (first on line {self.names[name]}); give each "
                f"task, practice quiz and reveal a name of its own.",
                region.line,
            )
        self.names[name] = region.line
        return name

    def _names_of(self, region: Region, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = region.attributes.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.error(
                f'{name}={value!r}; write a list of texts, for instance {name}=["region"].',
                region.line,
            )
        return tuple(value)

    def _item_ids(self, region: Region) -> tuple[str, ...]:
        block = region.blocks["ITEMS"]
        ids: list[str] = []
        known = self.items.by_id
        for offset, row in enumerate(block.text.splitlines()):
            key = row.strip().removeprefix("-").strip()
            if not key:
                continue
            line = block.line + offset
            if key not in known:
                raise self.error(
                    f"there is no item '{key}' in items.yml; it has {one_of(known)}."
                    f"{suggestion(key, known)} Write one item id on each line.",
                    line,
                )
            if key in ids:
                raise self.error(f"the item '{key}' is listed twice; keep one of them.", line)
            ids.append(key)
        return tuple(ids)
