"""What effects random variants have: the matched null of an entry, against which an effect becomes a percentile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kipoi_tfb.zoo.card import Sha256
from kipoi_tfb.zoo.config import Strict, explain
from kipoi_tfb.zoo.entry import Entry, own_file
from tfb_matrix_data.errors import EntryError, InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.names import TF
from tfb_matrix_data.npz import read_arrays

__all__ = [
    "CLASSES",
    "NULL_FILE",
    "PERCENTS",
    "UNMATCHED",
    "EffectNull",
    "NullRecord",
    "allele_classes",
    "read_null",
    "write_null",
]

NULL_FILE = "null.npz"

CLASSES = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G", "insertion", "deletion")
"""Classes of alleles that have a null: substitutions, written as on the strand where REF is C or T; indels."""

UNMATCHED = -1
"""Class of an allele without one: several bases replaced."""

_LOWER_HALF = (0, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 40)
_MOST_BINS = 100
"""Of GC content."""
PERCENTS = (*_LOWER_HALF, 50, *(100 - percent for percent in reversed(_LOWER_HALF)))
"""Percentiles that are kept; closer at the ends, which is where one looks."""

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

    schema_version: Literal[1] = 1
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
    """Percentiles of the effects of random variants.

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
    quantiles
        float16 (TFs, classes, bins, percents): the effect at each of `PERCENTS`.
    """

    record: NullRecord
    tfs: tuple[str, ...]
    gc_edges: NDArray[np.float64]
    counts: NDArray[np.int32]
    quantiles: NDArray[np.float16]

    def percentile(
        self,
        tfs: NDArray[np.int64],
        effects: NDArray[np.float32],
        classes: NDArray[np.int64],
        gc: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Return how many per cent of matched random variants have a smaller effect.

        Parameters
        ----------
        tfs
            (columns,): indices of the TFs of `effects`.
        effects
            (alleles, columns).
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
        found = np.full(effects.shape, np.nan, np.float32)
        bins = np.digitize(gc, self.gc_edges)
        for kind, gc_bin in np.unique(np.stack([classes, bins], 1), axis=0).tolist():
            if kind == UNMATCHED:
                continue
            rows = np.flatnonzero((classes == kind) & (bins == gc_bin))
            for column, quantiles in enumerate(self.quantiles[tfs, kind, gc_bin].astype(np.float64)):
                found[rows, column] = np.interp(effects[rows, column], quantiles, PERCENTS)
        return found


def allele_classes(refs: list[str], alts: list[str]) -> NDArray[np.int64]:
    """Return the class of each allele, int64: an index of `CLASSES`, or `UNMATCHED`.

    What the alleles have in common at their ends does not count: CA to CG is A to G, on the other strand T to C.

    Examples
    --------
    >>> [CLASSES[i] for i in allele_classes(["A", "CA", "CA", "C"], ["G", "CG", "C", "CTT"])]
    ['T>C', 'T>C', 'deletion', 'insertion']
    >>> allele_classes(["CA", "C"], ["GT", "C"]).tolist()
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
            quantiles=null.quantiles,
        )


def _most_bytes(n_tfs: int) -> dict[str, int]:
    """Return how many bytes each array of a null of so many TFs may have."""
    small = 1 << 20
    quantiles = n_tfs * len(CLASSES) * _MOST_BINS * len(PERCENTS) * 2
    fixed = dict.fromkeys(("record", "percents", "gc_edges", "counts"), small)
    return fixed | {"tfs": n_tfs * TF.longest * 4, "quantiles": quantiles}


def read_null(entry: Entry) -> EffectNull | None:
    """Return the null in an entry's folder; None if there is none.

    Raises
    ------
    EntryError
        If it is damaged, or was made for other weights or TFs than the entry has.
    """
    path = entry.folder / NULL_FILE
    if not path.exists():
        return None
    again = f"make it again: tfb null {entry.name} --matrix MATRIX --genome FASTA"
    try:
        arrays = read_arrays(own_file(entry.folder, NULL_FILE), _most_bytes(len(entry.card.tasks)))
        record = NullRecord.model_validate(json.loads(str(arrays["record"])))
        tfs, percents = tuple(arrays["tfs"].tolist()), tuple(arrays["percents"].tolist())
        null = EffectNull(record, tfs, arrays["gc_edges"], arrays["counts"], arrays["quantiles"])
    except ValidationError as error:
        raise EntryError(f"{path}: {explain(error)}; {again}") from None
    except (InputError, ValueError) as error:
        raise EntryError(f"{path}: is damaged ({error}); {again}") from None
    if record.weights_sha256 != entry.card.weights.sha256:
        raise EntryError(
            f"{path}: was made for weights {record.weights_sha256[:12]}..., {entry.name} has "
            f"{entry.card.weights.sha256[:12]}...; {again}"
        )
    shape = (len(tfs), len(CLASSES), len(null.gc_edges) + 1, len(PERCENTS))
    if tfs != entry.card.tasks or percents != PERCENTS or null.quantiles.shape != shape:
        raise EntryError(f"{path}: does not fit the TFs of {entry.name}, or this version; {again}")
    return null
