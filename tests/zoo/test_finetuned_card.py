"""A fine-tuned entry's card says what it came from and what it was compared with, in fields that are checked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kipoi_tfb.zoo.card import Card, WeightsCard, read_card, write_card
from kipoi_tfb.zoo.finetuned_card import (
    ChangedMotifCard,
    ControlCard,
    FinetunedCard,
    GateCard,
    HeadCard,
    SweptCard,
)
from tests import tiny

CONTROL = {"kind": "base", "name": "tiny", "auprc": 0.7, "difference": 0.1, "low": 0.05, "high": 0.15}
FINETUNED = FinetunedCard(
    arm="head",
    base_weights_sha256="0" * 64,
    head_from="JUND",
    seeds=(0, 1),
    validation_losses=(0.2, 0.1),
    sweep=(SweptCard(learning_rate=1e-3, validation_loss=None),),
    counts={"train": {"bound": 5, "unbound": 4, "short": 1}},
    head=HeadCard(penalties=(0.1, 1.0), penalty=None, start_auprc=0.6, auprc=0.7, start_loss=0.5, loss=0.4),
    changed_motif=ChangedMotifCard(filter=3, change=0.5, median=0.1),
)


def card(**fields: object) -> Card:
    weights = WeightsCard(file="weights.pt", sha256="a" * 64, dtype="float16")
    return Card.model_validate({"weights": weights, **tiny.card_fields(), **fields})


def test_round_trip(tmp_path):
    gate = GateCard(
        verdict="accepted with note",
        words="accepted: it wins",
        controls=(ControlCard.model_validate({**CONTROL, "outcome": "win"}),),
        not_run={"scratch": "was not asked for"},
    )
    written = card(base="tiny", finetuned=FINETUNED, gate=gate)
    write_card(written, tmp_path)
    assert read_card(tmp_path) == written


@pytest.mark.parametrize(
    ("at_one_to_one", "natural", "both"),
    [
        ("win", None, "win"), ("tie", None, "tie"), ("loss", None, "loss"), ("win", "tie", "win"),
        ("tie", "win", "win"),
        ("win", "loss", "loss"), ("loss", "win", "loss"), ("tie", "tie", "tie"), ("tie", "loss", "loss"),
    ],
)  # fmt: skip
def test_both_prevalences_count(at_one_to_one, natural, both):
    found = ControlCard.model_validate({**CONTROL, "outcome": at_one_to_one, "outcome_natural": natural})
    assert found.both == both


def test_finetuned_needs_a_base():
    with pytest.raises(ValidationError, match="finetuned needs `base`, the name of the entry that the weights are"):
        card(finetuned=FINETUNED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "random"}, "'base', 'jaspar', 'denovo' or 'scratch'"),
        ({"outcome": "draw"}, "'win', 'tie' or 'loss'"),
        ({"p_value": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_control_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        ControlCard.model_validate({**CONTROL, "outcome": "win", **change})


@pytest.mark.parametrize("arm", ["a\nb", "head\u2028", "\x00"])
def test_an_arm_is_one_line(arm):
    with pytest.raises(ValidationError, match=r"(?s)arm.*String should match pattern"):
        FinetunedCard.model_validate({**FINETUNED.model_dump(), "arm": arm})
