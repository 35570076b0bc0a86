"""Is a fine-tuned entry worth having? It is compared with what there was before, and the answer is said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kipoi_tfb.evaluation.comparison import compare
from kipoi_tfb.evaluation.job import Evaluation
from kipoi_tfb.evaluation.metrics import MIN_BOUND
from kipoi_tfb.zoo.controls import CONTROLS, ControlKind
from kipoi_tfb.zoo.finetuned_card import ControlCard, GateCard, Outcome, Verdict
from tfb_matrix_data.errors import ConfigError

__all__ = ["NOT_RUN", "VERDICTS", "judge", "refused_at_random"]

NOT_RUN = "not run"
VERDICTS: dict[Outcome, Verdict] = {"loss": "refused", "tie": "accepted with note", "win": "accepted"}
"""{the worst of what an entry is to its controls, at both prevalences: the verdict}, the worst first."""
_AT_RANDOM = "What was tested lies beside what was trained on: to be laid beside the paper's figures, and in no zoo."


def judge(
    evaluation: Evaluation,
    entry: str,
    controls: Mapping[str, ControlKind],
    before: GateCard | None = None,
    not_run: Mapping[ControlKind, str] | None = None,
) -> GateCard:
    """Return the verdict on an entry of one TF.

    Two AUPRCs are compared with those of every control: against unbound regions of the same GC content, 1:1, and
    against all of them, at natural prevalence. *Refused*: one of the two is below that of a control, beyond what
    resampling the test regions explains; *accepted*: neither is, and against every control one of them is above, beyond
    that; *accepted with note*: a control cannot be told from it at either. Controls that were not run are named: the
    verdict is about the others. Controls of earlier verdicts that were compared at 1:1 only count by that.

    Parameters
    ----------
    evaluation
        Of the entry and its controls on the same regions, of one TF, with bootstrap.
    entry
        Its name in the evaluation.
    controls
        {name in the evaluation: which control it is}.
    before
        An earlier verdict on the same entry and regions: its other controls count as well.
    not_run
        {control: why it was not run}.

    Raises
    ------
    ConfigError
        If there is no control, or no bootstrap.
    """
    earlier = [each for each in (before.controls if before else ()) if each.kind not in set(controls.values())]
    if not (controls or earlier) or not evaluation.replicates:
        raise ConfigError("a verdict needs at least one control, and bootstrap replicates")
    (own,) = evaluation.tables[entry]
    found = list(earlier)
    for control, kind in controls.items():
        found.append(_control(evaluation, entry, control, kind))
    found.sort(key=lambda control: CONTROLS.index(control.kind))
    run = {control.kind for control in found}
    reasons = {**(before.not_run if before else {}), **(not_run or {})}
    missing: dict[ControlKind, str] = {kind: reasons.get(kind, NOT_RUN) for kind in CONTROLS if kind not in run}
    outcomes = {control.both for control in found}
    verdict = next(word for outcome, word in VERDICTS.items() if outcome in outcomes)
    test = (
        f"on {own.bound:,} bound and {own.matched:,} unbound regions of {', '.join(evaluation.data.chromosomes)}, of "
        f"the same GC content and seen by no model, its AUPRC is {own.auprc:.3f} "
        f"[{own.auprc_low:.3f}, {own.auprc_high:.3f}]; against all {own.unbound:,} unbound ones, at natural "
        f"prevalence, {own.auprc_natural:.3f} [{own.auprc_natural_low:.3f}, {own.auprc_natural_high:.3f}]"
    )
    said = [_SAID[outcome](_listed(found, outcome)) for outcome in VERDICTS if outcome in outcomes]
    if own.bound < MIN_BOUND:
        said.append(f"With fewer than {MIN_BOUND} bound regions to test on, only large differences show.")
    if missing:
        said.append(f"It was not compared with {', '.join(f'{_WHAT[k]} ({why})' for k, why in missing.items())}.")
    return GateCard(
        verdict=verdict,
        words=f"{verdict}: {test}. {' '.join(said)}",
        controls=tuple(found),
        not_run=missing,
    )


def refused_at_random(gate: GateCard, words: str = "") -> GateCard:
    """Return the verdict on an entry whose test regions lie beside those that trained: refused, whatever its figures.

    Parameters
    ----------
    gate
        Of `judge`.
    words
        To say of its figures; default what `judge` says.
    """
    said = words or gate.words.removeprefix(f"{gate.verdict}: ")
    return gate.model_copy(update={"verdict": "refused", "words": f"refused: {said.removesuffix('.')}. {_AT_RANDOM}"})


def _control(evaluation: Evaluation, entry: str, control: str, kind: ControlKind) -> ControlCard:
    """Return the comparison with one control, at both prevalences."""
    fields: dict[str, Any] = {}
    for metric, end in (("auprc", ""), ("auprc_natural", "_natural")):
        (row,) = compare(evaluation, entry, control, metric, min_bound=1).tfs  # type: ignore[arg-type]
        if row.low is None or row.high is None:
            raise ConfigError(f"{row.tf}: no unbound test region matches the bound ones; there is nothing to compare")
        figures = {"auprc": row.second, "difference": row.difference, "low": row.low, "high": row.high}
        fields |= {f"{name}{end}": round(value, 4) for name, value in figures.items()}
        fields[f"outcome{end}"] = row.outcome
    return ControlCard(kind=kind, name=control, **fields)


_WHAT: dict[ControlKind, str] = {
    "base": "the base's own output",
    "jaspar": "a JASPAR motif",
    "denovo": "a de novo motif",
    "scratch": "training from scratch",
}

_SAID: dict[str, Callable[[str], str]] = {
    "loss": lambda names: f"It tells them apart worse than {names}: use that instead.",
    "tie": lambda names: f"It cannot be told from {names}: the difference may be chance.",
    "win": lambda names: f"It tells them apart better than {names}.",
}


def _listed(controls: Sequence[ControlCard], outcome: str) -> str:
    return ", ".join(f"{control.name} ({_figures(control)})" for control in controls if control.both == outcome)


def _figures(c: ControlCard) -> str:
    said = f"{c.auprc:.3f}; {c.difference:+.3f} [{c.low:+.3f}, {c.high:+.3f}]"
    if c.auprc_natural is None:
        return f"{said} at 1:1; not compared at natural prevalence"
    return (
        f"{said} at 1:1; natural {c.auprc_natural:.3f}; {c.difference_natural:+.3f} [{c.low_natural:+.3f}, "
        f"{c.high_natural:+.3f}]"
    )
