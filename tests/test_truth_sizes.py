"""Candidates for the size of an effect: worked by hand, and chosen by the rule that was written down."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.truth import choose_size as command
from benchmarks.truth.naming import (
    MACRO,
    POOLED,
    RANK,
    TOP_SIX,
    UNBOUND,
    choose,
    criterion,
    named,
    rank_of,
    size_rows,
    weighted_median,
)
from benchmarks.truth.report import SIZE_MARKS, wide
from benchmarks.truth.sizes import FORMS, Change, as_change
from benchmarks.truth.statistics import Row, group_weights
from benchmarks.truth.tables import Bindings, read_asb
from kipoi_tfb.models.logits import impact
from kipoi_tfb.zoo.card import MetricsCard
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tests.entries import TFS
from tests.measured import ASB_HEADER, snv, write_table
from tests.tiny import make_entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome

pytest_plugins = ("tests.entries",)


def change(ref: list[float], alt: list[float]) -> Change:
    """Return one allele on several TFs, with strands that agree."""
    strands = [np.array([[logits, logits]]) for logits in (ref, alt)]
    return as_change(*strands, np.full(len(ref), 0.5))


def test_sizes_by_hand() -> None:
    # Probabilities 0.5 to 0.8: the odds go from 1 to 4.
    sizes = {name: float(form.size(change([0], [np.log(4)]))[0, 0]) for name, form in FORMS.items()}
    gain = np.log(4)
    assert sizes["effect"] == pytest.approx(gain)
    assert sizes["p_alt - p_ref"] == pytest.approx(0.3)
    assert sizes["effect x P"] == pytest.approx(gain * 0.8)
    assert sizes["effect x P^2"] == pytest.approx(gain * 0.64)
    assert sizes["effect x max(P - 0.1, 0)"] == pytest.approx(gain * 0.7)
    assert sizes["effect up to 1 x P"] == pytest.approx(0.8)
    assert sizes["effect x P, odds x e^-1"] == pytest.approx(gain * 4 / (4 + np.e))
    assert sizes["effect x P at a prior of one half"] == pytest.approx(gain * 0.8)
    assert sizes["log((1 - p_ref) / (1 - p_alt))"] == pytest.approx(np.log(0.5 / 0.2))


@given(st.lists(st.tuples(st.floats(-8, 8), st.floats(-8, 8)), min_size=2, max_size=6))
def test_every_size_has_the_sign_of_the_effect_and_turns_round_with_the_alleles(pairs: list) -> None:
    ref, alt = (list(logits) for logits in zip(*pairs, strict=True))
    there, back = change(ref, alt), change(alt, ref)
    for name, form in FORMS.items():
        size = form.size(there)
        assert (size * there.effect >= 0).all(), name
        np.testing.assert_allclose(form.size(back), -size, atol=1e-6, err_msg=name)


def test_strands_that_disagree_make_less_of_an_effect() -> None:
    strands = np.zeros((1, 2, 1)), np.array([[[3.0], [1.0]]])
    split = as_change(*strands, np.array([0.5]))
    assert (split.effect[0, 0], split.disagreement[0, 0]) == (2, 2)
    occupancy = split.occupancy[0, 0]
    assert FORMS["(|effect| - 0.5 disagreement) x P"].size(split)[0, 0] == pytest.approx(occupancy)
    assert FORMS["effect^2 / (|effect| + disagreement) x P"].size(split)[0, 0] == pytest.approx(occupancy)


def test_shares_of_bound_regions_are_between_0_and_1() -> None:
    with pytest.raises(ConfigError, match="must lie between 0 and 1"):
        as_change(np.zeros((1, 2, 1)), np.zeros((1, 2, 1)), np.array([1.0]))


def test_ranks_and_names_by_hand() -> None:
    size = np.array([[3.0, -4.0, 1.0, 1.0, 0.0], [0.5, 0.0, 0.0, -0.1, 0.2]])
    assert rank_of(size, np.array([2, 0])).tolist() == [3.5, 1]
    bound = np.full(size.shape, 0.9)
    assert named(size, bound, n=1).tolist() == [[True, True, False, False, False], [True, False, False, True, False]]
    bound[0, 1] = 0.05
    assert named(size, bound, n=1)[0].tolist() == [True, False, False, False, False]
    assert named(size, bound)[1].tolist() == [True, False, False, True, True], "no change is not named"


def test_a_weighted_median_is_that_of_the_repeated_rows() -> None:
    values = np.array([5.0, 1.0, 3.0, 9.0, 2.0])
    weights = group_weights(np.arange(5), 30)
    drawn = [np.sort(np.repeat(values, weights[:, i].astype(int))) for i in range(31)]
    assert weighted_median(values, weights).tolist() == [rows[(len(rows) - 1) // 2] for rows in drawn]


def data(n: int = 24) -> Bindings:
    """Return SNVs of the second of three TFs on chr19, every other one imbalanced."""
    imbalanced = np.arange(n) % 2 == 0
    alleles = [("chr19", i, "A", "C") for i in range(n)]
    return Bindings(alleles, np.full(n, "B"), np.full(n, "k"), imbalanced, np.ones(n), np.ones(n), np.arange(n))


def test_statistics_of_sizes_by_hand() -> None:
    snvs = data()
    good = np.tile([0.5, 2.0, -0.1], (24, 1)) * np.where(snvs.imbalanced, 1, 0.1)[:, None]
    bad = np.tile([9.0, 0.1, -8.0], (24, 1)) / np.where(snvs.imbalanced, 1, 0.1)[:, None]
    occupancy = np.tile([0.05, 0.5, 0.05], (24, 1))
    rows = size_rows(
        snvs, np.ones(24, int), {"good": good, "bad": bad}, occupancy, np.ones(24, bool), "chr19", "bad", 10
    )
    values = {(row.statistic, row.method): row.value for row in rows}
    assert [values[s, "good"] for s in (MACRO, POOLED, RANK, TOP_SIX)] == [1, 1, 1, 1]
    assert [values[s, "bad"] for s in (MACRO, POOLED, RANK, TOP_SIX)] == [0, 0, 3, 1]
    assert values[UNBOUND, "good"] == values[UNBOUND, "bad"] == pytest.approx(2 / 3)
    assert {row.n for row in rows if row.statistic == RANK} == {12}


def rows_of(values: dict[str, tuple[float, float, float]]) -> list[Row]:
    return [
        Row("", statistic, name, 9, 9, value, value, value)
        for name, own in values.items()
        for statistic, value in zip((MACRO, TOP_SIX, RANK), own, strict=True)
    ]


def test_the_rule_that_chooses() -> None:
    found = rows_of({"far": (0.7, 0.7, 9), "a": (0.61, 0.6, 3), "b": (0.6105, 0.6, 2), "c": (0.5, 0.5, 1)})
    assert criterion(found)["far"] == max(criterion(found).values())
    assert choose(found, {"far": 0, "a": 1, "b": 1, "c": 0}) == "a", "a tie goes to the first"
    assert choose(found, {"far": 0, "b": 0, "a": 1, "c": 0}) == "b", "or to the simpler one"
    assert choose(rows_of({"far": (0.7, 0.7, 9), "c": (0.5, 0.5, 8)}), {"far": 9, "c": 0}) == "far"


def test_a_bar_in_a_name_does_not_end_its_cell() -> None:
    (_, _, line) = wide(rows_of({"|x|": (0.6, 0.5, 12)}), [MACRO, RANK], {"criterion": {"|x|": -0.25}})
    assert line == r"| \|x\| | 0.600 | 12.0 | -0.250 |"


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, genome_path: Path, model: Path) -> int:
    monkeypatch.setattr(command, "ASB_FILE", "asb.tsv")
    monkeypatch.setattr(command, "CHOSEN_ON", ("chr1",))
    arguments = ["--model", str(model), "--variants", str(folder), "--genome", str(genome_path)]
    return command.main([*arguments, "-o", str(folder / "out"), "--docs", str(folder / "doc.md"), "--replicates", "5"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        [*snv(1000 + 20 * i), "k", TFS[i % 2], 9, 3 + i % 2, 5, 6, ["ASB", "nonASB"][i // 2 % 2], i] for i in range(80)
    ]
    rows += [[*snv(1000), "k", "NOVEL", 5, 6, 0, 0, "ASB", 91], ["chr1", 1021, "N", "C", *rows[0][4:]]]
    write_table(tmp_path / "asb.tsv", ASB_HEADER, rows)
    (tmp_path / "doc.md").write_text("before\n{}\nold\n{}\nafter\n".format(*SIZE_MARKS))
    return tmp_path


def test_the_command_prints_and_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, genome_path: Path
) -> None:
    entry = make_entry(folder / "tiny", tasks=TFS)
    monkeypatch.setattr(command, "prevalence", lambda entry: np.array([0.1, 0.2, 0.3]))
    monkeypatch.setattr(command, "CONFIRMED_ON", ("chr1",))
    assert run(monkeypatch, folder, genome_path, entry.folder) == 0
    out, text = capsys.readouterr().out, (folder / "doc.md").read_text()
    assert out.strip() in text and "old" not in text and text.startswith("before\n") and text.endswith("after\n")
    assert f"{len(FORMS)} candidates compared, 5 replicates of the bootstrap (seed 0). Chosen on chr1: **" in out
    with open(folder / "out" / "sizes.tsv", newline="") as stream:
        rows = list(csv.DictReader(stream, dialect="excel-tab"))
    assert {row["n"] for row in rows if row["statistic"] == POOLED} == {"80"}, "neither the new TF nor the N"
    assert {row["method"] for row in rows} == {*FORMS}


def test_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, genome_path: Path, entry: Entry
) -> None:
    assert run(monkeypatch, folder, genome_path, entry.folder) == 1
    assert "has no table of metrics, from which to take how often a TF binds" in capsys.readouterr().err
    monkeypatch.setattr(command, "prevalence", lambda entry: np.full(3, 0.1))
    assert run(monkeypatch, folder, genome_path, entry.folder) == 1
    assert "has no scored SNV on chr21, chr22" in capsys.readouterr().err
    write_table(folder / "asb.tsv", ASB_HEADER, [[*snv(1000), "k", "NOVEL", 5, 6, 0, 0, "ASB", 91]])
    assert run(monkeypatch, folder, genome_path, entry.folder) == 1
    assert "no SNV has a TF of" in capsys.readouterr().err
    (folder / "doc.md").write_text("no marks")
    assert run(monkeypatch, folder, genome_path, entry.folder) == 1
    assert f"lacks the lines {SIZE_MARKS[0]}" in capsys.readouterr().err


def test_a_tf_that_was_not_tested_binds_as_often_as_the_mean(tmp_path: Path) -> None:
    entry = make_entry(tmp_path / "tiny", tasks=TFS)
    metrics = MetricsCard(
        command="made by a test",
        chromosomes=("chr22",),
        labels="sparse",
        min_bound=1,
        n_tfs=2,
        auprc=0.5,
        auroc=0.5,
        seed=1,
        weights_sha256="0" * 64,
        date="2026-01-01",
    )
    tested = replace(entry, card=entry.card.model_copy(update={"metrics": metrics}))
    (entry.folder / "metrics.tsv").write_text("tf\tbound\tunbound\nATF4\t5\t94\nJUND\t10\t89\n")
    assert command.prevalence(tested).tolist() == pytest.approx([0.055, 0.08, 0.105])


def test_impact_is_the_candidate_that_the_document_says_was_chosen() -> None:
    text = command.DOCS.read_text(encoding="utf-8")
    winner = re.findall(r"Chosen on chr19 and chr20: \*\*(.+?)\*\*\.", text)
    logits = np.random.default_rng(0).normal(-2, 3, (2, 5, 2, 4))
    found = FORMS[winner[0]].size(as_change(*logits, np.full(4, 0.1)))
    wanted = impact(*(torch.from_numpy(one.mean(1)) for one in logits)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.shared_data
def test_impact_names_the_tf_on_chromosomes_that_did_not_choose_it(shared_data: Path, tmp_path: Path) -> None:
    genome = Genome(shared_data / "hg38.dhs.fa.gz")
    snvs = read_asb(shared_data / "variants" / command.ASB_FILE)
    snvs = snvs.take(np.flatnonzero(np.isin(snvs.chrom, command.CONFIRMED_ON)))
    snvs, column, sizes, occupancy = command.scored(find_entry("multi163"), snvs, genome, tmp_path / "asb.tsv")
    size = {"impact": sizes["effect x P, odds x e^-1"]}
    rows = size_rows(snvs, column, size, occupancy, np.ones(len(column), bool), "", "impact", 10)
    values = {row.statistic: row.value for row in rows}
    assert values[MACRO] >= 0.72 and values[RANK] <= 3 and values[TOP_SIX] >= 0.6
