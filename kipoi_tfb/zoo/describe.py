"""An entry in a few lines for people, what it is worth first; its card has everything."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from kipoi_tfb.zoo.card import Card, MetricsCard
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import ControlCard, GateCard, SplitsCard
from kipoi_tfb.zoo.measured import measured

__all__ = ["LIMITS", "card_facts", "describe", "verdict_words"]

_INDENT = 12
LIMITS = (
    "Binding in at least one of the cell types that it learnt from; not in a cell type of yours.",
    "AUPRC at equal numbers flatters: in a genome unbound regions are many, and more of what is called bound is not.",
    "Sequence only: a TF that the cell lacks, or closed chromatin, is not seen.",
    "TFs of one family share motifs; the model tells them apart poorly.",
)
"""Of every entry."""


def describe(entry: Entry, width: int = 80) -> list[str]:
    """Return at most 25 lines, of at most `width` letters where words allow it."""
    card = measured(entry)
    lines = [card.name, *_row("verdict", verdict_words(card), width, 3)]
    for label, text, most in card_facts(entry, card):
        lines += _row(label, text, width, most)
    return lines


def card_facts(entry: Entry, card: Card) -> Iterator[tuple[str, str, int]]:
    """Yield label, text, and how many lines it may take, of an entry's card as `measured` gives it."""
    yield "what", card.summary, 1 if card.gate else 2
    if card.metrics is not None:
        yield "tested", _tested(card.metrics), 3
        if card.gate is None and card.metrics.baselines:
            others = ", ".join(f"{name} {auprc:.3f}" for name, auprc in card.metrics.baselines.items())
            yield "beside it", f"{others} (AUPRC at 1:1)", 1
    if card.finetuned and card.finetuned.splits:
        yield "splits", _splits(card.finetuned.splits), 2
    for control in card.gate.controls if card.gate else ():
        yield control.kind, _control(control), 2
    if card.gate and card.gate.not_run:
        yield "not run", ", ".join(f"{kind} ({why})" for kind, why in card.gate.not_run.items()), 1
    yield "TFs", f"{len(card.tasks)}: {', '.join(card.tasks)}", 1
    yield "takes", f"{card.window_length} bp; {card.architecture}", 1
    if card.base is not None:
        arm = f", by arm {card.finetuned.arm}" if card.finetuned else ""
        yield "made from", f"{card.base}{arm}", 1
    elif card.members is not None:
        yield "made from", f"the mean of {', '.join(member.name for member in card.members)}", 1
    data, config = card.data, card.training.config
    cells = f", labels of {', '.join(config.cell_types)}" if config and config.cell_types else ""
    if data.accession:
        yield "data from", data.accession, 1
    yield "trained on", f"{', '.join(data.train_chromosomes)} of {data.source}; {data.n_train:,} regions{cells}", 2
    yield "kept out", _kept_out(card), 1
    yield "made by", f"{card.training.command} ({card.training.date})", 1
    yield "licence", f"{card.licence}; by {', '.join(card.authors)}", 1
    yield "folder", str(entry.folder), 1


def _cells(cell_types: Sequence[str] | None) -> str:
    return "" if cell_types is None else f" in {', '.join(cell_types)}"


def _kept_out(card: Card) -> str:
    data = card.data
    if card.split_at_random:
        return "a tenth to validate and a tenth to test, at random"
    return ", ".join((*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes))


def _splits(splits: SplitsCard) -> str:
    """Return mean and standard deviation over random splits, of the entry and beside it."""
    found = {"": splits.auprc, **{f"{kind} ": spread for kind, spread in splits.controls.items()}}
    return f"{len(splits.each)} at random; AUPRC at 1:1 " + ", ".join(
        f"{kind}{each.mean:.3f}{'' if each.sd is None else f' (sd {each.sd:.3f})'}" for kind, each in found.items()
    )


def verdict_words(card: Card) -> str:
    """Return the verdict in a few words, and by which comparisons it was given."""
    gate = card.gate
    if gate is None:
        return "none: it is not fine-tuned" if card.finetuned is None else "none was given"
    return f"{gate.verdict}{_how(gate, card.metrics)}"


def _how(gate: GateCard, metrics: MetricsCard | None) -> str:
    """Return by which comparisons a verdict was given."""
    if all(control.outcome_natural is not None for control in gate.controls):
        return "" if not gate.controls else ", by AUPRC at 1:1 and at natural prevalence"
    worse = [control for control in gate.controls if (control.difference_natural or 0) < 0]
    if not worse or metrics is None or metrics.auprc_natural is None:
        return ", by AUPRC at 1:1 alone"
    least = min(worse, key=lambda control: control.difference_natural or 0)
    return (
        f", by AUPRC at 1:1 alone; at natural prevalence it is lower than {least.name}: {metrics.auprc_natural:.3f} "
        f"and {least.auprc_natural:.3f}"
    )


def _tested(metrics: MetricsCard) -> str:
    """Return how good it was, at both prevalences."""
    tfs = "1 TF" if metrics.n_tfs == 1 else f"{metrics.n_tfs} TFs"
    where = f"{', '.join(metrics.chromosomes)}{_cells(metrics.cell_types)}"
    said = f"on {where}, {tfs}: AUPRC {metrics.auprc:.3f}{_ends(metrics.auprc_interval)} at 1:1"
    if metrics.auprc_natural is not None:
        share = "" if metrics.prevalence is None else f" ({metrics.prevalence:.1%} bound)"
        ends = _ends(metrics.auprc_natural_interval)
        said += f", {metrics.auprc_natural:.3f}{ends} at natural prevalence{share}"
    said += f"; AUROC {metrics.auroc:.3f}"
    return said + ("" if metrics.ece is None else f"; calibration error {metrics.ece:.4f}")


def _control(control: ControlCard) -> str:
    said = f"{control.name}: {control.outcome}, AUPRC {control.auprc:.3f} "
    said += f"({control.difference:+.3f} [{control.low:+.3f}, {control.high:+.3f}]) at 1:1"
    if control.auprc_natural is None or control.difference_natural is None:
        return said
    outcome = "" if control.outcome_natural is None else f" {control.outcome_natural},"
    return f"{said};{outcome} {control.auprc_natural:.3f} ({control.difference_natural:+.3f}) natural"


def _ends(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]"


def _row(label: str, text: str, width: int, most: int) -> list[str]:
    """Return a labelled text in at most `most` lines; what does not fit ends in dots."""
    indent = " " * _INDENT
    wrapped = textwrap.wrap(
        text, max(width, 40), initial_indent=f"{label:<{_INDENT}}", subsequent_indent=indent, max_lines=most,
        placeholder=" ...", break_on_hyphens=False,
    )  # fmt: skip
    return wrapped or [label]
