"""Entries are what their cards say, or are refused; those of this repository are as their cards say."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
import yaml
from pydantic import ValidationError

import kipoi_tfb
from kipoi_tfb.models.logits import both_strands, probability, to_one_hot
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.change import install_entry
from kipoi_tfb.zoo.entry import GOLDEN_FILE, open_entry
from kipoi_tfb.zoo.find import entry_names, find_entries, find_entry
from kipoi_tfb.zoo.networks import load_network
from kipoi_tfb.zoo.null import NULL_FILE
from kipoi_tfb.zoo.specs import render_specs
from kipoi_tfb.zoo.verify import verify_entry, verify_size
from kipoi_tfb.zoo.write import save_weights
from tests import tiny
from tfb_matrix_data.errors import ChecksumError, EntryError, UnknownNameError
from tfb_matrix_data.files import sha256

FILES = {CARD_FILE, GOLDEN_FILE, "weights.pt", "model.yaml", "variants/model.yaml"}
REAL = entry_names()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry")


@pytest.fixture
def folder(written, tmp_path):
    """A copy of an entry, to be damaged."""
    return shutil.copytree(written.folder, tmp_path / "entry")


def change_card(folder, change):
    path = folder / CARD_FILE
    fields = yaml.safe_load(path.read_text())
    change(fields)
    path.write_text(yaml.safe_dump(fields))
    render_specs(open_entry(folder).card, folder)  # what is tested is not that they differ


def replace_weights(folder, content):
    (folder / "weights.pt").write_bytes(content)
    change_card(folder, lambda card: card["weights"].update(sha256=sha256(folder / "weights.pt")))


def failed(folder):
    return {check.what: check.detail for check in verify_entry(open_entry(folder)) if not check.passed}


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_there_is_an_entry():
    assert "multi163" in REAL


@pytest.mark.parametrize("name", REAL)
def test_real_entry_verifies(name):
    entry = find_entry(name)
    checks = verify_entry(entry)
    assert [check.what for check in checks] == [
        "files",
        "weights",
        "held-out rule",
        "verdict",
        "golden predictions",
        *(["null"] if (entry.folder / NULL_FILE).is_file() else []),
        "model.yaml",
        "variants/model.yaml",
        "size",
    ]
    assert [check for check in checks if not check.passed] == []


def test_the_zoo_is_small_enough():
    assert verify_size().passed, verify_size().detail


@pytest.mark.parametrize("name", REAL)
def test_real_entry_is_what_the_templates_give(name, tmp_path):
    entry = find_entry(name)
    render_specs(entry.card, tmp_path)
    for spec in ("model.yaml", "variants/model.yaml"):
        assert (entry.folder / spec).read_text() == (tmp_path / spec).read_text(), f"{spec} drifted from templates/"


@pytest.mark.parametrize("name", REAL)
def test_real_entry_is_complete(name):
    entry = find_entry(name)
    assert entry.card.name == name
    assert {"chr16"} <= set(entry.card.data.excluded_chromosomes)
    assert entry.card.metrics is not None and "chr22" in entry.card.metrics.chromosomes
    header, *rows = (entry.folder / entry.card.metrics.table).read_text().splitlines()
    assert header.startswith("tf\t") and [row.split("\t")[0] for row in rows] == list(entry.card.tasks)


def test_load_by_name_or_folder(written):
    network, card = kipoi_tfb.load(str(written.folder))
    assert card == written.card and not network.training
    with torch.no_grad():
        assert network(torch.zeros(2, 4, 200)).shape == (2, 3)


def test_unknown_entry_lists_the_others():
    with pytest.raises(UnknownNameError, match=r"unknown zoo entry .and no such folder. 'multi16'.*multi163"):
        find_entry("multi16")
    assert [entry.name for entry in find_entries("multi163,multi163")] == ["multi163"]
    assert [entry.name for entry in find_entries("all")] == REAL


def test_entry_is_written_whole(written):
    assert files_of(written.folder) == FILES
    assert failed(written.folder) == {}
    assert not list(written.folder.parent.glob(".*"))


def test_specs_are_yaml_that_says_what_the_card_says(written):
    spec = yaml.safe_load((written.folder / "model.yaml").read_text())
    assert spec["args"]["weights"] == "weights.pt" and list(spec["schema"]["targets"]) == list(tiny.MOTIFS)
    assert "held out: chr22, chr16" in spec["info"]["trained_on"]
    variants = yaml.safe_load((written.folder / "variants" / "model.yaml").read_text())
    expected = [f"{tf}_{what}" for what in ("ref", "alt", "effect") for tf in tiny.MOTIFS]
    assert list(variants["schema"]["targets"]) == expected


def test_specs_of_awkward_text_are_yaml(tmp_path):
    text = {"summary": 'A: "b" # c', "authors": ("Ann: 'the' #1", "- Bo"), "licence": "a: b"}
    entry = tiny.make_entry(tmp_path / "entry", **text)
    info = yaml.safe_load((entry.folder / "model.yaml").read_text())["info"]
    assert info["doc"] == 'A: "b" # c' and info["license"] == "a: b"
    assert [author["name"] for author in info["authors"]] == ["Ann: 'the' #1", "- Bo"]


def test_existing_folder_is_refused(folder):
    before = files_of(folder)
    with pytest.raises(EntryError, match="exists already; remove it or choose another name"):
        tiny.make_entry(folder, tiny.network(seed=7))
    assert files_of(folder) == before and failed(folder) == {}


@pytest.mark.parametrize("when", ["card", "weights", "golden"])
def test_nothing_is_left_of_an_entry_that_failed(tmp_path, monkeypatch, when):
    network = tiny.network()
    expected = EntryError
    if when == "card":
        changes, expected = {"tasks": ()}, ValidationError
    elif when == "weights":
        changes = {}
        network.trunk[0].weight.data[1, 2] = 1e6
    else:
        changes = {"tasks": ("CTCF", "JUND")}  # two names for three outputs
    with pytest.raises(
        expected, match=r"trunk.0.weight does not fit into float16 .*1e\+06" if when == "weights" else None
    ):
        tiny.make_entry(tmp_path / "entry", network, **changes)
    assert not list(tmp_path.iterdir())


def test_float16_moves_predictions_by_less_than_a_thousandth(tmp_path):
    network = tiny.trained().network.eval()
    entry = tiny.make_entry(tmp_path / "entry", network)
    assert entry.weights_path.stat().st_size < 0.51 * 4 * sum(value.numel() for value in network.state_dict().values())
    codes = np.random.default_rng(5).integers(0, 4, (500, 200), np.uint8)
    with torch.no_grad():
        expected = probability(both_strands(network, to_one_hot(torch.from_numpy(codes)))).numpy()
    difference = np.abs(Predictor([entry]).probability(codes) - expected).max()
    assert expected.std() > 0.05 and 0 < difference < 1e-3


def test_wrong_checksum_names_the_file(folder):
    content = bytearray((folder / "weights.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "weights.pt").write_bytes(content)
    with pytest.raises(ChecksumError, match=r"entry/weights.pt: sha256 is .* the file is damaged"):
        load_network(open_entry(folder))
    assert {"weights", "golden predictions"} == set(failed(folder))


def test_missing_and_truncated_weights(folder):
    content = (folder / "weights.pt").read_bytes()
    (folder / "weights.pt").write_bytes(content[:-1000])
    with pytest.raises(ChecksumError, match=r"weights.pt: sha256 is"):
        load_network(open_entry(folder))
    replace_weights(folder, content[:-1000])
    with pytest.raises(EntryError, match=r"weights.pt: is not a state_dict of tensors"):
        load_network(open_entry(folder))
    (folder / "weights.pt").unlink()
    with pytest.raises(EntryError, match=r"weights.pt is missing"):
        load_network(open_entry(folder))
    assert failed(folder)["weights"].endswith("is missing")


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("save", [lambda bomb, path: path.write_bytes(pickle.dumps(bomb, protocol=2)), torch.save])
def test_pickle_with_code_is_refused_and_not_executed(folder, tmp_path, save):
    save({"head.bias": Bomb(tmp_path / "executed")}, tmp_path / "bomb.pt")
    replace_weights(folder, (tmp_path / "bomb.pt").read_bytes())
    with pytest.raises(EntryError, match=r"weights.pt: is not a state_dict of tensors"):
        load_network(open_entry(folder))
    assert "weights" in failed(folder)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [[1, 2], {"head.bias": "text"}, torch.zeros(3)])
def test_weights_that_are_no_state_dict(folder, tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    replace_weights(folder, (tmp_path / "other.pt").read_bytes())
    with pytest.raises(EntryError, match=r"weights.pt: is not a state_dict of tensors"):
        load_network(open_entry(folder))


def test_weights_of_other_tasks_do_not_fit(folder):
    change_card(folder, lambda card: card["tasks"].append("MYC"))
    with pytest.raises(EntryError, match="weights do not fit paper-cnn"):
        load_network(open_entry(folder))
    assert set(failed(folder)) == {"weights", "golden predictions"}


def test_other_weights_do_not_give_the_golden_predictions(folder, tmp_path):
    save_weights(tiny.network(seed=9), tmp_path / "other.pt")
    replace_weights(folder, (tmp_path / "other.pt").read_bytes())
    assert set(failed(folder)) == {"golden predictions"}
    assert "predictions differ from golden.json by up to" in failed(folder)["golden predictions"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda golden: golden["probability"][2].__setitem__(1, 0.99), "differ from golden.json by up to"),
        (lambda golden: golden["probability"].pop(), "predictions of shape"),
        (lambda golden: golden["probability"][0].pop(), "golden.json is damaged"),
        (lambda golden: golden["sequences"].__setitem__(0, "ACGT"), "golden.json is damaged"),
        (lambda golden: golden.update(sequences=["ACGT"] * 4), "golden.json has sequences of 4 bp, the card says 200"),
        (lambda golden: golden["sequences"].__setitem__(0, "!" * 200), "'!' at position 1 is not a nucleotide"),
        (lambda golden: golden.pop("sequences"), "golden predictions are missing or damaged"),
        (lambda golden: golden.update(sequences=[], probability=[]), "golden.json is damaged"),
        (lambda golden: golden["probability"][0].__setitem__(0, "high"), "field 'probability.0.0': Input should be a"),
    ],
)
def test_damaged_golden_predictions_are_found(folder, change, complaint):
    golden = json.loads((folder / GOLDEN_FILE).read_text())
    change(golden)
    (folder / GOLDEN_FILE).write_text(json.dumps(golden))
    assert set(failed(folder)) == {"golden predictions"} and complaint in failed(folder)["golden predictions"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[" * 100_000, "golden predictions are missing or damaged: .*Invalid JSON"),
        (b" " * (9 << 20), "golden predictions are missing or damaged .*has more than 8 MB"),
        (json.dumps({"sequences": ["A" * 200] * 300, "probability": [[0.5]] * 300}).encode(), "at most 256 items"),
        (json.dumps({"sequences": ["A" * 5000], "probability": [[0.5]]}).encode(), "at most 4096 characters"),
        (
            b'{"sequences": ["A"], "probability": [[1' + b"0" * 5000 + b"]]}",
            "golden predictions are missing or damaged",
        ),
    ],
)
def test_golden_predictions_have_bounds(folder, content, complaint):
    (folder / GOLDEN_FILE).write_bytes(content)
    found = failed(folder)
    assert set(found) == {"golden predictions"} and re.search(complaint, found["golden predictions"])
    assert len(found["golden predictions"]) < 500


def test_missing_files_are_found(folder):
    for name in (GOLDEN_FILE, "model.yaml", "variants/model.yaml"):
        (folder / name).unlink()
    assert set(failed(folder)) == {"golden predictions", "model.yaml", "variants/model.yaml"}


@pytest.mark.parametrize("use", ["validation_chromosomes", "test_chromosomes", "excluded_chromosomes"])
def test_violated_held_out_rule_is_found(folder, use):
    change_card(folder, lambda card: card["data"][use].append("chr14"))
    assert failed(folder) == {"held-out rule": "chr14 is held out or tested on, and trained on"}


METRICS = {
    "command": "tfb evaluate",
    "chromosomes": ["chr22"],
    "labels": "sparse",
    "min_bound": 40,
    "n_tfs": 3,
    "auprc": 0.8,
    "auroc": 0.9,
    "seed": 0,
    "matrix_sha256": "b" * 64,
    "weights_sha256": "a" * 64,
    "date": "2026-01-01",
}


def test_metrics_of_trained_chromosomes_or_other_weights_are_found(folder):
    change_card(folder, lambda card: card.update(metrics={**METRICS, "chromosomes": ["chr22", "chr21"]}))
    assert failed(folder)["held-out rule"].startswith("chr21 is held out or tested on")
    change_card(folder, lambda card: card.update(metrics=METRICS))
    assert failed(folder)["held-out rule"].startswith("the metrics were measured on other weights")
    change_card(folder, lambda card: card["metrics"].update(weights_sha256=card["weights"]["sha256"]))
    assert failed(folder) == {}


def test_install(written, tmp_path, monkeypatch):
    installed = install_entry(written, tmp_path)
    assert installed.folder == tmp_path / "tiny" and files_of(installed.folder) == FILES
    assert entry_names(tmp_path) == ["tiny"] and failed(installed.folder) == {}
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: tmp_path)
    assert find_entry("tiny").card == written.card
    with pytest.raises(EntryError, match=r"tiny is in the zoo already; `tfb zoo remove tiny` takes it out"):
        install_entry(written, tmp_path)
