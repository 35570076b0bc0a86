"""Checks of an entry and of a zoo, as a maintainer would make them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import GOLDEN_FILE, Entry, open_entry, own_file, zoo_folder
from kipoi_tfb.zoo.find import entry_names
from kipoi_tfb.zoo.finetuned_card import CURVE_FILE, MOTIF_FILE
from kipoi_tfb.zoo.networks import entry_probability, load_network
from kipoi_tfb.zoo.null import NULL_FILE, read_null
from kipoi_tfb.zoo.specs import SPECS, render_spec
from tfb_matrix_data.bounded import check_file, read_at_most
from tfb_matrix_data.contigs import plain_name
from tfb_matrix_data.errors import EntryError, InputError, TfbError
from tfb_matrix_data.sequence import encode
from tfb_matrix_data.splits import ACCEPTANCE

__all__ = ["CONTROLS_FILE", "SPLITS_FILE", "Check", "check_specs", "verify_entry", "verify_nothing_else", "verify_size"]

CONTROLS_FILE, SPLITS_FILE = "controls.tsv", "splits.tsv"
GOLDEN_TOLERANCE = 1e-4
MAX_MB, MAX_ZOO_MB = 25, 150
_PICTURES = {".png", ".svg"}
_MOST_SVG_BYTES = 8 << 20
_SCRIPT = re.compile(rb"<script|<foreignObject|<!ENTITY|javascript:|\son\w+\s*=|href\s*=\s*[\"'](?!#)", re.IGNORECASE)


@dataclass(frozen=True)
class Check:
    """One thing verified of an entry."""

    what: str
    passed: bool
    detail: str


def verify_entry(entry: Entry) -> list[Check]:
    """Check an entry as a maintainer would: weights, held-out rule, golden predictions, Kipoi's files, size.

    The card itself was validated when the entry was opened.
    """
    checks = [_attempt("files", lambda: _files(entry)), _attempt("weights", lambda: _weights(entry))]
    checks += [_attempt("held-out rule", lambda: _held_out(entry)), _verdict(entry)]
    checks.append(_attempt("golden predictions", lambda: _golden(entry)))
    if (entry.folder / NULL_FILE).exists():
        checks.append(_attempt("null", lambda: _null(entry)))
    checks += [_attempt(spec, lambda spec=spec: _spec(entry, spec)) for spec in SPECS]  # type: ignore[misc]
    size = sum(path.lstat().st_size for path in entry.folder.rglob("*")) / 1e6
    checks.append(Check("size", size <= MAX_MB, f"{size:.2g} MB (at most {MAX_MB})"))
    return checks


def check_specs(zoo: Path | None = None) -> None:
    """Check all that Kipoi would run of a zoo, before it is told of it: every Kipoi file, and that there are no others.

    Raises
    ------
    EntryError
        If one is not what the templates give for the card beside it, or belongs to no entry.
    """
    zoo = zoo or zoo_folder()
    nothing_else = verify_nothing_else(zoo)
    if not nothing_else.passed:
        raise EntryError(f"{zoo} is not fit for Kipoi: {nothing_else.detail}")
    for name in entry_names(zoo):
        entry = open_entry(zoo / name, name)
        more = {str(path.relative_to(entry.folder)) for path in entry.folder.rglob("model*.y*ml")} - set(SPECS)
        if more:
            raise EntryError(
                f"{name}: {min(more)} is not part of an entry, and Kipoi would run what it names; take it out"
            )
        for spec in SPECS:
            try:
                _spec(entry, spec)
            except EntryError as error:
                raise EntryError(f"{name}: {spec}: {error}") from None


def verify_size(zoo: Path | None = None) -> Check:
    """Check that a zoo is no larger than fits into a repository."""
    size = sum(path.lstat().st_size for path in (zoo or zoo_folder()).rglob("*")) / 1e6
    return Check("size", size <= MAX_ZOO_MB, f"{size:.1f} MB (at most {MAX_ZOO_MB})")


def verify_nothing_else(zoo: Path | None = None) -> Check:
    """Check that a zoo holds nothing but entries: Kipoi would run a model.yaml that has no card, whatever it names."""
    zoo = zoo or zoo_folder()
    entries = {zoo / name for name in entry_names(zoo)}
    strays = [
        str(path.relative_to(zoo))
        for path in sorted(zoo.rglob("*"))
        if (path.is_symlink() or not path.is_dir())
        and path != zoo / "__init__.py"
        and not (path.parent == zoo / "__pycache__" and path.suffix == ".pyc")
        and entries.isdisjoint(path.parents)
    ]
    more = f" and {len(strays) - 3} more" if len(strays) > 3 else ""
    found = f"{', '.join(strays[:3])}{more}: of no entry (an entry has a {CARD_FILE}); take it out"
    return Check("nothing else", not strays, found if strays else f"{len(entries)} entries")


def _attempt(what: str, action: Callable[[], str]) -> Check:
    """Return a check that passed with the detail that `action` returns, or failed with the error it raises."""
    try:
        return Check(what, True, action())
    except TfbError as error:
        return Check(what, False, str(error))


def _files(entry: Entry) -> str:
    """Say how many files there are; refuse links, which may lead out of the folder, and what no entry needs."""
    metrics = entry.card.metrics
    known = {CARD_FILE, GOLDEN_FILE, NULL_FILE, entry.card.weights.file, CONTROLS_FILE, "README.md", *SPECS}
    known |= {CURVE_FILE, MOTIF_FILE, SPLITS_FILE} | ({metrics.table} if metrics else set())
    found = sorted(path for path in entry.folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for path in found:
        name = str(path.relative_to(entry.folder))
        if path.is_symlink() or path.parent.is_symlink():
            raise EntryError(f"{name} is a link; an entry holds its files itself")
        check_file(path)
        if name not in known and path.suffix not in _PICTURES:
            raise EntryError(f"{name} is not part of an entry; take it out")
        if path.suffix == ".svg" and (found_code := _SCRIPT.search(read_at_most(path, _MOST_SVG_BYTES))):
            raise EntryError(f"{name} holds {found_code[0].decode()!r}, which a browser may run; a picture has none")
    return f"{len(found)}, no links, no code"


def _spec(entry: Entry, spec: str) -> str:
    """Say that a Kipoi file is what the template gives, which says what the card asks for: it is run as code."""
    wanted = render_spec(entry.card, spec).encode()
    try:
        found = read_at_most(own_file(entry.folder, spec), len(wanted))
    except FileNotFoundError:
        raise EntryError("missing: Kipoi cannot find the entry") from None
    except InputError:  # it is longer
        found = b""
    if found != wanted:
        raise EntryError(
            "is not what templates/ give for the card, and Kipoi would run the code that it names; an entry of another "
            "version is brought up to date by `tfb zoo render`"
        )
    return "as templates/ give it"


def _verdict(entry: Entry) -> Check:
    gate = entry.card.gate
    if gate is None:
        return Check("verdict", True, "not fine-tuned" if entry.card.finetuned is None else "none")
    return Check("verdict", gate.verdict != "refused", gate.verdict)


def _weights(entry: Entry) -> str:
    load_network(entry)
    return f"sha256 {entry.card.weights.sha256[:12]}..., fit {entry.card.architecture}"


def _golden(entry: Entry) -> str:
    try:
        codes = np.stack([encode(sequence) for sequence in entry.golden["sequences"]])
        expected = np.array(entry.golden["probability"], np.float64)
    except (ValueError, TypeError) as error:
        raise TfbError(f"golden.json is damaged: {error}") from None
    if codes.shape[1] != entry.card.window_length:
        raise TfbError(f"golden.json has sequences of {codes.shape[1]} bp, the card says {entry.card.window_length}")
    found = entry_probability(entry, codes)
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


def _held_out(entry: Entry) -> str:
    if entry.card.split_at_random:
        raise EntryError(
            "it was split at random: what it was tested on lies beside what it was trained on. Such a run reproduces "
            "the paper's figures; an entry of a zoo is split by chromosome"
        )
    data, metrics = entry.card.data, entry.card.metrics
    trained = _chromosomes(data.train_chromosomes)
    validated = _chromosomes(data.validation_chromosomes)
    if entry.card.finetuned is not None:  # what its base has seen, it has seen
        before = entry.find_base().card.data
        trained |= _chromosomes(before.train_chromosomes)
        validated |= _chromosomes(before.validation_chromosomes)
    tested = _chromosomes(metrics.chromosomes if metrics else ())
    held_out = _chromosomes((*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes))
    held_out |= _chromosomes(ACCEPTANCE)
    leaked = (held_out & trained) | (tested & (trained | validated))
    if leaked:
        raise EntryError(
            f"{', '.join(f'chr{name}' for name in sorted(leaked))} is held out or tested on, and trained on"
        )
    if metrics and metrics.weights_sha256 != entry.card.weights.sha256:
        raise EntryError("the metrics were measured on other weights; run `tfb evaluate --record`")
    said = ", ".join(metrics.chromosomes) if metrics else "nothing yet"
    return f"tested on {said}; trained on none of it"


def _chromosomes(names: Sequence[str]) -> set[str]:
    """Return names of chromosomes in one spelling."""
    return {plain_name(name) for name in names}
