"""The table of ways to transfer: which layers start from the base, and which of them learn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kipoi_tfb.models.sizes import ENSEMBLE
from tfb_matrix_data.errors import UnknownNameError

__all__ = ["ARMS", "Arm", "layer_group"]


@dataclass(frozen=True)
class Arm:
    """A way to transfer.

    Attributes
    ----------
    transferred
        Groups of layers that start from the base (see `layer_group`); others start at random.
    frozen
        Groups that do not learn.
    frozen_matrices
        Groups whose matrices do not learn, though biases and batch normalisation do.
    learning_rate
        By default; None: nothing is trained, the output layer is fitted (`kipoi_tfb.finetuning.head`).
    jaspar
        Whether the first filters start from the JASPAR profiles of the base's TFs.
    motifs
        Whether they start from profiles of JASPAR of all kinds and from motifs found, as in the paper.
    what
        For the user.
    """

    transferred: frozenset[str]
    learning_rate: float | None
    what: str
    frozen: frozenset[str] = frozenset()
    frozen_matrices: frozenset[str] = frozenset()
    jaspar: bool = False
    motifs: bool = False

    @property
    def tunes_first(self) -> bool:
        """Whether the base's first convolution learns on."""
        return "first" in self.transferred - self.frozen - self.frozen_matrices

    @property
    def transfers_all(self) -> bool:
        """Whether all layers below the output are the base's."""
        return self.transferred == _ALL


_ALL = frozenset({"first", "conv", "dense"})
_TUNED, _FRESH = 3e-4, 3e-3

ARMS: dict[str, Arm] = {
    "everything": Arm(_ALL, _TUNED, "all layers start from the base, and learn"),
    "conv": Arm(_ALL - {"dense"}, _TUNED, "all convolutions start from the base; fully connected layers are new"),
    "first-conv": Arm(frozenset({"first"}), _TUNED, "the first convolution starts from the base; the rest is new"),
    "frozen-conv": Arm(_ALL, _TUNED, "as everything, but convolutions do not learn", _ALL - {"dense"}),
    "frozen-dense": Arm(
        _ALL,
        _TUNED,
        "as everything, but the matrices of the fully connected layers do not learn",
        frozen_matrices=frozenset({"dense"}),
    ),
    "head": Arm(_ALL, None, "only the output layer is new", _ALL),
    "motif-head": Arm(_ALL, None, "the output layer is new, and sees motifs of the TF's own", _ALL),
    "scratch": Arm(frozenset(), _FRESH, "nothing is from the base but its architecture"),
    "jaspar": Arm(frozenset(), _FRESH, "as scratch, but the first filters start from JASPAR's profiles", jaspar=True),
    "motifs": Arm(
        frozenset(),
        _FRESH,
        "as scratch, but the first filters start from profiles and motifs found",
        motifs=True,
    ),
}
"""Arms of transfer by name.

The learning rates are the paper's: 3e-4 to fine-tune, 3e-3 from scratch.

Notes
-----
Source: Novakovsky et al. 2021, Methods and Fig. 2, doi:10.1186/s13059-021-02499-5; `frozen-dense`, `head`,
`motif-head` and `jaspar` are ours.
"""

_GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "paper-cnn": ((r"features\.[01]\.", "first"), (r"features\.", "conv"), (r"trunk\.", "dense")),
    "danq": ((r"features\.", "first"), (r"recurrent\.", "conv"), (r"trunk\.", "dense")),
    "motif-cnn": ((r"scan_", "first"), (r"trunks\.\d+\.dense", "dense"), (r"trunks\.", "conv")),
}
_GROUPS[ENSEMBLE] = _GROUPS["motif-cnn"]


def layer_group(architecture: str, name: str) -> str:
    """Return the group of layers that a weight belongs to: ``first``, ``conv``, ``dense`` or ``head``.

    ``first`` is the first convolution with its batch normalisation; ``conv`` is what lies between it and the fully
    connected layers, the recurrent layers of DanQ too; ``dense`` are the fully connected layers, ``head`` the last.

    Raises
    ------
    UnknownNameError
        If nothing is known of the architecture.

    Examples
    --------
    >>> [layer_group("paper-cnn", name) for name in ("features.0.weight", "features.4.bias", "head.weight")]
    ['first', 'conv', 'head']
    """
    if architecture not in _GROUPS:
        raise UnknownNameError("architecture to transfer from", architecture, _GROUPS)
    if name.startswith("head."):
        return "head"
    name = re.sub(r"^parts\.\d+\.", "", name)  # of an ensemble's member
    for pattern, group in _GROUPS[architecture]:
        if re.match(pattern, name):
            return group
    raise ValueError(f"{name} belongs to no group of {architecture}: add it to kipoi_tfb.finetuning.arms")
