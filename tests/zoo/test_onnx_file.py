"""An entry as an ONNX file: what onnxruntime gives by it, what it says of itself, and when there is none."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from kipoi_tfb.zoo import onnx_file
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.networks import entry_probability
from tests.tuned import small_base
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.sequence import one_hot

pytest_plugins = ("tests.zoo.small_zoo",)


def test_a_file_runs_without_us(tfb_zoo, folder, tmp_path):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    path, entry = tmp_path / "SP1.onnx", open_entry(folder / "tf" / "SP1")
    code, out, err = tfb_zoo("export", "tf/SP1", "--onnx", path)
    assert code == 0 and err == "" and out.startswith(f"tf/SP1 -> {path} (0.0 MB; onnxruntime gives the entry's prob")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n in (1, 3, 64, 65, 200):
        codes = np.random.default_rng(n).integers(0, 5, (n, 200), np.uint8)
        found = session.run(["probability"], {"one_hot": one_hot(codes)})[0]
        np.testing.assert_allclose(found, entry_probability(entry, codes), rtol=0, atol=1e-5)
    said = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert said["entry"] == "tf/SP1" and json.loads(said["tfs"]) == ["SP1"] and said["alphabet"] == "ACGT"
    assert said["weights_sha256"] == entry.card.weights.sha256 and said["base"] == "base"
    assert said["input"] == "one_hot: float32 (batch, 4, 200), rows A C G T, an unknown base (N) all zero"
    assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.slow
def test_in_a_process_that_started_quickly(tmp_path):
    """The command line leaves out what torch's exporter needs, until it is asked for."""
    pytest.importorskip("onnxruntime")
    entry = small_base(tmp_path)
    command = ["-c", "from kipoi_tfb.cli import main; main()", "zoo", "export", str(entry.folder), "--onnx", "a.onnx"]
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "" and "MB; onnxruntime gives" in done.stdout, done.stderr


def test_other_numbers_are_not_written(folder, tmp_path, monkeypatch):
    entry = open_entry(folder / "base")
    codes = np.zeros((2, 200), np.uint8)
    right = entry_probability(entry, codes)
    assert onnx_file._difference(entry, codes, right) == 0
    for wrong in (right + 2e-5, right[:, :2], np.full_like(right, np.nan)):
        with pytest.raises(EntryError, match=r"base: as ONNX it would give other probabilities, by up to .* 1e-05"):
            onnx_file._difference(entry, codes, wrong)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("base",), 2, "say what to write"),
        (("tf", "--onnx", "a.onnx"), 1, "tf is a group of 2 entries; name one of them"),
        (("base", "--onnx", "a.pb"), 1, "a.pb: expected a name that ends in .onnx"),
        (("base", "--onnx", "none/a.onnx"), 1, "the folder none does not exist; create it first"),
    ],
)
def test_what_is_refused(tfb_zoo, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    found, _, err = tfb_zoo("export", *arguments)
    assert found == code and message in " ".join(err.replace("│", " ").split()) and not list(tmp_path.glob("*.onnx"))


def test_without_the_extra(tfb_zoo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, _, err = tfb_zoo("export", "base", "--onnx", tmp_path / "a.onnx")
    assert code == 1 and err.count("\n") == 1 and "pip install 'kipoi-tfb[onnx]'" in err


def test_an_entry_without_weights(tfb_zoo, folder, tmp_path):
    pytest.importorskip("onnxruntime")
    (folder / "base" / "weights.pt").unlink()
    code, _, err = tfb_zoo("export", "base", "--onnx", tmp_path / "a.onnx")
    assert code == 1 and err == f"error: base: {folder / 'base' / 'weights.pt'} is missing\n"
