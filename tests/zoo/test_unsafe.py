"""What must not get into a zoo, and does not: code, links, names that climb out, files that are none."""

from __future__ import annotations

import os
import shutil
import socket
import time

import pytest
import yaml

from kipoi_tfb.zoo import find
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import open_entry
from tests.zoo.small_zoo import change_card, failed
from tfb_matrix_data.errors import EntryError

pytest_plugins = ("tests.zoo.small_zoo",)


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "tf/../../outside", "", ".hidden", "tf//x", "a b"])
def test_a_name_that_climbs_out(folder, name):
    change_card(folder / "tf" / "SP1", name=name)
    with pytest.raises(EntryError, match=r"card.yaml: field 'name': String should match pattern"):
        open_entry(folder / "tf" / "SP1")


@pytest.mark.parametrize("file", ["../weights.pt", "/etc/passwd", "a/b.pt", "..", ".hidden"])
def test_weights_that_lie_elsewhere(folder, file):
    path = folder / "tf" / "SP1"
    weights = yaml.safe_load((path / CARD_FILE).read_text())["weights"]
    change_card(path, weights={**weights, "file": file})
    with pytest.raises(EntryError, match=r"field 'weights.file': String should match pattern"):
        open_entry(path)


def test_links(folder, tmp_path):
    (tmp_path / "secret").write_text("secret")
    path = folder / "tf" / "SP1"
    (path / "README.md").symlink_to(tmp_path / "secret")
    assert failed(path) == {"files": "README.md is a link; an entry holds its files itself"}
    (path / "README.md").unlink()
    shutil.move(path / "variants", tmp_path / "variants")
    (path / "variants").symlink_to(tmp_path / "variants")
    assert "variants is a link" in failed(path)["files"]


def test_what_no_entry_needs(folder):
    path = folder / "tf" / "SP1"
    (path / "dataloader.py").write_text("import os")
    assert failed(path) == {"files": "dataloader.py is not part of an entry; take it out"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kipoi_tfb.serving.RegionModel", "os.system"),
        ("kipoi_tfb.dataloaders.regions.Regions", "evil.Loader"),
        ("weights: weights.pt", "weights:\n    url: https://example.org/weights.pt"),
    ],
)
def test_a_model_yaml_that_names_other_code(folder, old, new):
    path = folder / "tf" / "SP1"
    text = (path / "model.yaml").read_text()
    assert old in text
    (path / "model.yaml").write_text(text.replace(old, new))
    assert set(failed(path)) == {"model.yaml"}
    assert "is not what templates/ give for the card, and Kipoi would run the code" in failed(path)["model.yaml"]


def test_a_card_that_runs_code(folder, tmp_path):
    path = folder / "tf" / "SP1"
    card = (path / CARD_FILE).read_text()
    (path / CARD_FILE).write_text(f"{card}summary2: !!python/object/apply:os.mkdir ['{tmp_path / 'executed'}']\n")
    with pytest.raises(
        EntryError, match=r"card.yaml: is not YAML: it has a tag .tag:yaml.org,2002:python/object/apply:os.mkdir"
    ):
        open_entry(path)
    assert not (tmp_path / "executed").exists()


INJECTED = "SP1:\n      shape: (1, )\nargs:\n  module_class: os.system\n  module_kwargs:\n    command: x"


@pytest.mark.parametrize("command", ["verify", "render", "add", "show"])
def test_a_tf_whose_name_is_structure(tfb_zoo, folder, tmp_path, command):
    path = shutil.move(folder / "tf" / "SP1", tmp_path / "SP1")
    change_card(path, tasks=[INJECTED])
    before = (path / "model.yaml").read_text()
    code, _, err = tfb_zoo(command, path)
    assert (
        code == 1 and "card.yaml: field 'tasks.0': Value error, 'SP1:\\n" in err and "is not a name of an output" in err
    )
    assert (path / "model.yaml").read_text() == before and find.entry_names() == ["base", "tf/ATF4"]


def test_kipoi_is_told_of_what_was_checked(tfb_zoo, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / ".kipoi" / "config.yaml"
    config.parent.mkdir()
    config.write_text("model_sources: {}\n")
    spec = folder / "tf" / "SP1" / "variants" / "model.yaml"
    right = spec.read_text()
    spec.write_text(right.replace("kipoi_tfb.serving.VariantModel", "os.system"))
    code, _, err = tfb_zoo("register")
    assert code == 1 and "tf/SP1: variants/model.yaml: is not what templates/ give for the card" in err
    spec.write_text(right)
    (folder / "evil").mkdir()
    (folder / "evil" / "model.yaml").write_text("args: {}\n")
    code, _, err = tfb_zoo("register")
    assert code == 1 and "is not fit for Kipoi: evil/model.yaml: of no entry" in err
    assert config.read_text() == "model_sources: {}\n"
    (folder / "evil").rename(folder / "base" / "evil")
    code, _, err = tfb_zoo("register")
    assert code == 1 and "base: evil/model.yaml is not part of an entry, and Kipoi would run what it names" in err
    assert config.read_text() == "model_sources: {}\n"
    shutil.rmtree(folder / "base" / "evil")
    code, _, err = tfb_zoo("register", "--name", "a: b\nc")
    assert code == 1 and "'a: b\\nc' is not a name of a zoo entry, a group or a Kipoi source" in err
    assert tfb_zoo("register")[0] == 0 and yaml.safe_load(config.read_text())["model_sources"]["tfb"]["type"] == "local"


@pytest.mark.parametrize("name", ["golden.json", "weights.pt", "model.yaml", "card.yaml", "README.md", "null.npz"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "link to a pipe", "link"])
def test_what_is_no_file_is_refused_and_not_waited_for(tfb_zoo, folder, tmp_path, name, kind):
    copy = shutil.copytree(folder / "tf" / "SP1", tmp_path / "SP1")
    path = copy / name
    moved = tmp_path / "moved"
    if path.exists():
        path.rename(moved)
    else:
        moved.write_text("x")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(moved)
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    started = time.monotonic()
    code, out, err = tfb_zoo("verify", copy)
    if kind == "folder" and name == "README.md":
        return  # an empty folder says nothing
    said = {"pipe": "a named pipe", "socket": "a socket", "folder": "a folder"}.get(
        kind, "is a link; an entry holds its"
    )
    assert code == 1 and said in out + err and "Traceback" not in err and time.monotonic() - started < 60


@pytest.mark.parametrize(
    "content",
    ["<script>x</script>", '<a onclick="x"/>', '<image href="http://x"/>', '<!ENTITY a "b">', "<foreignObject/>"],
)
def test_a_picture_that_runs_code(folder, content):
    path = folder / "tf" / "SP1"
    (path / "picture.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/>{content}</svg>')
    assert "a picture has none" in failed(path)["files"]
    (path / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><use xlink:href="#a"/></svg>')
    assert failed(path) == {}


def test_a_card_whose_text_becomes_yaml_of_its_own(folder):
    path = folder / "tf" / "SP1"
    data = yaml.safe_load((path / CARD_FILE).read_text())["data"]
    change_card(path, data={**data, "assembly": "hg38\nargs:\n  module_class: os.system"})
    with pytest.raises(EntryError, match=r"field 'data.assembly': String should match pattern"):
        open_entry(path)
