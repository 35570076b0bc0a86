"""What is said of an allele, and under which name: the columns of every format that `tfb score` writes."""

from __future__ import annotations

from kipoi_tfb.models.logits import BOUND, NOTABLE

__all__ = [
    "CONTEXT_SCORES",
    "COUNTS",
    "DEFAULT_SCORES",
    "FIXED",
    "HAPLOTYPE",
    "LINE",
    "MAX_EFFECT",
    "PERCENTILES",
    "REASON",
    "SCORES",
    "TEXTS",
    "TIDY",
    "TOP",
    "VARIANT_PERCENTILE",
    "VEFF2",
]

MAX_EFFECT = "max_effect"

FIXED = {
    "chrom": "contig, as the input calls it",
    "pos": "position of the first REF base, from 1",
    "id": "identifier in the input; a dot for none",
    "ref": "REF, as in the input",
    "alt": "one ALT allele, as in the input; a dot for a record without any",
    "normal": "the change in its normal form, one text for all its spellings: the genome's name of the contig, "
    "position, REF>ALT, trimmed and left-aligned; a dot for an allele that is not scored",
    "status": "what became of the allele: ok (scored), swapped (scored; the genome has ALT), ref_mismatch, ref_unknown "
    "(the genome has N under REF), symbolic, too_long or unsupported (not scored)",
    "flags": "remarks, separated by a semicolon, a dot for none: n_in_window=COUNT, edge_padded, duplicate, "
    "not_left_normalised; why an allele is unsupported: no_alt, iupac_allele, unknown_contig, outside_contig",
}
"""Columns that do not depend on the TFs, and what they say."""

SCORES = {
    "ref": "probability of binding with REF",
    "alt": "probability of binding with ALT",
    "effect": "log-odds of binding with ALT minus with REF, natural logarithm; positive: ALT strengthens binding, "
    "negative: ALT weakens it",
    "impact": "size of the effect: the effect times P / (P + e (1 - P)), P being the larger of the probabilities "
    "with REF and with ALT; small where neither allele is bound; sign as of the effect",
    "diff": "probability of binding with ALT minus with REF; positive: ALT strengthens binding, negative: ALT weakens "
    "it",
    "disagreement": "absolute difference between the effects on the two strands, whose mean is the effect, in its "
    "units; never negative: the larger, the less the network is sure of the effect",
    "percentile": "per cent of random variants of the same class and similar GC content, in open regions, that have a "
    "smaller effect, 0 to 100; near 100: ALT strengthens binding more than nearly all of them, near 0: ALT weakens it "
    "more",
    "impact_percentile": "per cent of random variants of the same class and similar GC content, in open regions, that "
    "have a smaller impact, 0 to 100; read as the percentile",
    "activity": "per cent of random variants in open regions, of similar GC content, whose better-bound allele is "
    "bound with less probability, 0 to 100",
    MAX_EFFECT: "effect of largest magnitude over shifts of the window, the centred one included; sign as of the "
    "effect",
    "context_effect": "effect of the allele amid the others on its haplotype (haplotype_with): log-odds of binding of "
    "the haplotype with the allele minus of the same without it; sign as of the effect",
    "context_impact": "impact of the allele amid the others on its haplotype, P being of the haplotype with and "
    "without the allele",
    "joint_effect": "effect of the allele and the others on its haplotype together: log-odds of binding of the "
    "haplotype minus of the genome; sign as of the effect",
    "joint_impact": "impact of the allele and the others on its haplotype together",
}
"""Columns per TF and what they say (`kipoi_tfb.variants.effects`)."""

PERCENTILES = ("percentile", "impact_percentile", "activity")
"""Those of `SCORES` that an entry must have a null for."""

CONTEXT_SCORES = ("context_effect", "context_impact", "joint_effect", "joint_impact")
"""Those of `SCORES` that there are with phased genotypes, where others are on the allele's haplotype."""

DEFAULT_SCORES = ("ref", "alt", "effect", "impact")

HAPLOTYPE = {
    "haplotype": "what is known of the haplotype that has the allele: together (with others in the window, "
    "haplotype_with), partial (others may be there too, their phase is not known), alone; not scored together: overlap "
    "(some change the same bases), differs (on several haplotypes, others not on all of these), neighbour_not_scored, "
    "unphased, missing, absent (of the sample's genotype), not_scored",
    "haplotype_with": "the other alleles on that haplotype, in the window, in their normal forms, separated by a "
    "semicolon; a dot for none",
}
"""Columns of an allele that there are with phased genotypes; `kipoi_tfb.variants.phased`."""

LINE = {
    "sum_difference": "sum over all TFs of the probability of binding with ALT minus with REF: by how many more TFs "
    "ALT is bound",
    "largest_impact": "impact of largest magnitude over all TFs, with its sign",
    "largest_impact_tf": f"the TF that has it; a dot where neither allele is bound by it (P < {BOUND:g})",
    "n_gained": f"TFs that ALT gains: impact of at least {NOTABLE:g}, P of at least {BOUND:g} with an allele",
    "n_lost": f"TFs that ALT loses: impact of at most -{NOTABLE:g}, P of at least {BOUND:g} with an allele",
    "variant_percentile": "per cent of random variants of the same class and similar GC content, in open regions, "
    "whose largest impact over all TFs is smaller in magnitude, 0 to 100",
    "top_gained": "TFs whose binding ALT strengthens most, with their positive impacts, largest first; of TFs that "
    f"bind an allele (P of at least {BOUND:g})",
    "top_lost": "TFs whose binding ALT weakens most, with their negative impacts, most negative first; of TFs that "
    f"bind an allele (P of at least {BOUND:g})",
    "reason": "why, in words: TFs that share a site at the change, those that are affected with them, and those that "
    f"are bound beside it; of TFs with an impact of at least {NOTABLE:g}; a dot where nothing is bound",
    "sites": "own motif at the change of each TF of the reason: TF, JASPAR identifier, position of its first base, "
    "strand, and its log-odds (natural) with REF / with ALT; a dot for none",
}
"""Columns of the allele as a whole and what they say; `kipoi_tfb.variants.line` and `.reasons`."""

VARIANT_PERCENTILE = "variant_percentile"
"""The one of `LINE` that an entry must have a null for."""

TOP = ("top_gained", "top_lost")
REASON = ("reason", "sites")
"""Those of `LINE` that `kipoi_tfb.variants.reasons` says."""

TEXTS = ("largest_impact_tf", *TOP, *REASON)
"""Those of `LINE` that are text, a dot for none; the others are numbers."""

COUNTS = ("n_gained", "n_lost")
"""Those of `LINE` that are whole numbers."""

TIDY = {"ref": "p_ref", "alt": "p_alt"}
"""Names of `SCORES` in a tidy table where they are other: it has columns ref and alt for the alleles."""

VEFF2 = {"ref": "ref", "alt": "alt", "diff": "diff", "effect": "logit"}
"""What `kipoi-veff2` calls its scoring functions that are scores of ours too."""
