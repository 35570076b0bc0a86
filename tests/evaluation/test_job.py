"""Areas are what they must be for scorers that are known, and nothing is tested on what it was trained on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kipoi_tfb.evaluation.job import check_held_out, evaluate
from kipoi_tfb.evaluation.metrics import macro, summarise
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer
from kipoi_tfb.evaluation.training_counts import training_counts
from tests import tiny
from tests.fakes import FakeScorer, made_up, scorer
from tfb_matrix_data.errors import ConfigError, UnknownNameError

TEST = ["chr16", "chr22"]
TFS = tuple(tiny.MOTIFS)


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry")


def on(world, chromosomes):
    """The regions tested, and what they are to each TF."""
    index = world.matrix.regions.on(chromosomes)
    return index, world.codes[index]


@pytest.fixture
def evaluate_with(world):
    """Return a function that evaluates with scores (regions, TFs) of their truth."""

    def run(score, chromosomes=TEST, kind="sparse", **options):
        data = from_matrix(world.matrix, world.genome, chromosomes, kind)
        fake = FakeScorer("fake", TFS, score(on(world, chromosomes)[1]), data)
        rows = evaluate([fake], data, **{"replicates": 0, **options}).tables["fake"]
        assert len(fake.seen) == len(set(fake.seen)) == len(data)
        return rows

    return run


def test_perfect_scorer(evaluate_with, world):
    _, codes = on(world, TEST)
    rows = evaluate_with(lambda codes: codes == tiny.BOUND)
    assert [row.tf for row in rows] == list(tiny.MOTIFS)
    for task, row in enumerate(rows):
        assert (row.auprc, row.auroc, row.auprc_natural, row.auroc_matched) == (1, 1, 1, 1)
        assert row.bound == (codes[:, task] == tiny.BOUND).sum() and row.unbound == (codes[:, task] == tiny.OPEN).sum()
        assert row.bound_train is None and row.ece is None and row.auprc_low is None
        assert 0.7 * row.bound < row.matched <= row.bound


def test_training_counts(world, entry):
    found = training_counts([EntryScorer(str(entry.folder), "cpu")], world.matrix)
    train = world.codes[world.matrix.regions.on(["chr13", "chr14", "chr15"])]
    counts = dict(zip(tiny.MOTIFS, (train == tiny.BOUND).sum(0).tolist(), strict=True))
    assert found == {str(entry.folder): counts}


def test_scorer_that_is_always_wrong(evaluate_with):
    for row in evaluate_with(lambda codes: codes == tiny.OPEN):
        assert row.auroc == row.auroc_matched == 0 and row.auprc < 0.6


def test_fewer_unbound_than_bound_regions_are_said(caplog):
    data = made_up(200, share=0.7)
    with caplog.at_level("WARNING", logger="kipoi_tfb"):
        evaluate([scorer(data, "s")], data, replicates=0)
        evaluate([scorer(data := made_up(200), "s")], data, replicates=0)
    (said,) = [record.message for record in caplog.records]
    assert said.startswith("CTCF (and 2 more TFs): ") and "natural prevalence mean the share of these files" in said


def test_constant_scorer_has_the_area_of_the_prevalence(evaluate_with):
    for row in evaluate_with(lambda codes: np.zeros(codes.shape), replicates=50):
        assert row.auroc == row.auroc_low == row.auroc_high == 0.5
        assert row.auprc == pytest.approx(row.bound / (row.bound + row.matched))
        assert row.auprc_natural == pytest.approx(row.bound / (row.bound + row.unbound))
        # Stratified: the prevalence is that of the test in every replicate.
        assert row.auprc_low == pytest.approx(row.auprc) == row.auprc_high


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

    a, b, c = (evaluate_with(noise, seed=seed, replicates=20) for seed in (0, 0, 1))
    assert a == b
    assert [row.auprc for row in a] != [row.auprc for row in c] and [row.auroc for row in a] == [row.auroc for row in c]
    assert [row.auroc_low for row in a] != [row.auroc_low for row in c]


def test_intervals_cover_the_area_and_shrink_with_more_regions():
    wide, narrow = (
        evaluate([scorer(data, "s")], data, replicates=200).tables["s"] for data in (made_up(150), made_up(3000))
    )
    for row in (*wide, *narrow):
        for name in ("auprc", "auroc", "auprc_natural", "auroc_matched"):
            low, area, high = (getattr(row, f"{name}{end}") for end in ("_low", "", "_high"))
            assert low < area < high and high - low < 0.4
    for a, b in zip(wide, narrow, strict=True):
        assert a.auprc_high - a.auprc_low > 2 * (b.auprc_high - b.auprc_low)


def test_interval_of_the_auroc_is_about_delongs():
    data = made_up(2000, ("A",))
    (row,) = evaluate([scorer(data, "s")], data, replicates=1000).tables["s"]
    score = scorer(data, "s").scores(data.codes)[:, 0].astype(float)
    bound, unbound = score[data.labels[:, 0] == 1], score[data.labels[:, 0] == 0]
    wins = (bound[:, None] > unbound).astype(float)
    deviation = math.sqrt(wins.mean(1).var(ddof=1) / len(bound) + wins.mean(0).var(ddof=1) / len(unbound))
    assert row.auroc_high - row.auroc_low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_a_row_does_not_depend_on_the_other_scorers_or_tfs():
    data = made_up()
    alone = evaluate([scorer(data, "a")], data, replicates=30).tables["a"]
    beside = evaluate([scorer(data, "b", 3.0, 7), scorer(data, "a")], data, replicates=30).tables["a"]
    only = data.only(["SP1"])
    fake = FakeScorer("a", data.tfs, scorer(data, "a").scores(data.codes), data)
    assert alone == beside and evaluate([fake], only, replicates=30).tables["a"] == alone[2:]


def test_calibration_is_measured_of_log_odds_and_of_nothing_else():
    data = made_up(4000, ("A", "B"), share=0.3)
    prevalence = [(data.labels[:, i] == 1).sum() / (data.labels[:, i] >= 0).sum() for i in range(2)]
    right = np.tile(np.log(prevalence) - np.log1p(np.negative(prevalence)), (4000, 1))
    fakes = [
        FakeScorer("right", data.tfs, right, data, calibrated=True),
        FakeScorer("wrong", data.tfs, np.full((4000, 2), 40.0), data, calibrated=True),
        FakeScorer("none", data.tfs, right, data, calibrated=False),
    ]
    tables = evaluate(fakes, data, replicates=0).tables
    assert [row.ece for row in tables["right"]] == pytest.approx([0, 0], abs=1e-6)
    assert [row.ece for row in tables["wrong"]] == pytest.approx([1 - share for share in prevalence])
    assert [row.ece for row in tables["none"]] == [None, None]
    assert summarise(tables["wrong"]).ece == pytest.approx(1 - np.mean(prevalence))


# What is refused


def test_refuses_what_a_scorer_was_trained_or_validated_on(entry):
    found = EntryScorer(str(entry.folder), "cpu")
    check_held_out([found], ["chr22", "22", "chr16"])
    with pytest.raises(ConfigError, match="was trained or validated on chr13, chr21; test it on other chromosomes"):
        check_held_out([found], ["chr22", "chr21", "chr13"])
    with pytest.raises(ConfigError, match="was trained or validated on 13; test it on other chromosomes, see there"):
        check_held_out([found], ["22", "13"], ", see there")


def test_refuses_what_the_base_of_a_fine_tuned_entry_was_trained_on(tmp_path):
    data = tiny.card_fields()["data"]
    base = tiny.make_entry(tmp_path / "base", data=data.model_copy(update={"train_chromosomes": ("chr7",)}))
    tuned = tiny.make_entry(tmp_path / "tuned", base=base.folder.name)
    with pytest.raises(ConfigError, match="was trained or validated on chr7;"):
        check_held_out([EntryScorer(str(tuned.folder), "cpu")], ["chr7"])


def test_an_entry_is_asked_by_its_card_alone(tmp_path):
    entry = tiny.make_entry(tmp_path / "entry")
    entry.weights_path.unlink()
    check_held_out([entry], ["chr22"])
    with pytest.raises(ConfigError, match=r"entry was trained or validated on chr13; test it on other chromosomes$"):
        check_held_out([entry], ["chr22", "chr13"])


def test_unknown_chromosome(world):
    with pytest.raises(UnknownNameError, match="unknown chromosome 'chr99'"):
        from_matrix(world.matrix, world.genome, ["chr99"])


def test_no_tf_in_common():
    data = made_up()
    fake = FakeScorer("fake", ("JUN",), np.zeros((400, 1)), data)
    with pytest.raises(UnknownNameError, match=r"unknown TF .of fake, in made up. 'JUN'. Did you mean JUND"):
        evaluate([fake], data)


def test_tfs_on_one_side_only_are_said(caplog):
    data = made_up()
    fake = FakeScorer("fake", ("XYZ", "SP1"), np.zeros((400, 2)), data)
    with caplog.at_level("INFO", "kipoi_tfb"):
        assert [row.tf for row in evaluate([fake], data, replicates=0).tables["fake"]] == ["SP1"]
    assert "1 TFs of fake without labels in made up, left out: XYZ" in caplog.text
    assert "2 TFs of made up that fake has no scores for, left out: CTCF, JUND" in caplog.text


def test_labels_without_a_bound_region():
    data = made_up(share=0)
    with pytest.raises(ConfigError, match="made up: no region is bound by any TF"):
        evaluate([scorer(data, "s")], data)


def test_the_same_scorer_twice():
    data = made_up()
    with pytest.raises(ConfigError, match="s is given twice"):
        evaluate([scorer(data, "s"), scorer(data, "s")], data)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_none(value):
    data = made_up()
    scores = np.zeros((400, 3))
    scores[data.labels[:, 1] < 0, 1] = value  # of unresolved regions nobody asks for one
    evaluate([FakeScorer("s", data.tfs, scores, data)], data, replicates=0)
    scores[np.flatnonzero(data.labels[:, 1] == 0)[:2], 1] = value
    with pytest.raises(ConfigError, match=r"s gives 2 of \d+ tested regions no finite score for JUND"):
        evaluate([FakeScorer("s", data.tfs, scores, data)], data)


def test_windows_of_another_length():
    data = made_up()
    with pytest.raises(ConfigError, match="s takes windows of 200 bp, made up has windows of 60 bp"):
        evaluate([scorer(data, "s", window_length=200)], data)


def test_tf_without_bound_regions_has_no_areas(tmp_path):
    # Bound only on chr22: tested on chr16, there is nothing to find.
    world = tiny.make_world(tmp_path, blind="JUND")
    found = EntryScorer(str(tiny.make_entry(tmp_path / "entry").folder), "cpu")
    data = from_matrix(world.matrix, world.genome, ["chr16"])
    table = evaluate([found], data, replicates=10, bound_train=training_counts([found], world.matrix)).tables[
        found.name
    ]
    rows = {row.tf: row for row in table}
    assert rows["JUND"].bound == rows["JUND"].bound_train == 0 and rows["JUND"].unbound > 0
    assert all(math.isnan(x) for x in (rows["JUND"].auprc, rows["JUND"].auroc, rows["JUND"].auprc_natural))
    assert rows["JUND"].auprc_low is None and not math.isnan(rows["CTCF"].auprc)
    assert macro(list(rows.values()), min_bound=1)[0] == 2


def test_trained_network_beats_chance(world, tmp_path):
    found = EntryScorer(str(tiny.make_entry(tmp_path / "entry", tiny.trained().network).folder), "cpu")
    result = evaluate([found], from_matrix(world.matrix, world.genome, ["chr22"]), replicates=100)
    summary = result.summary(found.name, min_bound=20)
    assert summary.n_tfs == 3 and summary.auprc > 0.9 and summary.auroc > 0.9 and summary.ece < 0.3
    low, high = summary.auprc_interval
    assert low <= summary.auprc <= high


def test_bound_regions_of_a_gc_content_of_their_own_have_natural_areas():
    data = made_up(100, ("A",))
    data.codes[data.labels[:, 0] == 1] = 1
    (row,) = evaluate([scorer(data, "s", 0.1)], data, replicates=10).tables["s"]
    assert row.matched == 0 and math.isnan(row.auprc) and math.isnan(row.auroc_matched) and row.auroc > 0.9
