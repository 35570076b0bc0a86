"""What the card of a fine-tuned entry says beside that of any entry: how it came from its base, and its verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kipoi_tfb.zoo.config import TfName
from kipoi_tfb.zoo.controls import ControlKind
from kipoi_tfb.zoo.fields import Later, Line, Sha256
from kipoi_tfb.zoo.strict import Strict

__all__ = [
    "CURVE_FILE",
    "MOTIF_FILE",
    "READS_FILE",
    "TESTED_FILE",
    "ChangedMotifCard",
    "ControlCard",
    "FinetunedCard",
    "GateCard",
    "HeadCard",
    "Outcome",
    "SplitCard",
    "SplitsCard",
    "SpreadCard",
    "SweptCard",
    "Verdict",
]

CURVE_FILE, MOTIF_FILE = "learning-curve.svg", "changed-motif.svg"
TESTED_FILE, READS_FILE = "tested.svg", "reads.svg"
"""Pictures of an entry that was trained from a base (`kipoi_tfb.finetuning.plot`)."""


Outcome = Literal["win", "tie", "loss"]
Verdict = Literal["accepted", "accepted with note", "refused"]


class ControlCard(Strict):
    """What a fine-tuned entry was compared with, on the same test regions.

    Attributes
    ----------
    kind
        One of `kipoi_tfb.zoo.controls.CONTROLS`.
    auprc
        Of the control, at 1:1.
    difference, low, high
        AUPRC of the entry minus that of the control, and the ends of its paired 95 % bootstrap interval.
    outcome
        For the entry; a ``tie`` is an interval that includes 0.
    auprc_natural, difference_natural, low_natural, high_natural, outcome_natural
        The same at natural prevalence; None on cards from before it was compared there.
    """

    kind: ControlKind
    name: str
    auprc: float
    difference: float
    low: float
    high: float
    outcome: Outcome
    auprc_natural: float | None = None
    difference_natural: float | None = None
    low_natural: float | None = None
    high_natural: float | None = None
    outcome_natural: Outcome | None = None

    @property
    def both(self) -> Outcome:
        """Return what the entry is at both prevalences: a ``win`` is one at either, and a ``loss`` at neither."""
        found = {self.outcome, self.outcome_natural}
        return "loss" if "loss" in found else "win" if "win" in found else "tie"


class GateCard(Strict):
    """Whether a fine-tuned entry is worth having, in a word and in words.

    Attributes
    ----------
    not_run
        {control: why it is not among `controls`}.
    """

    verdict: Verdict
    words: str
    controls: tuple[ControlCard, ...]
    not_run: dict[ControlKind, str] = Field(default_factory=dict)


class HeadCard(Strict):
    """How an output layer was fitted under frozen layers (`kipoi_tfb.finetuning.head`).

    Attributes
    ----------
    penalties
        What was tried per seed: how strongly the weights are held to those of the start.
    penalty
        The one kept, by validation; None: the start itself was best, and is kept as it was (but for `gc_share`).
    start_auprc, auprc, start_loss, loss
        Of the start, and of what was kept, on the validation regions: all of them, weighted to 1:1 by GC content unless
        `prevalence` says otherwise.
    prevalence
        ``natural``: fitted and judged among all regions as they are, and no lower at 1:1 than the start either.
    gc_share
        Share of what the output said by GC content that was taken out of it then, since it is better at 1:1 without and
        no worse among all regions; None: none was.
    motifs
        {motif: what each standard deviation of its best match adds to the logit}, of arm ``motif-head``.
    base_share
        Of arm ``motif-head``: what the base's output was multiplied with where motifs had a share in the start; None:
        it alone was the start.
    """

    penalties: tuple[float, ...]
    penalty: float | None
    start_auprc: float
    auprc: float
    start_loss: float
    loss: float
    motifs: dict[str, float] | None = None
    base_share: float | None = None
    prevalence: Annotated[Literal["natural"] | None, Later] = None
    gc_share: Annotated[float | None, Later] = None


class ChangedMotifCard(Strict):
    """Which filter of the first layer fine-tuning changed most (``changed-motif.svg``).

    Attributes
    ----------
    filter
        Its number, from 0.
    change, median
        Of its weights relative to what they were, and over all filters; see
        `kipoi_tfb.models.first_layer.ChangedMotif`.
    """

    filter: int
    change: float
    median: float


class SweptCard(Strict):
    """A learning rate that was tried with the first seed, and the lowest validation loss by it; None: it diverged."""

    learning_rate: float
    validation_loss: float | None


class SplitCard(Strict):
    """What came of one random split: the seed that drew it, and all else.

    Attributes
    ----------
    n_train, n_test
        Bound regions.
    validation_loss
        The lowest of the network's epochs.
    auprc, auprc_natural
        On the split's own test regions, at 1:1 and at natural prevalence.
    controls
        {control: its AUPRC at 1:1 on the same regions}.
    """

    seed: int
    n_train: int
    n_test: int
    validation_loss: float
    auprc: float
    auprc_natural: float | None
    controls: dict[ControlKind, float]


class SpreadCard(Strict):
    """The mean over splits, and their standard deviation (n - 1); None where there is but one."""

    mean: float
    sd: float | None


class SplitsCard(Strict):
    """What came of all random splits; the entry is that of the one with the lowest validation loss.

    Attributes
    ----------
    auprc, auprc_natural
        Of the networks.
    controls
        {control: its AUPRC at 1:1}, of those that were run on every split.
    """

    each: tuple[SplitCard, ...]
    auprc: SpreadCard
    auprc_natural: SpreadCard | None
    controls: dict[ControlKind, SpreadCard]


class FinetunedCard(Strict):
    """How an entry came from its base.

    Attributes
    ----------
    arm
        What was transferred, see `kipoi_tfb.finetuning.arms.ARMS`.
    base_weights_sha256
        Of the base's file of weights, on which this entry's own ones are laid.
    head_from
        The base's output that the new one started from, if it did.
    motif_tf
        TF of JASPAR whose profiles were taken for this one's, if not its own.
    output
        ``new``: the output started at random since that was asked for, whatever was transferred.
    filters
        Of the arm ``motifs``: what the first filters started from: profiles of JASPAR 2020, then motifs found in the
        training regions (``denovo-1`` by this project's finder, otherwise STREME's name), each on both strands.
    seeds, validation_losses
        What was trained with, and the lowest validation loss of each; the entry is the best of them.
    sweep
        The learning rates that were tried first, where they were; the best, on the training's configuration, is that of
        all seeds.
    counts
        {train, validation or test: {bound, unbound, short}}: regions, and unbound ones that GC bins had too few of.
    head
        Of the arm ``head``: how the output layer was fitted.
    changed_motif
        Of arms in which the base's first layer learns.
    splits
        Where regions were split at random, another way by each seed.
    """

    arm: Line
    base_weights_sha256: Sha256
    motif_tf: Annotated[TfName | None, Later] = None
    head_from: str | None = None
    output: Annotated[Literal["new"] | None, Later] = None
    filters: Annotated[tuple[Line, ...] | None, Later] = None
    seeds: tuple[int, ...]
    validation_losses: tuple[float, ...]
    sweep: tuple[SweptCard, ...] | None = None
    counts: dict[str, dict[str, int]]
    head: HeadCard | None = None
    changed_motif: ChangedMotifCard | None = None
    splits: Annotated[SplitsCard | None, Later] = None
