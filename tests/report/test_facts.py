"""The facts that a report states of its files and models."""

from __future__ import annotations

import hashlib

from kipoi_tfb import __version__
from kipoi_tfb.report.facts import facts_of, model_of
from kipoi_tfb.zoo.card import MetricsCard

pytest_plugins = ("tests.entries",)

METRICS = MetricsCard(
    command="tfb evaluate", chromosomes=("chr21", "chr22"), labels="sparse", min_bound=40, n_tfs=3, auprc=0.9061,
    auroc=0.93, auprc_interval=(0.897, 0.914), baselines={"jaspar": 0.789}, seed=0, weights_sha256="0" * 64,
    date="2026-11-26",
)  # fmt: skip


def test_files_are_named_without_folders_and_hashed(entry, tmp_path):
    path = tmp_path / "effects.tsv"
    path.write_text("x")
    facts = facts_of("title", {"Scores": path, "Variants": None}, [entry.card], "tfb report", "2026-11-26")
    (file,) = facts.files
    assert (file.role, file.name, file.sha256) == ("Scores", "effects.tsv", hashlib.sha256(b"x").hexdigest())
    assert (facts.title, facts.command, facts.date, facts.version) == (
        "title", "tfb report", "2026-11-26", __version__
    )  # fmt: skip


def test_a_model_is_told_with_what_it_never_saw(entry):
    model = model_of(entry.card)
    data = entry.card.data
    unseen = {*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes}
    assert (model.name, model.n_tfs, model.window) == ("tiny", 3, 200)
    assert model.weights_sha256 == entry.card.weights.sha256
    assert unseen and all(chromosome in model.held_out.partition(";")[0] for chromosome in unseen)


def test_how_good_a_model_is(entry):
    told = entry.card.model_copy(update={"metrics": METRICS})
    model = model_of(told)
    assert model.accuracy == (
        "bound from unbound regions on chr21 and chr22, never trained on, at equal numbers: AUPRC 0.906 (0.897–0.914), "
        "AUROC 0.930, mean of 3 TFs; best JASPAR motif: AUPRC 0.789."
    )
