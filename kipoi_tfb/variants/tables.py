"""Files of variant effects: what is in them, and tables; `kipoi_tfb.variants.vcf` has the annotated VCF.

All are made of pieces that can be written at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.output.pieces import Joined
from kipoi_tfb.output.table_pieces import joined_table, write_piece
from kipoi_tfb.output.tables import FORMATS, Notes, Table
from kipoi_tfb.variants.columns import FIXED, HAPLOTYPE, LINE, SCORES, TIDY, VEFF2
from kipoi_tfb.zoo.entry import Entry, entry_titles
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.variants import VariantChunk

__all__ = ["EffectFile", "EffectTable", "ScoredChunk", "Veff2Table", "effect_format"]

_VEFF2_FIXED = {"chrom": "#CHROM", "pos": "POS", "id": "ID", "ref": "REF", "alt": "ALT"}

_VCF = (".vcf", ".vcf.gz")


class ScoredChunk(NamedTuple):
    """Records and what came of their alleles.

    Attributes
    ----------
    records
        The records and their alleles.
    status, flags, normal
        Of each allele; `normal` from `tfb_matrix_data.alleles.normal_texts`.
    values
        float32 (alleles, TFs) for each of `SCORES` that is wanted; NaN where there is none.
    line
        (alleles,) for each of `HAPLOTYPE` and `LINE` that is wanted: float32, NaN where there is none; or text, of
        dtype object, ``"."`` where there is none.
    """

    records: VariantChunk
    status: list[str]
    flags: list[str]
    normal: list[str]
    values: Mapping[str, NDArray[np.float32]]
    line: Mapping[str, NDArray]


class EffectFile(Protocol):
    """A format."""

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write a chunk as a file of its own."""

    def joined(self, output: Path) -> AbstractContextManager[Joined]:
        """Return a context that gives what joins the pieces and, when it ends well, leaves them at `output`."""

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many rows there must be."""


def effect_format(path: str | Path) -> str:
    """Return the format that a file's name asks for: a table's, ``.vcf`` or ``.vcf.gz`` (also called ``.vcf.bgz``).

    Raises
    ------
    InputError
        If the ending is none of them.
    """
    name = Path(path).name.lower().replace(".hdf5", ".h5").replace(".vcf.bgz", ".vcf.gz")
    for ending in (".vcf.gz", ".vcf", *FORMATS):
        if name.endswith(ending) and name != ending:
            return ending
    wanted = ", ".join((*_VCF, *FORMATS))
    raise InputError(path, f"cannot tell the format from the ending {Path(path).suffix!r}; use one of {wanted}")


class EffectTable:
    """One row per allele; tidy: one per allele and TF.

    Parameters
    ----------
    tfs
        Names of the columns.
    tidy
        Long form.
    about
        What the file says of the run, where its format has a place for that.
    ending
        Of the file, one of `kipoi_tfb.output.tables.FORMATS`: what pieces are for.

    Raises
    ------
    ConfigError
        If two columns would have one name.
    """

    def __init__(
        self, tfs: Sequence[str], tidy: bool = False, about: Mapping[str, str] | None = None, ending: str = ".tsv"
    ) -> None:
        self.tfs, self.tidy, self.about, self.ending = list(tfs), tidy, about or {}, ending
        names = Counter(f"{tf}_{score}" for tf in tfs for score in SCORES)
        if twice := next((name for name, n in names.items() if n > 1), None):
            raise ConfigError(f"two columns would be called {twice}; choose TFs with --tfs")

    @property
    def notes(self) -> Notes:
        """Return what the file says of itself: the run, and the meaning of every column there may be."""
        if self.tidy:
            scores = {TIDY.get(name, name): said for name, said in SCORES.items()}
            return Notes(self.about, FIXED | HAPLOTYPE | {"tf": "the TF that the scores are of"} | scores)
        scores = {f"{tf}_{name}": f"{tf}: {said}" for tf in self.tfs for name, said in SCORES.items()}
        return Notes(self.about, FIXED | HAPLOTYPE | LINE | scores)

    def write_piece(self, path: Path, chunk: ScoredChunk) -> None:
        """Write the rows of a chunk."""
        write_piece(path, self.table(chunk), self.ending)

    def table(self, chunk: ScoredChunk) -> Table:
        """Return the rows of a chunk: columns of `FIXED`, the allele's line (if tidy: of `HAPLOTYPE`), then scores."""
        columns = _fixed(chunk) | dict(chunk.line)
        if not self.tidy:
            for i, tf in enumerate(self.tfs):
                columns |= {f"{tf}_{name}": values[:, i] for name, values in chunk.values.items()}
            return columns
        columns = {name: np.repeat(values, len(self.tfs)) for name, values in columns.items()}
        columns["tf"] = _objects(self.tfs * len(chunk.status))
        return columns | {TIDY.get(name, name): values.ravel() for name, values in chunk.values.items()}

    def joined(self, output: Path) -> AbstractContextManager[Joined]:
        """Return what joins the pieces as one table, piece by piece."""
        return joined_table(output, self.notes)

    def n_rows(self, records: int, alleles: int) -> int:
        """Return how many rows the alleles must have."""
        return alleles * len(self.tfs) if self.tidy else alleles


class Veff2Table(EffectTable):
    """A wide table with the column names of kipoi-veff2: ``#CHROM``, ..., then ``ENTRY/TF/FUNCTION``, by function.

    Status, flags and what it has no names for come after these.

    Parameters
    ----------
    tfs
        Names of the columns, with or without their entry's (``entry/TF``).
    sources
        The entry of each.
    about, ending
        As of `EffectTable`.
    """

    def __init__(
        self,
        tfs: Sequence[str],
        sources: Sequence[Entry],
        about: Mapping[str, str] | None = None,
        ending: str = ".tsv",
    ) -> None:
        super().__init__(tfs, about=about, ending=ending)
        entries = list({id(entry): entry for entry in sources}.values())
        titles = dict(zip(map(id, entries), entry_titles(entries), strict=True))
        self.targets = [f"{titles[id(entry)]}/{_task(tf, entry)}" for tf, entry in zip(tfs, sources, strict=True)]

    @property
    def notes(self) -> Notes:
        """Return what the file says of itself."""
        fixed = {_VEFF2_FIXED.get(name, name): said for name, said in FIXED.items()}
        scores = {
            f"{target}/{VEFF2.get(name, name)}": f"{target}: {said}"
            for target in self.targets
            for name, said in SCORES.items()
        }
        return Notes(self.about, fixed | HAPLOTYPE | LINE | scores)

    def table(self, chunk: ScoredChunk) -> Table:
        """Return the rows of a chunk."""
        fixed = _fixed(chunk)
        columns = {name: fixed.pop(ours) for ours, name in _VEFF2_FIXED.items()}
        for score in sorted(chunk.values, key=lambda score: score not in VEFF2):
            for i, target in enumerate(self.targets):
                columns[f"{target}/{VEFF2.get(score, score)}"] = chunk.values[score][:, i]
        return columns | fixed | dict(chunk.line)


def _task(column: str, entry: Entry) -> str:
    """Return the TF of a column, which may have the entry's name before it, or that alone."""
    named = [tf for tf in entry.card.tasks if column == tf or column.endswith(f"/{tf}")]
    return max(named, key=len) if named else entry.card.tasks[0]


def _fixed(chunk: ScoredChunk) -> dict[str, NDArray]:
    """Return the columns that do not depend on the TFs."""
    variants = chunk.records.variants
    return {
        "chrom": _objects(variants.chrom),
        "pos": variants.pos,
        "id": _objects(variants.id),
        "ref": _objects(variants.ref),
        "alt": _objects(variants.alt),
        "normal": _objects(chunk.normal),
        "status": _objects(chunk.status),
        "flags": _objects(chunk.flags),
    }


def _objects(values: Sequence[str]) -> NDArray:
    """Return text as objects: as fixed-width text, one allele of 100 kb would make every row as wide."""
    column = np.empty(len(values), object)
    column[:] = values
    return column
