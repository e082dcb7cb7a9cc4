"""How cases look in a terminal: tables there, plain columns in a pipe, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from clerkship_cases import CaseRecord
    from clerkship_cases.search_idc import IdcSeries
    from clerkship_cases.sources.download import Line

#: Fields of a record in the order in which a person wants them, and what they are called.
_SHOWN = {
    "abstract": "about",
    "history": "history",
    "view": "view",
    "body_part": "body part",
    "anatomy": "to be seen",
    "objectives": "objectives",
    "keywords": "keywords",
    "findings_public": "may be said",
    "difficulty": "difficulty",
    "licence": "licence",
    "attribution": "attribution",
    "authors": "written by",
}


def fail(message: str) -> NoReturn:
    """Say in one sentence what is in the way, and end with exit code 1."""
    print(f"clerkship: {message}", file=sys.stderr)
    raise typer.Exit(1)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what a case has to complain about into a sentence and exit code 1."""
    from clerkship_cases import CaseError

    try:
        yield
    except CaseError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped. What has arrived is kept; the same command goes on from there.")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: a table that fits the terminal, or whole lines where there is none."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="dim", show_header=bool(rows))
        for number, name in enumerate(head):
            table.add_column(
                name,
                no_wrap=number == 0,
                style="bold" if number == 0 else None,
                overflow="ellipsis",
            )
        for row in rows:
            table.add_row(*(_plain(cell) for cell in row))
        Console(highlight=False).print(table)
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))] if rows else []
    for row in rows:
        typer.echo("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def print_series(found: Sequence[IdcSeries]) -> None:
    """Print series of the commons: two lines each in a terminal, one in a pipe, its UID first."""
    if not sys.stdout.isatty():
        print_table(
            ("series",) * 9,
            [
                (
                    one.series_uid, one.modality, one.collection, one.patient, one.description,
                    str(one.instances), f"{one.size_mb:.1f} MB", one.licence_code, " ".join(one.annotations),
                )
                for one in found
            ],
        )  # fmt: skip
        return
    from rich.console import Console

    console = Console(highlight=False)
    for one in found:
        images = f"{one.instances} image{'s' * (one.instances != 1)}, {one.size_mb:.1f} MB"
        drawn = f"{', '.join(one.annotations)} in the study" if one.annotations else ""
        parts = (one.collection, one.patient, images, one.licence_code, drawn)
        console.print(
            f"{one.modality} [bold]{_plain(one.description or '(no description)')}[/] "
            f"{_plain(' · '.join(part for part in parts if part))}\n   [dim]{one.series_uid}[/]",
            soft_wrap=True,
        )


def print_record(record: CaseRecord, where: str) -> None:
    """Show what a case says to a student, and where its images are."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    console.print(f"[bold]{_plain(record.title)}[/]", soft_wrap=True)
    console.print(f"[dim]{record.id} · {record.modality} · {where}[/]\n", soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for field, name in _SHOWN.items():
        text = _said(getattr(record, field))
        if text:
            table.add_row(name, _plain(text))
    review = record.reviewed
    checked = (
        f"{review.level}, {review.by}, {review.on}" if review.level != "none" else "by nobody yet"
    )
    table.add_row("checked", _plain(checked))
    table.add_row("said by", record.said_by)
    console.print(table)


@contextmanager
def progress_line(what: str) -> Iterator[Line]:
    """Show a bar while files arrive; nothing where there is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from clerkship_cases.sources.download import Line

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=False),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)
        yield Line(
            advance=lambda count: bar.advance(task, count),
            expect=lambda total: bar.update(task, total=total),
        )


def size_text(count: float) -> str:
    """Write bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.1f} {unit}"


def _said(value: object) -> str:
    if isinstance(value, tuple):
        lines = [str(getattr(item, "text", item)) for item in value]
        if any(len(line) > 40 for line in lines):
            return "\n".join(f"– {line}" for line in lines)
        return ", ".join(lines)
    return str(value or "")


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
