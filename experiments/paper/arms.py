"""The ways that a cell of the suite scores its test regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ARMS", "PaperArm"]


@dataclass(frozen=True)
class PaperArm:
    """A way.

    Attributes
    ----------
    how
        ``trained``: a network is; ``base``: the base's own output of the TF; ``motif``: a PWM.
    what
        For readers.
    arm, head
        Of what is trained: see `kipoi_tfb.finetuning.arms` and `kipoi_tfb.finetuning.start`.
    """

    how: Literal["trained", "base", "motif"]
    what: str
    arm: str = ""
    head: Literal["copied", "new"] = "new"


ARMS: dict[str, PaperArm] = {
    "transfer": PaperArm("trained", "transfer: all layers but the output", "everything"),
    "copied": PaperArm("trained", "transfer, the output too (ours)", "everything", "copied"),
    "frozen": PaperArm("trained", "transfer, convolutions frozen", "frozen-conv"),
    "first-conv": PaperArm("trained", "transfer of the first convolution", "first-conv"),
    "conv": PaperArm("trained", "transfer of all convolutions", "conv"),
    "motifs": PaperArm("trained", "first filters start from motifs", "motifs"),
    "scratch": PaperArm("trained", "from scratch", "scratch"),
    "multi": PaperArm("base", "the multi-model's own output"),
    "denovo": PaperArm("motif", "de novo PWM"),
    "jaspar": PaperArm("motif", "JASPAR PWM"),
}
"""Arms by name; those that are trained start from, or leave out the regions of, the base of their cell."""
