"""What a report says of alleles: one row for each, and details of some.

Everything here is plain data, with text already in words: the page draws it and composes no sentence of its own.
Positions are 1-based and inclusive, log-odds are natural logarithms, and signs are those of ALT against REF.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Contributions",
    "Detail",
    "Group",
    "Row",
    "ShownAllele",
    "Site",
    "TfLine",
    "Track",
    "UsedMotif",
]

AlleleName = Literal["ref", "alt"]


@dataclass(frozen=True)
class Group:
    """TFs that change together: at one site, of one family, in one direction.

    Attributes
    ----------
    title
        What happened in two to five words, such as ``bZIP site lost`` or ``homeodomain binding less likely``.
    rises
        Whether ALT strengthens binding.
    crosses
        Whether it is lost or gained as a whole (a filled mark), or only changes (a hollow one).
    tfs
        Its TFs, of the largest impact first; the first one leads.
    sentence
        What the model says, whole and in words: `title` stands before it, in bold. Empty in a row without a detail.
    start, end
        The site's first and last base; None where there is none.
    own_site
        Whether a known motif of a TF of the group covers the variant and changes with the effect. If not, the table
        says ``(no own motif changes)``; None where it was not looked for, and nothing is said.
    """

    title: str
    rises: bool
    crosses: bool
    tfs: Sequence[str]
    sentence: str = ""
    start: int | None = None
    end: int | None = None
    own_site: bool | None = None


@dataclass(frozen=True)
class Row:
    """An allele in the table.

    Attributes
    ----------
    number
        Its place in the file of scores, from 1: ``#v13`` in the report's address opens it.
    chrom, pos, id, ref, alt, status, flags, normal
        As in the scores (`kipoi_tfb.variants.columns.FIXED`); ``.`` for none.
    info
        {field: value} of the fields that the user asked for, as text; empty text for none.
    why_not
        Why it was not scored, in words; empty if it was.
    kind
        ``substitution``, ``insertion``, ``deletion``, ``several bases``; empty if it was not scored.
    largest_impact, largest_tf, p_ref, p_alt
        The largest impact over all TFs, its TF, and that TF's probabilities; None where not scored or not in the file.
    variant_percentile
        0 to 100; None where it does not exist.
    groups
        What the model predicts, the largest change first; without sentences if there is no detail. None for an allele
        that was not scored; empty for one that changes nothing.
    bound
        TFs bound with either allele that are in no group.
    """

    number: int
    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    status: str
    flags: str
    normal: str
    info: Mapping[str, str]
    why_not: str = ""
    kind: str = ""
    largest_impact: float | None = None
    largest_tf: str = ""
    p_ref: float | None = None
    p_alt: float | None = None
    variant_percentile: float | None = None
    groups: Sequence[Group] | None = None
    bound: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The allele as text: ``chr19:11089231:A>G``."""
        return f"{self.chrom}:{self.pos}:{self.ref}>{self.alt}"


@dataclass(frozen=True)
class ShownAllele:
    """The bases around the variant with one of its alleles, as `kipoi_tfb.variants.view.ShownAllele` has them.

    Attributes
    ----------
    bases
        A C G T, or N.
    column
        Per base, in which column it is drawn, from 0; the shorter allele leaves columns empty.
    own
        The allele's own bases are those at indices own[0] to own[1] - 1.
    """

    bases: str
    column: Sequence[int]
    own: tuple[int, int]


@dataclass(frozen=True)
class Site:
    """The best match of a TF's known motif.

    Attributes
    ----------
    motif_id, motif_name
        JASPAR's, such as ``MA0099.3`` and ``FOS::JUN``.
    start, end
        First and last base on the genome.
    strand
        ``+`` or ``-``.
    score_ref, score_alt
        Log-odds of the motif's best match with REF and with ALT; None where it fits nowhere.
    covers
        Whether the match covers the variant; if not, it is said to lie beside it.
    allele
        Which allele the match is on.
    first
        Index of its first base among the bases of `Detail.ref` or `Detail.alt`; None where it is not among them, and no
        motif is drawn.
    letters
        Per column, probabilities of A, C, G, T, read on the forward strand; empty to draw none (keep it for the
        TFs in `Detail.leads`: the others' are not drawn).
    """

    motif_id: str
    motif_name: str
    start: int
    end: int
    strand: Literal["+", "-"]
    score_ref: float | None
    score_alt: float | None
    covers: bool
    allele: AlleleName
    first: int | None = None
    letters: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Contributions:
    """What each base gives to a TF's binding: minus the mean effect of its three substitutions.

    Attributes
    ----------
    ref, alt
        Per base of `Detail.ref` and of `Detail.alt`.
    """

    ref: Sequence[float]
    alt: Sequence[float]


@dataclass(frozen=True)
class UsedMotif:
    """A known motif that the model uses around the variant, see `kipoi_tfb.report.used`.

    Attributes
    ----------
    motif_id, motif_name
        JASPAR's, such as ``MA0099.3`` and ``FOS::JUN``.
    start, end
        First and last base on the genome.
    strand
        ``+`` or ``-``.
    ref, alt
        What a motif there contributes with REF and with ALT, in log-odds; None where none is in use.
    """

    motif_id: str
    motif_name: str
    start: int
    end: int
    strand: Literal["+", "-"]
    ref: float | None = None
    alt: float | None = None


@dataclass(frozen=True)
class TfLine:
    """A TF in the detail of an allele.

    Attributes
    ----------
    tf
        Its name.
    p_ref, p_alt
        Probability of binding.
    effect, impact
        See `kipoi_tfb.variants.columns.SCORES`.
    impact_percentile
        0 to 100, with two ends; None where there is no null.
    auprc
        Held-out AUPRC of the model for this TF; None where too few bound regions were tested.
    group
        Index in `Detail.groups`; None for a TF that does not change notably.
    site
        Where it would bind; None where it has no known motif.
    contributions
        For the logos; None but for the TFs in `Detail.leads`.
    used, used_sentence
        The motifs in use for it, and the same in words, which are empty where none were looked for.
    """

    tf: str
    p_ref: float
    p_alt: float
    effect: float
    impact: float
    impact_percentile: float | None = None
    auprc: float | None = None
    group: int | None = None
    site: Site | None = None
    contributions: Contributions | None = None
    used: Sequence[UsedMotif] = ()
    used_sentence: str = ""


@dataclass(frozen=True)
class Track:
    """Probability of a TF's binding as the window moves; one value per offset of `Detail.offsets`."""

    tf: str
    ref: Sequence[float]
    alt: Sequence[float]


@dataclass(frozen=True)
class Detail:
    """All that is shown of one scored allele, in the order in which it is shown.

    Attributes
    ----------
    number
        The `Row.number` that it belongs to.
    sentence
        What is to be said of the allele as a whole, above the groups' sentences; empty where these say all. Of an
        allele that changes nothing: that no change is predicted, and what that does not mean.
    groups
        With sentences. They replace those of the row.
    bound
        TFs bound with either allele that are in no group. They replace those of the row.
    tfs
        The TFs in the table: those of the groups, in the groups' order, then the others worth a look.
    n_tfs
        Of how many TFs these are.
    leads
        TFs whose logos are drawn, at most two; each has contributions.
    ref, alt
        The bases that are drawn.
    pos
        Position of the first base that the change changes (its normal form's, of an insertion that of the base behind
        it): the middle of the strip of the locus, which shows 100 bp to either side.
    offsets
        Centres of the windows of the tracks, in bases from `pos`, from -100 to 100; ascending, the same for both
        alleles.
    tracks
        At most three.
    unknown
        First and last offset from `pos` of every stretch of N in the strip.
    cannot
        What the model cannot say of this allele, a sentence each.
    """

    number: int
    sentence: str
    groups: Sequence[Group]
    bound: Sequence[str]
    tfs: Sequence[TfLine]
    n_tfs: int
    leads: Sequence[str]
    ref: ShownAllele
    alt: ShownAllele
    pos: int
    offsets: Sequence[int] = ()
    tracks: Sequence[Track] = ()
    unknown: Sequence[tuple[int, int]] = ()
    cannot: Sequence[str] = ()
