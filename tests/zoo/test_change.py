"""Groups in a zoo, what is added to it and taken out, and what must not get in."""

from __future__ import annotations

import errno
import os
import re
import shutil

import pytest
import yaml

from kipoi_tfb.zoo import change, find, verify
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.change import install_entry
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.find import find_entries, find_entry, group_names
from kipoi_tfb.zoo.finetuned_card import FinetunedCard
from kipoi_tfb.zoo.networks import load_network
from kipoi_tfb.zoo.specs import render_specs
from tests import tiny
from tests.entries import run_tfb
from tests.tuned import small_base
from tests.zoo.small_zoo import change_card, failed
from tfb_matrix_data.errors import EntryError, UnknownNameError

pytest_plugins = ("tests.zoo.small_zoo",)


def test_names_of_groups(folder):
    assert group_names() == {"tf": 2}
    assert [entry.name for entry in find_entries("tf")] == ["tf/ATF4", "tf/SP1"]
    assert [entry.name for entry in find_entries("tf/SP1,tf,base")] == ["tf/SP1", "tf/ATF4", "base"]
    assert [entry.name for entry in find_entries("all")] == ["base", "tf/ATF4", "tf/SP1"]
    assert [entry.card.name for entry in find_entries(str(folder / "tf"))] == ["tf/ATF4", "tf/SP1"]
    assert find_entry("tf/SP1").folder == folder / "tf" / "SP1"


def test_a_group_is_no_entry(folder):
    for name in ("tf", str(folder / "tf")):
        with pytest.raises(EntryError, match=r"tf is a group of 2 entries; name one of them, such as .*tf/ATF4"):
            find_entry(name)
    with pytest.raises(UnknownNameError, match=r"unknown zoo entry .and no such folder. 'tg'.*"):
        find_entries("tg")


def test_ls_and_show(tfb_zoo):
    code, out, _ = tfb_zoo("ls")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["entry", "base", "tf"]
    assert re.search(r"^tf +2 +A group of 2 entries; `tfb zoo ls --group tf` lists them\.$", out, re.M)
    code, out, _ = tfb_zoo("ls", "--markdown")
    assert {line.count("|") for line in out.splitlines()} == {8}
    code, out, _ = tfb_zoo("ls", "--group", "tf")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["entry", "tf/ATF4", "tf/SP1"]
    code, _, err = tfb_zoo("ls", "--group", "base")
    assert code == 1 and "base is an entry, not a group of entries" in err
    code, _, err = tfb_zoo("ls", "--group", "nothing")
    assert code == 1 and "nothing" in err
    code, out, _ = tfb_zoo("show", "tf/SP1", "--full")
    assert out.startswith("# ") and "name: tf/SP1" in out
    code, out, _ = tfb_zoo("show", "tf", "--full")
    assert "name: tf/SP1" in out and "\n---\n# " in out and len(list(yaml.safe_load_all(out))) == 2


def test_verify(tfb_zoo, folder):
    code, out, _ = tfb_zoo("verify", "--all")
    assert code == 0 and {line.split()[1] for line in out.splitlines()} == {"base", "tf/ATF4", "tf/SP1", "the"}
    assert "ok    the zoo  size: " in out
    (folder / "tf" / "SP1" / "golden.json").unlink()
    code, out, err = tfb_zoo("verify", "tf")
    assert code == 1 and "FAIL  tf/SP1  golden predictions" in out and "checks failed" in err


@pytest.mark.parametrize("name", ["evil/model.yaml", "tf/model.py", ".x.1.part/card.yaml", "tf/.SP1.1.part/card.yaml"])
def test_files_of_no_entry(tfb_zoo, folder, name):
    assert "ok    the zoo  nothing else: 3 entries" in tfb_zoo("verify", "--all")[1]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("type: pytorch\n")
    code, out, _ = tfb_zoo("verify", "--all")
    assert code == 1 and f"FAIL  the zoo  nothing else: {name}: of no entry" in out
    (folder / name).unlink()
    (folder / "link").symlink_to(folder / "base")
    assert "FAIL  the zoo  nothing else: link: of no entry" in tfb_zoo("verify", "--all")[1]


def test_a_zoo_that_is_too_large(tfb_zoo, monkeypatch):
    monkeypatch.setattr(verify, "MAX_ZOO_MB", 0)
    code, out, _ = tfb_zoo("verify", "--all")
    assert code == 1 and "FAIL  the zoo  size: " in out


def test_render(tfb_zoo, folder):
    spec = folder / "tf" / "SP1" / "model.yaml"
    before = spec.read_text()
    spec.write_text("old: form\n")
    assert tfb_zoo("render", "tf")[0] == 0 and spec.read_text() == before


def test_add_and_remove(tfb_zoo, folder, tmp_path):
    source = shutil.move(folder / "tf" / "SP1", tmp_path / "SP1")
    code, out, _ = tfb_zoo("add", source)
    assert code == 0 and out.strip() == str(folder / "tf" / "SP1") and failed(folder / "tf" / "SP1") == {}
    code, _, err = tfb_zoo("add", source)
    assert code == 1 and "tf/SP1 is in the zoo already; `tfb zoo remove tf/SP1` takes it out" in err
    assert tfb_zoo("remove", "tf/SP1", "tf/ATF4")[1].count("removed") == 2
    assert not (folder / "tf").exists() and group_names() == {}
    assert tfb_zoo("remove", "base")[0] == 0 and not list(folder.iterdir())


def test_a_group_is_removed_whole(tfb_zoo, folder):
    code, out, _ = tfb_zoo("remove", "tf")
    assert code == 0 and out.splitlines() == [f"removed {folder / 'tf' / tf}" for tf in ("ATF4", "SP1")]
    assert [path.name for path in folder.iterdir()] == ["base"]
    code, _, err = tfb_zoo("remove", "tf")
    assert code == 1 and "unknown zoo entry 'tf'" in err


def test_add_takes_all_or_nothing(tfb_zoo, folder, tmp_path):
    source = shutil.move(folder / "tf", tmp_path / "tf")
    (source / "SP1" / "golden.json").unlink()
    code, _, err = tfb_zoo("add", source)
    assert code == 1 and "SP1 is not fit for the zoo: golden predictions" in err and not (folder / "tf").exists()


def test_add_takes_none_where_a_later_one_has_no_place(tfb_zoo, folder, tmp_path):
    source = shutil.move(folder / "tf", tmp_path / "tf")
    shutil.copytree(source / "SP1", folder / "tf" / "SP1")
    code, _, err = tfb_zoo("add", source)
    assert code == 1 and "tf/SP1 is in the zoo already" in err and os.listdir(folder / "tf") == ["SP1"]
    shutil.rmtree(folder / "tf")
    shutil.copytree(source / "SP1", tmp_path / "again")
    code, _, err = tfb_zoo("add", source / "SP1", tmp_path / "again")
    assert code == 1 and "tf/SP1 and " in err and "are both called tf/SP1; add one of them" in err
    assert not (folder / "tf").exists()


def test_a_disk_that_is_full_while_several_are_added(tfb_zoo, folder, tmp_path, monkeypatch):
    source = shutil.move(folder / "tf", tmp_path / "tf")
    copy = shutil.copytree

    def full(source, *args, **options):
        if source.name == "SP1":
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(source, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(change.shutil, "copytree", full)
        code, _, err = tfb_zoo("add", source)
    assert code == 1 and "the disk is full; nothing was written" in err
    assert sorted(os.listdir(folder)) == ["base"]
    assert tfb_zoo("add", source)[0] == 0 and group_names() == {"tf": 2}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tf", "SP1: tf is the name of a group of entries; give it another `name`"),
        ("base/SP1", "SP1: base/SP1 would lie within the entry base; give it another `name`"),
        ("tf/ATF4/x", "SP1: tf/ATF4/x would lie within the entry tf/ATF4; give it another `name`"),
    ],
)
def test_names_that_get_in_the_way(tfb_zoo, folder, tmp_path, name, message):
    source = shutil.move(folder / "tf" / "SP1", tmp_path / "SP1")
    change_card(source, name=name)
    assert tfb_zoo("render", source)[0] == 0
    code, _, err = tfb_zoo("add", source)
    assert code == 1 and message in err
    change_card(source, name="tf/SP1-mine")
    assert tfb_zoo("render", source)[0] == 0 and tfb_zoo("add", source)[0] == 0
    assert find.entry_names() == ["base", "tf/ATF4", "tf/SP1-mine"] and tfb_zoo("verify", "--all")[0] == 0


def test_an_entry_whose_base_the_zoo_lacks(tfb_zoo, folder, tmp_path):
    source = shutil.copytree(folder, tmp_path / "elsewhere")
    shutil.rmtree(folder)
    folder.mkdir()
    code, _, err = tfb_zoo("add", source / "tf")
    assert code == 1 and "tf/ATF4: its base base is neither in a folder above" in err and not os.listdir(folder)
    assert tfb_zoo("add", source / "tf", source / "base")[0] == 0 and tfb_zoo("verify", "--all")[0] == 0


def test_what_cannot_be_removed(tfb_zoo):
    code, _, err = tfb_zoo("remove", "base")
    assert code == 1 and "base is the base of tf/ATF4, tf/SP1, which are nothing without it; remove them first" in err
    code, _, err = tfb_zoo("remove", "tf/SP2")
    assert code == 1 and "unknown zoo entry 'tf/SP2'" in err
    for name in ("../zoo/base", "tf/../base", "/tmp"):
        assert tfb_zoo("remove", name)[0] == 1
    assert tfb_zoo("verify", "--all")[0] == 0


def test_two_that_add_the_same_name_at_once(folder, tmp_path, monkeypatch):
    """The other process is done between our look at the place and our renaming."""
    first = open_entry(shutil.move(folder / "tf" / "SP1", tmp_path / "first"))
    second = open_entry(shutil.copytree(first.folder, tmp_path / "second"))
    change_card(second.folder, summary="Another one.")
    second = open_entry(second.folder)
    copy = shutil.copytree

    def slow(*args, **options):
        monkeypatch.setattr(change.shutil, "copytree", copy)
        install_entry(first, folder)
        return copy(*args, **options)

    monkeypatch.setattr(change.shutil, "copytree", slow)
    with pytest.raises(
        EntryError, match=r"another tf/SP1 was added to the zoo at the same time; `tfb zoo show tf/SP1`"
    ):
        install_entry(second, folder)
    assert find_entry("tf/SP1").card == first.card and sorted(os.listdir(folder / "tf")) == ["ATF4", "SP1"]


def test_a_base_with_other_weights(folder, tmp_path):
    shutil.rmtree(folder / "base")
    small_base(folder, seed=8)
    with pytest.raises(EntryError, match=r"was fine-tuned from base with weights .*, but .*base has weights"):
        load_network(find_entry("tf/SP1"))
    found = failed(folder / "tf" / "SP1")
    assert set(found) == {"weights", "held-out rule", "golden predictions"}
    assert all("get the version of the base that the card names" in detail for detail in found.values())


def test_what_the_base_has_seen_is_seen(folder):
    path = folder / "base"
    data = yaml.safe_load((path / CARD_FILE).read_text())["data"]
    change_card(path, data={**data, "train_chromosomes": ["chr13", "22"], "test_chromosomes": []})
    render_specs(open_entry(path).card, path)
    found = failed(folder / "tf" / "SP1")
    assert found == {"held-out rule": "chr22 is held out or tested on, and trained on"}


def test_the_chromosome_of_acceptance(tmp_path):
    data = tiny.card_fields()["data"].model_copy(
        update={"train_chromosomes": ("chr13", "chr16"), "excluded_chromosomes": ()}
    )
    entry = tiny.make_entry(tmp_path / "entry", data=data)
    assert failed(entry.folder) == {"held-out rule": "chr16 is held out or tested on, and trained on"}


def test_a_refused_entry_is_not_for_the_zoo(folder):
    path = folder / "tf" / "SP1"
    gate = {"verdict": "refused", "words": "refused: so it is", "controls": []}
    change_card(path, gate=gate)
    assert failed(path) == {"verdict": "refused"}


def test_fine_tuned_cards_have_one_line_of_arm():
    with pytest.raises(ValueError, match="String should match pattern"):
        FinetunedCard(arm="a\nb", base_weights_sha256="0" * 64, seeds=(0,), validation_losses=(0.1,), counts={})


def test_predict_and_score_take_entries_and_groups(folder, tmp_path, monkeypatch, capfd):
    (tmp_path / "g.fa").write_text(">chr1\n" + "ACGTTGCA" * 100 + "\n")
    (tmp_path / "in.bed").write_text("chr1\t300\t500\n")
    options = ("--genome", str(tmp_path / "g.fa"), "--device", "cpu", "-o", str(tmp_path / "out.tsv"))
    for arguments, columns in (
        (("predict", "tf", "--regions", str(tmp_path / "in.bed")), ["ATF4", "SP1"]),
        (("predict", "tf/SP1", "--regions", str(tmp_path / "in.bed")), ["SP1"]),
        (("score", "chr1:401:A>G", "--models", "tf", "--scores", "effect"), ["ATF4_effect", "SP1_effect"]),
        (("score", "chr1:401:A>G", "--models", "all", "--scores", "effect", "--tfs", "tf/SP1"), ["tf/SP1_effect"]),
    ):
        code, _, err = run_tfb(monkeypatch, capfd, [*arguments, *options])
        assert code == 0, err
        header, row = (tmp_path / "out.tsv").read_text().splitlines()
        assert header.split("\t")[-len(columns) :] == columns
        assert all(cell for cell in row.split("\t")[-len(columns) :])
