"""The index of the Imaging Data Commons as a file that a search can scan in a blink.

``idc-index-data`` ships a million series as a Parquet file, which takes seconds to decode. It is turned
once into an Arrow file that is mapped into memory: columns that repeat are kept as small whole numbers
(codes) and a list of the few different strings, so that a word is looked up in the strings and the
million rows are compared as numbers. The file is kept in the cache, one for each version of the index.

What the index does not say is added from its rows: which kinds of annotation lie in the same study.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.errors import CaseError
from clerkship_cases.store import FILE_MODE, FileStore, alone

#: Raised when what the file holds changes.
_FORMAT = 1

#: Columns with few different values, kept as codes.
CODED = (
    "collection_id",
    "analysis_result_id",
    "PatientID",
    "StudyInstanceUID",
    "source_DOI",
    "PatientAge",
    "PatientSex",
    "StudyDescription",
    "BodyPartExamined",
    "Modality",
    "SeriesDescription",
    "license_short_name",
    "aws_bucket",
)
_PLAIN = ("SeriesInstanceUID", "crdc_series_uuid")

#: Bits of ``annotations``: what lies in the same study as a series. The index does not say which series
#: an annotation was drawn on.
SEG, SR, RTSTRUCT, BY_PEOPLE = 1, 2, 4, 8
ANNOTATION_BITS = {"SEG": SEG, "SR": SR, "RTSTRUCT": RTSTRUCT}

#: Analysis results whose contours a program drew. Source: their titles and descriptions in the index.
MADE_BY_PROGRAM = frozenset(
    {
        "bamf_aimi_annotations",
        "nnu_net_bpr_annotations",
        "pan_cancer_nuclei_seg_dicom",
        "prostatex_seg_hires",
        "prostatex_seg_zones",
        "qin_lungct_seg",
        "tcga_gbm360",
        "tcga_sbu_til_maps",
        "totalsegmentator_ct_segmentations",
    }
)


@dataclass(frozen=True)
class Coded:
    """A column of few different values: ``words[codes[row]]``; an absent value is the empty string."""

    codes: NDArray[np.unsignedinteger[Any]]
    words: Any  # pyarrow.StringArray

    @cached_property
    def lower(self) -> Any:
        """The words in small letters."""
        import pyarrow.compute as pc

        return pc.utf8_lower(self.words)

    def rows_where(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Turn a choice of words into a choice of rows."""
        rows: NDArray[np.bool_] = wanted[self.codes]
        return rows

    def containing(self, part: str) -> NDArray[np.bool_]:
        """Tell which words contain a text, in capitals or small letters."""
        import pyarrow.compute as pc

        return _flags(pc.match_substring(self.lower, part.lower()))

    def equal_to(self, *values: str) -> NDArray[np.bool_]:
        """Tell which words are one of some values, in capitals or small letters."""
        wanted = {value.lower() for value in values}
        return np.array([str(word) in wanted for word in self.lower], np.bool_)

    def at(self, row: int) -> str:
        """Return the value of a row."""
        return str(self.words[int(self.codes[row])])


@dataclass(frozen=True)
class Described:
    """What is known in words about the values of a column: ``texts[codes[row]]``, in small letters."""

    codes: NDArray[np.unsignedinteger[Any]]
    texts: list[str]

    def rows_where(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Turn a choice of texts into a choice of rows."""
        rows: NDArray[np.bool_] = wanted[self.codes]
        return rows

    def containing(self, part: str) -> NDArray[np.bool_]:
        """Tell which texts contain a part."""
        return np.array([part.lower() in text for text in self.texts])


class IdcIndex:
    """A million series, mapped into memory; open it with :func:`open_index`."""

    def __init__(self, table: Any, release: str) -> None:
        self.release = release
        self.rows: int = table.num_rows
        self._plain = {name: table[name].chunk(0) for name in _PLAIN}
        self._coded: dict[str, Coded] = {}
        self._table = table
        self.instances: NDArray[np.int32] = _numbers(table, "instanceCount")
        self.size_mb: NDArray[np.float32] = _numbers(table, "series_size_MB")
        self.annotations: NDArray[np.uint8] = _numbers(table, "annotations")
        self.results: NDArray[np.uint32] = _numbers(table, "results")
        """Bit n: analysis result n (:attr:`result_names`) has an annotation in the same study."""

    def __getitem__(self, name: str) -> Coded:
        if name not in self._coded:
            column = self._table[name].chunk(0)
            self._coded[name] = Coded(_mapped(column.indices), column.dictionary)
        return self._coded[name]

    @property
    def result_names(self) -> list[str]:
        """Analysis results, in the order of the bits of ``results``."""
        return [str(name) for name in self["analysis_result_id"].words]

    def uid(self, row: int) -> str:
        """SeriesInstanceUID of a row."""
        return str(self._plain["SeriesInstanceUID"][row])

    def uuid(self, row: int) -> str:
        """``crdc_series_uuid`` of a row: the name of its folder in the bucket."""
        return str(self._plain["crdc_series_uuid"][row])

    def find(self, series_uid: str) -> int | None:
        """Row of a series."""
        import pyarrow.compute as pc

        near = _flags(pc.match_substring(self._plain["SeriesInstanceUID"], series_uid))
        rows = map(int, np.flatnonzero(near))
        return next((row for row in rows if self.uid(row) == series_uid), None)

    @cached_property
    def collection_texts(self) -> Described:
        """What the index says about each collection, for searching: names, diseases, places, description."""
        return self._described("collection_id", "collections_index.parquet")

    @cached_property
    def result_texts(self) -> Described:
        """What the index says about each analysis result, for searching."""
        return self._described("analysis_result_id", "analysis_results_index.parquet")

    def _described(self, column: str, file: str) -> Described:
        texts = _texts(file, column)
        names = [str(name) for name in self[column].words]
        return Described(self[column].codes, [texts.get(name, name).lower() for name in names])


def open_index(store: FileStore | None = None) -> IdcIndex:
    """Open the index of the installed ``idc-index-data``; the first call on a machine makes it.

    Raises
    ------
    CaseError
        If the package is absent, or the cache can't be written.
    """
    return _open((store or FileStore()).root)


def index_is_made(store: FileStore | None = None) -> bool:
    """Tell whether the index opens at once; else the next call of :func:`open_index` takes seconds.

    Raises
    ------
    CaseError
        If the package is absent.
    """
    return _path((store or FileStore()).root).is_file()


def _path(root: Path) -> Path:
    try:
        release = version("idc-index-data")
    except PackageNotFoundError as problem:
        raise CaseError(
            "the index of the Imaging Data Commons is not installed. Run `pip install idc-index-data`."
        ) from problem
    return root / "idc-index" / f"{release}-{_FORMAT}.arrow"


@lru_cache(maxsize=2)
def _open(root: Path) -> IdcIndex:
    import pyarrow as pa

    path = _path(root)
    if not path.is_file():
        _make(path, FileStore(root))
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
    except (OSError, pa.ArrowInvalid) as problem:
        raise CaseError(
            f"{path}: is damaged ({problem}). Delete it; it is made again."
        ) from problem
    return IdcIndex(table, version("idc-index-data"))


def _make(path: Path, store: FileStore) -> None:
    """Turn the Parquet file into the Arrow file, in one process at a time, and name it when it is whole."""
    import pyarrow as pa

    try:
        folder = store.folder("idc-index")
        with alone(folder / ".lock"):
            if path.is_file():
                return
            part = folder / f".{path.name}-{os.getpid()}"
            try:
                table = _table()
                with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
                    out.write_table(table)
                part.chmod(FILE_MODE)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
    except OSError as problem:
        raise store.not_writable(problem) from problem


def _table() -> Any:
    """Read the columns that are needed, one after the other, each in its smallest form."""
    import idc_index_data
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = idc_index_data.IDC_INDEX_PARQUET_FILEPATH
    columns: dict[str, Any] = {}
    for name in CODED:
        read = pq.read_table(path, columns=[name], read_dictionary=[name])[name]
        columns[name] = _small(read.unify_dictionaries().combine_chunks())
    for name in _PLAIN:
        columns[name] = pq.read_table(path, columns=[name])[name].combine_chunks()
    for name, kind in (("instanceCount", pa.int32()), ("series_size_MB", pa.float32())):
        columns[name] = pq.read_table(path, columns=[name])[name].cast(kind).combine_chunks()
    columns["annotations"], columns["results"] = map(pa.array, _annotations(columns))
    return pa.table(columns).combine_chunks()


def _small(column: Any) -> Any:
    """Keep an absent value as the empty string, and the codes in the smallest whole number."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    words = column.dictionary.to_pylist()
    codes = column.indices.to_numpy(zero_copy_only=False)
    if column.null_count:
        codes = np.where(np.isnan(codes), len(words), codes)
        words = [*words, ""]
    kind = np.min_scalar_type(len(words))
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(kind)), pa.array(words, pa.string())
    )


def _annotations(columns: dict[str, Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Find for each series what annotations its study holds: kinds as bits, and analysis results as bits."""
    modality, result = (columns[name] for name in ("Modality", "analysis_result_id"))
    study = columns["StudyInstanceUID"].indices.to_numpy()
    kind_of = np.array([ANNOTATION_BITS.get(str(m), 0) for m in modality.dictionary], np.uint8)
    kinds = kind_of[modality.indices.to_numpy()]
    names = [str(name) for name in result.dictionary]
    if len(names) > 32:
        raise CaseError(f"the index names {len(names)} analysis results; room is for 32.")
    codes = result.indices.to_numpy()
    by_people = np.array([name not in MADE_BY_PROGRAM for name in names])[codes]
    kinds = kinds | np.where(by_people & (kinds & (SEG | RTSTRUCT) > 0), BY_PEOPLE, 0).astype(
        np.uint8
    )
    bit_of = np.array([0 if not name else 1 << n for n, name in enumerate(names)], np.uint32)
    bits = np.where(kinds > 0, bit_of[codes], 0).astype(np.uint32)
    studies = int(study.max()) + 1
    kinds_of_study = np.zeros(studies, np.uint8)
    results_of_study = np.zeros(studies, np.uint32)
    np.bitwise_or.at(kinds_of_study, study, kinds)
    np.bitwise_or.at(results_of_study, study, bits)
    return kinds_of_study[study], results_of_study[study]


@lru_cache(maxsize=4)
def _texts(file: str, key: str) -> dict[str, str]:
    """Everything that a small index says about each of its rows, as one text."""
    import idc_index_data
    import pyarrow.parquet as pq

    path = Path(idc_index_data.__file__).parent / file
    told = (
        "collection_name",
        "cancer_types",
        "tumor_locations",
        "analysis_result_title",
        "description",
    )
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return {
        str(row[key]): " ".join(str(row[name]) for name in (key, *told) if row.get(name))
        for row in rows
    }


def _numbers(table: Any, name: str) -> Any:
    return _mapped(table[name].chunk(0))


def _mapped(numbers: Any) -> Any:
    """Look at an Arrow array without nulls as NumPy does.

    Arrow's own ``to_numpy``, and whatever makes an Arrow array of a Python value, first load pandas,
    which takes longer than a search.
    """
    kind = np.dtype({"float": "float32"}.get(str(numbers.type), str(numbers.type)))
    return np.frombuffer(
        numbers.buffers()[1], kind, count=len(numbers), offset=numbers.offset * kind.itemsize
    )


def _flags(answers: Any) -> NDArray[np.bool_]:
    """Turn Arrow's packed yes and no, without nulls, into NumPy's."""
    import pyarrow as pa

    flags: NDArray[np.bool_] = _mapped(answers.cast(pa.uint8())).view(np.bool_)
    return flags
