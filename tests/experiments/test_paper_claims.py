"""The paper's tests on rows whose answer is known, and the page that says how its claims fare."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.paper.claims import judge
from experiments.paper.fact_rows import Fact, read_facts, write_facts
from experiments.paper.figure import Claim, Figure, read_figures
from experiments.paper.page import write_page
from experiments.paper.plot import KINDS, draw
from experiments.paper.results import Results, Row
from experiments.paper.summary import summary_lines
from tfb_matrix_data.errors import UnknownNameError

TFS = [f"TF{number}" for number in range(12)]


def row(tf: str, arm: str, value: float | None, base: str = "multi50", split: int = 0, **changes: str) -> Row:
    fields = {
        "figure": "fig1",
        "tf": tf,
        "cells": "",
        "arm": arm,
        "base": base,
        "base_tfs": "TF0,TF1,TF2,TF3,TF4,TF5",
        "base_regions": "1000",
        "n": "1000",
        "n_train": str(100 * (TFS.index(tf) + 1)),
        "n_test": "200",
        "split": str(split),
        "auprc": "" if value is None else f"{value:.6f}",
        "auprc_chr22": "",
        "seconds": "1.00",
        "version": "0.1.0+1.aaaa",
        "device": "cpu",
        "reason": "" if value is not None else "12 bound regions that the base has not seen; 250 are the fewest taken",
    }
    return Row(**{**fields, **changes})


def rows(gain: float, splits: int = 2) -> list[Row]:
    """Return rows of transfer and from scratch that differ by a gain, half of the TFs a little more and half less."""
    rng = np.random.default_rng(7)
    return [
        row(tf, arm, 0.7 + noise + (arm == "transfer") * (gain + 0.001 * (-1) ** number), split=split)
        for number, tf in enumerate(TFS)
        for split in range(splits)
        for noise in rng.normal(0, 0.001, 1).tolist()
        for arm in ("transfer", "scratch")
    ]


def claim(**fields: object) -> Claim:
    given = {"says": "it is so", "of": [{"arm": "transfer"}, {"arm": "scratch"}], "test": "wilcoxon"}
    return Claim.model_validate({**given, **fields})


@pytest.mark.parametrize("test", ["wilcoxon", "welch"])
@pytest.mark.parametrize(
    ("gain", "expect", "verdict"),
    [
        (0.1, "greater", "holds"),
        (-0.1, "greater", "the opposite holds"),
        (0.1, "less", "the opposite holds"),
        (0.0, "greater", "does not hold (not significant)"),
        (0.0, "same", "holds"),
        (0.1, "same", "does not hold"),
    ],
)
def test_two_groups(test, gain, expect, verdict):
    (found,) = judge(claim(test=test, expect=expect), rows(gain))
    assert found.verdict == verdict
    assert ("Wilcoxon signed rank" if test == "wilcoxon" else "Welch") in found.test and "p = " in found.test


def test_wilcoxon_is_of_means_over_splits():
    (found,) = judge(claim(), rows(0.1, splits=3))
    assert "12 of 12 higher; mean 0.80" in found.ours and found.test.endswith("n = 12 TFs")


def test_wilcoxon_of_splits():
    few = [one for one in rows(0.1, splits=4) if one.tf in ("TF0", "TF1")]
    (by_tf,) = judge(claim(), few)
    (by_split,) = judge(claim(unit="split"), few)
    assert by_tf.verdict.startswith("cannot be tested here: 2 TFs have both")
    assert by_split.verdict == "holds" and by_split.test.endswith("n = 8 splits of TFs")


def test_kruskal_with_bonferroni_tf_by_tf():
    rng = np.random.default_rng(3)
    made = [
        row(tf, "transfer", 0.5 + 0.1 * number * (tf == "TF0") + float(rng.normal(0, 0.005)), base, split)
        for tf in ("TF0", "TF1")
        for number, base in enumerate(("a", "b", "c"))
        for split in range(5)
    ]
    groups = [{"base": "a"}, {"base": "b"}, {"base": "c"}]
    few, many = (
        judge(claim(test="kruskal", of=groups, expect="different", by_tf=True, comparisons=n), made) for n in (1, 1000)
    )
    assert [one.says for one in few] == ["it is so: TF0", "it is so: TF1"]
    assert few[0].verdict == "holds" and few[1].verdict == "does not hold"
    assert many[0].verdict == "does not hold" and "(times 1000)" in many[0].test
    assert few[0].ours.split(",")[2].startswith(" c 0.")


def test_roles_and_gains():
    rng = np.random.default_rng(3)
    made = [
        row(tf, arm, 0.6 + float(rng.normal(0, 1e-4)) + 0.2 * (arm == "transfer") * (tf in TFS[:6]), split=split)
        for tf in TFS
        for arm in ("transfer", "scratch")
        for split in (0, 1)
    ]
    of = [{"arm": "transfer", "minus": "scratch", "role": role} for role in ("in", "out")]
    (found,) = judge(claim(test="welch", of=of), [*made, row("TF0", "scratch", None, split=3)])
    assert found.ours.startswith("mean 0.200 against ") and found.ours.endswith("0.000") and found.verdict == "holds"


def test_correlation_with_size():
    made = [row(tf, "transfer", 0.9 - 0.01 * number) for number, tf in enumerate(TFS)]
    (found,) = judge(claim(test="spearman", of=[{"arm": "transfer"}], expect="less"), made)
    assert found.verdict == "holds" and "-1.00" in found.ours


def test_a_mean_against_a_number():
    made = [row("TF0", "multi", value, split=number) for number, value in enumerate((0.78, 0.80))]
    (near,) = judge(claim(test="value", of=[{"arm": "multi", "tf": "TF0"}], near=0.796), made)
    (far,) = judge(claim(test="value", of=[{"arm": "multi", "tf": "TF0"}], near=0.9), made)
    assert (near.verdict, far.verdict) == ("holds", "does not hold") and near.ours.startswith("0.790 (SD 0.014)")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cannot": "no genome"}, "no genome"),
        ({"of": [{"arm": "frozen"}, {"arm": "scratch"}]}, "0 TFs have both; 5 are the fewest"),
        ({"test": "kruskal", "of": [{"base": "a"}, {"base": "b"}]}, "fewer than two groups have 3 rows"),
        ({"test": "fact", "of": [{"fact": "what nobody counted"}]}, "it was not counted"),
        ({"test": None}, "no test is given"),
    ],
)
def test_what_cannot_be_tested_says_why(changes, why):
    (found,) = judge(claim(**changes), rows(0.1))
    assert found.verdict == f"cannot be tested here: {why}" and found.ours == ""


def test_facts():
    facts = [Fact("inside", "0.17", 149), Fact("outside", "0.06", 12892), Fact("p (Welch) of them", "7e-11")]
    two = {"test": "fact", "of": [{"fact": "inside"}, {"fact": "outside"}]}
    (found,) = judge(claim(**two, p="p (Welch) of them"), [], facts)
    assert found.verdict == "holds" and found.ours == "0.170 against 0.060"
    assert found.test == "p (Welch) = 7e-11; n = 149 and 12892"
    (other,) = judge(claim(**two), [], facts)  # whose p-value that is not
    assert (other.test, other.verdict) == ("n = 149 and 12892", "holds (no test)")


def test_numbers_alone_are_no_test():
    facts = [Fact("after", "24", 100), Fact("before", "21", 100)]
    (found,) = judge(claim(test="fact", of=[{"fact": "after"}, {"fact": "before"}]), [], facts)
    assert (found.ours, found.test, found.verdict) == ("24 against 21", "n = 100 and 100", "holds (no test)")


def test_facts_are_kept(tmp_path):
    facts = [Fact("inside", "0.17", 149), Fact("names", "A, B")]
    write_facts(tmp_path, "fig2", facts, "v1")
    assert read_facts(tmp_path, "fig2", "v1") == facts and read_facts(tmp_path, "fig2", "v2") == []
    assert list(summary_lines("fig2", tmp_path))[1:] == ["fact\tvalue\tn", "inside\t0.17\t149", "names\tA, B\t"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture(kind, tmp_path):
    made = [*rows(0.1), *(row(tf, "denovo", 0.8) for tf in TFS)]
    more = {"pairs": {"x": "scratch", "y": "transfer", "panels": ["in", "out"]}, "bases": {"panels": "tf"}}
    figure = Figure(name="fig1", title="It", plot={"kind": kind, **more.get(kind, {})})
    assert draw(figure, made, tmp_path / "a.svg") and draw(figure, made, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert not draw(figure, [], tmp_path / "c.svg") and not (tmp_path / "c.svg").exists()


def test_tfs_that_bind_alike_have_two_pictures(tmp_path):
    (tmp_path / "fig2.map.tsv").write_text("tf\tx\ty\nJUND\t0.5\t1\nFOS\t0\t1\n")
    (tmp_path / "fig2.cosines.tsv").write_text("tf\tFOS\tJUND\nFOS\t1\t0.5\nJUND\t0.5\t1\n")
    figure = Figure(name="fig2", title="It", facts="similarity")
    text = write_page({"fig2": figure}, tmp_path, tmp_path / "docs").read_text()
    assert (
        "![Fig. 2: It, as a map](figures/paper/fig2-map.svg)" in text
        and "![Fig. 2: It](figures/paper/fig2.svg)" in text
    )
    assert ">JUND<" in (tmp_path / "docs" / "figures" / "paper" / "fig2-map.svg").read_text()


def test_an_unknown_kind_of_picture(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown kind of plot in fig1.yaml 'boxs'"):
        draw(Figure(name="fig1", title="It", plot={"kind": "boxs"}), rows(0.1), tmp_path / "a.svg")


def test_the_page_names_every_figure_and_verdict(tmp_path):
    figures = {
        "fig1": Figure(name="fig1", title="One", claims=(claim(),), also=("figS2",), plot={"kind": "arms"}),
        "figS8": Figure(name="figS8", title="Two", not_run="there is no sequence"),
    }
    results = Results(tmp_path / "rows", "0.1.0+1.aaaa")
    for one in [*rows(0.1), row("TF3", "frozen", None)]:
        results.add(one)
    text = write_page(figures, results.folder, tmp_path / "docs").read_text()
    assert "## Fig. 1: One" in text and "![Fig. 1: One](figures/paper/fig1.svg)" in text
    assert "| it is so | - | 12 of 12 higher" in text and "**holds**" in text
    assert "Without a number: TF3: too few bound regions." in text
    assert "| Fig. S2 | see Fig. 1 | 48 | 2 of 0 | cpu |" in text
    assert "Not run: there is no sequence." in text and "| not run: there is no sequence |" in text
    assert (tmp_path / "docs" / "figures" / "paper" / "fig1.svg").stat().st_size > 1000


def test_every_claim_of_the_paper_can_be_judged(tmp_path):
    """Without rows each says that it cannot be tested; none fails."""
    page = write_page(read_figures(), tmp_path, tmp_path).read_text()
    assert page.count("cannot be tested here") >= 30
    assert all(f"## Fig. {number}:" in page for number in range(1, 10))
