"""Fine-tuning on random splits: each seed another one, all reported, and never an entry of a zoo."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.finetuning.config import make_config
from kipoi_tfb.finetuning.data import from_binding_matrix, load_finetune_data
from kipoi_tfb.finetuning.job import finetune, finished
from kipoi_tfb.finetuning.splits import finetune_splits
from kipoi_tfb.training.trainer import _Trainer
from kipoi_tfb.zoo.card import read_card, write_card
from kipoi_tfb.zoo.change import add_entries
from kipoi_tfb.zoo.describe import describe
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.verify import SPLITS_FILE, verify_entry
from tests.entries import run_tfb
from tfb_matrix_data.errors import ConfigError, EntryError
from tfb_matrix_data.files import sha256

pytest_plugins = ("tests.finetuning.small_motif_base",)

SEEDS = (4, 5, 6)


def of_matrix(base: Entry, world, folder) -> Entry:
    """Return a copy of the base that says it was made from the world's matrix."""
    copy = shutil.copytree(base.folder, folder / "small")
    card = read_card(copy)
    write_card(
        card.model_copy(update={"data": card.data.model_copy(update={"matrix_sha256": sha256(world.matrix_path)})}),
        copy,
    )
    return open_entry(copy)


def config(base: Entry, **changes: object):
    fields = {
        "tf": "SP1", "base": str(base.folder), "epochs": 1, "batch_size": 32, "seeds": len(SEEDS), "seed": SEEDS[0],
        "split": "paper", "exclude_base": True, "head": "new",
    }  # fmt: skip
    return make_config(**{**fields, **changes})


def run(world, base: Entry, out, controls=("base", "scratch"), **changes: object):
    chosen = config(base, **changes)
    return finetune_splits(
        chosen, world.matrix, world.genome, out, "cpu", "fp32", "a test", replicates=20, controls=controls
    )


@pytest.fixture(scope="module")
def known(base, world, tmp_path_factory) -> Entry:
    return of_matrix(base, world, tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def done(known, world):
    return run(world, known, known.folder.parent / "out")


def test_each_seed_is_a_split_of_its_own_without_the_regions_of_the_base(known, world):
    seen = base_regions(known, world.matrix)
    tested, labels = [], world.matrix.labels(["SP1"])[:, 0]
    for seed in SEEDS:
        data = load_finetune_data(config(known, seed=seed), known, world.matrix, world.genome)
        parts = data.every["train"].region, data.every["validation"].region, data.test_region
        together = np.concatenate(parts)
        assert len(np.unique(together)) == len(together) and not np.isin(together, seen).any()
        assert (labels[together] >= 0).all() and data.card.split == "paper"
        assert data.card.n_excluded == (labels[seen] >= 0).sum()
        left = (labels[world.matrix.regions.on(["chr16", "chr22"])] >= 0).sum()
        assert len(together) == left and len(parts[0]) == int(0.8 * left)
        assert data.test.chromosomes == data.card.test_chromosomes == ("chr16", "chr22")
        tested.append(set(data.test_region.tolist()))
    assert tested[0] != tested[1] != tested[2] != tested[0]


def test_every_seed_is_trained_tested_and_reported(done, known):
    splits = done.entry.card.finetuned.splits
    assert [split.seed for split in splits.each] == list(SEEDS)
    for split in splits.each:
        card = open_entry(known.folder.parent / "out" / f"split-{split.seed}" / "refused").card
        assert card.finetuned.seeds == (split.seed,) and card.metrics.auprc == split.auprc
        assert split.controls == {control.kind: control.auprc for control in card.gate.controls}
        assert (split.n_train, split.n_test) == tuple(card.finetuned.counts[use]["bound"] for use in ("train", "test"))
    areas = [split.auprc for split in splits.each]
    assert splits.auprc.mean == pytest.approx(np.mean(areas), abs=1e-4)
    assert splits.auprc.sd == pytest.approx(np.std(areas, ddof=1), abs=1e-4) and splits.auprc.sd > 0
    assert set(splits.controls) == {"base", "scratch"}
    with open(done.entry.folder / SPLITS_FILE) as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["split"] for row in rows] == [*map(str, SEEDS), "mean", "sd"]
    assert float(rows[-2]["auprc"]) == splits.auprc.mean and float(rows[-1]["scratch"]) == splits.controls["scratch"].sd
    assert f"on 3 random splits its AUPRC is {splits.auprc.mean:.3f} (standard deviation" in done.gate.words


def test_the_entry_is_the_one_that_validates_best(done):
    card = done.entry.card
    best = min(card.finetuned.splits.each, key=lambda split: split.validation_loss)
    assert card.finetuned.seeds == (best.seed,) and card.metrics.auprc == best.auprc
    assert card.finetuned.output == "new" and card.finetuned.head_from is None
    assert card.training.config.output_bias == "default"


def test_no_zoo_takes_it(done, tmp_path):
    assert done.entry.folder.name == "refused" and done.gate.verdict == "refused"
    assert done.gate.words.endswith("to be laid beside the paper's figures, and in no zoo.")
    # Nor where someone writes another verdict onto the card.
    card = done.entry.card
    gate = card.gate.model_copy(update={"verdict": "accepted"})
    copy = shutil.copytree(done.entry.folder, done.entry.folder.parent / "entry")
    try:
        write_card(card.model_copy(update={"gate": gate}), copy)
        failed = {check.what: check.detail for check in verify_entry(open_entry(copy)) if not check.passed}
        assert list(failed) == ["held-out rule"]
        assert failed["held-out rule"].startswith("it was split at random: what it was tested on lies beside")
        with pytest.raises(EntryError, match=r"is not fit for the zoo: held-out rule: it was split at random"):
            add_entries([open_entry(done.entry.folder.parent.parent / "small"), open_entry(copy)], tmp_path / "zoo")
    finally:
        shutil.rmtree(copy)


def test_nobody_says_that_it_was_never_trained_there(done):
    said = "\n".join(describe(done.entry, 200))
    assert "3 at random; AUPRC at 1:1" in said and "a tenth to validate and a tenth to test, at random" in said


def test_what_is_finished_is_left_alone_and_more_splits_are_added(done, known, world, tmp_path, monkeypatch):
    of_matrix(known, world, tmp_path)
    shutil.copytree(known.folder.parent / "out", tmp_path / "out")
    trained, update = set(), _Trainer._update

    def noting(trainer, *args):
        trained.add(trainer.config.seed)
        return update(trainer, *args)

    monkeypatch.setattr(_Trainer, "_update", noting)
    here = open_entry(tmp_path / "small")
    again = run(world, here, tmp_path / "out")
    assert again.entry.card == done.entry.card and not trained
    more = run(world, here, tmp_path / "out", seeds=4)
    assert trained == {7} and len(more.entry.card.finetuned.splits.each) == 4


def test_one_split_is_the_same_again_and_has_no_spread(done, known, world):
    found = run(world, known, known.folder.parent / "one", ("base",), seeds=1)
    splits, before = found.entry.card.finetuned.splits, done.entry.card.finetuned.splits.each[0]
    assert splits.each == (before.model_copy(update={"controls": {"base": before.controls["base"]}}),)
    assert splits.auprc.sd is None and "on 1 random split its" in found.gate.words


# What is refused


def test_a_random_split_without_the_exclusion(known, world, tmp_path):
    with pytest.raises(ConfigError, match=r"split paper tests all over the genome, .* it needs --exclude-base"):
        config(known, exclude_base=False)
    data = from_binding_matrix(world.matrix, world.genome, "SP1", split="paper")
    chosen = config(known, seeds=1)
    with pytest.raises(ConfigError, match=r"split paper tests .* give the regions that it was made from as `exclude`"):
        finetune(chosen, data, tmp_path / "out")


def test_a_configuration_without_a_random_split(known, world, tmp_path):
    with pytest.raises(ConfigError, match=r"asks for no random split; set `split: paper` and `exclude_base`"):
        run(world, known, tmp_path / "out", split="chromosomes")


def test_a_folder_of_something_else(done, known, world, tmp_path):
    card = done.entry.card
    tuned = card.finetuned.model_copy(update={"splits": None})
    of_matrix(known, world, tmp_path)
    shutil.copytree(done.entry.folder, tmp_path / "out" / "refused")
    write_card(card.model_copy(update={"finetuned": tuned}), tmp_path / "out" / "refused")
    with pytest.raises(ConfigError, match=r"out/refused is of no random splits; remove it or use another --output"):
        run(world, known, tmp_path / "out")
    assert finished(tmp_path / "out").card.finetuned.splits is None


def test_a_base_that_has_seen_nearly_all(known, world, tmp_path):
    chosen = config(known)
    everywhere = np.arange(len(world.matrix))
    with pytest.raises(ConfigError, match=r"0 bound regions to train with, .* regions that the base was made from are"):
        load_finetune_data(chosen, known, world.matrix, world.genome, everywhere)


def test_the_command(known, world, monkeypatch, capfd, done, tmp_path):
    arguments = [
        "finetune", "SP1", "--from-matrix", str(world.matrix_path), "--genome", str(world.genome_path), "--base",
        str(known.folder), "--split", "paper", "--exclude-base", "--head", "new", "--seeds", "2", "--epochs", "1",
        "--controls", "base", "--device", "cpu", "-o", str(known.folder.parent / "by-command"),
    ]  # fmt: skip
    code, out, err = run_tfb(monkeypatch, capfd, arguments)
    assert code == 3, err
    assert out.startswith("split\tbound_train\tbound_test") and "\nmean\t" in out and "\nsd\t" in out
    assert "on 2 random splits its AUPRC is" in out
