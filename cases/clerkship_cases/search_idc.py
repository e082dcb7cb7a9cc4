"""Search the Imaging Data Commons without a network: filters, and words in whatever describes a series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.errors import CaseError
from clerkship_cases.idc_index import (
    ANNOTATION_BITS,
    BY_PEOPLE,
    RTSTRUCT,
    SEG,
    IdcIndex,
    open_index,
)
from clerkship_cases.licence import code_of_short_name, is_non_commercial
from clerkship_cases.modality import modalities_named, singular
from clerkship_cases.sources.kinds import IdcSource

#: Series that hold no image of a patient; they are found by asking for their modality.
_NO_IMAGES = (
    "SEG", "SR", "RTSTRUCT", "RTDOSE", "RTPLAN", "ANN", "PR", "KO", "REG", "RWV", "FUSION", "M3D",
)  # fmt: skip
_CONTOUR_WORDS = frozenset({"contour", "segmentation", "outline", "mask"})
_PEOPLE_WORDS = frozenset({"expert", "radiologist", "manual"})
_EMPTY_WORDS = frozenset(
    ["a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"]
)
_TEXT_COLUMNS = ("BodyPartExamined", "SeriesDescription", "StudyDescription")


@dataclass(frozen=True)
class IdcQuery:
    """What is looked for; everything that is given has to be met.

    Attributes
    ----------
    text : str
        Words. Each must occur in the description of the series, its study, body part, collection or in
        what is said about annotations of its study. A modality may be among them ("CT", "MRI"), and
        "contours" and "expert" ask for annotations, the second for some that no program drew.
    collection, modality, body_part, description : str
        Collection exactly, modality exactly; parts of body part and series description.
    licence : str
        SPDX identifier, e.g. ``"CC-BY-4.0"``. Non-commercial ones are found only if named here, or with
        ``allow_nc``.
    max_mb : float
        Largest size of a series in megabytes.
    with_annotations : frozenset of str
        Of SEG, SR, RTSTRUCT: any of these lies in the same study.
    """

    text: str = ""
    collection: str = ""
    modality: str = ""
    body_part: str = ""
    description: str = ""
    licence: str = ""
    max_mb: float | None = None
    with_annotations: frozenset[str] = frozenset()
    allow_nc: bool = False


@dataclass(frozen=True)
class IdcSeries:
    """A series of the commons as the index describes it."""

    series_uid: str
    study_uid: str
    collection: str
    patient: str
    modality: str
    body_part: str
    description: str
    instances: int
    size_mb: float
    licence_code: str
    doi: str
    annotations: tuple[str, ...]
    bucket: str
    crdc_series_uuid: str

    @property
    def source(self) -> IdcSource:
        """The series as a case names it."""
        return IdcSource(
            kind="idc",
            collection=self.collection,
            series_uid=self.series_uid,
            crdc_series_uuid=self.crdc_series_uuid,
            bucket=self.bucket,
            instances=self.instances,
        )


@dataclass(frozen=True)
class Collection:
    """How much of a collection was found."""

    collection: str
    series: int
    patients: int


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    total : int
        Series in all.
    collections : tuple of Collection
        The best first.
    series : tuple of IdcSeries
        As many as were asked for, taken from the collections in turn.
    left_out_nc : int
        Series that would also fit but must not be used in paid courses.
    """

    total: int
    collections: tuple[Collection, ...]
    series: tuple[IdcSeries, ...]
    left_out_nc: int


def search_idc(query: IdcQuery, *, limit: int = 20, index: IdcIndex | None = None) -> Found:
    """Find series.

    Raises
    ------
    CaseError
        If nothing was asked for, or the index can't be had.
    """
    index = index or open_index()
    rows, score, left_out = _matching(query, index)
    collections = index["collection_id"].codes[rows]
    order, counts = _best_collections(collections, score[rows])
    patients = index["PatientID"].codes
    told = []
    for code in order:
        here = rows[collections == code] if len(order) <= 200 else rows[:0]
        told.append(
            Collection(
                str(index["collection_id"].words[int(code)]),
                int(counts[code]),
                int(np.unique(patients[here]).size),
            )
        )
    chosen = _in_turn(rows, collections, order, limit)
    return Found(
        rows.size, tuple(told), tuple(series_at(index, int(row)) for row in chosen), left_out
    )


def matching_rows(query: IdcQuery, index: IdcIndex) -> NDArray[np.intp]:
    """Rows of the index that fit, in its order.

    Raises
    ------
    CaseError
        If nothing was asked for.
    """
    return _matching(query, index)[0]


def find_series(series_uid: str, index: IdcIndex | None = None) -> IdcSeries:
    """Look a series up by its SeriesInstanceUID.

    Raises
    ------
    CaseError
        If the commons have no such series.
    """
    index = index or open_index()
    row = index.find(series_uid)
    if row is None:
        raise CaseError(
            f"the Imaging Data Commons (index {index.release}) have no series {series_uid!r}. "
            f"`clerkship cases search --idc …` lists what there is."
        )
    return series_at(index, row)


def series_at(index: IdcIndex, row: int) -> IdcSeries:
    """Describe one row of the index."""
    bits = int(index.annotations[row])
    return IdcSeries(
        series_uid=index.uid(row),
        study_uid=index["StudyInstanceUID"].at(row),
        collection=index["collection_id"].at(row),
        patient=index["PatientID"].at(row),
        modality=index["Modality"].at(row),
        body_part=index["BodyPartExamined"].at(row),
        description=index["SeriesDescription"].at(row),
        instances=int(index.instances[row]),
        size_mb=round(float(index.size_mb[row]), 2),
        licence_code=code_of_short_name(index["license_short_name"].at(row)),
        doi=index["source_DOI"].at(row),
        annotations=tuple(name for name, bit in ANNOTATION_BITS.items() if bits & bit),
        bucket=index["aws_bucket"].at(row),
        crdc_series_uuid=index.uuid(row),
    )


def _matching(query: IdcQuery, index: IdcIndex) -> tuple[NDArray[np.intp], NDArray[np.uint8], int]:
    """Rows that fit, a score for every row, and how many fit but are non-commercial."""
    words, modalities, bits = _understand(query)
    masks = [
        index[column].rows_where(index[column].containing(part))
        for column, part in (
            ("BodyPartExamined", query.body_part),
            ("SeriesDescription", query.description),
        )
        if part
    ]
    if query.collection:
        column = index["collection_id"]
        masks.append(column.rows_where(column.equal_to(query.collection)))
    column = index["Modality"]
    if modalities:
        masks.append(column.rows_where(column.equal_to(*modalities)))
    else:
        masks.append(~column.rows_where(column.equal_to(*_NO_IMAGES)))
    masks += [index.annotations & wanted > 0 for wanted in bits]
    if query.max_mb is not None:
        masks.append(index.size_mb <= query.max_mb)
    score = np.zeros(index.rows, np.uint8)
    for word in words:
        points = _points(word, index)
        masks.append(points > 0)
        score += points
    fits: NDArray[np.bool_] = reduce(np.logical_and, masks)
    fits, left_out = _licensed(fits, query, index)
    return np.flatnonzero(fits), score, left_out


def _understand(query: IdcQuery) -> tuple[list[str], tuple[str, ...], list[int]]:
    """Split the words of a query into text, modalities, and bits of annotations that are wanted."""
    words: list[str] = []
    modalities: list[str] = [query.modality] if query.modality else []
    bits: list[int] = []
    if query.with_annotations:
        unknown = query.with_annotations - ANNOTATION_BITS.keys()
        if unknown:
            raise CaseError(
                f"{', '.join(sorted(unknown))}: no kind of annotation that is indexed; "
                f"there are {', '.join(ANNOTATION_BITS)}."
            )
        bits.append(sum(ANNOTATION_BITS[name] for name in query.with_annotations))
    for word in re.findall(r"[\w.-]+", query.text.lower()):
        stem = singular(word)
        if word in _EMPTY_WORDS:
            continue
        if codes := modalities_named(word):
            modalities += codes
        elif stem in _CONTOUR_WORDS:
            bits.append(SEG | RTSTRUCT)
        elif stem in _PEOPLE_WORDS:
            bits.append(BY_PEOPLE)
        else:
            words.append(stem)
    if not (
        words or modalities or bits or query.collection or query.body_part or query.description
    ):
        raise CaseError(
            "nothing was asked for. Say for instance `chest CT nodule with expert contours`, "
            "or --collection lidc_idri."
        )
    return words, tuple(modalities), bits


def _points(word: str, index: IdcIndex) -> NDArray[np.uint8]:
    """Say for every row how well a word fits: 0 not at all, more the closer it is to the series itself."""
    points = np.zeros(index.rows, np.uint8)
    texts = index.collection_texts
    points[texts.rows_where(texts.containing(word))] = 2
    results = index.result_texts.containing(word)
    if results.any():
        bits = np.uint32(sum(1 << int(n) for n in np.flatnonzero(results) if index.result_names[n]))
        points[(index.results & bits) > 0] = 3
    for name in _TEXT_COLUMNS:
        column = index[name]
        words = column.containing(word)
        if words.any():
            points[column.rows_where(words)] = 4
    return points


def _licensed(
    fits: NDArray[np.bool_], query: IdcQuery, index: IdcIndex
) -> tuple[NDArray[np.bool_], int]:
    column = index["license_short_name"]
    codes = [code_of_short_name(str(name)) for name in column.words]
    if query.licence:
        wanted = np.array([code.lower() == query.licence.lower() for code in codes])
        if not wanted.any():
            known = ", ".join(sorted(codes))
            raise CaseError(f"no series has the licence {query.licence!r}; there are {known}.")
        return fits & column.rows_where(wanted), 0
    if query.allow_nc:
        return fits, 0
    commercial = column.rows_where(np.array([not is_non_commercial(code) for code in codes]))
    allowed = fits & commercial
    return allowed, int(np.count_nonzero(fits) - np.count_nonzero(allowed))


def _best_collections(
    collections: NDArray[Any], score: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Order collections by how well their series fit on average, and by how many there are.

    The number counts by its logarithm: one stray series does not come before a thousand good ones.
    """
    counts = np.bincount(collections, minlength=1)
    means = np.bincount(collections, score, minlength=1) / np.maximum(counts, 1)
    order = np.argsort(-(1 + means) * np.log1p(counts), kind="stable")
    return order[counts[order] > 0], counts


def _in_turn(
    rows: NDArray[np.intp], collections: NDArray[Any], order: NDArray[np.intp], limit: int
) -> list[int]:
    """Take series from the collections in turn, so that a large one does not hide the others."""
    queues = [rows[collections == code][:limit] for code in order[:limit]]
    longest = max((queue.size for queue in queues), default=0)
    taken = [int(q[n]) for n in range(longest) for q in queues if n < q.size]
    return taken[:limit]
