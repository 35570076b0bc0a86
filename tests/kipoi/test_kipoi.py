"""The zoo under the real Kipoi: its own command, its own configuration file, from a folder that knows nothing of us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.tables import predict_regions, predict_sequences
from kipoi_tfb.variants.score import score_variants
from kipoi_tfb.zoo.entry import zoo_folder
from kipoi_tfb.zoo.find import entry_names, find_entries, find_entry, group_names
from tfb_matrix_data.genome import Genome

EXAMPLE = Path(__file__).resolve().parents[2] / "dataloaders" / "example"
BED, VCF, FASTA = EXAMPLE / "regions.bed", EXAMPLE / "variants.vcf", EXAMPLE / "hg19.excerpt.fa.gz"
GROUPS = group_names()
# Of a group, one: they differ in numbers only.
ENTRIES = [name for name in entry_names() if name.rpartition("/")[0] not in GROUPS]
ENTRIES += [min(entry.name for entry in find_entries(group)) for group in GROUPS]
ENTRY = ENTRIES[0]


@pytest.fixture(scope="module")
def run(tfb_data, tmp_path_factory):
    """Return a function that runs a command of this environment in a folder of no meaning, with its own home."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    env = {**os.environ, "HOME": str(home), "TFB_DATA": str(tfb_data), "OMP_NUM_THREADS": "1"}

    def run_command(*command, fails=False):
        program, *rest = map(str, command)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *rest],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout

    assert "source 'tfb' -> " in run_command("tfb", "zoo", "register")
    assert not list(folder.iterdir())
    config = yaml.safe_load((home / ".kipoi" / "config.yaml").read_text())
    assert config["model_sources"]["tfb"] == {"type": "local", "local_path": str(zoo_folder())}
    return run_command


@pytest.fixture(scope="module")
def predictor():
    return Predictor([find_entry(ENTRY)])


def read_h5(path):
    """Return {TF: values} of the predictions that Kipoi wrote."""
    with h5py.File(path) as file:
        return pd.DataFrame({name: values[:] for name, values in file["preds"].items()})


def only_predictions(table):
    return table[[name for name in table if name.startswith("preds/")]].rename(columns=lambda name: name[6:])


def read_all(folder):
    """Return what is in ``out.tsv``, ``out.parquet`` and ``out.h5``, after checking that it is the same."""
    tsv = pd.read_csv(folder / "out.tsv", sep="\t")
    parquet = pd.read_parquet(folder / "out.parquet")
    assert list(tsv) == list(parquet)
    tables = only_predictions(tsv), only_predictions(parquet), read_h5(folder / "out.h5")
    assert sorted(tables[0]) == sorted(tables[2])
    for other in tables[1:]:
        np.testing.assert_allclose(other[list(tables[0])], tables[0], rtol=0, atol=1e-6)
    return tsv, tables[0]


def outputs(folder):
    return ["-o", *(folder / f"out{ending}" for ending in (".tsv", ".parquet", ".h5"))]


def test_ls(run):
    listed = run("kipoi", "ls", "--source", "tfb").split()
    for name in ENTRIES:
        assert f"{name.split('/')[0]}/" in listed  # a group is one line


SAY_AND_TEST = """
import sys
from kipoi.__main__ import main
for model in sys.argv[1:]:
    print(f"\\nMODEL {model}", flush=True)
    sys.argv = ["kipoi", "test", model, "--source", "tfb"]
    main()
"""


def test_kipoi_test_passes_for_every_entry(run):
    names = [f"{name}{part}" for name in ENTRIES for part in ("", "/variants")]
    _, *parts = run("python", "-c", SAY_AND_TEST, *names).split("\nMODEL ")
    assert [part.split()[0] for part in parts] == names
    for part in parts:
        assert "Successfully ran test_predict" in part, part
        assert "dataloader.output_schema is compatible with model.schema" in part, part
        assert "WARNING" not in part and "ERROR" not in part, part


def test_predict_regions(run, predictor, tmp_path):
    inputs = ["--dataloader_args", f"intervals_file={BED}", f"fasta_file={FASTA}"]
    said = run("kipoi", "predict", ENTRY, "--source", "tfb", *inputs, "-m", *outputs(tmp_path))
    assert "WARNING" not in said, said
    table, found = read_all(tmp_path)
    assert list(found) == sorted(find_entry(ENTRY).card.tasks)  # Kipoi sorts the columns
    bed = pd.read_csv(BED, sep="\t", header=None)
    assert len(table) == len(bed) == 519
    assert (table["metadata/ranges/chr"] == bed[0]).all() and (table["metadata/ranges/start"] == bed[1]).all()
    assert (table["metadata/name"] == bed[3]).all() and (table["metadata/n_unknown"] == 0).all()

    predict_regions(predictor, BED, Genome(FASTA), tmp_path / "tfb.parquet")
    ours = pd.read_parquet(tmp_path / "tfb.parquet")
    np.testing.assert_allclose(ours[list(found)], found, rtol=0, atol=1e-5)
    assert found.to_numpy().std() > 0.05


def test_predict_variants(run, predictor, tmp_path):
    inputs = ["--dataloader_args", f"vcf_file={VCF}", f"fasta_file={FASTA}"]
    options = ["-m", "-n", "2", "--batch_size", "40"]
    said = run("kipoi", "predict", f"{ENTRY}/variants", "--source", "tfb", *inputs, *options, *outputs(tmp_path))
    assert "WARNING" not in said, said
    table, found = read_all(tmp_path)
    tasks = find_entry(ENTRY).card.tasks
    assert set(found) == {f"{tf}_{what}" for what in ("ref", "alt", "effect") for tf in tasks}

    score_variants(predictor, VCF, Genome(FASTA), tmp_path / "tfb.parquet")
    ours = pd.read_parquet(tmp_path / "tfb.parquet")
    assert len(table) == len(ours) == 104
    for name in ("chrom", "pos", "id", "ref", "alt"):
        assert (table[f"metadata/variant/{name}"] == ours[name]).all(), name
    assert (ours["status"] == "ok").all() and (table["metadata/status"] == "ok").all()
    np.testing.assert_allclose(ours[list(found)], found, rtol=0, atol=1e-5)
    assert ours[[f"{tf}_effect" for tf in tasks]].abs().to_numpy().max() > 0.5


def test_predict_sequences(run, predictor, tmp_path):
    loader = ["--dataloader", "kipoi_tfb.dataloaders.sequences.Sequences"]
    inputs = ["--dataloader_args", f"fasta_file={EXAMPLE / 'sequences.fa'}"]
    run("kipoi", "predict", ENTRY, "--source", "tfb", *loader, *inputs, "-m", "-o", tmp_path / "out.tsv")
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    predict_sequences(predictor, EXAMPLE / "sequences.fa", tmp_path / "tfb.parquet")
    ours = pd.read_parquet(tmp_path / "tfb.parquet")
    assert table["metadata/id"].tolist() == ours["name"].tolist() and len(ours) == 30
    found = only_predictions(table)
    np.testing.assert_allclose(ours[list(found)], found, rtol=0, atol=1e-5)


def test_wrong_argument_is_a_clear_error(run, tmp_path):
    inputs = ["--dataloader_args", f"intervals_file={BED}", f"fasta_file={FASTA}", "window=201"]
    said = run("kipoi", "predict", ENTRY, "--source", "tfb", *inputs, "-o", tmp_path / "out.tsv", fails=True)
    assert "ConfigError: dataloader argument window=201: expected a positive even number" in said
    assert not list(tmp_path.iterdir())


# Everything in one process: models beside each other, worker processes, gradients, damaged weights.
USE_THE_API = """
import sys, shutil
from pathlib import Path
import numpy as np
import kipoi
from tfb_matrix_data.errors import ChecksumError

bed, vcf, fasta, out, *names = sys.argv[1:]
inputs = {"intervals_file": bed, "fasta_file": fasta}
first = kipoi.get_model(names[0], source="tfb")
alone = first.pipeline.predict(inputs, batch_size=100)
others = {name: kipoi.get_model(name, source="tfb") for name in names[1:]}
for name, model in others.items():
    kind = {"vcf_file": vcf, "fasta_file": fasta} if name.endswith("/variants") else inputs
    np.savez(Path(out, name.replace("/", "-") + ".npz"), **model.pipeline.predict(kind, batch_size=50))
after = first.pipeline.predict(inputs, batch_size=100)
spread = first.pipeline.predict(inputs, batch_size=100, num_workers=2)
for other in (after, spread):
    assert list(other) == list(alone)
    for tf in alone:
        np.testing.assert_array_equal(alone[tf], other[tf], err_msg=tf)
np.savez(Path(out, "first.npz"), **alone)

damaged = shutil.copytree(Path(kipoi.get_source("tfb").local_path, names[0]), Path(out, "damaged"))
content = bytearray((damaged / "weights.pt").read_bytes())
content[len(content) // 2] ^= 1
(damaged / "weights.pt").write_bytes(content)
try:
    kipoi.get_model(str(damaged), source="dir")
except ChecksumError as error:
    print("REFUSED", error)
"""


def test_python_api_with_models_beside_each_other(run, tmp_path):
    others = [f"{ENTRY}/variants", *ENTRIES[1:2]]
    said = run("python", "-c", USE_THE_API, BED, VCF, FASTA, tmp_path, ENTRY, *others)
    assert f"REFUSED {tmp_path}/damaged/weights.pt: sha256 is" in said, said
    genome = Genome(FASTA)
    for name, file in ((ENTRY, "first.npz"), *((name, f"{name}.npz") for name in ENTRIES[1:2])):
        predict_regions(Predictor([find_entry(name)]), BED, genome, tmp_path / "tfb.parquet")
        assert_equal(tmp_path / file, pd.read_parquet(tmp_path / "tfb.parquet"), list(find_entry(name).card.tasks))
    score_variants(Predictor([find_entry(ENTRY)]), VCF, genome, tmp_path / "tfb.parquet")
    effects = [f"{tf}_effect" for tf in find_entry(ENTRY).card.tasks]
    assert_equal(tmp_path / f"{ENTRY}-variants.npz", pd.read_parquet(tmp_path / "tfb.parquet"), effects)


def assert_equal(path, ours, columns):
    found = np.load(path)
    for name in columns:
        np.testing.assert_allclose(found[name], ours[name], rtol=0, atol=1e-5, err_msg=name)
