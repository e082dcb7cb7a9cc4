"""The ``clerkship`` command: ``up``, ``demo``, ``build``, ``new``, ``cases``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from clerkship_hub.errors import HubError
from clerkship_hub.settings import CHECKOUT, DEFAULT_PORT, default_home

app = typer.Typer(
    help="Clerkship: medical courseware on Jupyter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
new = typer.Typer(help="Start something new.", no_args_is_help=True)
cases = typer.Typer(help="Look into the case library.", no_args_is_help=True)
app.add_typer(new, name="new")
app.add_typer(cases, name="cases")

Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where all state lives.", show_default=False),
]
Courses = Annotated[
    Path | None,
    typer.Option(
        "--courses", metavar="DIR", help="Folder of the course sources.", show_default=False
    ),
]


def fail(message: str) -> NoReturn:
    """Say in one sentence what is in the way, and end with exit code 1."""
    print(f"clerkship: {message}", file=sys.stderr)
    raise typer.Exit(1)


def _run_guarded(work: Callable[[], int]) -> NoReturn:
    """Run what starts other processes, leave none behind, and exit with its code."""
    from clerkship_hub.supervise import guarded

    def say_errors() -> int:
        try:
            return work()
        except HubError as error:
            print(f"clerkship: {error}", file=sys.stderr)
            return 1

    raise typer.Exit(guarded(say_errors))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = DEFAULT_PORT,
    home: Home = None,
    courses: Courses = None,
) -> None:
    """Start Clerkship on this machine: hub, demo course, module apps. Ctrl-C stops it."""
    from clerkship_hub import up as upping

    _run_guarded(
        lambda: upping.up(home or default_home(), port, courses=courses or CHECKOUT / "courses")
    )


@app.command()
def demo(
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here as well.")
    ] = None,
    home: Home = None,
    courses: Courses = None,
) -> None:
    """Walk the whole loop without a browser: release, answer, submit, grade, feedback."""
    from clerkship_hub import demo as demonstration

    _run_guarded(
        lambda: demonstration.demo(home, json_file, courses=courses or CHECKOUT / "courses")
    )


@app.command()
def build(
    course: Annotated[str | None, typer.Argument(help="Name of a course; all if left out.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to; ./build if left out.")
    ] = None,
    courses: Courses = None,
) -> None:
    """Turn course sources into notebooks, keys and app pages, for a look at them."""
    from clerkship_courses import CourseError, build_course
    from clerkship_hub.release import find_courses

    folder = courses or CHECKOUT / "courses"
    try:
        sources = [folder / course] if course else find_courses(folder)
        for source in sources:
            built = build_course(source, (out or Path("build")) / source.name)
            for module in built.modules:
                typer.echo(f"{module.notebook}  ({module.title}, {module.points:g} points)")
    except (CourseError, HubError) as error:
        fail(str(error))


@new.command("module")
def new_module(
    course: Annotated[str, typer.Argument(help="Name of the course, e.g. imaging-foundations.")],
    slug: Annotated[str, typer.Argument(help="Name of the new module, e.g. chest-radiograph.")],
    courses: Courses = None,
) -> None:
    """Make a module that builds at once, for you to edit."""
    from clerkship_courses import CourseError
    from clerkship_courses import new_module as make

    try:
        typer.echo(f"Made {make(courses or CHECKOUT / 'courses', course, slug)}")
    except CourseError as error:
        fail(str(error))


@cases.command("list")
def cases_list(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the cases: id, modality, title."""
    from clerkship_cases import CaseError, list_cases

    try:
        records = list_cases()
    except CaseError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps([record.model_dump(mode="json") for record in records], indent=1))
        return
    width = max((len(record.id) for record in records), default=0)
    for record in records:
        typer.echo(f"{record.id:<{width}}  {record.modality:<3} {record.title}")


@cases.command("show")
def cases_show(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the public record of a case: what it is, where it comes from, who says so."""
    from clerkship_cases import CaseError, open_case

    try:
        record = open_case(case).record
    except CaseError as error:
        fail(str(error))
    content = record.model_dump(mode="json", exclude_none=True)
    if as_json:
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    width = max(len(name) for name in content)
    for name, value in content.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        typer.echo(f"{name:<{width}}  {text}")


@cases.command("check")
def cases_check() -> None:
    """Check every case: its record, its image file, and its key where there is one."""
    from clerkship_cases import CaseError, list_cases, open_case
    from clerkship_cases.key import key_root, open_key

    problems = []
    try:
        names = [record.id for record in list_cases()]
        keys = sorted(file.parent.name for file in key_root().glob("*/key.yml"))
    except CaseError as error:
        fail(str(error))
    for name in sorted({*names, *keys}):
        try:
            open_case(name).volume  # noqa: B018  (opening it is the check)
            if name in keys:
                open_key(name)
        except CaseError as error:
            problems.append(str(error))
    if problems:
        fail("\n".join(problems))
    typer.echo(f"{len(names)} cases and {len(keys)} keys are in order.")


def main() -> None:
    """Run the command line."""
    app(prog_name="clerkship")
