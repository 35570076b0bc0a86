"""How unusual an allele is among matched random variants: the nulls of a predictor's entries, laid on its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kipoi_tfb.models.logits import effect, impact
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.null import EffectNull, Signed, allele_classes, read_null
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.sequence import gc_content
from tfb_matrix_data.variants import Variants

__all__ = ["Matched", "Percentiles"]


class _Part(NamedTuple):
    """An entry's null, the columns that are the entry's, and the TFs that these are in the null."""

    null: EffectNull
    columns: NDArray[np.int64]
    tfs: NDArray[np.int64]


class Percentiles:
    """Percentiles of what a predictor says, column by column.

    Parameters
    ----------
    predictor
        The networks.

    Attributes
    ----------
    of_whole
        Whether the columns are all TFs of one entry, as the null of the largest impact over all of them needs.

    Raises
    ------
    EntryError
        If an entry has no null, or one made for other weights or of an older format.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.parts = [_part(entry, predictor) for entry in {id(entry): entry for entry in predictor.sources}.values()]
        self.of_whole = len(self.parts) == 1 and len(predictor.columns) == len(self.parts[0].null.tfs)

    def matched(self, variants: Variants, windows: AlleleWindows) -> Matched:
        """Return the percentiles of alleles.

        Parameters
        ----------
        variants
            The scored ones of a chunk.
        windows
            Of all of the chunk.
        """
        swapped = [windows.status[row] == "swapped" for row in windows.scored]
        # The null starts from what the genome has: of a swapped allele that is ALT.
        pairs = zip(variants.ref, variants.alt, swapped, strict=True)
        genome_first = [(alt, ref) if exchanged else (ref, alt) for ref, alt, exchanged in pairs]
        classes = allele_classes([pair[0] for pair in genome_first], [pair[1] for pair in genome_first])
        return Matched(self.parts, classes, gc_content(windows.ref[windows.scored]), np.array(swapped, bool))


@dataclass(frozen=True, eq=False)
class Matched:
    """Percentiles of some alleles, among the random variants that match them.

    Attributes
    ----------
    parts
        Nulls.
    classes
        Of `kipoi_tfb.zoo.null.allele_classes`, from what the genome has to what it has not, (alleles,).
    gc
        GC content of the window with REF, (alleles,).
    swapped
        Whether the genome has ALT, (alleles,): what is signed is turned round before it is compared.
    """

    parts: Sequence[_Part]
    classes: NDArray[np.int64]
    gc: NDArray[np.float64]
    swapped: NDArray[np.bool_]

    def scores(self, ref: Tensor, alt: Tensor) -> dict[str, Callable[[], Tensor]]:
        """Return what makes each of `kipoi_tfb.variants.columns.PERCENTILES` from the logits, (alleles, TFs)."""
        return {
            "percentile": lambda: self._signed("effect", effect(ref, alt)),
            "impact_percentile": lambda: self._signed("impact", impact(ref, alt)),
            "activity": lambda: self._activity(torch.maximum(ref, alt)),
        }

    def largest(self, impacts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the percentiles (alleles,) of the magnitude of the largest impact over all TFs."""
        return self.parts[0].null.largest_percentile(np.abs(impacts), self.classes, self.gc)

    def _signed(self, score: Signed, values: Tensor) -> Tensor:
        turned = np.where(self.swapped[:, None], -values.numpy(), values.numpy())
        found = np.empty_like(turned)
        for null, columns, tfs in self.parts:
            found[:, columns] = null.percentile(score, tfs, turned[:, columns], self.classes, self.gc)
        return torch.from_numpy(np.where(self.swapped[:, None], 100 - found, found))

    def _activity(self, better: Tensor) -> Tensor:
        logits, found = better.numpy(), np.empty_like(better.numpy())
        for null, columns, tfs in self.parts:
            found[:, columns] = null.activity_percentile(tfs, logits[:, columns], self.gc)
        return torch.from_numpy(found)


def _part(entry: Entry, predictor: Predictor) -> _Part:
    null = read_null(entry)
    if null is None:
        raise EntryError(
            f"{entry.name} has no null to take percentiles from ({entry.folder}); make it: "
            f"tfb null {entry.name} --matrix MATRIX --genome FASTA"
        )
    columns = [i for i, source in enumerate(predictor.sources) if source is entry]
    tfs = [null.tfs.index(predictor.columns[i].rsplit("/", 1)[-1]) for i in columns]
    return _Part(null, np.array(columns), np.array(tfs))
