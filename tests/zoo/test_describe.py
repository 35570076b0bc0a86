"""An entry in a few lines: what it is worth first, and never more than 25."""

from __future__ import annotations

import pytest

from kipoi_tfb.zoo.describe import describe, verdict_words
from kipoi_tfb.zoo.find import find_entries, find_entry
from kipoi_tfb.zoo.finetuned_card import ControlCard, GateCard
from tests import tiny


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_entry_takes_more_than_25_lines(width):
    for entry in find_entries("all"):
        lines = describe(entry, width)
        assert len(lines) <= 25 and lines[0] == entry.name and lines[1].startswith("verdict")
        assert max(map(len, lines)) <= width or " " not in max(lines, key=len)[12:]


def test_an_entry_that_was_not_fine_tuned():
    text = "\n".join(describe(find_entry("multi163"), 200))
    assert "verdict     none: it is not fine-tuned" in text
    assert "128 TFs: AUPRC 0.906 [0.897, 0.914] at 1:1, 0.485 at natural prevalence (4.9% bound); AUROC 0.930" in text
    assert "beside it   jaspar 0.789, composition 0.595 (AUPRC at 1:1)" in text and "kept out    chr21, chr22" in text


def test_a_verdict_of_before_says_what_it_did_not_look_at():
    """A card from before verdicts went by both prevalences: no outcome at the natural one."""
    card = find_entry("tf/E2F4").card
    control = ControlCard(
        kind="base", name="multi163 (its own output)", auprc=0.826, difference=0.034, low=-0.01, high=0.08,
        outcome="tie", auprc_natural=0.35, difference_natural=-0.105,
    )  # fmt: skip
    gate = GateCard(verdict="accepted with note", words="accepted with note: so it was", controls=(control,))
    metrics = card.metrics.model_copy(update={"auprc_natural": 0.245})
    assert verdict_words(card.model_copy(update={"gate": gate, "metrics": metrics})) == (
        "accepted with note, by AUPRC at 1:1 alone; at natural prevalence it is lower than multi163 (its own output): "
        "0.245 and 0.350"
    )


def test_an_entry_that_was_not_tested(tmp_path):
    lines = describe(tiny.make_entry(tmp_path / "entry"))
    assert not any(line.startswith("tested") for line in lines) and any(line.startswith("TFs  ") for line in lines)


def test_cell_types_are_said(tmp_path):
    training = tiny.card_fields()["training"]
    there = training.model_copy(update={"config": tiny.config(cell_types=["K562", "HepG2"])})
    lines = describe(tiny.make_entry(tmp_path / "entry", training=there), 200)
    assert any(line.endswith("600 regions, labels of K562, HepG2") for line in lines)
