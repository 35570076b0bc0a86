"""What is said of an allele, and under which name: the columns of tables and fields of an annotated VCF."""

from __future__ import annotations

__all__ = ["DEFAULT_SCORES", "FIXED", "MAX_EFFECT", "SCORES", "TIDY", "TOP", "VEFF2"]

MAX_EFFECT = "max_effect"

FIXED = {
    "chrom": "contig, as the input calls it",
    "pos": "position of the first REF base, from 1",
    "id": "identifier in the input; a dot for none",
    "ref": "REF, as in the input",
    "alt": "one ALT allele, as in the input; a dot for a record without any",
    "status": "what became of the allele: ok (scored), swapped (scored; the genome has ALT), ref_mismatch, symbolic, "
    "too_long or unsupported (not scored)",
    "flags": "remarks, separated by a semicolon, a dot for none: n_in_window=COUNT, edge_padded, duplicate, "
    "not_left_normalised; why an allele is unsupported: no_alt, iupac_allele, unknown_contig, outside_contig",
}
"""Columns that do not depend on the TFs, and what they say."""

SCORES = {
    "ref": "probability of binding with REF",
    "alt": "probability of binding with ALT",
    "effect": "log-odds of binding with ALT minus with REF, natural logarithm; positive: ALT strengthens binding, "
    "negative: ALT weakens it",
    "diff": "probability of binding with ALT minus with REF; positive: ALT strengthens binding, negative: ALT weakens "
    "it",
    "disagreement": "absolute difference between the effects on the two strands, whose mean is the effect, in its "
    "units; never negative: the larger, the less the network is sure of the effect",
    "percentile": "per cent of random variants of the same class and similar GC content, in open regions, that have a "
    "smaller effect, 0 to 100; near 100: ALT strengthens binding more than nearly all of them, near 0: ALT weakens it "
    "more",
    MAX_EFFECT: "effect of largest magnitude over shifts of the window, the centred one included; sign as of the "
    "effect",
}
"""Columns per TF and what they say (`kipoi_tfb.variants.effects`)."""

DEFAULT_SCORES = ("ref", "alt", "effect")

TOP = {
    "top_gained": "TFs whose binding ALT strengthens most, with their positive effects, largest first",
    "top_lost": "TFs whose binding ALT weakens most, with their negative effects, most negative first",
}
"""Columns of text and what they say; `kipoi_tfb.variants.effects.top_tfs`."""

TIDY = {"ref": "p_ref", "alt": "p_alt"}
"""Names of `SCORES` in a tidy table where they are other: it has columns ref and alt for the alleles."""

VEFF2 = {"ref": "ref", "alt": "alt", "diff": "diff", "effect": "logit"}
"""What `kipoi-veff2` calls its scoring functions that are scores of ours too."""
