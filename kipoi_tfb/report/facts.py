"""Facts that a report states: the files by their hashes, the models by their cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kipoi_tfb import __version__
from kipoi_tfb.report.contents import Facts, InputFile, Model
from kipoi_tfb.report.words import listed
from kipoi_tfb.zoo.card import Card, MetricsCard, card_text
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.null import read_null
from tfb_matrix_data.files import sha256

__all__ = ["facts_of", "model_of"]


def facts_of(
    title: str,
    files: Mapping[str, Path | None],
    entries: Sequence[Entry],
    command: str,
    date: str,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Facts:
    """Return the facts of a report.

    Parameters
    ----------
    title
        Of the document.
    files
        By what each is to the reader; None for one that was not given.
    entries
        The models.
    command, date
        As they are shown.
    notes
        What else is to be said of files, by what they are to the reader.
    """
    read = [
        InputFile(role, path.name, sha256(path), notes.get(role, ""))
        for role, path in files.items()
        if path is not None
    ]
    return Facts(title, read, [model_of(entry) for entry in entries], command, __version__, date, _random(entries))


def model_of(entry: Entry) -> Model:
    """Return what the card of an entry says."""
    card = entry.card
    return Model(
        card.name,
        len(card.tasks),
        card.window_length,
        card.weights.sha256,
        _held_out(card),
        _accuracy(card.metrics, card.split_at_random) if card.metrics else "",
        card.training.date,
        card_text(card),
    )


def _random(entries: Sequence[Entry]) -> str:
    """Return which random variants the percentiles of entries compare with, in a sentence for each choice of them."""
    records = [null.record for null in map(read_null, entries) if null is not None]
    said = [
        f"Random variants: of every kind at {record.positions:,} places in the open regions of "
        f"{_all(record.chromosomes)} ({record.genome})."
        for record in records
    ]
    return " ".join(dict.fromkeys(said))


def _held_out(card: Card) -> str:
    data = card.data
    unseen = sorted({*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes})
    if card.split_at_random:
        return "split at random: it was tested beside what it was trained on"
    if not unseen:
        return "no region was held out of its training"
    tested = f"; tested on {_all(data.test_chromosomes)}" if data.test_chromosomes else ""
    return f"never trained on {_all(unseen)}{tested}"


def _accuracy(metrics: MetricsCard, at_random: bool) -> str:
    jaspar = (metrics.baselines or {}).get("jaspar")
    how = "split at random" if at_random else "never trained on"
    return (
        f"bound from unbound regions on {_all(metrics.chromosomes)}, {how}, at equal numbers: AUPRC "
        f"{metrics.auprc:.3f}{_interval(metrics.auprc_interval)}, AUROC {metrics.auroc:.3f}"
        f"{_interval(metrics.auroc_interval)}, mean of {metrics.n_tfs} TFs"
        f"{f'; best JASPAR motif: AUPRC {jaspar:.3f}' if jaspar is not None else ''}."
    )


def _interval(ends: tuple[float, float] | None) -> str:
    return f" ({ends[0]:.3f}–{ends[1]:.3f})" if ends else ""


def _all(names: Sequence[str]) -> str:
    return listed(names, len(names))
