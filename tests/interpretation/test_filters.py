"""Filters as motifs: of a filter that is known by construction, of a trained network, and from the command line."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.interpretation.bound_windows import bound_of_matrix, correctly_predicted
from kipoi_tfb.interpretation.filter_table import write_filters
from kipoi_tfb.interpretation.filters import FilterOptions, entry_filters, filter_influence, filter_sites
from kipoi_tfb.interpretation.plot_filters import plot_filters
from kipoi_tfb.motifs.jaspar import vertebrate_motifs
from kipoi_tfb.motifs.profiles import Motif, read_motifs
from kipoi_tfb.prediction.predictor import Predictor
from tests.entries import write_files
from tests.interpretation.planted import MOTIF, planted_entry, windows_with_sites
from tests.tiny import config, make_entry, trained
from tests.tuned import small_base, tuned
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries",)

OWN = Motif("Planted", "MA_PLANTED", "JUND", np.eye(4)[encode(MOTIF)].T * 50)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return planted_entry(tmp_path_factory.mktemp("zoo") / "planted")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """An entry that has learnt the motifs of the tiny world."""
    return make_entry(tmp_path_factory.mktemp("zoo") / "learnt", trained().network, name="learnt")


def test_the_motif_of_a_filter_is_what_it_matches(planted):
    codes, _, _ = windows_with_sites(60)
    pfm = filter_sites(planted.network().eval(), codes)[0]
    assert decode(pfm[:, 3:16].argmax(0).astype(np.uint8)) == MOTIF
    # Matches of at least half: 13 of 13 is the largest activation; elsewhere random bases.
    assert pfm[:, 3:16].max(0).min() >= 60 and pfm.sum(0).min() >= 60
    (row,) = entry_filters(planted, codes, options=FilterOptions(20), known=[OWN, *vertebrate_motifs()[:40]])
    assert row.match.motif is OWN and row.is_known and row.match.q < 1e-4
    assert row.sites == round(pfm.sum(0).max()) and row.information > 10
    assert row.start is None and row.kept == "" and np.isnan(row.change)


def test_influence_is_the_change_of_the_predictions(planted):
    codes, _, _ = windows_with_sites(20)
    codes[10:] = np.random.default_rng(3).integers(0, 4, (10, 200))
    found = filter_influence(planted.network().eval(), codes)
    p = Predictor([planted]).probability(codes)[:, 0]
    logits = Predictor([planted]).logits(codes)[:, 0]
    # The one filter silenced, every window has the mean best match of all.
    mean = 1 / (1 + np.exp(-logits.mean()))
    assert found.influence[0] == pytest.approx(float(((p - mean) ** 2).mean()), rel=1e-4)
    assert found.log_odds[0, 0] == pytest.approx(0, abs=1e-4)


def test_the_start_of_filters(tmp_path):
    recipe = config(architecture="motif-cnn", first_layer="jaspar")
    card = planted_entry(tmp_path / "a").card.training
    entry = planted_entry(tmp_path / "b", training=card.model_copy(update={"config": recipe}))
    (row,) = entry_filters(entry, windows_with_sites(30)[0], options=FilterOptions(0))
    assert row.start is not None and row.start.tf == "JUND" and np.isnan(row.influence)
    assert row.kept in {"kept", "alike", "lost"} and row.start_match.motif.matrix_id == row.start.matrix_id


def test_what_a_trained_network_reads(learnt, world):
    codes, bound = bound_of_matrix(learnt, world.matrix, world.genome)
    right = correctly_predicted(Predictor([learnt]), codes, bound, most=80)
    assert right.bound == 80 and 20 < len(right.codes) <= 80
    again = correctly_predicted(Predictor([learnt]), codes, bound, most=80)
    assert np.array_equal(right.codes, again.codes)
    rows = entry_filters(learnt, right.codes, options=FilterOptions(10))
    assert len(rows) == 100 and all(row.influence >= 0 for row in rows)
    top = max(rows, key=lambda row: row.influence)
    assert top.tf in {"CTCF", "JUND", "SP1"} and abs(top.tf_change) > 0.05 and top.information > 4


def test_the_command(tfb, tmp_path, learnt, world):
    data = ("--matrix", str(world.matrix_path), "--genome", str(world.genome_path), "--most", "40", "--influence", "4")
    files = ("-o", "out.parquet", "--meme", "out.meme", "--plot", "out.svg")
    code, _, err = tfb("motifs", "filters", str(learnt.folder), *data, *files)
    assert code == 0, err
    assert "of 40 bound regions are predicted to be bound" in err and "100 filters -> out.parquet" in err
    assert "learnt: " in err and "are like a JASPAR profile (q <= 0.05)" in err
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table["filter"].to_pylist() == list(range(100)) and "base_match" not in table.column_names
    assert all(field.metadata[b"description"] for field in table.schema)
    matched = [row for row in table.to_pylist() if row["sites"]]
    assert all(row["match_id"].startswith("MA") and row["p"] <= row["q"] <= 1 for row in matched)
    assert [motif.matrix_id for motif in read_motifs(tmp_path / "out.meme")] == [
        f"learnt-filter{row['filter']}" for row in matched
    ]
    picture = (tmp_path / "out.svg").read_text()
    assert ">information content of the motif (bits)<" in picture and "like no known motif<" in picture


def test_before_and_after_fine_tuning(tmp_path):
    base = small_base(tmp_path / "zoo")
    entry, same = tuned(base, "tf/SP1", only_head=False), tuned(base, "tf/JUND")
    codes = np.random.default_rng(0).integers(0, 4, (30, 200), np.uint8)
    known, options = vertebrate_motifs()[:40], FilterOptions(4)
    before, after = (entry_filters(one, codes, ["SP1"], options, known) for one in (base, entry))
    assert write_filters(after, tmp_path / "f.parquet", before) == len(before) == 16
    table = pyarrow.parquet.read_table(tmp_path / "f.parquet").to_pydict()
    for column, rows in (("", after), ("base_", before)):
        assert table[f"{column}sites"] == [row.sites for row in rows]
        assert table[f"{column}influence"] == [row.influence for row in rows]
    weights = [one.network().state_dict()["scan_weight"].numpy() for one in (base, entry)]
    assert all(change > 0 for change in table["change"]) and not np.array_equal(*weights)
    assert [row.change for row in entry_filters(same, codes, options=FilterOptions(0), known=known)] == [0.0] * 16
    plot_filters({"before": before, "after": after}, tmp_path / "f.svg")
    picture = (tmp_path / "f.svg").read_text()
    assert ">before<" in picture and ">after<" in picture


BAD = {
    "none": (("--genome", "GENOME", "-o", "o.tsv"), 2, "give one of --matrix and --regions"),
    "picture": (("--genome", "GENOME", "--regions", "in.bed", "-o", "o.tsv", "--plot", "o.eps"), 1, "ending '.eps'"),
    "influence": (
        ("--genome", "GENOME", "--regions", "in.bed", "-o", "o.tsv", "--plot", "o.svg", "--influence", "0"),
        2,
        "the picture is of influence",
    ),
    "tf": (("--genome", "GENOME", "--regions", "in.bed", "--tfs", "JUNDD", "-o", "o.tsv"), 1, "Did you mean JUND?"),
    "ending": (("--genome", "GENOME", "--regions", "in.bed", "-o", "o.csv"), 1, "format from the ending '.csv'"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input(tfb, tmp_path, case):
    arguments, expected, message = BAD[case]
    write_files(tmp_path, {"in.bed": "chr1\t500\t700\n"})
    code, _, err = tfb("motifs", "filters", "ENTRY", *arguments)
    assert code == expected and message in " ".join(err.split()), err
    assert not list(tmp_path.glob("o.*"))


def test_without_tomtom_it_says_so_before_it_predicts(tfb, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "memelite", None)
    monkeypatch.setattr("kipoi_tfb.prediction.predictor.Predictor", lambda *_: pytest.fail("it has begun"))
    write_files(tmp_path, {"in.bed": "chr1\t500\t700\n"})
    code, _, err = tfb("motifs", "filters", "ENTRY", "--genome", "GENOME", "--regions", "in.bed", "-o", "o.tsv")
    assert code == 1 and "pip install 'kipoi-tfb[interpret]'" in " ".join(err.split())


def test_nothing_that_it_is_right_about(planted):
    windows = np.random.default_rng(1).integers(0, 4, (5, 200), np.uint8)
    with pytest.raises(ConfigError, match=r"of 5 bound regions the entry predicts none with a probability of at least"):
        correctly_predicted(Predictor([planted]), windows, np.ones((5, 1), bool))
    with pytest.raises(ConfigError, match="no window to look at filters with"):
        filter_sites(planted.network().eval(), windows[:0])
