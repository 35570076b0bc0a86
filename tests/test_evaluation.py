"""Areas are what they must be for scorers that are known, and nothing is tested on what it was trained on."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from kipoi_tfb import evaluation
from kipoi_tfb.datasets import region_windows
from kipoi_tfb.entry import open_entry
from kipoi_tfb.evaluation import TfMetrics, evaluate, macro, record, write_metrics
from kipoi_tfb.zoo import verify_entry
from tests import tiny
from tfb_matrix_data.errors import ConfigError, UnknownNameError

TEST = ["chr16", "chr22"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return tiny.make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry")


def on(world, chromosomes):
    """The regions tested, and what they are to each TF."""
    index = world.matrix.regions.on(chromosomes)
    return index, world.codes[index]


@pytest.fixture
def evaluate_with(world, entry, monkeypatch):
    """Return a function that evaluates with scores (regions, TFs) in place of a network's."""

    def run(score, chromosomes=TEST, **options):
        index, codes = on(world, chromosomes)
        windows = region_windows(world.matrix, world.genome, index)
        by_window = {window.tobytes(): row for window, row in zip(windows, score(codes), strict=True)}
        seen = []

        class Stub:
            columns = tuple(tiny.MOTIFS)

            def __init__(self, entries, **options):
                assert entries == [entry]

            def logits(self, codes):
                seen.extend(window.tobytes() for window in codes)
                return np.array([by_window[window.tobytes()] for window in codes], np.float32)

        monkeypatch.setattr(evaluation, "Predictor", Stub)
        rows = evaluate(entry, world.matrix, world.genome, chromosomes, **options)
        assert len(seen) == len(set(seen)) == len(index)
        return rows

    return run


def test_perfect_scorer(evaluate_with, world):
    _, codes = on(world, TEST)
    rows = evaluate_with(lambda codes: codes == tiny.BOUND)
    assert [row.tf for row in rows] == list(tiny.MOTIFS)
    for task, row in enumerate(rows):
        assert (row.auprc, row.auroc, row.auprc_natural) == (1, 1, 1)
        assert row.bound == (codes[:, task] == tiny.BOUND).sum() and row.unbound == (codes[:, task] == tiny.OPEN).sum()
        train = world.codes[world.matrix.regions.on(["chr13", "chr14", "chr15"]), task]
        assert row.bound_train == (train == tiny.BOUND).sum()
        assert 0.7 * row.bound < row.matched <= row.bound


def test_scorer_that_is_always_wrong(evaluate_with):
    for row in evaluate_with(lambda codes: codes == tiny.OPEN):
        assert row.auroc == 0 and row.auprc < 0.6


def test_constant_scorer_has_the_area_of_the_prevalence(evaluate_with):
    for row in evaluate_with(lambda codes: np.zeros(codes.shape)):
        assert row.auroc == 0.5
        assert row.auprc == pytest.approx(row.bound / (row.bound + row.matched))
        assert row.auprc_natural == pytest.approx(row.bound / (row.bound + row.unbound))


def test_random_scorer_is_near_one_half(evaluate_with):
    rng = np.random.default_rng(0)
    rows = [row for _ in range(10) for row in evaluate_with(lambda codes: rng.random(codes.shape))]
    assert np.mean([row.auprc for row in rows]) == pytest.approx(0.52, abs=0.05)
    assert np.mean([row.auroc for row in rows]) == pytest.approx(0.5, abs=0.04)


def test_ambiguous_regions_do_not_count(evaluate_with):
    def ambiguous_first(codes):
        return np.where(codes == tiny.AMBIGUOUS, 9, codes == tiny.BOUND)

    for row in evaluate_with(ambiguous_first):
        assert row.auprc == row.auroc == 1
    # They are unbound in the less sparse labels, and spoil every area.
    for row in evaluate_with(ambiguous_first, kind="less_sparse"):
        assert row.auroc < 0.9


def test_seed_draws_other_unbound_regions(evaluate_with):
    def noise(codes):
        return np.random.default_rng(3).random(codes.shape)

    a, b, c = (evaluate_with(noise, seed=seed) for seed in (0, 0, 1))
    assert a == b
    assert [row.auprc for row in a] != [row.auprc for row in c] and [row.auroc for row in a] == [row.auroc for row in c]


def test_refuses_what_the_entry_was_trained_or_validated_on(world, entry):
    with pytest.raises(ConfigError, match="was trained or validated on chr13, chr21; test it on other chromosomes"):
        evaluate(entry, world.matrix, world.genome, ["chr22", "chr21", "chr13"])


def test_unknown_chromosome(world, entry):
    with pytest.raises(UnknownNameError, match="unknown chromosome 'chr99'"):
        evaluate(entry, world.matrix, world.genome, ["chr99"])


def test_windows_with_n_are_left_out(world, tmp_path):
    data = tiny.card_fields()["data"].model_copy(update={"validation_chromosomes": ("chr15",)})
    entry = tiny.make_entry(tmp_path / "entry", data=data)
    rows = evaluate(entry, world.matrix, world.genome, ["chr21"], device="cpu")
    _, codes = on(world, ["chr21"])
    whole = np.delete(codes, tiny.N_AT["chr21"], axis=0)
    tested = [row.bound + row.unbound for row in rows]
    assert tested == np.isin(whole, (tiny.BOUND, tiny.OPEN)).sum(0).tolist()
    assert tested != np.isin(codes, (tiny.BOUND, tiny.OPEN)).sum(0).tolist()


def test_tf_without_bound_regions_has_no_areas(tmp_path):
    # Bound only on chr22: tested on chr16, there is nothing to find.
    world = tiny.make_world(tmp_path, blind="JUND")
    entry = tiny.make_entry(tmp_path / "entry")
    rows = {row.tf: row for row in evaluate(entry, world.matrix, world.genome, ["chr16"], device="cpu")}
    assert rows["JUND"].bound == rows["JUND"].bound_train == 0 and rows["JUND"].unbound > 0
    assert all(math.isnan(x) for x in (rows["JUND"].auprc, rows["JUND"].auroc, rows["JUND"].auprc_natural))
    assert not math.isnan(rows["CTCF"].auprc)
    assert macro(list(rows.values()), min_bound=1)[0] == 2


def test_trained_network_beats_chance(world, tmp_path):
    entry = tiny.make_entry(tmp_path / "entry", tiny.trained().network)
    n_tfs, auprc, auroc = macro(evaluate(entry, world.matrix, world.genome, ["chr22"], device="cpu"), min_bound=20)
    assert n_tfs == 3 and auprc > 0.9 and auroc > 0.9


ROWS = [
    TfMetrics("CTCF", 500, 40, 60, 40, 0.9, 0.8, 0.7),
    TfMetrics("JUND", 300, 39, 60, 39, 0.1, 0.1, 0.1),
    TfMetrics("SP1", 200, 100, 60, 60, 0.5, 0.6, 0.7),
    TfMetrics("MYC", 0, 0, 60, 0, float("nan"), float("nan"), float("nan")),
]


def test_macro_counts_tfs_with_enough_bound_regions():
    assert macro(ROWS) == (2, pytest.approx(0.7), pytest.approx(0.7))
    assert macro(ROWS, min_bound=1) == (3, pytest.approx(0.5), pytest.approx(0.5))
    n_tfs, auprc, auroc = macro(ROWS, min_bound=1000)
    assert n_tfs == 0 and math.isnan(auprc) and math.isnan(auroc)


def test_write_metrics(tmp_path):
    write_metrics(ROWS, tmp_path / "metrics.tsv")
    with open(tmp_path / "metrics.tsv") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    columns = ["tf", "bound_train", "bound", "unbound", "matched", "auprc", "auroc", "auprc_natural"]
    assert list(rows[0]) == columns
    assert list(rows[0].values()) == ["CTCF", "500", "40", "60", "40", "0.9000", "0.8000", "0.7000"]
    assert [row["tf"] for row in rows] == ["CTCF", "JUND", "SP1", "MYC"] and rows[3]["auroc"] == "nan"


def test_record_writes_card_and_table(world, tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    metrics = record(entry, ROWS, world.matrix, ["chr22"], "sparse", 5, "tfb evaluate tiny")
    again = open_entry(entry.folder)
    assert again.card.metrics == metrics
    assert (metrics.n_tfs, metrics.auprc, metrics.seed, metrics.chromosomes) == (2, 0.7, 5, ("chr22",))
    assert (entry.folder / "metrics.tsv").read_text().startswith("tf\tbound_train")
    assert all(check.passed for check in verify_entry(again))
