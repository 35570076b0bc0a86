"""From a TF of a matrix, or someone's peaks, to an entry that has been compared with what there was before."""

from __future__ import annotations

import csv
import errno
import json
import shutil

import numpy as np
import pytest
import torch

import kipoi_tfb
from kipoi_tfb.evaluation.job import evaluate
from kipoi_tfb.evaluation.scorers import EntryScorer, NetworkScorer
from kipoi_tfb.finetuning import learn
from kipoi_tfb.finetuning.config import FinetuneConfig, make_config
from kipoi_tfb.finetuning.data import FinetuneData, from_binding_matrix
from kipoi_tfb.finetuning.job import Finetuned, alone_in, finetune, finished
from kipoi_tfb.finetuning.nearest import nearest_output
from kipoi_tfb.finetuning.start import start_network
from kipoi_tfb.models.first_layer import first_filters
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.trainer import _Trainer
from kipoi_tfb.zoo.card import write_card
from kipoi_tfb.zoo.controls import CONTROLS
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.finetuned_card import CURVE_FILE, MOTIF_FILE, READS_FILE, TESTED_FILE
from kipoi_tfb.zoo.networks import load_network
from kipoi_tfb.zoo.verify import CONTROLS_FILE, verify_entry
from tests import tiny
from tests.tuned import contents
from tfb_matrix_data.errors import ConfigError, EntryError, LockedError

pytest_plugins = ("tests.finetuning.small_motif_base",)


@pytest.fixture(scope="module")
def sp1(world) -> FinetuneData:
    return from_binding_matrix(world.matrix, world.genome, "SP1")


def config(base: Entry, **changes: object) -> FinetuneConfig:
    fields = {"tf": "SP1", "base": str(base.folder), "epochs": 2, "batch_size": 64, "seeds": 2}
    return make_config(**{**fields, **changes})


def run(base: Entry, data: FinetuneData, out, controls=CONTROLS, **changes: object) -> Finetuned:
    chosen = config(base, **changes)
    return finetune(chosen, data, out, "cpu", "fp32", "a test", replicates=50, controls=controls)


@pytest.fixture(scope="module")
def done(base, sp1) -> Finetuned:
    return run(base, sp1, base.folder.parent / "out", name="tf/SP1")


def test_a_tf_of_a_matrix(done, base, sp1):
    entry = done.entry
    assert [check for check in verify_entry(entry) if not check.passed] == []
    card = entry.card
    assert card.name == "tf/SP1" and card.tasks == ("SP1",) and card.base == "small"
    assert card.finetuned.base_weights_sha256 == base.card.weights.sha256
    assert card.finetuned.head_from == "SP1" and card.finetuned.counts == sp1.counts
    losses = card.finetuned.validation_losses
    assert card.finetuned.seeds == (0, 1) and card.training.config.seed == losses.index(min(losses))
    assert card.training.config.learning_rate == 3e-4 and card.training.config.strands == "both"
    assert card.metrics.chromosomes == ("chr22",) and "chr22" not in card.data.train_chromosomes
    assert set(card.metrics.baselines) == {control.name for control in card.gate.controls}
    assert list(done.tables) == ["tf/SP1", "small (its own output)", "JASPAR motif", "de novo motif", "from scratch"]
    own = done.tables["tf/SP1"]
    assert own.auprc > 0.8 and card.metrics.auprc == round(own.auprc, 4) and card.metrics.min_bound == 1
    assert card.metrics.auprc_interval == (round(own.auprc_low, 4), round(own.auprc_high, 4))
    assert done.gate == card.gate and card.gate.words.startswith(card.gate.verdict)
    assert entry.folder.name == ("refused" if card.gate.verdict == "refused" else "entry")
    with open(entry.folder / CONTROLS_FILE) as stream:
        assert [row["scorer"] for row in csv.DictReader(stream, delimiter="\t")] == list(done.tables)
    assert not (entry.folder.parent / "candidate").exists()


def test_pictures_of_what_was_learnt(done, base):
    entry, motif = done.entry, done.entry.card.finetuned.changed_motif
    curve = (entry.folder / CURVE_FILE).read_text()
    assert f"kept: epoch {entry.card.training.best_epoch + 1}" in curve and "1 other seeds" in curve
    before, after = (first_filters("motif-cnn", each.network().state_dict()) for each in (base, entry))
    size = np.linalg.norm(after[motif.filter] - before[motif.filter]) / np.linalg.norm(before[motif.filter])
    assert motif.change == pytest.approx(size, abs=2e-3) and 0 < motif.median <= motif.change
    tested = (entry.folder / TESTED_FILE).read_text()
    own = done.tables["tf/SP1"]
    assert f"AUPRC {own.auprc_natural:.3f}" in tested and f"error {own.ece:.4f}" in tested
    reads = (entry.folder / READS_FILE).read_text()
    assert "tf/SP1, deeplift: positions in the window" in reads and reads.count("log-odds ") == 2 + 1
    assert len(reads) < 120_000
    picture = (entry.folder / MOTIF_FILE).read_text()
    assert f"filter {motif.filter} of the first layer, changed by {motif.change:.1%}" in picture


def test_the_entry_is_a_network_of_its_own(done, sp1):
    network, card = kipoi_tfb.load(str(done.entry.folder))
    assert network(torch.zeros(2, 4, 200)).shape == (2, 1) and card == done.entry.card
    assert "fine-tuned from small" in (done.entry.folder / "model.yaml").read_text()


# Other ways


def test_head_learns_only_the_output_layer(zoo, sp1, tmp_path, cheap):
    found = run(zoo, sp1, tmp_path / "out", arm="head", controls=("base",))
    entry, card = found.entry, found.entry.card
    assert set(torch.load(entry.weights_path, weights_only=True)) == {"head.weight", "head.bias"}
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."] == [entry.folder.name]
    assert card.training.config is None and card.finetuned.seeds == (0, 1)
    assert card.finetuned.changed_motif is None
    assert {path.name for path in entry.folder.glob("*.svg")} == {TESTED_FILE, READS_FILE}
    head = card.finetuned.head
    assert head.auprc >= head.start_auprc and head.loss <= head.start_loss
    assert "output layer fitted under the layers of small, the mean of 2 draws" in (
        entry.folder / "model.yaml"
    ).read_text().replace("\n    ", " ")
    nearest = nearest_output(zoo, "SP1", sp1.training.train)
    begun = start_network("head", zoo, "SP1", sp1.training.train.labels, nearest, 0).network
    same = torch.equal(entry.network().state_dict()["head.weight"], begun.state_dict()["head.weight"])
    assert same == (head.penalty is None)
    # The figures on the card are those of the network, though they were computed from its base's features.
    scorer = NetworkScorer("network", ("SP1",), Predictor([entry]).logits)
    (row,) = evaluate([scorer], sp1.test, 0, 0).tables["network"]
    assert row.auprc == pytest.approx(card.metrics.auprc, abs=1e-4)


def test_motif_head_sees_motifs_too(zoo, sp1, tmp_path, cheap):
    found = run(zoo, sp1, tmp_path / "out", arm="motif-head", controls=("base",))
    card = found.entry.card
    assert card.sizes == {**zoo.card.sizes, "own_motifs": len(card.finetuned.head.motifs)}
    assert card.finetuned.head.motifs and [check for check in verify_entry(found.entry) if not check.passed] == []
    # What was tested is what was written.
    scorer = EntryScorer(str(found.entry.folder))
    row = evaluate([scorer], sp1.test, 0, replicates=0).tables[scorer.name][0]
    assert row.auprc == pytest.approx(card.metrics.auprc, abs=1e-3)


def test_a_finished_run_is_not_trained_again(zoo, sp1, tmp_path, cheap, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"No space left"):
        patch.setitem(finetune.__globals__, "write_metrics", full)  # the last file
        run(zoo, sp1, tmp_path / "out", seeds=1, epochs=1)
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"everything-0", "scratch-0"}  # nothing that could be taken for an entry
    monkeypatch.setattr(_Trainer, "_update", lambda self, *args: pytest.fail("trained again"))
    assert load_network(run(zoo, sp1, tmp_path / "out", seeds=1, epochs=1).entry) is not None


def test_disk_full_while_the_entry_is_written(zoo, sp1, tmp_path, cheap, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("kipoi_tfb.zoo.write._write_golden", full)
    with pytest.raises(OSError, match=r"No space left"):
        run(zoo, sp1, tmp_path / "out", seeds=1, epochs=1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"everything-0"}


def test_a_sweep_of_learning_rates(zoo, sp1, tmp_path, cheap, monkeypatch):
    done, updated, train_one, update = [], set(), learn._train_one, _Trainer._update

    def stopping(*args):
        if len(done) == 4:  # the rates are tried, and one seed of two is there
            raise KeyboardInterrupt
        done.append(args[3:])
        return train_one(*args)

    def noting(trainer, *args):
        updated.add((trainer.config.seed, trainer.config.learning_rate))
        return update(trainer, *args)

    changes = {"sweep": True, "epochs": 1, "learning_rate": 1e-4}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(learn, "_train_one", stopping)
        run(zoo, sp1, tmp_path / "out", ("base",), **changes)
    assert done == [(0, 3e-5), (0, 1e-4), (0, 3e-4), (0, 3e-4)]
    monkeypatch.setattr(_Trainer, "_update", noting)
    card = run(zoo, sp1, tmp_path / "out", ("base",), **changes).entry.card
    assert updated == {(1, 3e-4)}, "what was tried is not trained again"
    tried = {each.learning_rate: each.validation_loss for each in card.finetuned.sweep}
    assert list(tried) == [3e-5, 1e-4, 3e-4] and min(tried, key=tried.get) == 3e-4
    assert card.training.config.learning_rate == 3e-4 and card.finetuned.validation_losses[0] == tried[3e-4]
    assert card.finetuned.seeds == (0, 1)


@pytest.mark.parametrize(("given", "n_epochs"), [({}, 5), ({"patience": 1}, 2), ({"patience": 0}, 8)])
def test_training_stops_after_epochs_without_a_lower_loss(zoo, sp1, tmp_path, monkeypatch, given, n_epochs):
    monkeypatch.setattr(_Trainer, "_validation_loss", lambda self, _: 0.6 if self.history else 0.5)
    run(zoo, sp1, tmp_path / "out", ("base",), seeds=1, epochs=8, **given)
    history = json.loads((tmp_path / "out" / "everything-0" / "history.json").read_text())
    assert len(history) == n_epochs


# What is refused


def test_what_is_finished_is_returned_and_left_alone(zoo, done, sp1, tmp_path, monkeypatch):
    monkeypatch.setattr(_Trainer, "_update", lambda *args: pytest.fail("trained again"))
    for name in ("entry", "refused"):
        there = shutil.copytree(done.entry.folder, tmp_path / "out" / name)
        before = contents(finished(tmp_path / "out"))
        again = run(zoo, sp1, tmp_path / "out", name="tf/SP1")
        assert again.entry.folder == there and again.gate == done.gate and again.tables == {}
        assert contents(finished(tmp_path / "out")) == before
        shutil.rmtree(there)


@pytest.mark.parametrize("other", [{}, {"arm": "conv"}, {"seed": 1}, {"seeds": 1}])
def test_what_is_finished_of_something_else(zoo, done, sp1, tmp_path, other):
    """The default name is that of the TF too, so it is another one here."""
    shutil.copytree(done.entry.folder, tmp_path / "out" / "entry")
    name = {"name": "tf/SP1"} if other else {"name": "tf/other"}
    with pytest.raises(ConfigError, match=r"out/entry was made under another name, from other regions, seeds or base"):
        run(zoo, sp1, tmp_path / "out", **{**name, **other})
    card = done.entry.card.model_copy(update={"gate": None})
    write_card(card, tmp_path / "out" / "entry")
    with pytest.raises(EntryError, match="out/entry exists already, and has no verdict; remove it or use another"):
        run(zoo, sp1, tmp_path / "out", name="tf/SP1")


def test_two_that_write_the_same_entry(zoo, sp1, tmp_path):
    (tmp_path / "out").mkdir()
    with (
        alone_in(tmp_path / "out"),
        pytest.raises(LockedError, match=r"another tfb finetune is writing to .*out; wait for it, or use another"),
    ):
        run(zoo, sp1, tmp_path / "out")


def test_a_base_that_was_trained_on_the_test_chromosome(sp1, tmp_path):
    data = tiny.card_fields()["data"].model_copy(update={"train_chromosomes": ("chr22",), "test_chromosomes": ()})
    seen = tiny.make_entry(tmp_path / "seen", name="seen", data=data)
    with pytest.raises(ConfigError, match=r"seen was trained or validated on chr22; test it on other chromosomes"):
        run(seen, sp1, tmp_path / "out")


def test_a_base_that_is_fine_tuned_itself(done, sp1, tmp_path):
    with pytest.raises(ConfigError, match=r"is fine-tuned itself, from small; give that as the base"):
        run(done.entry, sp1, tmp_path / "out")


def test_a_base_that_the_entry_would_not_find(zoo, sp1, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = open_entry(shutil.move(zoo.folder, tmp_path / "elsewhere" / "small"))
    with pytest.raises(EntryError, match=r"its base small is neither in a folder above .* `tfb zoo add FOLDER` adds"):
        run(moved, sp1, tmp_path / "out")


def test_a_date_that_is_none(zoo, sp1, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(ConfigError, match=r"SOURCE_DATE_EPOCH is 'today'; set it to a whole number of seconds"):
        run(zoo, sp1, tmp_path / "out")
    assert not (tmp_path / "out").exists()
