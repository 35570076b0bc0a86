"""An exported entry comes into a zoo as it left one, or not at all: whatever is wrong with it, and wherever it is."""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import pytest
import torch
import yaml

from kipoi_tfb.models.safe_tensors import load_safetensors, save_safetensors
from kipoi_tfb.zoo import hub_import
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.hub_folder import export_entry
from kipoi_tfb.zoo.manifest import MANIFEST_FILE, TENSORS_FILE, manifest_of
from tests import server as loopback
from tests.tuned import contents, small_base
from tests.zoo.small_zoo import change_card, failed

pytest.importorskip("safetensors")
pytest_plugins = ("tests.zoo.small_zoo", "tests.server")


@pytest.fixture
def exported(folder, tmp_path, monkeypatch):
    """An exported tf/SP1, which is not in the zoo any more; what is temporary goes to an empty folder."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    to = export_entry(open_entry(folder / "tf" / "SP1", "tf/SP1"), tmp_path / "SP1")
    shutil.move(folder / "tf" / "SP1", tmp_path / "before")
    return to


@pytest.fixture
def left(folder, tmp_path):
    """Say what is in the zoo and among what is temporary."""
    return lambda: (sorted(os.listdir(folder / "tf")), os.listdir(tmp_path / "temporary"))


NOTHING = (["ATF4"], [])


def list_again(to):
    """Write the list of files as they are now."""
    (to / MANIFEST_FILE).unlink()
    (to / MANIFEST_FILE).write_text(json.dumps(manifest_of(to).model_dump()))


@pytest.fixture
def address(exported):
    """The address of the folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(exported.parent))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/SP1"
        made.shutdown()


def test_it_comes_back_as_it_left(tfb_zoo, folder, exported, tmp_path, left):
    code, out, err = tfb_zoo("import", exported)
    assert (code, out, err) == (0, f"{folder / 'tf' / 'SP1'}\n", "") and left()[1] == []
    assert contents(open_entry(folder / "tf" / "SP1")) == contents(open_entry(tmp_path / "before"))
    code, _, err = tfb_zoo("import", exported)
    assert code == 1 and err.startswith(
        "error: tf/SP1 is in the zoo already; `tfb zoo remove tf/SP1` takes it out, and"
    )
    code, out, _ = tfb_zoo("import", exported, "--name", "mine/again")
    assert code == 0 and failed(folder / "mine" / "again") == {}


def test_from_an_address(tfb_zoo, folder, exported, address, tmp_path, left):
    (exported / "README.md").unlink()  # neither is fetched
    (exported / "load.py").unlink()
    code, _, err = tfb_zoo("import", f"{address}/")
    assert code == 0 and left()[1] == [], err
    assert contents(open_entry(folder / "tf" / "SP1")) == contents(open_entry(tmp_path / "before"))


def test_weights_of_other_bytes(tfb_zoo, folder, exported, monkeypatch):
    """As another version of torch writes them: of a base, too, whose entries find it by its tensors."""
    with monkeypatch.context() as patch:
        patch.setattr(hub_import, "save_tensors", lambda state, path: torch.save(dict(state), path))
        base = export_entry(open_entry(folder / "base", "base"), exported.parent / "exported-base")
        for name in ("tf/ATF4", "base"):
            tfb_zoo("remove", name)
        code, _, err = tfb_zoo("import", base)
        assert code == 0 and "other bytes here for the same tensors: sha256 " in err
    code, _, err = tfb_zoo("import", exported)
    assert code == 0, err
    assert failed(folder / "base") == {} and failed(folder / "tf" / "SP1") == {}
    now = open_entry(folder / "tf" / "SP1").card.finetuned.base_weights_sha256
    assert now == open_entry(folder / "base").card.weights.sha256


QUICK = (
    "import sys; from pathlib import Path; from kipoi_tfb.cli.quick_start import start_quickly; start_quickly();"
    "from kipoi_tfb.zoo import import_entry; print(import_entry(sys.argv[1], Path(sys.argv[2])).entry.name)"
)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["paper-cnn", "danq"])
def test_in_a_process_that_started_quickly(tmp_path, architecture):
    """The command line leaves out what torch would tell the shapes of a network by."""
    entry = small_base(tmp_path, architecture=architecture)
    to = export_entry(entry, tmp_path / "exported")
    command = [sys.executable, "-c", QUICK, str(to), str(tmp_path / "zoo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "base\n", done.stderr
    assert contents(open_entry(tmp_path / "zoo" / "base")) == contents(entry)


def change_json(to, name, **changes):
    path = to / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_tensors(to, **changes):
    state = {**load_safetensors(to / TENSORS_FILE), **changes}
    save_safetensors({name: value for name, value in state.items() if value is not None}, to / TENSORS_FILE)


def pickled(to):
    torch.save({"head.weight": torch.zeros(1)}, made := io.BytesIO())
    (to / TENSORS_FILE).write_bytes(made.getvalue())


def spoil_the_split(to):
    data = yaml.safe_load((to / CARD_FILE).read_text())["data"]
    change_card(to, data={**data, "train_chromosomes": ["chr13", "chr22"]})


REFUSED = {"verdict": "refused", "words": "refused: so it is", "controls": []}
LISTED = {
    "golden": (lambda to: change_json(to, "golden.json", probability=[[0.5]] * 4), "zoo: golden predictions: pred"),
    "held out": (spoil_the_split, "is not fit for the zoo: held-out rule: chr22 is held out or tested on, and"),
    "refused": (lambda to: change_card(to, gate=REFUSED), "is not fit for the zoo: verdict: refused"),
    "picture": (lambda to: (to / "a.svg").write_text("<script>x</script>"), "files: a.svg holds '<script', which a"),
    "code": (lambda to: (to / "evil.py").write_text("x"), "evil.py is not part of an exported entry; take it out of"),
    "table": (lambda to: (to / "evil.tsv").write_text("x"), "evil.tsv is not part of an entry; take it out"),
    "Kipoi's": (lambda to: (to / "model.yaml").write_text("x"), "model.yaml is not part of an exported entry"),
    "pickle": (pickled, "model.safetensors is not a file of safetensors"),
    "nothing": (lambda to: (to / TENSORS_FILE).write_bytes(b""), "model.safetensors is not a file of safetensors"),
    "shape": (
        lambda to: change_tensors(to, **{"head.bias": torch.zeros(2)}),
        "tensor head.bias is torch.float32 (2,), expected torch.float16 or torch.float32 (1,)",
    ),
    "kind": (lambda to: change_tensors(to, **{"head.bias": torch.zeros(1).double()}), "head.bias is torch.float64"),
    "fewer": (lambda to: change_tensors(to, **{"head.bias": None}), "tensor head.bias is missing"),
    "more": (lambda to: change_tensors(to, evil=torch.zeros(1)), "tensor evil is none of this network"),
    "base's": (
        lambda to: change_tensors(to, **{"scan_norm.bias": torch.ones(16)}),
        "tensor scan_norm.bias is not that of the base base, and config.json does not say so",
    ),
    "config": (lambda to: change_json(to, "config.json", tfs=["SP2"]), "json and card.yaml differ in tfs; export"),
    "own": (lambda to: change_json(to, "config.json", own=None), "config.json: own is of fine-tuned entries"),
    "field": (lambda to: change_json(to, "config.json", run="x"), "config.json: field 'run': Extra inputs"),
    "card": (lambda to: change_card(to, name="../../x"), "card.yaml: field 'name': String should match pattern"),
    "no card": (lambda to: (to / CARD_FILE).unlink(), "manifest.json: field 'file': Value error, it lacks card.yaml"),
}  # fmt: skip
"""{what was changed before the list was made again: (how, what is said)}."""


@pytest.mark.parametrize("what", LISTED)
def test_what_does_not_fit(tfb_zoo, exported, left, tmp_path, what):
    change, message = LISTED[what]
    change(exported)
    if what == "no card":
        change_json(exported, MANIFEST_FILE, files={})
    else:
        list_again(exported)
    code, out, err = tfb_zoo("import", exported)
    assert code == 1 and message in err and out == "" and left() == NOTHING
    assert str(tmp_path / "temporary") not in err, "a folder that is gone"


def listed(to, name="golden.json", **record):
    files = json.loads((to / MANIFEST_FILE).read_text())["files"]
    change_json(to, MANIFEST_FILE, files={**files, name: {**files["golden.json"], **record}})


def link(to):
    shutil.move(to / "golden.json", to.parent / "golden.json")
    (to / "golden.json").symlink_to(to.parent / "golden.json")


UNLISTED = {
    "changed": (lambda to: (to / "golden.json").write_text("{}"), "golden.json: sha256 is 44136fa355b3... of 2 bytes"),
    "longer": (lambda to: (to / "golden.json").open("a").write("  "), "golden.json: has more than "),
    "pointer": (
        lambda to: (to / "golden.json").write_text("version https://git-lfs.github.com/spec/v1\n"),
        "golden.json: is a pointer to a file in Git LFS, not the file; get it with `git lfs pull`",
    ),
    "gone": (lambda to: (to / "golden.json").unlink(), "golden.json is missing, which manifest.json lists"),
    "link": (link, "golden.json is a link; an entry holds its files itself"),
    "pipe": (lambda to: ((to / "golden.json").unlink(), os.mkfifo(to / "golden.json")), "golden.json: is a named pipe"),
    "no list": (lambda to: (to / MANIFEST_FILE).unlink(), "SP1: is not an exported entry (no manifest.json); `tfb"),
    "a long list": (lambda to: (to / MANIFEST_FILE).write_text(" " * 70_000), "manifest.json: has more than 64 kB"),
    "no JSON": (lambda to: (to / MANIFEST_FILE).write_text("{"), "SP1: manifest.json: field 'file': Invalid JSON"),
    "up": (lambda to: listed(to, "../x.svg"), "String should match pattern"),
    "root": (lambda to: listed(to, "/etc/x.svg"), "String should match pattern"),
    "large": (lambda to: listed(to, size=1 << 40), "files.golden.json.size"),
    "large in all": (
        lambda to: [listed(to, f"{n}.svg", size=60 << 20) for n in range(2)],
        "files of 126 MB in all; at most 67 MB are allowed",
    ),
}  # fmt: skip
"""{what was changed after the list was made: (how, what is said)}."""


@pytest.mark.parametrize("what", UNLISTED)
def test_what_is_not_as_listed(tfb_zoo, exported, left, what):
    change, message = UNLISTED[what]
    change(exported)
    code, out, err = tfb_zoo("import", exported)
    assert code == 1 and message in err and out == "" and left() == NOTHING


def test_what_an_address_does(tfb_zoo, exported, address, left, server, monkeypatch):
    monkeypatch.setattr("tfb_matrix_data.download.time.sleep", lambda seconds: None)
    content = (exported / "golden.json").read_bytes()
    (exported / "golden.json").write_bytes(content[:-1] + b" ")
    code, _, err = tfb_zoo("import", address)
    assert code == 1 and "what the server sends is not golden.json" in err and left() == NOTHING
    (exported / "golden.json").write_bytes(content * 2)
    code, _, err = tfb_zoo("import", address)
    assert code == 1 and f"sends more than the {len(content):,} bytes of the file" in err and left() == NOTHING
    server.plan = ["endless"]  # and then a list of a megabyte
    code, _, err = tfb_zoo("import", server.url)
    assert code == 1 and "sends more than the 65,536 bytes of the file. Nothing was kept. Is http" in err
    assert len(loopback.CONTENT) > 65_536 and left() == NOTHING
    server.plan = ["404"]
    code, _, err = tfb_zoo("import", server.url)
    assert code == 1 and "manifest.json cannot be downloaded" in err and "the server answered 404" in err


@pytest.mark.parametrize("source", ["ftp://a/b", "file:///etc", "http://", "https://a/b?c=d", "http://a/b#c"])
def test_what_is_no_address(tfb_zoo, exported, left, source):
    code, _, err = tfb_zoo("import", source)
    assert code == 1 and f"{source}: is no address of a folder: expected http://... or https://..." in err
    assert left() == NOTHING


def test_a_base_that_is_not_there(tfb_zoo, folder, exported, left):
    shutil.rmtree(folder / "base")
    code, _, err = tfb_zoo("import", exported)
    assert code == 1 and "tf/SP1: its base base is neither in a folder above" in err and left() == NOTHING


def test_a_disk_that_is_full(tfb_zoo, exported, left, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hub_import, "save_tensors", full)
    code, _, err = tfb_zoo("import", exported)
    assert code == 1 and "the disk is full; nothing was written" in err and left() == NOTHING


def test_names_and_the_extra(tfb_zoo, exported, left, monkeypatch):
    code, _, err = tfb_zoo("import", exported, "--name", "../x")
    assert code == 1 and "'../x' is not a name of a zoo entry" in err
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    code, _, err = tfb_zoo("import", exported)
    assert code == 1 and err.count("\n") == 1 and "pip install 'kipoi-tfb[hub]'" in err and left() == NOTHING
