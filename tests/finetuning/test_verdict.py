"""The verdict on a fine-tuned entry, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.regions import LabelledRegions
from kipoi_tfb.evaluation.scorers import NetworkScorer
from kipoi_tfb.finetuning.verdict import judge, refused_at_random
from kipoi_tfb.zoo.controls import CONTROLS
from kipoi_tfb.zoo.finetuned_card import GateCard
from tests.fakes import FakeScorer, by_gc, by_gc_scorers, noisy
from tfb_matrix_data.errors import ConfigError


def regions(n: int = 400) -> LabelledRegions:
    """Return windows of one GC content, every other one bound, that can be told apart by their first bases."""
    codes = np.tile(np.arange(4, dtype=np.uint8), (n, 25))
    codes[:, :8] = np.array([np.random.default_rng(i).permutation(8) % 4 for i in range(n)])
    labels = (np.arange(n) % 2).astype(np.int8)[:, None]
    keys = [("22", 100 * i, 100 * i + 100) for i in range(n)]
    return LabelledRegions("made up", ("X",), codes, labels, keys, np.arange(n), ("chr22",), (0,))


def scorer(name: str, data: LabelledRegions, noise: float, seed: int = 0) -> NetworkScorer:
    """Return one that sees the labels through noise."""
    found = data.labels + np.random.default_rng(seed).normal(0, noise, data.labels.shape)
    return NetworkScorer(name, ("X",), lambda codes: found.astype(np.float32)[: len(codes)])


def verdict(own: float, controls: dict[str, float], n: int = 400):
    data = regions(n)
    scorers = [scorer("own", data, own), *(scorer(name, data, noise, 1) for name, noise in controls.items())]
    return judge(evaluate(scorers, data, 0, 200), "own", dict(zip(controls, CONTROLS, strict=False)))


def test_better_than_all_is_accepted():
    found = verdict(0.3, {"PWM": 1.0, "scratch": 2.0})
    assert found.verdict == "accepted" and {c.outcome for c in found.controls} == {"win"}
    assert found.words.startswith("accepted: on 200 bound and 200 unbound regions of chr22, of the same GC content")
    assert "It tells them apart better than PWM (0." in found.words and ", scratch (0." in found.words
    assert "may be chance" not in found.words and "fewer" not in found.words


def test_as_good_as_one_is_accepted_with_a_note():
    found = verdict(1.0, {"twin": 1.0, "scratch": 5.0})
    assert found.verdict == "accepted with note"
    assert [c.outcome for c in found.controls] == ["tie", "win"] and found.controls[0].low < 0 < found.controls[0].high
    assert "It cannot be told from twin (0." in found.words and "better than scratch (" in found.words


def test_worse_than_one_is_refused():
    found = verdict(1.0, {"PWM": 0.2, "scratch": 5.0})
    assert found.verdict == "refused" and found.controls[0].outcome == "loss"
    assert "It tells them apart worse than PWM (" in found.words and "use that instead" in found.words
    assert found.words.index("worse than PWM") < found.words.index("better than scratch")


def judged_by_gc(*names):
    data = by_gc()
    return judge(evaluate(by_gc_scorers(data), data, 0, 200), names[0], {names[1]: "base"})


def test_better_at_1_to_1_and_worse_at_natural_prevalence_is_refused():
    found = judged_by_gc("offset", "plain")
    (control,) = found.controls
    assert (control.outcome, control.outcome_natural, control.both) == ("win", "loss", "loss")
    assert found.verdict == "refused" and control.difference > 0 > control.high_natural > control.difference_natural
    assert "against all 900 unbound ones, at natural prevalence, 0." in found.words
    assert "It tells them apart worse than plain (0." in found.words and "at 1:1; natural 0." in found.words


def test_worse_at_1_to_1_and_better_at_natural_prevalence_is_refused():
    found = judged_by_gc("plain", "offset")
    assert (found.controls[0].outcome, found.controls[0].outcome_natural) == ("loss", "win")
    assert found.verdict == "refused"


def test_as_good_at_1_to_1_and_better_at_natural_prevalence_is_accepted():
    data = by_gc()
    fair = noisy(data, 0.3)
    offset = fair.copy()
    offset[200:] += 1  # where no unbound region of the sample at 1:1 is
    fakes = [FakeScorer("own", data.tfs, fair, data), FakeScorer("base", data.tfs, offset, data)]
    found = judge(evaluate(fakes, data, 0, 200), "own", {"base": "base"})
    assert (found.controls[0].outcome, found.controls[0].outcome_natural) == ("tie", "win")
    assert found.verdict == "accepted" and "better than base (" in found.words


def test_a_control_of_before_counts_as_it_was_compared():
    before = verdict(0.5, {"PWM": 1.0})
    old = before.controls[0].model_copy(
        update={name: None for name in type(before.controls[0]).model_fields if name.endswith("_natural")}
    )
    data = regions()
    result = evaluate([scorer("own", data, 0.5), scorer("from scratch", data, 2, 1)], data, 0, 200)
    found = judge(result, "own", {"from scratch": "scratch"}, before.model_copy(update={"controls": (old,)}))
    assert found.verdict == "accepted" and "at 1:1; not compared at natural prevalence" in found.words


def test_few_regions_are_said():
    assert "fewer than 40 bound regions to test on, only large differences show" in verdict(0.3, {"a": 3.0}, 60).words


def test_no_verdict_without_controls_or_bootstrap():
    data = regions(40)
    own = [scorer("own", data, 0.3), scorer("a", data, 1)]
    with pytest.raises(ConfigError, match="a verdict needs at least one control, and bootstrap replicates"):
        judge(evaluate(own, data, 0, 20), "own", {})
    with pytest.raises(ConfigError, match="a verdict needs at least one control, and bootstrap replicates"):
        judge(evaluate(own, data, 0, 0), "own", {"a": "base"})


def test_controls_that_were_not_run_are_said():
    found = verdict(0.3, {"base": 1.0, "PWM": 2.0})
    assert [c.kind for c in found.controls] == ["base", "jaspar"]
    assert found.not_run == {"denovo": "not run", "scratch": "not run"}
    said = "It was not compared with a de novo motif (not run), training from scratch (not run)."
    assert found.words.endswith(said)


def test_further_controls_join_an_earlier_verdict():
    before = verdict(0.5, {"PWM": 1.0})
    data = regions()
    scorers = [scorer("own", data, 0.5), scorer("from scratch", data, 0.1, 1)]
    result = evaluate(scorers, data, 0, 200)
    found = judge(result, "own", {"from scratch": "scratch"}, before, {"jaspar": "there is none"})
    assert before.verdict == "accepted" and found.verdict == "refused"
    assert found.controls[0] == before.controls[0] and found.controls[1].kind == "scratch"
    assert found.not_run == {"jaspar": "there is none", "denovo": "not run"}
    assert "a JASPAR motif (there is none), a de novo motif (not run)" in found.words
    again = judge(result, "own", {"from scratch": "scratch"}, found)  # one that is run again is there once
    assert again.controls == found.controls and again.not_run == found.not_run


@pytest.mark.parametrize("verdict", ["accepted", "accepted with note", "refused"])
def test_what_was_split_at_random_is_refused(verdict):
    gate = GateCard(verdict=verdict, words=f"{verdict}: as good as can be.", controls=())
    found = refused_at_random(gate)
    assert found.verdict == "refused" and found.words.startswith("refused: as good as can be. What was tested lies")
    assert found.words.endswith("and in no zoo.") and refused_at_random(gate, "so so").words.startswith(
        "refused: so so. W"
    )
