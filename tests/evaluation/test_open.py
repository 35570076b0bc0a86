"""Whatever scores sequence is opened by its name, and baselines learn from what is not tested."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from kipoi_tfb.evaluation import open as scorers
from kipoi_tfb.evaluation.open import LabelSource, is_baseline, open_scorer, window_length
from tests.fakes import FakeScorer, made_up
from tfb_matrix_data.errors import ConfigError, UnknownNameError


def test_unknown_scorer_lists_what_there_is():
    with pytest.raises(UnknownNameError, match=r"unknown scorer 'multi16'. Did you mean multi163"):
        open_scorer("multi16")
    with pytest.raises(UnknownNameError, match=r"Valid: .*jaspar.*composition.*, multi163"):
        open_scorer("????")


def test_window_lengths_must_agree():
    data = made_up()
    fakes = [FakeScorer(str(n), data.tfs, data.labels, data, window_length=n) for n in (200, 200, 500)]
    assert window_length(fakes[:2], 7) == 200 and window_length([], 7) == 7
    with pytest.raises(ConfigError, match=r"windows of different lengths .200 200 bp, 500 500 bp.; evaluate them one"):
        window_length(fakes, 200)


# Baselines


@pytest.fixture
def source(world):
    return LabelSource.sparing(world.matrix, world.genome, ["chr15"])


def test_a_source_knows_nothing_of_what_is_held_out(source):
    assert source.chromosomes == ("chr13", "chr14")
    lesson = source.lesson(["SP1", "XYZ"], 100)
    assert lesson.tfs == ("SP1",) and lesson.chromosomes == ("chr13", "chr14") and lesson.codes.shape[1] == 100
    with pytest.raises(UnknownNameError, match="unknown TF 'XYZ'"):
        source.lesson(["XYZ"], 100)


@pytest.fixture
def learnt(monkeypatch):
    """Stand-ins for the modules of the baselines; what they were taught."""
    calls = []

    def stand_in(module, function):
        fake = ModuleType(f"kipoi_tfb.{module}")

        def make(tfs, codes, labels, *rest):
            calls.append((function, tuple(tfs), len(codes), rest))
            return calls[-1]

        setattr(fake, function, make)
        monkeypatch.setitem(sys.modules, f"kipoi_tfb.{module}", fake)

    stand_in("evaluation.composition", "composition_scorer")
    stand_in("motifs.denovo", "denovo_scorer")
    stand_in("motifs.scorer", "jaspar_scorer")
    modes = ModuleType("tfb_matrix_data.modes")
    modes.read_profiles = lambda: {"SP1": ["MA1"], "JUND": ["MA2"]}
    monkeypatch.setitem(sys.modules, "tfb_matrix_data.modes", modes)
    return calls


def test_baselines_learn_from_the_source(learnt, source):
    data = made_up()
    n = len(source.lesson(data.tfs, 60))
    open_scorer("composition", data, source=source, seed=3)
    open_scorer("denovo", data, source=source)
    open_scorer("jaspar", data, source=source)
    open_scorer("jaspar-oracle", data, source=source)
    open_scorer("jaspar", data)
    assert learnt == [
        ("composition_scorer", ("CTCF", "JUND", "SP1"), n, (3,)),
        ("denovo_scorer", ("CTCF", "JUND", "SP1"), n, (0,)),
        ("jaspar_scorer", ("JUND", "SP1"), n, (0, 2000, "jaspar")),
        ("jaspar_scorer", ("JUND", "SP1"), 400, (0, None, "jaspar-oracle")),
        ("jaspar_scorer", ("JUND", "SP1"), 400, (0, None, "jaspar")),
    ]


def test_baselines_that_cannot_be_made(learnt):
    data = made_up()
    with pytest.raises(ConfigError, match=r"composition has to learn: give --matrix and --genome, whose other chrom"):
        open_scorer("composition", data)
    with pytest.raises(UnknownNameError, match=r"unknown TF with a JASPAR profile 'CTCF'"):
        open_scorer("jaspar", data.only(["CTCF"]))
    with pytest.raises(ValueError, match="jaspar is made for the regions tested"):
        open_scorer("jaspar")


def test_what_is_a_baseline():
    assert all(map(is_baseline, [*scorers.BASELINES, "x.meme", "x.JASPAR", "x.pfm"]))
    assert not any(map(is_baseline, ["multi163", "x.tsv", "runs/denovo"]))
