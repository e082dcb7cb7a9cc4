"""The ``clerkship`` command: ``up``, ``demo``, ``build``, ``new``, ``cases``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from clerkship_hub.cases_bring import cases
from clerkship_hub.cases_view import fail
from clerkship_hub.errors import HubError
from clerkship_hub.settings import CHECKOUT, DEFAULT_PORT, default_home

app = typer.Typer(
    help="Clerkship: medical courseware on Jupyter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
new = typer.Typer(help="Start something new.", no_args_is_help=True)
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


def main() -> None:
    """Run the command line."""
    app(prog_name="clerkship")
