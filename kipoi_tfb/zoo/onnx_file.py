"""An entry as one ONNX file, which says what it is and was compared with the entry before it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.models.onnx_program import INPUT, OUTPUT, import_onnxruntime, onnx_program
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.networks import entry_probability, load_network
from tfb_matrix_data.errors import EntryError, InputError
from tfb_matrix_data.files import atomic_path, check_output
from tfb_matrix_data.sequence import UNKNOWN, one_hot

__all__ = ["TOLERANCE", "OnnxFile", "write_onnx"]

SUFFIX = ".onnx"
TOLERANCE = 1e-5
"""How far a probability of the file may be from the entry's."""
_COMPARED = 65
"""Windows that are compared: one more than the entry's own network scans at once."""


class OnnxFile(NamedTuple):
    """A file that was written.

    Attributes
    ----------
    size
        In bytes.
    difference
        The largest between a probability that onnxruntime gives and the entry's.
    n_compared
        Windows of which.
    """

    size: int
    difference: float
    n_compared: int


def write_onnx(entry: Entry, path: str | Path) -> OnnxFile:
    """Write an entry as an ONNX file: probabilities averaged over both strands, for a batch of any size.

    Input ``one_hot`` is float32 (batch, 4, length), rows in the order A C G T, an unknown base all zero; output
    ``probability`` is float32 (batch, TFs), NaN where no base is known. The file's metadata name the entry, its TFs in
    order, the sha256 of its weights, the window's length and what in- and output are.

    Parameters
    ----------
    entry
        Of the zoo.
    path
        Where to; an older file is replaced.

    Raises
    ------
    InputError
        If the name does not end in ``.onnx``, or its folder does not exist.
    ConfigError
        If the extra ``onnx`` is not installed.
    EntryError
        If the entry has no valid weights, or onnxruntime gives other numbers than it (by more than 1e-5).
    """
    path = check_output(path)
    if path.suffix != SUFFIX:
        raise InputError(path, f"expected a name that ends in {SUFFIX}")
    runtime, card = import_onnxruntime(), entry.card
    program = onnx_program(load_network(entry), card.window_length)
    program.producer_name = "kipoi-tfb"
    program.graph.name = "kipoi-tfb"
    program.doc_string = card.summary
    for key, value in _said(card).items():
        program.metadata_props.add(key=key, value=value)
    content = program.SerializeToString(deterministic=True)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    codes = _windows(card.window_length)
    found = session.run([OUTPUT], {INPUT: one_hot(codes)})[0]
    difference = _difference(entry, codes, found)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return OnnxFile(len(content), difference, len(codes))


def _said(card: Card) -> dict[str, str]:
    """Return the metadata of the file."""
    from kipoi_tfb import __version__

    base = card.finetuned.base_weights_sha256 if card.finetuned else ""
    return {
        "entry": card.name,
        "tfs": json.dumps(list(card.tasks)),
        "weights_sha256": card.weights.sha256,
        **({"base": str(card.base), "base_weights_sha256": base} if base else {}),
        "window_length": str(card.window_length),
        "alphabet": "ACGT",
        "input": f"{INPUT}: float32 (batch, 4, {card.window_length}), rows A C G T, an unknown base (N) all zero",
        "output": f"{OUTPUT}: float32 (batch, {len(card.tasks)}), columns as in tfs, both strands averaged; NaN where "
        "no base is known",
        "licence": card.licence,
        "citation": json.dumps(list(card.citation)),
        "made_by": f"kipoi-tfb {__version__}",
    }


def _windows(length: int) -> NDArray[np.uint8]:
    """Return windows to compare, one of them with unknown bases and one of nothing else."""
    codes = np.random.default_rng(0).integers(0, 4, (_COMPARED, length), np.uint8)
    codes[0, : length // 4], codes[-1] = UNKNOWN, UNKNOWN
    return codes


def _difference(entry: Entry, codes: NDArray[np.uint8], found: NDArray[np.float32]) -> float:
    """Return the largest difference between what a file and the entry give."""
    expected = entry_probability(entry, codes)
    same = found.shape == expected.shape and np.array_equal(np.isnan(found), np.isnan(expected))
    difference = float(np.nanmax(np.abs(found - expected))) if same else np.inf
    if not difference <= TOLERANCE:
        raise EntryError(
            f"{entry.name}: as ONNX it would give other probabilities, by up to {difference:.2g} (at most "
            f"{TOLERANCE:g}); nothing was written"
        )
    return difference
