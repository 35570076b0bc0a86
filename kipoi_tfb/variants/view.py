"""A variant as a model sees it: what each base of either allele gives to binding, and the known motif it may be of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.logits import effect, impact, probability
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.output.tables import Notes, open_table
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import SCORES
from kipoi_tfb.variants.identifiers import finder
from kipoi_tfb.variants.mutagenesis import Mutations, mutate_window, strongest
from kipoi_tfb.variants.sites import Site, best_site
from tfb_matrix_data.alleles import SCORED, allele_windows
from tfb_matrix_data.errors import ConfigError, TfbError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.names import output_of, tf_of
from tfb_matrix_data.sequence import UNKNOWN, decode
from tfb_matrix_data.variant_lines import open_variants
from tfb_matrix_data.variants import Variants, iter_chunks

__all__ = ["FLANK", "ShownAllele", "VariantView", "shown_allele", "view_variant", "write_view"]

FLANK = 25
"""Bases shown on either side of a variant."""

_ALLELES = ("ref", "alt")

_MEANING = {
    "chrom": "contig",
    "pos": "position of the base, from 1; of an inserted base that of the last base before it",
    "tf": "the TF that the row is about",
    "p_ref": "probability of binding with REF",
    "p_alt": "probability of binding with ALT",
    "effect": SCORES["effect"],
    "impact": SCORES["impact"],
    "allele": "ref or alt",
    "base": "the base that this allele has there",
    "contribution": "minus the mean effect of the base's three substitutions; positive: the base helps binding",
    **{f"effect_{base}": f"effect of putting {base} there; none for the base itself" for base in "ACGT"},
    "motif": "JASPAR identifier; a dot where no profile of the TF has positive log-odds",
    "motif_strand": "strand of the match",
    "motif_column": "column of the motif that lies on the base, from 1; 0 for none",
}


@dataclass(frozen=True, eq=False)
class ShownAllele:
    """The bases around a variant, with one of its alleles.

    Attributes
    ----------
    mutations
        What mutating each of them does, in the window of this allele.
    column
        int64 (bases,): where each is drawn. The shorter allele leaves columns empty, so that the flanks are aligned.
    pos
        int64 (bases,): 1-based position; an inserted base has that of the last REF base before it.
    own
        The allele's own bases are those at indices own[0] to own[1] - 1: what the left-aligned change puts there, of a
        deletion's ALT and an insertion's REF none.
    """

    mutations: Mutations
    column: NDArray[np.int64]
    pos: NDArray[np.int64]
    own: tuple[int, int]


@dataclass(frozen=True, eq=False)
class VariantView:
    """What is drawn of a variant.

    Attributes
    ----------
    chrom, pos, ref, alt
        The variant as it was given, position 1-based, under the genome's name of its contig.
    tfs
        The TFs shown.
    probability
        float32 (2, TFs): probability of binding with REF and ALT.
    effect, impact
        float32 (TFs,): see `kipoi_tfb.models.logits`.
    alleles
        REF and ALT.
    sites
        Per TF, None where it has no JASPAR profile.
    """

    chrom: str
    pos: int
    ref: str
    alt: str
    tfs: list[str]
    probability: NDArray[np.float32]
    effect: NDArray[np.float32]
    impact: NDArray[np.float32]
    alleles: tuple[ShownAllele, ShownAllele]
    sites: list[Site | None]

    def __str__(self) -> str:
        return f"{self.chrom}:{self.pos}:{self.ref}>{self.alt}"

    @property
    def n_columns(self) -> int:
        """Columns that the two alleles take when they are aligned."""
        return 1 + max(int(allele.column[-1]) for allele in self.alleles)


def view_variant(
    predictor: Predictor,
    text: str,
    genome: Genome,
    top: int | None = None,
    flank: int = FLANK,
    ids: Path | None = None,
) -> VariantView:
    """Return what a model sees of a variant.

    Each allele's window is that of `kipoi_tfb.variants.score`: mutating its bases one by one stays within it.

    Parameters
    ----------
    predictor
        The networks.
    text
        A variant in one of the forms of `tfb_matrix_data.variant_names`, or an identifier.
    genome
        Genome of its assembly.
    top
        Keep so many TFs, those of the largest impact, whatever its sign; default all, in the predictor's order.
    flank
        Bases shown on either side.
    ids
        VCF that an identifier is looked up in.

    Raises
    ------
    ConfigError
        If the text is not one variant of one ALT, or `tfb score` would not score it; the message says why.
    """
    variants = _one(text, genome, ids)
    windows = allele_windows(variants, genome, predictor.window_length)
    if windows.status[0] not in SCORED:
        raise _refusal(variants, windows.status[0], windows.flags[0], genome, predictor.window_length)
    codes = (windows.ref[0], windows.alt[0])
    logits = torch.from_numpy(predictor.logits(np.stack(codes)))
    effects, impacts = effect(*logits).numpy(), impact(*logits).numpy()
    columns = list(range(len(effects))) if top is None else strongest(impacts, top)
    first, lengths = int(windows.start[0]) + 1, (int(windows.n_ref[0]), int(windows.n_alt[0]))
    alleles = [shown_allele(predictor, codes[i], first, lengths, i, flank, columns) for i in (0, 1)]
    shown = [allele.mutations.codes for allele in alleles]
    tfs = [predictor.columns[i] for i in columns]
    names = [tf_of(output_of(tf)) for tf in tfs]
    known = read_profiles()
    motifs = jaspar_motifs([name for name in names if name in known])
    own = [allele.own for allele in alleles]
    sites = [best_site(motifs.get(name, ()), shown, own) for name in names]
    return VariantView(
        genome.contig(variants.chrom[0]),
        int(variants.pos[0]),
        variants.ref[0].upper(),
        variants.alt[0].upper(),
        tfs,
        probability(logits)[:, columns].numpy(),
        effects[columns],
        impacts[columns],
        (alleles[0], alleles[1]),
        sites,
    )


def write_view(view: VariantView, path: str | Path) -> int:
    """Write what is drawn: a row per TF, allele and known base; return how many.

    Columns: chrom, pos, tf, p_ref, p_alt, effect, impact (of the variant), allele, base, contribution (minus the mean
    effect of the base's three substitutions), effect_A to effect_T (of each; none for the base itself), motif,
    motif_strand and motif_column (from 1, in the motif's own direction; 0 where the motif is not).
    """
    rows = 0
    with open_table(path, Notes({}, _MEANING)) as table:
        for i in range(len(view.tfs)):
            for number in (0, 1):
                chunk = _rows(view, i, number)
                table.write(chunk)
                rows += len(chunk["pos"])
    return rows


def _rows(view: VariantView, i: int, number: int) -> dict[str, NDArray]:
    allele, site = view.alleles[number], view.sites[i]
    site = site if site is not None and site.matches else None
    codes = allele.mutations.codes
    known = np.flatnonzero(codes < UNKNOWN)
    n = len(known)
    motif_column = np.zeros(len(codes), np.int64)
    if site is not None and site.allele == number:
        places = np.arange(1, site.motif.width + 1)
        motif_column[site.start : site.start + site.motif.width] = places[::-1] if site.reverse else places
    effects = allele.mutations.effect[known, :, i]
    return {
        "chrom": np.array([view.chrom] * n),
        "pos": allele.pos[known],
        "tf": np.array([view.tfs[i]] * n),
        "p_ref": np.full(n, view.probability[0, i]),
        "p_alt": np.full(n, view.probability[1, i]),
        "effect": np.full(n, view.effect[i]),
        "impact": np.full(n, view.impact[i]),
        "allele": np.array([_ALLELES[number]] * n),
        "base": np.array(list(decode(codes[known]))),
        "contribution": allele.mutations.contribution[known, i],
        **{f"effect_{base}": effects[:, row] for row, base in enumerate("ACGT")},
        "motif": np.array([site.motif.matrix_id if site else "."] * n),
        "motif_strand": np.array([("-" if site.reverse else "+") if site else "."] * n),
        "motif_column": motif_column[known],
    }


def _one(text: str, genome: Genome, ids: Path | None) -> Variants:
    """Return the one allele that a text says."""
    (chunk,) = iter_chunks(open_variants([text], genome=genome, find=finder(ids)))
    variants = chunk.variants
    if len(variants) > 1:
        spelt = zip(variants.chrom, variants.pos.tolist(), variants.ref, variants.alt, strict=True)
        alleles = ", ".join(f"{chrom}:{pos}:{ref}>{alt}" for chrom, pos, ref, alt in spelt)
        raise ConfigError(f"{text} has {len(variants)} ALT alleles; draw one of {alleles}")
    if variants.ref[0].upper() == variants.alt[0].upper():
        raise ConfigError(f"{text}: REF and ALT are the same; there is nothing to compare")
    return variants


def _refusal(variants: Variants, status: str, flags: str, genome: Genome, length: int) -> TfbError:
    """Return why a variant is not drawn."""
    chrom, pos, ref, alt = variants.chrom[0], int(variants.pos[0]), variants.ref[0], variants.alt[0]
    why = {
        "symbolic": "ALT is symbolic, a breakend or *: it has no sequence",
        "too_long": f"it changes more bases of REF or ALT than half the window, {length // 2} bp",
    }.get(status, "")
    if status == "ref_mismatch":
        there = decode(genome.windows([chrom], [pos - 1], len(ref)).codes[0])
        why = f"REF is {ref.upper()}, but {genome.path.name} has {there} there; is this the right assembly and strand?"
    elif status == "ref_unknown":
        why = f"{genome.path.name} does not say which base is there (N, or another IUPAC letter); is it hard-masked?"
    elif "unknown_contig" in flags:
        genome.contig(chrom)  # raises, with the nearest names
    elif "outside_contig" in flags:
        why = f"the contig has {genome.lengths[genome.contig(chrom)]:,} bp in {genome.path.name}"
    elif "iupac_allele" in flags:
        why = "an allele has letters that are not A, C, G or T"
    elif "no_alt" in flags:
        why = "there is no ALT"
    status = status if status != "unsupported" else f"{status}, {flags}"
    return ConfigError(f"{chrom}:{pos}:{ref}>{alt} is not scored ({status}): {why}")


def shown_allele(
    predictor: Predictor,
    window: NDArray[np.uint8],
    pos: int,
    lengths: tuple[int, int],
    number: int,
    flank: int,
    columns: list[int],
) -> ShownAllele:
    """Return the bases of an allele's window that are shown: the variant stands at its middle.

    Parameters
    ----------
    predictor
        The networks.
    window
        uint8 (length,): of the allele.
    pos
        1-based position of the first base that the left-aligned allele changes.
    lengths
        How many bases are REF's own, and ALT's.
    number
        0 for REF, 1 for ALT.
    flank
        Bases shown on either side.
    columns
        Which TFs, as indices; without any nothing is mutated.
    """
    half, length = len(window) // 2, lengths[number]
    first, last = max(0, half - flank), min(len(window), half + length + flank)
    offset = np.arange(first, last) - half  # from the first base of the allele
    after = offset >= length
    column = offset + half - first + np.where(after, max(lengths) - length, 0)
    shift = lengths[0] - length
    within = np.minimum(offset, lengths[0] - 1)
    mutations = mutate_window(predictor, window, first, last).of(columns) if columns else _unmutated(window[first:last])
    return ShownAllele(
        mutations, column, pos + np.where(after, offset + shift, within), (half - first, half - first + length)
    )


def _unmutated(codes: NDArray[np.uint8]) -> Mutations:
    return Mutations(codes, [], np.empty((len(codes), 0), np.float32), np.empty((len(codes), 4, 0), np.float32))
