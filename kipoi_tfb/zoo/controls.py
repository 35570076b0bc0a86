"""What a fine-tuned entry is compared with; it imports nothing, so that the command line can name them at once."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["CONTROLS", "ControlKind"]

ControlKind = Literal["base", "jaspar", "denovo", "scratch"]
CONTROLS: tuple[ControlKind, ...] = get_args(ControlKind)
"""The base's own output, JASPAR's motif, one found in the training regions, and the same architecture trained from
scratch."""
