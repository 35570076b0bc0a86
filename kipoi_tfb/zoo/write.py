"""Writing zoo entries, from ``templates/`` and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.logits import probability
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.models.tensors import save_tensors
from kipoi_tfb.zoo.card import Card, WeightsCard, write_card
from kipoi_tfb.zoo.entry import GOLDEN_FILE, Entry, open_entry
from kipoi_tfb.zoo.networks import entry_probability
from kipoi_tfb.zoo.specs import render_specs
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.files import atomic_folder, atomic_path, sha256
from tfb_matrix_data.sequence import UNKNOWN, decode

__all__ = [
    "CITATION",
    "WEIGHTS_FILE",
    "save_weights",
    "write_entry",
]

WEIGHTS_FILE = "weights.pt"
CITATION = (
    "Novakovsky et al., Biologically relevant transfer learning improves transcription factor binding prediction, "
    "Genome Biology 22:280 (2021), doi:10.1186/s13059-021-02499-5"
)
_GOLDEN_SEQUENCES = 4
# The first filters, biases and batch normalisation weigh nothing, but their rounding moves predictions the most.
_SMALL = 25_000
LARGEST_SHIFT = 1e-3
"""How far storing the weights as float16 may move a probability."""


def save_weights(network: nn.Module, path: str | Path, base: Mapping[str, Tensor] | None = None) -> WeightsCard:
    """Write a network's state_dict as CPU tensors, float16 but for the small ones.

    It is a file that Kipoi and `torch.load(weights_only=True)` read; the same weights give the same bytes.

    Parameters
    ----------
    network, path
        What to write, and where to.
    base
        Weights to leave out where the network's are the same: those of the entry that it was fine-tuned from.

    Raises
    ------
    EntryError
        If a weight does not fit into float16.
    """
    state = {}
    for name, value in network.state_dict().items():
        value = value.detach().cpu()
        before = None if base is None else base.get(name)
        if before is not None and torch.equal(value, before.to(value.dtype)):  # False for other shapes
            continue
        half = value.half() if value.is_floating_point() and value.numel() > _SMALL else value
        if not torch.isfinite(half).all():
            raise EntryError(f"weight {name} does not fit into float16 (largest value {value.abs().max():.3g})")
        state[name] = half.contiguous().clone()
    save_tensors(state, path)
    return WeightsCard(file=Path(path).name, sha256=sha256(path), dtype="float16")


def write_entry(
    folder: str | Path,
    network: nn.Module,
    card_fields: dict,
    windows: NDArray[np.uint8] | None = None,
    base: Entry | None = None,
) -> Entry:
    """Write a complete entry (weights, card, Kipoi's model.yaml files, golden predictions), whole or not at all.

    Parameters
    ----------
    folder
        Where to; must not exist.
    network
        The trained network.
    card_fields
        Fields of `kipoi_tfb.zoo.card.Card` but the weights.
    windows
        Codes (windows, length) on which to measure how far float16 moves predictions; default random ones.
    base
        The entry that it was fine-tuned from: only what differs from its weights is written. It must be where
        `kipoi_tfb.zoo.entry.locate_base` finds it.

    Raises
    ------
    EntryError
        If the folder exists already, or float16 moves a probability by more than `LARGEST_SHIFT`.
    """
    folder = Path(folder)
    if folder.exists():
        raise EntryError(f"{folder} exists already; remove it or choose another name")
    with atomic_folder(folder) as temporary:
        weights = save_weights(network, temporary / WEIGHTS_FILE, None if base is None else base.state_dict())
        card = Card(weights=weights, **card_fields)
        shift = _largest_shift(network, Entry(str(temporary), temporary.absolute(), card), windows)
        card = card.model_copy(update={"weights": weights.model_copy(update={"largest_shift": shift})})
        write_card(card, temporary)
        render_specs(card, temporary)
        _write_golden(open_entry(temporary), temporary)
    return open_entry(folder)


def _largest_shift(network: nn.Module, entry: Entry, windows: NDArray[np.uint8] | None) -> float:
    if windows is None:
        windows = np.random.default_rng(1).integers(0, 4, (512, entry.card.window_length), np.uint8)
    stored = entry_probability(entry, windows)
    logits = logits_of([network.cpu().eval()], windows, torch.device("cpu"))
    largest = float(np.abs(probability(torch.from_numpy(logits)).numpy() - stored).max())
    if not largest <= LARGEST_SHIFT:
        raise EntryError(f"storing {entry.card.name} as float16 moves a probability by {largest:.2g}")
    return round(largest, 7)


def _write_golden(entry: Entry, folder: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 4, (_GOLDEN_SEQUENCES, entry.card.window_length), np.uint8)
    codes[-1, :50] = UNKNOWN
    found = entry_probability(entry, codes)
    golden = {
        "tasks": list(entry.card.tasks),
        "sequences": [decode(row) for row in codes],
        "probability": [[round(float(value), 6) for value in row] for row in found],
    }
    with atomic_path(folder / GOLDEN_FILE) as temporary:
        temporary.write_text(json.dumps(golden) + "\n")
