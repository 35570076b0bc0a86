"""Which regions train, validate and test: fixed chromosomes, or the paper's random split."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.contigs import find_contig
from tfb_matrix_data.errors import ConfigError

if TYPE_CHECKING:
    from tfb_matrix_data.matrix import Regions

__all__ = ["ACCEPTANCE", "HELD_OUT", "TEST", "VALIDATION", "Split", "split_by_chromosome", "split_randomly"]

VALIDATION = ("chr21",)
TEST = ("chr22",)
ACCEPTANCE = ("chr16",)
"""Kept out of every released model: neither trained, validated nor tested on here."""
HELD_OUT = (*VALIDATION, *TEST, *ACCEPTANCE)
"""All that no released model trains on."""


@dataclass(frozen=True)
class Split:
    """Region indices (int64, ascending) for each use, disjoint."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_by_chromosome(
    regions: Regions,
    candidates: NDArray[np.int64] | None = None,
    validation: Sequence[str] = VALIDATION,
    test: Sequence[str] = TEST,
    excluded: Sequence[str] = ACCEPTANCE,
    exclude: NDArray[np.int64] | None = None,
    train: Sequence[str] | None = None,
) -> Split:
    """Split regions by chromosome; all chromosomes that are named nowhere train.

    Parameters
    ----------
    regions
        The matrix's regions; those without coordinates are left out.
    candidates
        Indices to choose from; default all.
    validation, test, excluded
        Chromosome names; a chromosome without regions in this file is ignored.
    exclude
        Indices to leave out of every part, such as the regions that another model was trained on.
    train
        Train on these chromosomes only.

    Raises
    ------
    ConfigError
        If a chromosome has two uses or goes by another name in the file, or a use has no region.
    """
    uses = {"validation": set(validation), "test": set(test), "excluded": set(excluded), "train": set(train or ())}
    for use, chroms in uses.items():
        for name in sorted(chroms - set(regions.chrom_names)):
            other = find_contig(name, regions.chrom_names)
            if other is not None:  # ignored, it would train
                raise ConfigError(f"{name} ({use}) is called {other} in the file; name it so")
    for a, b in itertools.combinations(uses, 2):
        both = uses[a] & uses[b]
        if both:
            raise ConfigError(f"{', '.join(sorted(both))} cannot be both {a} and {b}")
    chosen = np.ones(len(regions), bool)
    if candidates is not None:
        chosen[:] = False
        chosen[candidates] = True
    if exclude is not None:
        chosen[exclude] = False
    if train is None:
        uses["train"] = set(regions.chrom_names) - uses["validation"] - uses["test"] - uses["excluded"]

    def indices(chroms: set[str]) -> NDArray[np.int64]:
        found = regions.on(sorted(chroms & set(regions.chrom_names)))
        return found[chosen[found]]

    split = Split(indices(uses["train"]), indices(uses["validation"]), indices(uses["test"]))
    for use, part in vars(split).items():
        if not len(part):
            names = ", ".join(sorted(uses[use])) or "no chromosome"
            raise ConfigError(f"no region left for {use} ({names}); the file has {', '.join(regions.chrom_names)}")
    return split


def split_randomly(candidates: NDArray[np.int64], seed: int, exclude: NDArray[np.int64] | None = None) -> Split:
    """Split regions 80/10/10 at random, as the paper did; neighbouring windows leak between the parts.

    For reproducing the paper's experiments only: no released model is tested this way. Regions of `exclude` are
    left out before the split.
    """
    if exclude is not None:
        candidates = candidates[~np.isin(candidates, exclude)]
    order = np.random.default_rng(seed).permutation(candidates)
    first, second = int(0.8 * len(order)), int(0.9 * len(order))
    return Split(np.sort(order[:first]), np.sort(order[first:second]), np.sort(order[second:]))
