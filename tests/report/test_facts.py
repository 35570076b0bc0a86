"""The facts that a report states of its files and models."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from kipoi_tfb import __version__
from kipoi_tfb.report.facts import facts_of, model_of
from kipoi_tfb.zoo.card import MetricsCard
from kipoi_tfb.zoo.find import find_entry

pytest_plugins = ("tests.entries",)

METRICS = MetricsCard(
    command="tfb evaluate", chromosomes=("chr21", "chr22"), labels="sparse", min_bound=40, n_tfs=3, auprc=0.9061,
    auroc=0.93, auprc_interval=(0.897, 0.914), baselines={"jaspar": 0.789}, seed=0, weights_sha256="0" * 64,
    date="2026-11-26",
)  # fmt: skip


def test_files_are_named_without_folders_and_hashed(entry, tmp_path):
    path = tmp_path / "effects.tsv"
    path.write_text("x")
    facts = facts_of(
        "title", {"Scores": path, "Variants": None}, [entry], "tfb report", "2026-11-26", {"Scores": "made up"}
    )
    (file,) = facts.files
    assert (file.role, file.name, file.note, file.sha256) == (
        "Scores",
        "effects.tsv",
        "made up",
        hashlib.sha256(b"x").hexdigest(),
    )
    assert (facts.title, facts.command, facts.date, facts.version) == (
        "title", "tfb report", "2026-11-26", __version__
    )  # fmt: skip


def test_a_model_is_told_with_what_it_never_saw(entry):
    model = model_of(entry)
    data = entry.card.data
    unseen = {*data.validation_chromosomes, *data.test_chromosomes, *data.excluded_chromosomes}
    assert (model.name, model.n_tfs, model.window) == ("tiny", 3, 200)
    assert model.weights_sha256 == entry.card.weights.sha256
    assert unseen and all(chromosome in model.held_out.partition(";")[0] for chromosome in unseen)


def test_a_model_brings_its_card(entry):
    model = model_of(entry)
    assert model.card == (entry.folder / "card.yaml").read_text() and model.date == entry.card.training.date


def test_random_variants_of_percentiles_are_told_once(entry):
    multi163 = find_entry("multi163")
    facts = facts_of("title", {}, [multi163, entry, multi163], "tfb report", "2026-11-26")
    assert facts.percentiles == (
        "Random variants: of every kind at 20,000 places in the open regions of chr21 and chr22 (hg38.dhs.fa.gz)."
    )
    assert facts_of("title", {}, [entry], "tfb report", "2026-11-26").percentiles == ""  # it has no null


def test_how_good_a_model_is(entry):
    model = model_of(replace(entry, card=entry.card.model_copy(update={"metrics": METRICS})))
    assert model.accuracy == (
        "bound from unbound regions on chr21 and chr22, never trained on, at equal numbers: AUPRC 0.906 (0.897–0.914), "
        "AUROC 0.930, mean of 3 TFs; best JASPAR motif: AUPRC 0.789."
    )
