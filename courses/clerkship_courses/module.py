"""A module as its author wrote it: `module.md` and `items.yml`, read and checked.

`module.md` is prose with marked regions. Each region becomes one of the parts below, in the order
of the page; everything that a student must not see stays in fields that the notebook of the
student's edition never reads.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clerkship_courses.errors import CourseError, one_of, suggestion
from clerkship_courses.header import ModuleHeader
from clerkship_courses.items import ID, Items, read_items
from clerkship_courses.located_yaml import load_yaml
from clerkship_courses.source import Block, Code, Prose, Region, Source, split_source

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.catalogue import Catalogue

__all__ = [
    "AnnotateTask",
    "CodeTask",
    "CommitReveal",
    "Example",
    "InstructorNotes",
    "Module",
    "Part",
    "PracticeQuiz",
    "QuizTask",
    "RubricLine",
    "Show",
    "Task",
    "Text",
    "WrittenTask",
    "read_module",
]

TOOLS = ("length", "angle", "ellipse", "region", "arrow")
"""What a student may draw with; the kinds of `clerkship_cases.Annotation`."""
OUTLINES = ("region", "ellipse")
"""The tools that cover an area, which overlap is counted on."""
ERROR_CLASSES = ("good", "missed", "wrong_place", "wrong_side", "over_called", "under_called")
"""The error classes of an annotate task that a teacher may answer in their own words."""
BEGIN_SOLUTION = "### BEGIN SOLUTION"
END_SOLUTION = "### END SOLUTION"
_NUMBERED = re.compile(r"(?P<number>\d{2})-(?P<slug>.+)")
_RUBRIC_LINE = re.compile(r"^(?P<points>\d+(?:\.\d+)?)\s*:\s*(?P<text>\S.*)$")


# -- parts ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """Prose."""

    markdown: str
    line: int


@dataclass(frozen=True)
class Example:
    """Python that the page runs, and that is run again when a submission is graded."""

    code: str
    line: int


@dataclass(frozen=True)
class Show:
    """A cell that shows a widget (or a plot) and that grading leaves out."""

    code: str
    line: int


@dataclass(frozen=True)
class PracticeQuiz:
    """An ungraded quiz; with `withhold` it says nothing about right and wrong yet."""

    name: str
    prompt: str
    items: tuple[str, ...]
    withhold: bool
    line: int


@dataclass(frozen=True)
class CommitReveal:
    """Commit to an answer first, see the teacher's words after."""

    name: str
    prompt: str
    options: dict[str, str] | None
    confidence: bool
    reveal: str
    line: int


@dataclass(frozen=True)
class InstructorNotes:
    """For the teacher; written beside the course, never into a notebook."""

    markdown: str
    line: int


@dataclass(frozen=True)
class RubricLine:
    """One line of a mark scheme."""

    points: float
    text: str


@dataclass(frozen=True)
class _Task:
    name: str
    points: float
    prompt: str
    hint: str
    line: int


@dataclass(frozen=True)
class QuizTask(_Task):
    """Questions that are scored from the key."""

    items: tuple[str, ...]
    kind: str = field(default="quiz", init=False)


@dataclass(frozen=True)
class AnnotateTask(_Task):
    """A mark on a case, held against a finding of its key."""

    case: str
    finding: str
    tools: tuple[str, ...]
    labels: tuple[str, ...]
    rubric: dict[str, Any]
    feedback: dict[str, str]
    kind: str = field(default="annotate", init=False)


@dataclass(frozen=True)
class CodeTask(_Task):
    """A function to write; `solution` holds nbgrader's solution markers."""

    solution: str
    tests: str
    hidden_tests: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class WrittenTask(_Task):
    """Free text that a person marks by the rubric."""

    rubric: tuple[RubricLine, ...]
    example_answer: str
    kind: str = field(default="written", init=False)


Task = QuizTask | AnnotateTask | CodeTask | WrittenTask
Part = Text | Example | Show | PracticeQuiz | CommitReveal | InstructorNotes | Task


@dataclass(frozen=True)
class Module:
    """One module, ready to be built.

    Attributes
    ----------
    course, slug : str
        Folder names, the module's without its number.
    number : int
        Place in the course.
    folder : Path
        Where it is written.
    """

    course: str
    slug: str
    number: int
    folder: Path
    header: ModuleHeader
    items: Items
    parts: tuple[Part, ...]

    @property
    def source_path(self) -> Path:
        """The `module.md`."""
        return self.folder / "module.md"

    @property
    def tasks(self) -> dict[str, Task]:
        """The graded tasks, in the order of the page."""
        return {part.name: part for part in self.parts if isinstance(part, _Task)}

    @property
    def points(self) -> float:
        """All points together."""
        return sum(task.points for task in self.tasks.values())


def read_module(folder: Path, catalogue: Catalogue) -> Module:
    """Read and check one module.

    Parameters
    ----------
    folder : Path
        `courses/<course>/<nn-slug>/`, with `module.md` and, if there are quizzes, `items.yml`.
    catalogue : Catalogue
        The cases that it may show.

    Raises
    ------
    CourseError
        At the first mistake, as `file:line: given, expected, remedy`.
    """
    named = _NUMBERED.fullmatch(folder.name)
    if not named or not ID.fullmatch(named["slug"]):
        raise CourseError(
            f"{folder}: a module's folder is named by its place and its name, in small letters, "
            f"digits and hyphens, for instance 03-chest-radiograph; rename the folder."
        )
    path = folder / "module.md"
    if not path.is_file():
        raise CourseError(f"{folder}: there is no module.md in this module; add one.")
    source = split_source(path.read_text(encoding="utf-8"), path)
    sheet = load_yaml(source.header, path, source.header_line)
    if not isinstance(sheet.data, dict):
        raise sheet.error("the header is empty; it needs title:, summary:, authors: and more.")
    header = sheet.read(ModuleHeader)
    for index, case in enumerate(header.cases):
        if case not in catalogue.records:
            raise sheet.error(
                f"there is no case '{case}' in the library; it has {one_of(catalogue.records)}."
                f"{suggestion(case, catalogue.records)}",
                "cases",
                index,
            )
    seen: dict[str, int] = {}
    for index, objective in enumerate(header.objectives):
        if objective.id in seen:
            raise sheet.error(
                f"the objective '{objective.id}' is given twice; give each an id of its own.",
                "objectives",
                index,
            )
        seen[objective.id] = index
    items = read_items(folder / "items.yml")
    parts = _Reader(source, header, items, catalogue).parts()
    _check_items(items, header, parts)
    return Module(
        course=folder.parent.name,
        slug=named["slug"],
        number=int(named["number"]),
        folder=folder,
        header=header,
        items=items,
        parts=parts,
    )


def _check_items(items: Items, header: ModuleHeader, parts: tuple[Part, ...]) -> None:
    objectives = [objective.id for objective in header.objectives]
    used = {
        item for part in parts if isinstance(part, QuizTask | PracticeQuiz) for item in part.items
    }
    graded = {item for part in parts if isinstance(part, QuizTask) for item in part.items}
    practised = {item for part in parts if isinstance(part, PracticeQuiz) for item in part.items}
    for key, item in items.by_id.items():
        if item.objective not in objectives:
            raise items.error(
                f"item '{key}' names the objective '{item.objective}'; the header has "
                f"{one_of(objectives)}.{suggestion(item.objective, objectives)}",
                key,
            )
        if item.source and item.source not in header.sources:
            raise items.error(
                f"item '{key}' names the source '{item.source}'; the header's sources are "
                f"{one_of(header.sources)}.{suggestion(item.source, header.sources)}",
                key,
            )
        if key not in used:
            raise items.error(
                f"item '{key}' is in no quiz; list it under === ITEMS === of one, or take it out.",
                key,
            )
        if key in graded & practised:
            raise items.error(
                f"item '{key}' is in a graded quiz and in a practice quiz, which would give the "
                f"answer away; write a parallel item for one of them.",
                key,
            )


# -- regions --------------------------------------------------------------------------------------


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
    "annotate": _grammar(
        "task kind points case finding tools? labels?", "RUBRIC FEEDBACK? HINT?"
    ),
    "code": _grammar("task kind points", "SOLUTION TESTS HIDDEN_TESTS? HINT?"),
    "written": _grammar("task kind points", "RUBRIC SOLUTION? HINT?"),
}


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    points: float = Field(gt=0, description="write a number greater than 0")


class _Overlap(_Rule):
    full_dice: float = Field(0.7, gt=0, le=1, description="write a Dice value up to 1")
    zero_dice: float = Field(0.3, ge=0, lt=1, description="write a Dice value below full_dice")
    slices: int = Field(0, ge=0, description="write how many slices away still counts")

    @model_validator(mode="after")
    def _rises(self) -> _Overlap:
        if self.zero_dice >= self.full_dice:
            raise ValueError(
                f"zero_dice is {self.zero_dice} and full_dice {self.full_dice}; "
                f"make zero_dice the smaller one"
            )
        return self


class _Placement(_Rule):
    radius: float = Field(1.0, gt=0, description="write a multiple of the finding's radius")
    radius_mm: float | None = Field(None, gt=0, description="write millimetres, or leave it out")


class _AnnotateRubric(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    overlap: _Overlap | None = Field(None, description="write {points: …, full_dice: …}")
    placement: _Placement | None = Field(None, description="write {points: …, radius: …}")
    laterality: _Rule | None = Field(None, description="write {points: …}")
    over_called_ratio: float = Field(2.0, gt=1, description="write a ratio greater than 1")
    midline_x_lps_mm: float = Field(0.0, description="write millimetres")

    @property
    def points(self) -> float:
        rules = (self.overlap, self.placement, self.laterality)
        return sum(rule.points for rule in rules if rule is not None)


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
            self._check_python(segment.text, segment.line)
            if segment.show:
                return Show(segment.text, segment.line)
            return Example(segment.text, segment.line)
        given = segment.attributes
        if "task" in given:
            return self._task(segment)
        for kind in _REGIONS:
            if kind in given:
                self._check_grammar(segment, _REGIONS[kind], kind)
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
                    f"notes={region.attributes['notes']!r} is not known; "
                    f'write notes="instructor".',
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
        if kind not in _TASKS:
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
        known = self.catalogue.find_findings(case)
        if finding not in known:
            raise self.error(
                f"the key of case '{case}' has no finding '{finding}'; it has {one_of(known)}."
                f"{suggestion(str(finding), known)}",
                region.line,
            )
        rubric = self._annotate_rubric(region, common, tools)
        feedback = region.blocks.get("FEEDBACK")
        return AnnotateTask(
            case=case,
            finding=finding,
            tools=tools,
            labels=self._names_of(region, "labels", ()),
            rubric=rubric,
            feedback=self._feedback(feedback) if feedback else {},
            **common,
        )

    def _annotate_rubric(
        self, region: Region, common: dict[str, Any], tools: tuple[str, ...]
    ) -> dict[str, Any]:
        block = region.blocks["RUBRIC"]
        sheet = load_yaml(block.text, self.source.path, block.line)
        if not isinstance(sheet.data, dict):
            raise sheet.error(
                "the rubric is not understood; write lines such as "
                "'overlap: {points: 4, full_dice: 0.7, zero_dice: 0.3}'."
            )
        rubric = sheet.read(_AnnotateRubric)
        if not math.isclose(rubric.points, common["points"]):
            raise sheet.error(
                f"the rubric adds up to {rubric.points:g} points, but the task '{common['name']}' "
                f"has points={common['points']:g}; make them equal."
            )
        if rubric.overlap and not set(tools) & set(OUTLINES):
            raise sheet.error(
                f"the rubric counts overlap, but the tools ({', '.join(tools)}) cover no area; "
                f"offer {one_of(OUTLINES)}, or score placement only.",
                "overlap",
            )
        return rubric.model_dump(exclude_unset=True, exclude_none=True)

    def _feedback(self, block: Block) -> dict[str, str]:
        sheet = load_yaml(block.text, self.source.path, block.line)
        if not isinstance(sheet.data, dict):
            raise sheet.error("the feedback is not understood; write lines such as 'missed: …'.")
        for name, text in sheet.data.items():
            if name not in ERROR_CLASSES:
                raise sheet.error(
                    f"'{name}' is no class of error; they are {one_of(ERROR_CLASSES)}."
                    f"{suggestion(name, ERROR_CLASSES)}",
                    name,
                )
            if not isinstance(text, str):
                raise sheet.error(f"the feedback for '{name}' is {text!r}; write text.", name)
        return dict(sheet.data)

    def _code(self, region: Region, common: dict[str, Any]) -> CodeTask:
        solution = self._fenced_python(region.blocks["SOLUTION"])
        self._check_solution(solution, region.blocks["SOLUTION"])
        tests = self._fenced_python(region.blocks["TESTS"])
        self._check_tests(tests, region.blocks["TESTS"])
        hidden = region.blocks.get("HIDDEN TESTS")
        hidden_tests = ""
        if hidden:
            hidden_tests = self._fenced_python(hidden)
            self._check_tests(hidden_tests, hidden)
        return CodeTask(solution=solution, tests=tests, hidden_tests=hidden_tests, **common)

    def _written(self, region: Region, common: dict[str, Any]) -> WrittenTask:
        block = region.blocks["RUBRIC"]
        lines = []
        for offset, row in enumerate(block.text.splitlines()):
            if not row.strip():
                continue
            match = _RUBRIC_LINE.match(row.strip())
            if match is None:
                raise self.error(
                    f"{row.strip()!r} is no line of a mark scheme; write the points, a colon, and "
                    f"what earns them, for instance '2: names the lesion and the bone'.",
                    block.line + offset,
                )
            lines.append(RubricLine(float(match["points"]), match["text"]))
        total = sum(line.points for line in lines)
        if not math.isclose(total, common["points"]):
            raise self.error(
                f"the rubric adds up to {total:g} points, but the task '{common['name']}' has "
                f"points={common['points']:g}; make them equal.",
                block.line,
            )
        example = region.blocks.get("SOLUTION")
        return WrittenTask(
            rubric=tuple(lines), example_answer=example.text if example else "", **common
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

    def _fenced_python(self, block: Block) -> str:
        """Return the code of a block that is one ```python fence, on the lines of the file."""
        rows = block.text.splitlines()
        if rows[0].strip() != "```python" or rows[-1].strip() != "```" or "```" in rows[1:-1]:
            raise self.error(
                f"the block {block.name} should be one fence of Python: a line ```python, the "
                f"code, a line ```.",
                block.line,
            )
        code = "\n".join(rows[1:-1])
        self._check_python(code, block.line + 1)
        return code

    def _check_python(self, code: str, line: int) -> None:
        try:
            ast.parse(code)
        except SyntaxError as failure:
            raise self.error(
                f"this is not Python: {failure.msg}. Correct it (notebook magics such as %time "
                f"are not taken here).",
                line + (failure.lineno or 1) - 1,
            ) from None

    def _check_solution(self, code: str, block: Block) -> None:
        rows = [row.strip() for row in code.splitlines()]
        begins = [index for index, row in enumerate(rows) if row == BEGIN_SOLUTION]
        ends = [index for index, row in enumerate(rows) if row == END_SOLUTION]
        paired = len(begins) == len(ends) and all(
            begin < end for begin, end in zip(begins, ends, strict=True)
        )
        if not begins or not paired:
            raise self.error(
                f"the SOLUTION does not say which lines the student writes; put {BEGIN_SOLUTION!r} "
                f"above them and {END_SOLUTION!r} below.",
                block.line,
            )

    def _check_tests(self, code: str, block: Block) -> None:
        if not any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(ast.parse(code))):
            raise self.error(
                f"the block {block.name} asserts nothing, so it cannot fail; add an assert with a "
                f"message for the student.",
                block.line,
            )
