"""What random variants do: the matched null of an entry, against which what an allele does becomes a percentile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kipoi_tfb.zoo.entry import Entry, own_file
from kipoi_tfb.zoo.fields import Sha256
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.errors import EntryError, InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.names import TF
from tfb_matrix_data.npz import read_arrays

__all__ = [
    "CLASSES",
    "FORMAT",
    "NULL_FILE",
    "PERCENTS",
    "UNMATCHED",
    "EffectNull",
    "NullRecord",
    "Signed",
    "allele_classes",
    "read_null",
    "write_null",
]

NULL_FILE = "null.npz"

FORMAT: Literal[2] = 2
"""Of the file."""

CLASSES = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G", "insertion", "deletion", "MNV")
"""Classes of alleles that have a null: substitutions, written as on the strand where REF is C or T; indels; several
bases replaced by as many."""

UNMATCHED = -1
"""Class of an allele without one: bases replaced by more or fewer."""

Signed = Literal["effect", "impact"]

_LOWER_HALF = (0, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 40)
_MOST_BINS, _MOST_BYTES = 100, 1 << 20
"""Bins of GC content, and bytes of what does not grow with the TFs."""
PERCENTS = (*_LOWER_HALF, 50, *(100 - percent for percent in reversed(_LOWER_HALF)))
"""Percentiles that are kept; closer at the ends, which is where one looks."""

_QUANTILES = ("effect", "impact", "activity", "largest")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_CLASS_OF = {
    pair: number
    for number, name in enumerate(CLASSES)
    if ">" in name
    for pair in (tuple(name.split(">")), tuple(name.translate(_COMPLEMENT).split(">")))
}
"""(REF, ALT) of a single base: the index of its class; the same for both strands."""


class NullRecord(Strict):
    """What a null was made of.

    Attributes
    ----------
    entry, weights_sha256
        The entry, and the weights whose effects these are.
    matrix_sha256, genome, genome_sha256
        Where the open regions and their sequence are from.
    chromosomes
        Whose regions.
    positions
        Places in them; at each there is a variant of every kind.
    seed, command, version
        With these the file can be made again, to the byte.
    """

    schema_version: Literal[2] = FORMAT
    entry: str
    weights_sha256: Sha256
    matrix_sha256: Sha256
    genome: str
    genome_sha256: Sha256
    chromosomes: tuple[str, ...]
    positions: int
    seed: int
    command: str
    version: str


@dataclass(frozen=True, eq=False)
class EffectNull:
    """Percentiles of what random variants do.

    Attributes
    ----------
    record
        What it was made of.
    tfs
        The entry's TFs.
    gc_edges
        Ascending GC contents (0 to 1) of the window with REF, between one bin and the next.
    counts
        int32 (classes, bins): variants.
    effect
        float16 (TFs, classes, bins, percents): `kipoi_tfb.models.logits.effect` at each of `PERCENTS`.
    impact
        float32 (TFs, classes, bins, percents): the same of `impact`, which may be of 1e-9 where a TF is not bound.
    activity
        float16 (TFs, bins, percents): logit of the better-bound allele, over all classes.
    largest
        float16 (classes, bins, percents): the largest impact over all TFs, without its sign.
    """

    record: NullRecord
    tfs: tuple[str, ...]
    gc_edges: NDArray[np.float64]
    counts: NDArray[np.int32]
    effect: NDArray[np.float16]
    impact: NDArray[np.float32]
    activity: NDArray[np.float16]
    largest: NDArray[np.float16]

    def percentile(
        self,
        score: Signed,
        tfs: NDArray[np.int64],
        values: NDArray[np.float32],
        classes: NDArray[np.int64],
        gc: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Return how many per cent of matched random variants have a smaller effect or impact.

        Parameters
        ----------
        score
            What is compared.
        tfs
            (columns,): indices of the TFs of `values`.
        values
            (alleles, columns), signed.
        classes
            (alleles,): of `allele_classes`.
        gc
            (alleles,): GC content of the window with REF.

        Returns
        -------
        numpy.ndarray
            float32 (alleles, columns), 0 to 100, in between linear from one of `PERCENTS` to the next; NaN for an
            allele that is `UNMATCHED`.
        """
        quantiles: NDArray[np.floating] = getattr(self, score)
        found = np.full(values.shape, np.nan, np.float32)
        for kind, gc_bin, rows in self._groups(classes, gc):
            if kind != UNMATCHED:
                found[rows] = _percentiles(values[rows], quantiles[tfs, kind, gc_bin])
        return found

    def activity_percentile(
        self, tfs: NDArray[np.int64], logits: NDArray[np.float32], gc: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return how many per cent of random variants of similar GC content have a less-bound better-bound allele.

        Parameters
        ----------
        tfs, gc
            As for `percentile`.
        logits
            (alleles, columns): of the better-bound allele.
        """
        found = np.empty(logits.shape, np.float32)
        for _, gc_bin, rows in self._groups(np.zeros(len(gc), np.int64), gc):
            found[rows] = _percentiles(logits[rows], self.activity[tfs, gc_bin])
        return found

    def largest_percentile(
        self, sizes: NDArray[np.float32], classes: NDArray[np.int64], gc: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return how many per cent of matched random variants have a smaller largest impact over all TFs.

        Parameters
        ----------
        sizes
            (alleles,): the largest magnitude of the impact over all TFs.
        classes, gc
            As for `percentile`.
        """
        found = np.full(sizes.shape, np.nan, np.float32)
        for kind, gc_bin, rows in self._groups(classes, gc):
            if kind != UNMATCHED:
                found[rows] = _percentiles(sizes[rows, None], self.largest[None, kind, gc_bin])[:, 0]
        return found

    def _groups(
        self, classes: NDArray[np.int64], gc: NDArray[np.float64]
    ) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Yield class, GC bin and rows of the alleles that have both."""
        bins = np.digitize(gc, self.gc_edges)
        for kind, gc_bin in np.unique(np.stack([classes, bins], 1), axis=0).tolist():
            yield kind, gc_bin, np.flatnonzero((classes == kind) & (bins == gc_bin))


def _percentiles(values: NDArray[np.float32], quantiles: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the percentiles of values (rows, columns) among quantiles (columns, percents)."""
    columns = zip(values.T, quantiles.astype(np.float64), strict=True)
    return np.stack([np.interp(own, known, PERCENTS) for own, known in columns], 1).astype(np.float32)


def allele_classes(refs: list[str], alts: list[str]) -> NDArray[np.int64]:
    """Return the class of each allele, int64: an index of `CLASSES`, or `UNMATCHED`.

    What the alleles have in common at their ends does not count: CA to CG is A to G, on the other strand T to C.

    Examples
    --------
    >>> [CLASSES[i] for i in allele_classes(["A", "CA", "CA", "C"], ["G", "CG", "C", "CTT"])]
    ['T>C', 'T>C', 'deletion', 'insertion']
    >>> [CLASSES[i] for i in allele_classes(["CA"], ["GT"])]
    ['MNV']
    >>> allele_classes(["CA", "C"], ["GTT", "C"]).tolist()
    [-1, -1]
    """
    return np.array([_allele_class(ref, alt) for ref, alt in zip(refs, alts, strict=True)], np.int64)


def _allele_class(ref: str, alt: str) -> int:
    found = _CLASS_OF.get((ref, alt))
    if found is not None:
        return found
    ref, alt = ref.upper(), alt.upper()
    n_end = _n_common(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - n_end], alt[: len(alt) - n_end]
    n_start = _n_common(ref, alt)
    ref, alt = ref[n_start:], alt[n_start:]
    if not ref or not alt:
        return UNMATCHED if ref == alt else CLASSES.index("deletion" if ref else "insertion")
    if len(ref) > 1 and len(ref) == len(alt):
        return CLASSES.index("MNV")
    return _CLASS_OF.get((ref, alt), UNMATCHED)


def _n_common(first: str, second: str) -> int:
    """Return how many letters two texts begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))


def write_null(null: EffectNull, path: str | Path) -> None:
    """Write a null as one file of arrays (npz, nothing pickled), the same bytes for the same null."""
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(
            stream,
            record=np.array(null.record.model_dump_json()),
            tfs=np.array(null.tfs),
            percents=np.array(PERCENTS, np.float64),
            gc_edges=null.gc_edges,
            counts=null.counts,
            **{name: getattr(null, name) for name in _QUANTILES},
        )


def _most_bytes(n_tfs: int) -> dict[str, int]:
    """Return how many bytes each array of a null of so many TFs may have."""
    quantiles = n_tfs * len(CLASSES) * _MOST_BINS * len(PERCENTS) * 4
    fixed = dict.fromkeys(("percents", "gc_edges", "counts"), _MOST_BYTES)
    return fixed | {"tfs": n_tfs * TF.longest * 4} | dict.fromkeys(_QUANTILES, quantiles)


def read_null(entry: Entry) -> EffectNull | None:
    """Return the null in an entry's folder; None if there is none.

    Raises
    ------
    EntryError
        If it is damaged, of another format, or was made for other weights or TFs than the entry has.
    """
    path = entry.folder / NULL_FILE
    if not path.exists():
        return None
    again = f"make it again: tfb null {entry.name} --matrix MATRIX --genome FASTA"
    try:
        own_file(entry.folder, NULL_FILE)
        fields = json.loads(str(read_arrays(path, {"record": _MOST_BYTES})["record"]))
        if fields["schema_version"] != FORMAT:
            raise EntryError(f"{path}: is of format {fields['schema_version']}, and {FORMAT} is read; {again}")
        record = NullRecord.model_validate(fields)
        arrays = read_arrays(path, _most_bytes(len(entry.card.tasks)))
        tfs, percents = tuple(arrays["tfs"].tolist()), tuple(arrays["percents"].tolist())
        quantiles = (arrays[name] for name in _QUANTILES)
        null = EffectNull(record, tfs, arrays["gc_edges"], arrays["counts"], *quantiles)
    except ValidationError as error:
        raise EntryError(f"{path}: {explain(error)}; {again}") from None
    except (InputError, ValueError) as error:
        raise EntryError(f"{path}: is damaged ({error}); {again}") from None
    if record.weights_sha256 != entry.card.weights.sha256:
        raise EntryError(
            f"{path}: was made for weights {record.weights_sha256[:12]}..., {entry.name} has "
            f"{entry.card.weights.sha256[:12]}...; {again}"
        )
    n_tfs, by_class = len(tfs), (len(CLASSES), len(null.gc_edges) + 1, len(PERCENTS))
    shapes = [(n_tfs, *by_class), (n_tfs, *by_class), (n_tfs, *by_class[1:]), by_class]
    fits = [getattr(null, name).shape for name in _QUANTILES] == shapes
    if tfs != entry.card.tasks or percents != PERCENTS or not fits:
        raise EntryError(f"{path}: does not fit the TFs of {entry.name}, or this version; {again}")
    return null
