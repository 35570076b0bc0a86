"""Variants that a user named, found among scores: by their normal form, or by the identifiers that the scores have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kipoi_tfb.report.condition import Condition
from kipoi_tfb.report.scores import ScoresFile
from tfb_matrix_data.alleles import allele_windows, normal_texts
from tfb_matrix_data.errors import InputError, few
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variant_ids import Allele
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import iter_chunks

__all__ = ["Named", "named_forms"]


@dataclass(frozen=True)
class Named(Condition):
    """That an allele has one of some normal forms.

    Attributes
    ----------
    forms
        See `named_forms`.
    """

    column: str = "normal"
    operator: str = "="
    value: str = ""
    forms: tuple[str, ...] = ()

    def holds(self, column: pa.ChunkedArray) -> NDArray[np.bool_]:
        """Return bool (rows,): where it holds."""
        return pc.is_in(column, value_set=pa.array(self.forms, pa.string())).to_numpy().astype(bool)


def named_forms(scores: ScoresFile, source: Path | Sequence[str], genome: Genome, length: int) -> tuple[str, ...]:
    """Return the normal forms of variants that are to be found in scores.

    Parameters
    ----------
    scores
        The file; it has the identifiers too.
    source
        A file of variants in any form that `tfb score` reads, or variants as text.
    genome, length
        The genome that was scored with, and the window's length in bp.

    Raises
    ------
    InputError
        If one is not among the alleles that were scored.
    """
    forms: dict[str, str] = {}
    for chunk in iter_chunks(open_variants(source, genome=genome, find=lambda names: _by_id(scores, names))):
        variants = chunk.variants
        normal = normal_texts(variants, allele_windows(variants, genome, length), genome)
        for i, form in enumerate(normal):
            forms[f"{variants.chrom[i]}:{variants.pos[i]}:{variants.ref[i]}>{variants.alt[i]}"] = form
    there: set[str] = set()
    for part in scores.chunks(["normal"]):
        there.update(set(forms.values()) & set(part["normal"].to_pylist()))
    lacking = [text for text, form in forms.items() if form == "." or form not in there]
    if lacking:
        raise InputError(
            scores.path, f"has no score of {few(lacking)}, {len(lacking)} of the {len(forms)} variants that were named"
        )
    return tuple(dict.fromkeys(forms.values()))


def _by_id(scores: ScoresFile, names: list[str]) -> dict[str, list[Allele]]:
    found: dict[str, list[Allele]] = {name: [] for name in names}
    for part in scores.chunks(["chrom", "pos", "id", "ref", "alt"]):
        for chrom, pos, text, ref, alt in zip(*(column.to_pylist() for column in part.columns), strict=True):
            for name in (text or "").split(";"):
                if name in found:
                    found[name].append((chrom, pos, ref, alt))
    lacking = [name for name, alleles in found.items() if not alleles]
    if lacking:
        raise InputError(scores.path, f"has no allele with the identifier {few(lacking)}")
    return found
