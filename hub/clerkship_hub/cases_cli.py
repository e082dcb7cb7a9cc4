"""``clerkship cases``, the reading half: list, show, search, get, check."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clerkship_hub.cases_view import (
    fail,
    print_json,
    print_record,
    print_series,
    print_table,
    progress_line,
    sentences,
    size_text,
)

if TYPE_CHECKING:
    from clerkship_cases.check import Verdict
    from clerkship_cases.fetching import Fetched
    from clerkship_cases.search_idc import Found, IdcQuery

cases = typer.Typer(help="The case library: find, get, add and check cases.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
AllowNc = Annotated[
    bool, typer.Option("--allow-nc", help="Also licences that forbid commercial use.")
]


@cases.command("list")
def cases_list(as_json: AsJson = False) -> None:
    """List the cases: id, modality, title, where the images come from."""
    from clerkship_cases import list_cases

    with sentences():
        records = list_cases()
    if as_json:
        print_json([record.model_dump(mode="json") for record in records])
        return
    print_table(
        ("case", "", "title", "source"),
        [(r.id, r.modality, r.title, r.source.kind) for r in records],
    )


@cases.command("show")
def cases_show(
    case: Annotated[str, typer.Argument(help="Id of the case.")], as_json: AsJson = False
) -> None:
    """Show the public record of a case: what it is, where it comes from, who says so."""
    from clerkship_cases import CaseError, open_case

    with sentences():
        opened = open_case(case)
    if as_json:
        print_json(opened.record.model_dump(mode="json", exclude_none=True))
        return
    try:
        count = len(opened.files)
        where = f"{opened.record.source.kind}, {count} file{'s' * (count > 1)} on this machine"
    except CaseError:
        where = f"{opened.record.source.kind}, not on this machine: clerkship cases get {case}"
    print_record(opened.record, where)


@cases.command("search")
def cases_search(
    words: Annotated[list[str] | None, typer.Argument(help="Words, all of which must fit.")] = None,
    *,
    idc: Annotated[
        bool, typer.Option("--idc", help="In the NCI Imaging Data Commons (offline index).")
    ] = False,
    modality: Annotated[str, typer.Option(help="CT, MR, US, …")] = "",
    anatomy: Annotated[str, typer.Option(help="Body part or structure.")] = "",
    finding: Annotated[str, typer.Option(help="Finding or diagnosis; searches the keys.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX identifier, e.g. CC-BY-4.0.")] = "",
    difficulty: Annotated[str, typer.Option(help="introductory, intermediate, advanced.")] = "",
    source: Annotated[str, typer.Option(help="package, url, idc, dicomweb, folder.")] = "",
    collection: Annotated[str, typer.Option(help="Collection of the commons (--idc).")] = "",
    description: Annotated[str, typer.Option(help="Part of the series description (--idc).")] = "",
    annotations: Annotated[
        list[str] | None,
        typer.Option("--with", help="SEG, SR or RTSTRUCT in the same study (--idc)."),
    ] = None,
    max_mb: Annotated[float | None, typer.Option(help="Largest series in MB (--idc).")] = None,
    limit: Annotated[int, typer.Option(help="Series to show (--idc).", min=1, max=10_000)] = 12,
    allow_nc: AllowNc = False,
    as_json: AsJson = False,
) -> None:
    """Search the library, or the million series of the Imaging Data Commons; both without a network.

    clerkship cases search chest CT
    clerkship cases search --idc chest CT nodule with expert contours
    """
    text = " ".join(words or ())
    if idc:
        from clerkship_cases.search_idc import IdcQuery

        if finding or difficulty or source:
            fail("--finding, --difficulty and --source belong to the library; leave out --idc.")
        query = IdcQuery(
            text,
            collection=collection,
            modality=modality,
            body_part=anatomy,
            description=description,
            licence=licence,
            max_mb=max_mb,
            with_annotations=frozenset(name.upper() for name in annotations or ()),
            allow_nc=allow_nc,
        )
        _search_idc(query, limit, as_json=as_json)
        return
    from clerkship_cases.search import CaseQuery, search_library

    if collection or description or annotations or max_mb is not None:
        fail("--collection, --description, --with and --max-mb belong to --idc; add it.")
    with sentences():
        hits = search_library(
            CaseQuery(text, modality, anatomy, finding, licence, difficulty, source)
        )
    if as_json:
        print_json(
            [
                {**hit.record.model_dump(mode="json"), "score": hit.score, "said_in": hit.said_in}
                for hit in hits
            ]
        )
        return
    if not hits:
        typer.echo("No case fits. `clerkship cases search --idc …` looks in a million more series.")
        return
    print_table(
        ("case", "", "title", "difficulty", "licence"),
        [
            (
                h.record.id,
                h.record.modality,
                h.record.title,
                h.record.difficulty,
                h.record.licence_code or "",
            )
            for h in hits
        ],
    )


def _search_idc(query: IdcQuery, limit: int, *, as_json: bool) -> None:
    from clerkship_cases.search_idc import search_idc

    with sentences():
        _make_index()
        found = search_idc(query, limit=limit)
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    _print_found(found)


def _make_index() -> None:
    """Say why the first search on a machine takes some seconds."""
    from clerkship_cases.idc_index import index_is_made, open_index
    from clerkship_hub.voice import Voice

    if not index_is_made():
        with Voice().step("Preparing the index of the Imaging Data Commons (once)"):
            open_index()


def _print_found(found: Found) -> None:
    nc = (
        f" {found.left_out_nc} more forbid commercial use (--allow-nc)."
        if found.left_out_nc
        else ""
    )
    if not found.total:
        typer.echo(f"No series fits.{nc}")
        return
    names = found.collections
    typer.echo(f"{found.total:,} series in {len(names)} collection{'s' * (len(names) > 1)}.{nc}\n")
    if len(names) > 1:
        print_table(
            ("collection", "series", "patients"),
            [(c.collection, f"{c.series:,}", f"{c.patients:,}") for c in names[:8]],
        )
        typer.echo("")
    print_series(found.series)
    typer.echo("\nGet one with: clerkship cases get --idc SERIES --to FOLDER")


@cases.command("get")
def cases_get(
    names: Annotated[list[str] | None, typer.Argument(help="Cases to get.")] = None,
    idc: Annotated[
        list[str] | None,
        typer.Option("--idc", metavar="SERIES", help="Series of the Imaging Data Commons."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Also copy the images there.")
    ] = None,
    allow_nc: AllowNc = False,
    as_json: AsJson = False,
) -> None:
    """Bring images to this machine: resumed, checked, and kept once for everybody.

    CLERKSHIP_MIRROR names a folder that is looked in before the internet.
    """
    from clerkship_cases import open_case
    from clerkship_cases.fetching import fetch_case, fetch_source, refuse_non_commercial
    from clerkship_cases.search_idc import find_series

    if not names and not idc:
        fail("say which case, or --idc SERIES. `clerkship cases list` lists the cases.")
    told: list[dict[str, object]] = []
    with sentences():
        for name in names or ():
            case = open_case(name)
            with progress_line(name) as line:
                got = fetch_case(case, line=line, allow_nc=allow_nc)
            told.append({"case": name, **dataclasses.asdict(got)})
            _say_got(name, got, quiet=as_json)
            if to:
                _copy_out(open_case(name).files, to / name)
        if idc:
            _make_index()
        for uid in idc or ():
            series = find_series(uid)
            refuse_non_commercial(series.licence_code, f"series {uid}", allow_nc=allow_nc)
            with progress_line(series.description or series.modality) as line:
                got = fetch_source(series.source, Path(), line=line)
            told.append(
                {"series": uid, "licence_code": series.licence_code, "doi": series.doi}
                | dataclasses.asdict(got)
            )
            _say_got(f"{series.collection} {series.patient}", got, quiet=as_json)
            if not as_json:
                typer.echo(f"  licence {series.licence_code}; cite doi:{series.doi}")
            if to:
                from clerkship_cases.sources import case_files

                _copy_out(case_files(uid, series.source, Path()), to / uid)
    if as_json:
        print_json(told)


def _say_got(name: str, got: Fetched, *, quiet: bool) -> None:
    if not quiet:
        came = f"{got.new_files} new" if got.new_files else "already here"
        typer.echo(f"{name}: {got.files} files, {size_text(got.bytes)}, {came}")


def _copy_out(files: tuple[Path, ...], folder: Path) -> None:
    """Copy stored images to a folder of the person's own, with names that other programs like."""
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(files, 1):
        shutil.copyfile(path, folder / f"{number:05d}.dcm")


@cases.command("check")
def cases_check(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check cases: record, licence, checksums, images, geometry, and references of the key."""
    from clerkship_cases.check import check_cases

    verdicts = []
    with sentences():
        for verdict in check_cases(names or ()):
            verdicts.append(verdict)
            if not as_json:
                _print_verdict(verdict)
    wrong = [verdict for verdict in verdicts if verdict.state == "wrong"]
    if as_json:
        print_json([dataclasses.asdict(verdict) for verdict in verdicts])
    else:
        fetched = sum(verdict.state == "in order" for verdict in verdicts)
        away = sum(verdict.state == "not fetched" for verdict in verdicts)
        findings = sum(verdict.findings for verdict in verdicts)
        typer.echo(
            f"\n{len(verdicts)} cases: {fetched} in order, {away} not fetched, {len(wrong)} wrong; "
            f"references inside their images: {findings}."
        )
    if wrong:
        raise typer.Exit(1)


def _print_verdict(verdict: Verdict) -> None:
    from rich.console import Console
    from rich.markup import escape

    marks = {"in order": "[green]✓[/]", "not fetched": "[dim]·[/]", "wrong": "[red]✗[/]"}
    slices = f"{verdict.slices} slice{'s' * (verdict.slices != 1)}" if verdict.slices else ""
    found = (
        f"{verdict.findings} reference{'s' * (verdict.findings != 1)}" if verdict.findings else ""
    )
    facts = ", ".join(part for part in (slices, found, *verdict.notes) if part)
    console = Console(highlight=False)
    console.print(f"{marks[verdict.state]} {verdict.case}  [dim]{escape(facts)}[/]", soft_wrap=True)
    for problem in verdict.problems:
        console.print(f"    [red]{escape(problem)}[/]", soft_wrap=True)
