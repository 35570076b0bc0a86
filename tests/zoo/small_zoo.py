"""A zoo of a base and a group of two entries, and the commands about it, as a plugin of pytest.

PYTEST_DONT_REWRITE: it asserts nothing, and test modules import it before they make it a plugin.
"""

from __future__ import annotations

import shutil
import sys

import pytest
import yaml

from kipoi_tfb import cli
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.verify import verify_entry
from tests.tuned import small_base, tuned


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a base and two entries of a group."""
    folder = tmp_path_factory.mktemp("made")
    base = small_base(folder)
    for seed, tf in enumerate(("SP1", "ATF4")):
        tuned(base, f"tf/{tf}", seed)
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A copy of it, which is the zoo."""
    copy = shutil.copytree(made, tmp_path / "zoo")
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: copy)
    return copy


@pytest.fixture
def tfb_zoo(folder, monkeypatch, capfd):
    """Run `tfb zoo`. (code, stdout, stderr)."""
    monkeypatch.delenv("COLUMNS", raising=False)  # nothing is cut

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tfb", "zoo", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capfd.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def failed(folder):
    return {check.what: check.detail for check in verify_entry(open_entry(folder)) if not check.passed}


def change_card(folder, **changes):
    path = folder / CARD_FILE
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
