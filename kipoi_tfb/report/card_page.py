"""The page of an entry: whether it is worth using, in words first, for who wants to know whether a TF binds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kipoi_tfb.interpretation.plot import plot_windows
from kipoi_tfb.interpretation.sources import ExplainedWindows, Source
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report.contents import Facts, Leaflet, Picture, Section
from kipoi_tfb.report.motif_page import drawn
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.describe import LIMITS, card_facts, verdict_words
from kipoi_tfb.zoo.entry import Entry, own_file
from kipoi_tfb.zoo.finetuned_card import CURVE_FILE, MOTIF_FILE, READS_FILE, TESTED_FILE, ControlCard
from kipoi_tfb.zoo.measured import measured, metrics_rows
from tfb_matrix_data.bounded import read_at_most
from tfb_matrix_data.errors import ConfigError

__all__ = ["card_leaflet", "learnt_picture"]

_SHOWN = 3
"""Windows in the picture of what an entry has learnt."""
_ENDS = 8
"""TFs that are named as those known best, and worst."""
_MOST_SVG = 2 << 20
_CHUNK = 4096
_OWN = {
    TESTED_FILE: "How good it was on the test regions: precision and recall, and whether its probabilities are right.",
    READS_FILE: "What it reads: contributions of bases in the bound test regions that it is surest of.",
    CURVE_FILE: "How it learnt: losses of training and validation by epoch; the network kept is marked.",
    MOTIF_FILE: "The filter of the first layer that fine-tuning changed most, before and after.",
}
_OUTCOME = {"win": "better", "tie": "cannot be told apart", "loss": "worse"}
_CONTROL = ("Compared with", "Outcome", "Its AUPRC", "Difference (95 %)", "At natural prevalence")


def card_leaflet(entry: Entry, facts: Facts, learnt: Picture | None = None) -> Leaflet:
    """Return the page of an entry.

    Parameters
    ----------
    entry
        Of the zoo.
    facts
        What the page is made of.
    learnt
        Of `learnt_picture`.

    Raises
    ------
    EntryError
        If a table of it is damaged.
    """
    card = measured(entry)
    sections = [_worth(card)]
    if len(card.tasks) > 1 and (table := metrics_rows(entry)):
        sections.append(_best_and_worst(table, card.metrics.min_bound if card.metrics else 1))
    if learnt is not None:
        text = "Letters: what each base contributes to the log-odds of binding, in the regions that it is surest of."
        sections.append(Section("What it reads", (text,), pictures=(learnt,)))
    pictures = list(_own_pictures(entry))
    if pictures:
        sections.append(Section("How it was made", pictures=pictures))
    above = {"folder", "not run", *(control.kind for control in (card.gate.controls if card.gate else ()))}
    rows = [(label, text) for label, text, _ in card_facts(entry, card) if label not in above]
    sections.append(Section("Its card", head=("What", "It says"), rows=rows))
    heading = f"Is {card.name} worth using?" if card.gate else f"What is {card.name}?"
    return Leaflet(facts, "model card", heading, _brief(card), sections, LIMITS)


def learnt_picture(entry: Entry, source: Source, tf: str | None = None, device: str = "cpu") -> Picture:
    """Return the contributions of bases in the windows that an entry gives the highest probability.

    By DeepLIFT, or by mutagenesis where that has no rule for the network.

    Parameters
    ----------
    entry
        Of the zoo.
    source
        Regions or sequences that are bound.
    tf
        Whose; default the entry's first.
    device
        See `kipoi_tfb.models.device.choose_device`.

    Raises
    ------
    ConfigError
        If no window has a known base.
    """
    tf = tf or entry.card.tasks[0]
    windows = _surest(Predictor([entry], [tf], device), source)
    what = f"the {len(windows.codes)} surest of the given regions"
    return drawn(
        lambda path: plot_windows(entry, tf, windows, path, what, device),
        alt=f"Logos of contributions to {tf} in {', '.join(windows.name.tolist())}",
    )


def _surest(predictor: Predictor, source: Source) -> ExplainedWindows:
    """Return the windows of the highest probability, the highest first."""
    best: list[tuple[float, ExplainedWindows]] = []
    for windows in source.windows(predictor.window_length, _CHUNK):
        p = np.nan_to_num(predictor.probability(windows.codes)[:, 0], nan=-1.0)
        for row in np.argsort(-p, kind="stable")[:_SHOWN].tolist():
            if p[row] >= 0:
                best.append((float(p[row]), windows.take([row])))
        best = sorted(best, key=lambda one: -one[0])[:_SHOWN]
    if not best:
        raise ConfigError(f"{source.path}: no window has a known base; is this the right genome?")
    fields = zip(ExplainedWindows._fields, zip(*(one for _, one in best), strict=True), strict=True)
    return ExplainedWindows(**{name: np.concatenate(parts) for name, parts in fields})


def _brief(card: Card) -> str:
    """Return the verdict in words, or of an entry without one what it is and how good."""
    if card.gate is not None:
        words = card.gate.words
        return words[:1].upper() + words[1:]
    tested = (
        f" On {', '.join(card.metrics.chromosomes)}, which it never saw: AUPRC {card.metrics.auprc:.3f} at equal "
        f"numbers, mean of {card.metrics.n_tfs} TFs."
        if card.metrics
        else " It has not been tested."
    )
    return f"{card.summary}{tested}"


def _worth(card: Card) -> Section:
    gate = card.gate
    if gate is None:
        said = f"Verdict: {verdict_words(card)}."
        others = (card.metrics.baselines or {}) if card.metrics else {}
        rows = [(name, f"{auprc:.3f}") for name, auprc in others.items()]
        return Section(
            "Is it any good?", (said,), ("On the same regions", "AUPRC at equal numbers") if rows else (), rows
        )
    text = [f"Verdict: {verdict_words(card)}."]
    if gate.not_run:
        text.append("Not compared with: " + "; ".join(f"{kind} ({why})" for kind, why in gate.not_run.items()) + ".")
    return Section("Is it better than what there was?", text, _CONTROL, [_compared(one) for one in gate.controls])


def _compared(control: ControlCard) -> Sequence[str]:
    natural = ""
    if control.auprc_natural is not None and control.difference_natural is not None:
        natural = f"{control.auprc_natural:.3f} ({control.difference_natural:+.3f})"
    difference = f"{control.difference:+.3f} ({control.low:+.3f} to {control.high:+.3f})"
    return control.name, _OUTCOME[control.outcome], f"{control.auprc:.3f}", difference, natural


def _best_and_worst(table: Sequence[dict[str, str]], min_bound: int) -> Section:
    known = [row for row in table if row["auprc"] not in {"", "nan"} and int(row["bound"]) >= min_bound]
    known.sort(key=lambda row: -float(row["auprc"]))
    text = f"Of {len(known)} TFs with at least {min_bound} bound regions to test on, the best known first."
    if len(known) > 2 * _ENDS:
        text = f"{text} Shown are the first {_ENDS} and the last {_ENDS}."
        known = [*known[:_ENDS], *known[-_ENDS:]]
    rows = [(row["tf"], f"{float(row['auprc']):.3f}", row["bound"]) for row in known]
    return Section("Which TFs does it know?", (text,), ("TF", "AUPRC at equal numbers", "Bound regions tested"), rows)


def _own_pictures(entry: Entry) -> Iterator[Picture]:
    for name, alt in _OWN.items():
        if (entry.folder / name).is_file():
            yield Picture(read_at_most(own_file(entry.folder, name), _MOST_SVG).decode("utf-8", "replace"), alt)
