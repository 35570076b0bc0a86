"""An entry as a folder for model hubs: it predicts without the zoo, and says of itself what is known and no more."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import sys

import numpy as np
import pytest
import yaml

from kipoi_tfb.zoo.card import MetricsCard
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.hub_folder import export_entry
from kipoi_tfb.zoo.model_card import front_matter, model_card
from kipoi_tfb.zoo.networks import entry_probability
from tests.zoo.small_zoo import change_card
from tfb_matrix_data.files import sha256
from tfb_matrix_data.sequence import decode

pytest.importorskip("safetensors")
pytest_plugins = ("tests.zoo.small_zoo",)

ALWAYS = {"README.md", "card.yaml", "config.json", "golden.json", "load.py", "manifest.json", "model.safetensors"}


def metrics(weights_sha256: str, **changes: object) -> dict:
    fields = {
        "command": "made by a test",
        "chromosomes": ("chr22",),
        "labels": "sparse",
        "min_bound": 40,
        "n_tfs": 1,
        "auprc": 0.8,
        "auroc": 0.9,
        "auprc_natural": 0.3,
        "seed": 1,
        "weights_sha256": weights_sha256,
        "date": "2026-01-01",
    }
    return MetricsCard(**{**fields, **changes}).model_dump(mode="json")


def loader(folder, monkeypatch):
    """Return the module `load.py` of a folder, made where kipoi_tfb.zoo cannot be imported."""
    for name in [name for name in sys.modules if name.startswith("kipoi_tfb.zoo")] + ["kipoi_tfb.zoo"]:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location("load", folder / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["base", "tf/SP1"])
def test_a_folder_predicts_without_the_zoo(tfb_zoo, folder, tmp_path, monkeypatch, name):
    to = tmp_path / "out"
    code, out, err = tfb_zoo("export", name, "--to", to)
    assert code == 0 and err == "" and out == f"{name} -> {to} (0.0 MB; README.md is its card, load.py loads it)\n"
    assert {path.name for path in to.iterdir()} == ALWAYS
    entry = open_entry(folder / name)
    codes = np.random.default_rng(3).integers(0, 5, (5, 200), np.uint8)
    expected = entry_probability(entry, codes)
    module = loader(to, monkeypatch)
    network, config = module.load()
    assert config["tfs"] == list(entry.card.tasks)
    found = module.predict(network, [decode(row) for row in codes])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_what_load_says_of_itself(folder, tmp_path, capsys):
    to = export_entry(open_entry(folder / "tf" / "SP1"), tmp_path / "out")
    with pytest.raises(SystemExit, match="False"):
        runpy.run_path(str(to / "load.py"), run_name="__main__")
    assert re.fullmatch(r"4 sequences, largest difference [0-9e.-]+\n", capsys.readouterr().out)
    golden = json.loads((to / "golden.json").read_text())
    golden["probability"][0][0] += 0.01
    (to / "golden.json").write_text(json.dumps(golden))
    with pytest.raises(SystemExit, match="True"):
        runpy.run_path(str(to / "load.py"), run_name="__main__")


def test_the_list_of_files_and_the_same_bytes_again(folder, tmp_path):
    entry = open_entry(folder / "tf" / "SP1")
    (folder / "tf" / "SP1" / "picture.svg").write_text("<svg/>")
    one, two = (export_entry(entry, tmp_path / name) for name in ("one", "two"))
    contents = [{path.name: path.read_bytes() for path in to.iterdir()} for to in (one, two)]
    assert contents[0] == contents[1] and set(contents[0]) == ALWAYS | {"picture.svg"}
    listed = json.loads((one / "manifest.json").read_text())["files"]
    assert listed.keys() == contents[0].keys() - {"manifest.json"}
    for name, record in listed.items():
        assert record == {"size": len(contents[0][name]), "sha256": sha256(one / name)}
    config = json.loads((one / "config.json").read_text())
    assert config["own"] == ["head.weight", "head.bias"] and config["architecture"] == "motif-cnn"
    assert "| `picture.svg` | a picture |" in (one / "README.md").read_text()


def test_front_matter(folder):
    path = folder / "tf" / "SP1"
    front = front_matter(open_entry(path).card)
    assert front["license"] == "mit" and front["library_name"] == "kipoi-tfb" and "metrics" not in front
    assert {"motif-cnn", "SP1", "transcription-factor-binding"} <= set(front["tags"])
    change_card(path, licence="Ask us: first", metrics=metrics(open_entry(path).card.weights.sha256))
    front = front_matter(open_entry(path).card)
    assert (front["license"], front["license_name"]) == ("other", "ask-us-first")
    (result,) = front["model-index"][0]["results"]
    assert [(each["type"], each["value"]) for each in result["metrics"]] == [
        ("auprc", 0.8), ("auprc", 0.3), ("roc_auc", 0.9),
    ]  # fmt: skip
    assert result["dataset"] == {"type": "binding-matrix", "name": "made by a test, chr22, 1 TF"}


def test_words_of_a_card_are_words(folder):
    path = folder / "tf" / "SP1"
    change_card(path, summary="Mine\n---\nlicense: x\n# Top <script>x</script> | [a](http://b) `c`", authors=["A|B"])
    text = model_card(open_entry(path), ())
    _, front, words = text.split("---\n", 2)
    assert yaml.safe_load(front)["license"] == "mit" and "<script" not in text and "\n# Top" not in text
    assert r"Mine --- license: x \# Top &lt;script&gt;x&lt;/script&gt; \| \[a\](http://b) \`c\`" in words
    assert r"by A\|B |" in words
    assert str(folder) not in text, "where its owner keeps it is nobody's business"


def test_what_is_refused(tfb_zoo, folder, tmp_path, monkeypatch):
    to = tmp_path / "out"
    to.mkdir()
    (to / "mine").write_text("x")
    code, _, err = tfb_zoo("export", "base", "--to", to)
    assert code == 1 and err == f"error: {to} exists already; remove it or choose another name\n"
    (to / "mine").unlink()
    (folder / "base" / "weights.pt").unlink()
    code, _, err = tfb_zoo("export", "base", "--to", to)
    assert code == 1 and "weights.pt is missing" in err and list(tmp_path.glob(".out*")) == []
    code, _, err = tfb_zoo("export", "tf/SP1", "--to", to)
    assert code == 1 and "base" in err and "weights.pt is missing" in err
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "safetensors", None)
        code, _, err = tfb_zoo("export", "tf/SP1", "--to", to)
        assert code == 1 and "weights.pt is missing" in err, "the entry comes first"
    assert list(to.iterdir()) == []


def test_without_the_extra(tfb_zoo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    code, _, err = tfb_zoo("export", "base", "--to", tmp_path / "out")
    assert code == 1 and err.count("\n") == 1 and "pip install 'kipoi-tfb[hub]'" in err
    assert not (tmp_path / "out").exists()
