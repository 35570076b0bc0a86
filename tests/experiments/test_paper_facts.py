"""What figures count without training, and what they leave where a package is lacking."""

from __future__ import annotations

import pytest

from experiments.paper import job
from experiments.paper.fact_rows import Fact, read_facts
from experiments.paper.figure import Figure
from experiments.paper.job import Job


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
    assert [fact.value for fact in facts] == ["3", "no table of scores was given"]
    assert (tmp_path / "fig2.cosines.tsv").read_text().splitlines()[0] == "tf\tCTCF\tJUND\tSP1"


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
