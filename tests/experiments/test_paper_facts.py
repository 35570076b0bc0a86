"""What figures count without training, and what they leave where a package is lacking."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.paper import job
from experiments.paper.fact_rows import Fact, read_facts
from experiments.paper.facts import _neighbours
from experiments.paper.figure import Figure
from experiments.paper.job import Job
from experiments.paper.tf_map import read_map
from tfb_matrix_data.modes import BindingModes
from tfb_matrix_data.relations import Relations


def counted(world, folder, facts: str, **options: object) -> tuple[list[Fact], list[str]]:
    """Return the facts of a figure, and what is said of them."""
    said: list[str] = []
    figure = Figure(name="fig2", title="It", facts=facts)
    Job(world.matrix_path, world.genome_path, None, folder, folder, {}).run(
        {"fig2": figure}, device="cpu", say=said.append, **options
    )
    return read_facts(folder, "fig2"), said


def test_matrices_are_counted(world, tmp_path):
    facts, said = counted(world, tmp_path, "counts")
    found = {fact.name: fact.value for fact in facts}
    assert found["TFs"] == "3" and found["regions"] == "1100"
    assert found["regions with coordinates and no N here"] == "1098"
    assert "fig2: counted" in said


def test_without_string_there_are_no_partners(world, tmp_path):
    facts, _ = counted(world, tmp_path, "similarity")
    assert (facts[0].value, facts[-1].value) == ("3", "no table of scores was given")
    assert (tmp_path / "fig2.cosines.tsv").read_text().splitlines()[0] == "tf\tCTCF\tJUND\tSP1"
    assert read_map(tmp_path / "fig2.map.tsv")[0] == ["CTCF", "JUND", "SP1"]


def test_the_most_alike_tf_is_laid_beside_chance():
    """Four modes of three TFs each, which bind most alike but for one TF; another has no cosine at all."""
    tfs = [f"TF{number}" for number in range(13)]
    mode = np.arange(13) // 3
    similarity = np.where(mode[:, None] == mode, 0.8, 0.1)
    similarity[0, 5] = 0.9
    similarity[12] = similarity[:, 12] = np.nan
    modes = BindingModes({tf: frozenset({f"m{own}"}) for tf, own in zip(tfs, mode, strict=True)}, {}, "a test")
    found = {fact.name: fact for fact in _neighbours(Relations(tfs, similarity, [], modes))}
    share = found["share of TFs whose most alike TF has a binding mode of theirs"]
    assert (share.value, share.n) == ("0.917", 12)  # 11 of 12
    assert 0.1 < float(found["the same, modes permuted among TFs"].value) < 0.25
    assert float(found["p (permutation) of the most alike TF's binding mode"].value) < 0.01


def test_what_is_quick_is_counted_anew(world, tmp_path):
    counted(world, tmp_path, "counts")
    path = tmp_path / "fig2.facts.tsv"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"1100", b"1101"))
    counted(world, tmp_path, "counts")
    assert path.read_bytes() == before


def test_relatives_say_why_there_are_none(world, tmp_path):
    facts, _ = counted(world, tmp_path, "relatives")
    found = {fact.name: fact for fact in facts}
    assert found["JUND: cofactors"].n == 2
    assert "STRING partners need a table" in found["JUND: string"].value


@pytest.mark.parametrize("minutes", [None, 5.0])
def test_what_lacks_a_package_is_left(world, tmp_path, monkeypatch, minutes):
    def lacking(world, relatives):
        raise ImportError("No module named 'memelite'")

    monkeypatch.setitem(job.FACTS, "filters", lacking)
    facts, said = counted(world, tmp_path, "filters", minutes=minutes)
    assert facts == []
    assert ("fig2: not counted here: No module named 'memelite'" in said) == (minutes is None)


def test_what_is_trained_for_a_fact_has_one_thread(world, tmp_path, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        monkeypatch.setitem(job.FACTS, "filters", lambda *given: [Fact("threads", str(torch.get_num_threads()))])
        assert counted(world, tmp_path, "filters")[0] == [Fact("threads", "1")]
    finally:
        torch.set_num_threads(before)
