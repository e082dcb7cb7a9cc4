"""``clerkship cases``, the writing half: add and remove a case, de-identify a study, add a reference."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clerkship_hub.cases_cli import AsJson, cases
from clerkship_hub.cases_view import fail, print_json, print_table, sentences

if TYPE_CHECKING:
    from clerkship_cases.importing import Scan

__all__ = ["cases"]

PASSPHRASE = "CLERKSHIP_MAPPING_PASSPHRASE"  # noqa: S105 - the name of a variable


@cases.command("add")
def cases_add(
    source: Annotated[str, typer.Argument(help="Folder, zip, DICOMDIR, file, or server address.")],
    *,
    case: Annotated[
        str | None, typer.Option("--id", help="Id of the new case; without it, SOURCE is listed.")
    ] = None,
    describe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A YAML file with what case.yml is to say."),
    ] = None,
    title: Annotated[str | None, typer.Option()] = None,
    body_part: Annotated[str | None, typer.Option()] = None,
    view: Annotated[str | None, typer.Option()] = None,
    history: Annotated[str | None, typer.Option()] = None,
    objective: Annotated[list[str] | None, typer.Option(help="May be given again.")] = None,
    difficulty: Annotated[str | None, typer.Option()] = None,
    licence: Annotated[str | None, typer.Option(help="In words.")] = None,
    licence_code: Annotated[str | None, typer.Option(help="SPDX, or LicenseRef-…")] = None,
    attribution: Annotated[str | None, typer.Option()] = None,
    said_by: Annotated[
        str | None, typer.Option(help="metadata, author, clinician or pathology.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="SeriesInstanceUID, of several.")] = None,
    part: Annotated[int | None, typer.Option(help="Which stack of the series, from 1.")] = None,
    references: Annotated[
        bool, typer.Option("--references", help="Also contours and reports of the study.")
    ] = False,
    remove_faces: Annotated[bool, typer.Option("--remove-faces")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a study as a case: de-identified, checked, all of it or nothing.

    clerkship cases add study.zip                    lists its series
    clerkship cases add study.zip --id hip-1 --title "…" …
    """
    from clerkship_cases.importing import CaseDraft, add_study, scan

    with sentences():
        if case is None:
            _list_source(scan(source), as_json=as_json)
            return
        from clerkship_cases.deidentify import Options

        said = {
            "title": title, "body_part": body_part, "view": view, "history": history,
            "objectives": objective, "difficulty": difficulty, "licence": licence,
            "licence_code": licence_code, "attribution": attribution, "said_by": said_by,
        }  # fmt: skip
        given = CaseDraft.read(describe).said if describe else {}
        draft = CaseDraft(**(given | {name: value for name, value in said.items() if value}))
        added = add_study(
            source,
            case,
            draft=draft,
            series_uid=series,
            part=part,
            references=references,
            options=Options(remove_faces=remove_faces),
            tell=lambda text: None if as_json else typer.echo(f"  {text}", err=True),
        )
    if as_json:
        print_json(
            {
                "id": added.record.id,
                "path": str(added.path),
                "images": added.images,
                "notes": added.notes,
                "references": added.references,
            }
        )
        return
    typer.echo(f"Added {added.record.id}: {added.images} images, {added.path}")
    for note in added.notes:
        typer.echo(f"  {note}")


def _list_source(found: Scan, *, as_json: bool) -> None:
    """Say what a source holds, so that a person can choose a series."""
    fields = ("series_uid", "modality", "description", "kind", "count")
    if as_json:
        series = [{field: getattr(one, field) for field in fields} for one in found.series]
        print_json({"series": series, "skipped": len(found.skipped), "notes": found.notes})
        return
    print_table(
        fields, [tuple(str(getattr(one, field)) for field in fields) for one in found.series]
    )
    for note in found.notes:
        typer.echo(note)
    if found.skipped:
        typer.echo(f"{len(found.skipped)} other files were left out.")
    if not found.images:
        fail("there is no image in it that could become a case.")
    typer.echo("\nAdd one with: clerkship cases add SOURCE --series SERIES --id …")


@cases.command("remove")
def cases_remove(
    case: Annotated[str, typer.Argument(help="Id of a case that was added here.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a case that was added here. Shipped cases stay; the key of a case is kept."""
    from clerkship_cases.library import find_case, is_added, remove_case

    with sentences():
        path = find_case(case)
        if is_added(path) and not yes and not as_json:
            typer.confirm(f"Remove {case} and its images ({path.parent})?", abort=True)
        gone = remove_case(case)
    if as_json:
        print_json({"removed": case, "path": str(gone)})
    else:
        typer.echo(f"Removed {case}. Its key, if it has one, is kept.")


@cases.command("deidentify")
def cases_deidentify(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A DICOM file or a folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="An empty or new folder.")],
    *,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was done, as JSON.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Keep old and new identifiers, encrypted with ${PASSPHRASE}."
        ),
    ] = None,
    remove_faces: Annotated[
        bool, typer.Option("--remove-faces", help="Remove faces from head volumes.")
    ] = False,
    find_text: Annotated[
        str, typer.Option(help="Look for text in pixels: auto, all or none.")
    ] = "auto",
    keep_age: Annotated[
        str, typer.Option(help="band (five years) or cap (90 and above).")
    ] = "band",
    drop_dates: Annotated[
        bool, typer.Option("--drop-dates", help="Empty dates instead of shifting them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write de-identified copies of DICOM files; what can't be made safe is refused, with the reason."""
    from clerkship_cases.deidentify import Options, deidentify_files

    text: dict[str, Any] = {"auto": "auto", "all": True, "none": False}
    if find_text not in text or keep_age not in ("band", "cap"):
        fail("--find-text is auto, all or none; --keep-age is band or cap.")
    if not source.exists():
        fail(f"{source} does not exist.")
    passphrase = os.environ.get(PASSPHRASE) if mapping else None
    if mapping and not passphrase:
        passphrase = typer.prompt("Passphrase of the mapping", hide_input=True, err=True)
    options = Options(
        find_text=text[find_text],
        remove_faces=remove_faces,
        keep_age="cap" if keep_age == "cap" else "band",
        shift_dates=not drop_dates,
    )
    with sentences():
        done = deidentify_files(
            _files_of(source), out, options=options, mapping=mapping, passphrase=passphrase
        )
        if report:
            _write_report(report, done.to_json())
    if as_json:
        typer.echo(done.to_json())
    else:
        counts = done.counts
        typer.echo(
            f"{counts['written']} of {counts['read']} files written to {out}, "
            f"{counts['refused']} refused."
        )
        for refusal in done.refused:
            typer.echo(f"  refused {refusal.path}: {refusal.reason}")
        for warning in done.warnings:
            typer.echo(f"  {warning}")
    if not done.files:
        raise typer.Exit(1)


def _files_of(source: Path) -> list[Path]:
    """Files of a folder, in order; links are not followed out of it."""
    if source.is_file():
        return [source]
    return sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())


def _write_report(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        fail(f"{path} can't be written ({problem.strerror}); the images were.")


@cases.command("reference")
def cases_reference(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    *,
    file: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="A DICOM SEG, SR, RTSTRUCT or GSPS.")
    ],
    name: Annotated[str, typer.Option(help="What tasks call it, e.g. lesion.")],
    title: Annotated[str, typer.Option(help="What it is, in words for the feedback.")],
    who: Annotated[str, typer.Option(help="metadata, author, clinician or pathology.")],
    reader: Annotated[str, typer.Option(help="A pseudonym or a role, e.g. radiologist-1.")],
    how: Annotated[str, typer.Option(help="How it was made.")],
    reviewed: Annotated[
        str, typer.Option(help="none, self, second reader, panel, pathology or follow-up.")
    ] = "none",
    reviewed_by: Annotated[str | None, typer.Option(help="Who looked; a role will do.")] = None,
    reviewed_on: Annotated[
        datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Which finding of the file, if it has several.")
    ] = None,
    by_position: Annotated[
        bool, typer.Option("--by-position", help="Place it by position, not by image UIDs.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace this reader's earlier reading.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add one reader's finding to the key of a case, from a standard file."""
    from clerkship_cases import open_case
    from clerkship_cases.reference import add_reference, from_file

    with sentences():
        opened = open_case(case)
        readings = from_file(file, opened, by_position=by_position)
        chosen = [one for one in readings if label in (None, one.label)]
        if len(chosen) != 1:
            known = ", ".join(sorted({one.label for one in readings})) or "none"
            fail(f"{file} holds {len(readings)} findings ({known}); say which with --label.")
        choices: dict[str, Any] = {"who": who, "reviewed": reviewed}
        path = add_reference(
            opened,
            chosen[0],
            name=name,
            title=title,
            how=how,
            reader=reader,
            reviewed_by=reviewed_by,
            reviewed_on=reviewed_on.date() if reviewed_on else None,
            replace=replace,
            **choices,
        )
    if as_json:
        print_json({"case": case, "name": name, "reader": reader, "path": str(path)})
    else:
        typer.echo(f"Added {name} by {reader} to {path}")
