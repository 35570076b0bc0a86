"""The controls that are made are those asked for, and what cannot be made says why."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from kipoi_tfb.finetuning import controls
from kipoi_tfb.finetuning.controls import lacking, make_controls
from kipoi_tfb.finetuning.data import from_binding_matrix
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.verdict import NOT_RUN
from kipoi_tfb.models.build import build_network
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.controls import CONTROLS
from kipoi_tfb.zoo.finetuned_card import GateCard
from tests import tiny
from tests.tuned import SIZES, small_base, tuned, work_of

OWN = Nearest("SP1", True, 0.0)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def sp1(world):
    return from_binding_matrix(world.matrix, world.genome, "SP1")


@pytest.fixture
def quick(monkeypatch):
    """Instead of training and of finding motifs."""
    network = build_network("motif-cnn", 1, sizes=SIZES)
    monkeypatch.setattr(controls, "train_seeds", lambda work, arm, nearest: SimpleNamespace(network=network))
    monkeypatch.setattr(controls, "denovo_scorer", lambda tfs, *_, name: SimpleNamespace(name=name, tfs=tfs))


@pytest.mark.parametrize("only_head", [True, False])
def test_scores_are_those_of_the_entries(base, sp1, tmp_path, quick, only_head):
    candidate = tuned(base, f"tf/SP1-{only_head}", only_head=only_head)
    found = make_controls(work_of(base, sp1, tmp_path), candidate, OWN, CONTROLS)
    assert list(found.controls) == ["base", "jaspar", "denovo", "scratch"] and not found.not_run
    names = [scorer.name for scorer in found.controls.values()]
    assert names == ["base (its own output)", "JASPAR motif", "de novo motif", "from scratch"]
    codes = sp1.test.codes
    own = found.own.join(sp1.test) if only_head else found.own.scores(codes)
    np.testing.assert_allclose(own, Predictor([candidate]).logits(codes), atol=1e-3)
    of_base = Predictor([base]).logits(codes)[:, [list(tiny.MOTIFS).index("SP1")]]
    np.testing.assert_allclose(found.controls["base"].join(sp1.test), of_base, atol=1e-3)
    assert found.controls["scratch"].scores(codes[:3]).shape == (3, 1)


def test_what_cannot_be_made_says_why(base, sp1, tmp_path, quick):
    candidate = tuned(base, "tf/MYTF")
    work = work_of(base, sp1, tmp_path, tf="MYTF", arm="scratch")
    found = make_controls(work, candidate, Nearest("JUND", False, 0.0), CONTROLS)
    assert found.controls["base"].name == "base (its JUND output)" and list(found.controls) == ["base", "denovo"]
    assert found.not_run == {"jaspar": "JASPAR 2020 has no profile of MYTF", "scratch": "it is that itself"}


def test_only_what_is_asked_for(base, sp1, tmp_path):
    found = make_controls(work_of(base, sp1, tmp_path), tuned(base, "tf/one"), OWN, ("base",))
    assert list(found.controls) == ["base"] and not found.not_run


def test_what_could_still_be_run(base):
    gate = GateCard(verdict="accepted", words="so", controls=(), not_run={"denovo": NOT_RUN, "jaspar": "there is none"})
    judged = tuned(base, "tf/judged", gate=gate)
    assert lacking(judged, CONTROLS) == ["denovo"] and lacking(judged, ("jaspar", "base")) == []
    assert lacking(base, CONTROLS) == []
