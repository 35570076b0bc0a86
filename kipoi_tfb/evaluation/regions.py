"""What scorers are tested on: windows and their labels, from a binding matrix or from anyone's own files."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.evaluation.keyed_table import Keys, read_keyed
from tfb_matrix_data.contigs import plain_name, plain_names
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.fasta import read_sequences, sequence_windows
from tfb_matrix_data.files import file_name
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import Anchor, Intervals, no_contig_of, read_intervals
from tfb_matrix_data.lines import read_lines
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.names import cell_of, tf_of
from tfb_matrix_data.outputs import output_labels
from tfb_matrix_data.placing import has_window, place_windows
from tfb_matrix_data.sequence import UNKNOWN

__all__ = ["LabelledRegions", "from_matrix", "from_regions", "from_sequences", "from_two_files"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledRegions:
    """Windows with labels, and what tells them apart.

    Attributes
    ----------
    source
        What they are, for people.
    tfs
        Names of the label columns.
    codes
        uint8 (windows, length).
    labels
        int8 (windows, TFs): 1 bound, 0 unbound, -1 unresolved.
    keys
        Of all regions given, those whose window is not used included.
    kept
        int64 (windows,): the region of each window, an index into `keys`.
    chromosomes
        Those that the windows are on, in alphabetical order; none for sequences.
    streams
        A whole number per TF, for random draws of its own.
    """

    source: str
    tfs: tuple[str, ...]
    codes: NDArray[np.uint8]
    labels: NDArray[np.int8]
    keys: Keys
    kept: NDArray[np.int64]
    chromosomes: tuple[str, ...]
    streams: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def only(self, tfs: Sequence[str]) -> LabelledRegions:
        """Return the same windows with the labels of these TFs.

        Raises
        ------
        UnknownNameError
            If one has none.
        """
        for tf in tfs:
            if tf not in self.tfs:
                raise UnknownNameError(f"TF (in {self.source})", tf, self.tfs)
        at = [self.tfs.index(tf) for tf in tfs]
        return replace(self, tfs=tuple(tfs), labels=self.labels[:, at], streams=tuple(self.streams[i] for i in at))


def from_matrix(
    matrix: BindingMatrix,
    genome: Genome,
    chromosomes: Sequence[str],
    kind: Kind = "sparse",
    length: int | None = None,
    tfs: Sequence[str] | None = None,
    cell_types: Sequence[str] | None = None,
    regions: NDArray[np.int64] | None = None,
    agree: int = 1,
) -> LabelledRegions:
    """Return the regions of a binding matrix on some chromosomes; windows with an N are left out.

    Parameters
    ----------
    matrix, genome
        Labels and sequence.
    chromosomes
        Names.
    kind
        Which labels.
    length
        Of the windows, around the regions' centres; default that of the regions.
    tfs, cell_types
        Whose labels, and in which cell types; default all. A TF may be one in a cell type (``JUND@K562``).
    regions
        int64 indices: of the chromosomes, only these regions; default all.
    agree
        Cell types in which a region must be bound to count as bound; with fewer it is unresolved.

    Raises
    ------
    UnknownNameError
        If a chromosome has no region, or the matrix does not know a TF or a cell type.
    """
    places = matrix.regions
    length = length or places.length
    chosen = list(matrix.tfs if tfs is None else tfs)
    index = places.on(chromosomes)
    if regions is not None:
        index = index[np.isin(index, regions)]
    names = np.array(places.chrom_names)[places.chrom[index]]
    starts = places.start[index]
    codes = genome.around(names, starts + places.length // 2, length).codes
    kept = np.flatnonzero(~(codes == UNKNOWN).any(1))
    labels = output_labels(matrix, chosen, index[kept], kind, cell_types)
    in_cells = "" if cell_types is None else f", in {', '.join(cell_types)}"
    if agree > 1:
        labels[(labels == 1) & (matrix.cells_bound(chosen, index[kept], cell_types) < agree)] = -1
        in_cells += f", bound in {agree} or more cell types"
    return LabelledRegions(
        source=f"{matrix.path.name}, {', '.join(chromosomes)}{in_cells}",
        tfs=tuple(chosen),
        codes=codes[kept],
        labels=labels,
        keys=_keys(names, starts, starts + places.length),
        kept=kept,
        chromosomes=tuple(sorted(set(chromosomes))),
        streams=tuple(_stream(matrix, output) for output in chosen),
    )


def _stream(matrix: BindingMatrix, output: str) -> int:
    """Return the number of an output's random streams: the place of its TF, and behind all TFs those in cell types."""
    cell = cell_of(output)
    place = matrix.cell_types.index(cell) + 1 if cell else 0
    return matrix.tfs.index(tf_of(output)) + place * len(matrix.tfs)


def from_regions(
    bed: str | Path,
    labels: str | Path,
    genome: Genome,
    length: int,
    anchor: Anchor = "centre",
    chromosomes: Sequence[str] | None = None,
) -> LabelledRegions:
    """Return the regions of a BED file with the labels of a table.

    A window is cut around the centre (or the summit) as for `tfb predict`. Bases that are not known are kept, as
    there; only a window without any known base is left out.

    Parameters
    ----------
    bed
        BED or narrowPeak.
    labels
        TSV or Parquet: a column per TF with 1 (bound), 0 (unbound), or -1 or nothing (unresolved); a row per region in
        their order, or in any with the columns chrom, start and end.
    genome
        Sequence.
    length
        Of the windows.
    anchor
        Where windows are centred.
    chromosomes
        Only regions on these; default all.
    """
    intervals = read_intervals(bed)
    keys = _keys(intervals.chrom, intervals.start, intervals.end)
    chosen = _on(intervals, chromosomes)
    tfs, values = _read_labels(labels, keys, chosen)
    codes = _placed(intervals, genome, length, anchor, chosen)
    return _own(file_name(bed), tfs, codes, values, keys, intervals.chrom, chosen)


def from_sequences(fasta: str | Path, labels: str | Path, length: int) -> LabelledRegions:
    """Return the sequences of a FASTA file with the labels of a table, whose rows go by order or by a column name."""
    sequences = read_sequences(fasta)
    keys: Keys = [(name,) for name in sequences.name]
    tfs, values = _read_labels(labels, keys, np.ones(len(keys), bool))
    return _own(file_name(fasta), tfs, sequence_windows(sequences, length).codes, values, keys)


def from_two_files(
    positives: str | Path,
    negatives: str | Path,
    tf: str,
    length: int,
    genome: Genome | None = None,
    anchor: Anchor = "centre",
    chromosomes: Sequence[str] | None = None,
) -> LabelledRegions:
    """Return the bound regions of one file and the unbound ones of another, each BED (with a genome) or FASTA.

    Raises
    ------
    InputError
        If a region is in both, or one file is BED and the other FASTA.
    ConfigError
        If they are BED and there is no genome.
    """
    both = (read_lines(positives), read_lines(negatives))
    fasta = [lines.first.startswith(">") for lines in both]
    if fasta[0] != fasta[1]:
        raise InputError(negatives, f"is {_KINDS[fasta[1]]}, {positives} is {_KINDS[fasta[0]]}; give two of a kind")
    chosen: list[NDArray[np.bool_]] = []
    chroms: list[NDArray[np.str_]] = []
    windows, keys = [], []
    for lines in both:
        if fasta[0]:
            sequences = read_sequences(lines)
            windows.append(sequence_windows(sequences, length).codes)
            keys.append([(name,) for name in sequences.name])
            chosen.append(np.ones(len(sequences), bool))
            continue
        if genome is None:
            raise ConfigError(f"{lines.path} is BED: give the --genome that its regions are on")
        intervals = read_intervals(lines)
        chosen.append(_on(intervals, chromosomes))
        windows.append(_placed(intervals, genome, length, anchor, chosen[-1]))
        keys.append(_keys(intervals.chrom, intervals.start, intervals.end))
        chroms.append(intervals.chrom)
    shared = set(keys[0]) & set(keys[1])
    if shared and not fasta[0]:
        first: tuple = min(shared)
        place = "chr{}:{}-{}".format(*first)
        raise InputError(
            negatives,
            f"{len(shared)} region(s) are in {positives} too, such as {place}; is it bound or not?",
        )
    labels = np.repeat(np.array([1, 0], np.int8), [len(part) for part in windows])[:, None]
    source = f"{file_name(positives)} against {file_name(negatives)}"
    chrom_of = np.concatenate(chroms) if chroms else None
    return _own(source, (tf,), np.concatenate(windows), labels, [*keys[0], *keys[1]], chrom_of, np.concatenate(chosen))


def _placed(
    intervals: Intervals, genome: Genome, length: int, anchor: Anchor, chosen: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return the codes of the windows as `tfb predict` cuts them, and say which regions are not on the genome."""
    windows, flags = place_windows(intervals, genome, length, anchor)
    if not has_window(flags).any():
        raise InputError(intervals.path, no_contig_of(genome, np.unique(intervals.chrom).tolist()))
    texts, of = np.unique(flags, return_inverse=True)
    for flag, what in _OFF.items():
        at = np.flatnonzero(chosen & np.array([flag in text.split(";") for text in texts.tolist()])[of])
        if len(at):
            first = int(intervals.line[at[0]])
            logger.warning("%s: %d regions, the first in line %d, %s", file_name(intervals.path), len(at), first, what)
    return windows.codes


_OFF = {
    "unknown_contig": "are on contigs that the genome lacks, and are left out",
    "outside_contig": "have their window beyond the end of their contig, and are left out",
    "ends_beyond_contig": "end beyond their contig; is this the right assembly?",
}
"""What is said of regions with a flag of `tfb_matrix_data.placing`."""
_KINDS = {True: "FASTA", False: "BED"}


def _own(
    source: str,
    tfs: tuple[str, ...],
    codes: NDArray[np.uint8],
    labels: NDArray[np.int8],
    keys: Keys,
    chrom: NDArray[np.str_] | None = None,
    chosen: NDArray[np.bool_] | None = None,
) -> LabelledRegions:
    known = (codes < UNKNOWN).any(1)
    use = known if chosen is None else known & chosen
    unknown = int((~known).sum() if chosen is None else (chosen & ~known).sum())
    if unknown:
        logger.warning("%d windows of %s have no known base and are left out", unknown, source)
    kept = np.flatnonzero(use)
    if not len(kept):
        raise ConfigError(f"{source}: no window has a known base; is this the right genome?")
    return LabelledRegions(
        source=source,
        tfs=tfs,
        codes=codes[kept],
        labels=labels[kept],
        keys=keys,
        kept=kept,
        chromosomes=() if chrom is None else tuple(np.unique(chrom[kept]).tolist()),
        streams=tuple(zlib.crc32(tf.encode()) for tf in tfs),
    )


def _read_labels(path: str | Path, keys: Keys, needed: NDArray[np.bool_]) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Return the TFs and int8 labels (regions, TFs)."""
    table = read_keyed(path)
    for name, (value, row) in table.text.items():
        raise InputError(
            path,
            f"column {name!r} has the value {value!r}; a label is 1 (bound), 0 (unbound), or -1 or nothing "
            "(unresolved); take other columns out",
            table.line(row),
        )
    if not table.columns:
        raise InputError(path, "has no column of labels; expected one per TF, named by it")
    rows = table.align(keys, needed)
    labels = np.full((len(keys), len(table.columns)), -1, np.int8)
    for place, (name, values) in enumerate(table.columns.items()):
        wrong = ~(np.isin(values, (1, 0, -1)) | np.isnan(values))
        if wrong.any():
            at = int(wrong.argmax())
            raise InputError(
                path,
                f"column {name!r} has the value {values[at]:g}; a label is 1 (bound), 0 (unbound), or -1 or nothing "
                "(unresolved)",
                table.line(at),
            )
        labels[:, place] = np.where(rows < 0, -1, np.nan_to_num(values, nan=-1)[rows])
    return tuple(table.columns), labels


def _on(intervals: Intervals, chromosomes: Sequence[str] | None) -> NDArray[np.bool_]:
    if chromosomes is None:
        return np.ones(len(intervals), bool)
    chosen = np.isin(plain_names(intervals.chrom), [plain_name(name) for name in chromosomes])
    if not chosen.any():
        raise InputError(intervals.path, f"has no region on {', '.join(chromosomes)}")
    return chosen


def _keys(chrom: NDArray[np.str_], start: NDArray[np.int64], end: NDArray[np.int64]) -> Keys:
    names = map(plain_name, chrom.tolist())
    return list(zip(names, start.tolist(), end.tolist(), strict=True))
