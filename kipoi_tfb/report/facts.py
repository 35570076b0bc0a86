"""Facts that a report states: the files by their hashes, the models by their cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kipoi_tfb import __version__
from kipoi_tfb.report.contents import Facts, InputFile, Model
from kipoi_tfb.report.words import listed
from kipoi_tfb.zoo.card import Card, MetricsCard
from tfb_matrix_data.files import sha256

__all__ = ["facts_of", "model_of"]


def facts_of(title: str, files: Mapping[str, Path | None], cards: Sequence[Card], command: str, date: str) -> Facts:
    """Return the facts of a report.

    Parameters
    ----------
    title
        Of the document.
    files
        By what each is to the reader; None for one that was not given.
    cards
        Of the models.
    command, date
        As they are shown.
    """
    read = [InputFile(role, path.name, sha256(path)) for role, path in files.items() if path is not None]
    return Facts(title, read, [model_of(card) for card in cards], command, __version__, date)


def model_of(card: Card) -> Model:
    """Return what the card of an entry says."""
    return Model(
        card.name,
        len(card.tasks),
        card.window_length,
        card.weights.sha256,
        _held_out(card),
        _accuracy(card.metrics, card.split_at_random) if card.metrics else "",
    )


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
