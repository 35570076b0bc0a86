"""The model zoo: finding, listing and verifying entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from kipoi_tfb.card import CARD_FILE
from kipoi_tfb.entry import Entry, open_entry
from kipoi_tfb.null import NULL_FILE, read_null
from kipoi_tfb.predictor import Predictor
from tfb_matrix_data.errors import TfbError, UnknownNameError
from tfb_matrix_data.sequence import encode

__all__ = ["Check", "entry_names", "find_entries", "find_entry", "verify_entry", "zoo_folder"]

GOLDEN_TOLERANCE = 1e-4
MAX_WEIGHTS_MB = 25


@dataclass(frozen=True)
class Check:
    """One thing verified of an entry."""

    what: str
    passed: bool
    detail: str


def zoo_folder() -> Path:
    """Return the folder of the zoo that was installed with this package."""
    return Path(str(files("kipoi_tfb.model_zoo")))


def entry_names(zoo: Path | None = None) -> list[str]:
    """Return the names of all entries of a zoo, sorted."""
    zoo = zoo or zoo_folder()
    return sorted(str(card.parent.relative_to(zoo)) for card in zoo.rglob(CARD_FILE))


def find_entry(name: str) -> Entry:
    """Return an entry by its name in the zoo, or by the path of its folder.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    names = entry_names()
    if name in names:
        return open_entry(zoo_folder() / name, name)
    if Path(name).is_dir():
        return open_entry(name)
    raise UnknownNameError("zoo entry (and no such folder)", name, names)


def find_entries(names: str) -> list[Entry]:
    """Return the entries of a comma-separated list of names, or ``all``."""
    wanted = entry_names() if names == "all" else [name for name in names.split(",") if name]
    return [find_entry(name) for name in dict.fromkeys(wanted)]


def verify_entry(entry: Entry) -> list[Check]:
    """Check an entry as a maintainer would: weights, held-out rule, golden predictions, Kipoi's files, size.

    The card itself was validated when the entry was opened.
    """
    checks = [_attempt("weights", lambda: _weights(entry)), _held_out(entry)]
    checks.append(_attempt("golden predictions", lambda: _golden(entry)))
    if (entry.folder / NULL_FILE).is_file():
        checks.append(_attempt("null", lambda: _null(entry)))
    for spec in ("model.yaml", "variants/model.yaml"):
        present = (entry.folder / spec).is_file()
        checks.append(Check(spec, present, "present" if present else "missing: Kipoi cannot find the entry"))
    size = entry.weights_path.stat().st_size / 1e6 if entry.weights_path.is_file() else 0.0
    checks.append(Check("size", size <= MAX_WEIGHTS_MB, f"{size:.1f} MB of weights (at most {MAX_WEIGHTS_MB})"))
    return checks


def _attempt(what: str, action: Callable[[], str]) -> Check:
    """Return a check that passed with the detail that `action` returns, or failed with the error it raises."""
    try:
        return Check(what, True, action())
    except TfbError as error:
        return Check(what, False, str(error))


def _weights(entry: Entry) -> str:
    entry.load()
    return f"sha256 {entry.card.weights.sha256[:12]}..., fit {entry.card.architecture}"


def _golden(entry: Entry) -> str:
    try:
        codes = np.stack([encode(sequence) for sequence in entry.golden["sequences"]])
        expected = np.array(entry.golden["probability"], np.float64)
    except (ValueError, TypeError) as error:
        raise TfbError(f"golden.json is damaged: {error}") from None
    if codes.shape[1] != entry.card.window_length:
        raise TfbError(f"golden.json has sequences of {codes.shape[1]} bp, the card says {entry.card.window_length}")
    found = Predictor([entry]).probability(codes)
    if found.shape != expected.shape:
        raise TfbError(f"golden.json has predictions of shape {expected.shape}, the network gives {found.shape}")
    difference = float(np.abs(found - expected).max())
    if not difference <= GOLDEN_TOLERANCE:
        raise TfbError(f"predictions differ from golden.json by up to {difference:.2g} (at most {GOLDEN_TOLERANCE:g})")
    return f"{len(codes)} sequences, largest difference {difference:.1g}"


def _null(entry: Entry) -> str:
    null = read_null(entry)
    if null is None:
        raise TfbError(f"{NULL_FILE} has gone")
    return f"{null.counts.sum()} variants on {', '.join(null.record.chromosomes)}, made for these weights"


def _held_out(entry: Entry) -> Check:
    data = entry.card.data
    held_out = {*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes}
    leaked = held_out & set(data.train_chromosomes)
    metrics = entry.card.metrics
    leaked |= set(metrics.chromosomes) & {*data.train_chromosomes, *data.validation_chromosomes} if metrics else set()
    if leaked:
        return Check("held-out rule", False, f"{', '.join(sorted(leaked))} is held out or tested on, and trained on")
    if metrics and metrics.weights_sha256 != entry.card.weights.sha256:
        return Check("held-out rule", False, "the metrics were measured on other weights; run `tfb evaluate --record`")
    tested = ", ".join(metrics.chromosomes) if metrics else "nothing yet"
    return Check("held-out rule", True, f"tested on {tested}; trained on none of it")
