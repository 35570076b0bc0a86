"""Kipoi learns of the zoo by one entry of its configuration, and nothing else in there changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kipoi_tfb.zoo.register import config_path, register_source, unregister_source
from tfb_matrix_data.errors import ConfigError

OTHERS = {
    "model_sources": {
        "kipoi": {"type": "git", "remote_url": "https://github.com/kipoi/models.git", "local_path": "/models"},
        "mine": {"type": "local", "local_path": "/mine"},
    },
    "env_db_path": "/envs.json",
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def config(home):
    """Kipoi's configuration with other settings."""
    config_path().parent.mkdir()
    config_path().write_text(yaml.safe_dump(OTHERS, sort_keys=False))
    return config_path()


def read(path):
    return yaml.safe_load(path.read_text())


def test_path_is_in_the_home_folder(home):
    assert config_path() == home / ".kipoi" / "config.yaml"


def test_adds_and_keeps_the_rest(config):
    register_source("tfb", Path("/zoo"))
    expected = {**OTHERS["model_sources"], "tfb": {"type": "local", "local_path": "/zoo"}}
    assert read(config) == {**OTHERS, "model_sources": expected}
    assert list(read(config)["model_sources"]) == ["kipoi", "mine", "tfb"]
    assert [path.name for path in config.parent.iterdir()] == ["config.yaml"]


def test_twice_is_once(config):
    register_source("tfb", Path("/zoo"))
    once = config.read_bytes()
    register_source("tfb", Path("/zoo"))
    assert config.read_bytes() == once


def test_again_points_elsewhere(config):
    for folder in ("/old", "/new"):
        register_source("tfb", Path(folder))
    assert read(config)["model_sources"]["tfb"]["local_path"] == "/new"


def test_undo_restores(config):
    register_source("tfb", Path("/zoo"))
    assert unregister_source("tfb")
    assert read(config) == OTHERS
    assert not unregister_source("tfb")
    assert read(config) == OTHERS


def test_undo_without_a_file(home):
    assert not unregister_source("tfb")
    assert not config_path().exists()


def test_without_a_file_kipoi_writes_its_own_first(tmp_path):
    # In a process of its own: Kipoi writes its file once, when it is imported.
    script = "from pathlib import Path; from kipoi_tfb.zoo.register import *; register_source('tfb', Path('/zoo'))"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    sources = read(tmp_path / ".kipoi" / "config.yaml")["model_sources"]
    assert sources["tfb"] == {"type": "local", "local_path": "/zoo"}
    assert sources["kipoi"]["local_path"].startswith(str(tmp_path))


def test_without_a_file_in_a_process_that_has_kipoi(home):
    import kipoi.config  # noqa: F401 (it is imported, and will not write its file again)

    config_path().unlink(missing_ok=True)
    register_source("tfb", Path("/zoo"))
    assert {"kipoi", "tfb"} <= set(read(config_path())["model_sources"])


def test_without_kipoi(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "kipoi", None)
    monkeypatch.setitem(sys.modules, "kipoi.config", None)
    with pytest.raises(ConfigError, match="kipoi is not installed"):
        register_source("tfb", Path("/zoo"))
    assert not config_path().exists()


@pytest.mark.parametrize("action", [lambda: register_source("tfb", Path("/zoo")), lambda: unregister_source("tfb")])
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("model_sources: {", "is not YAML: .*; mend or remove it"),
        ("", "has no model_sources; mend or remove it"),
        ("model_sources: []\n", "has no model_sources"),
        ("sources: {}\n", "has no model_sources"),
    ],
)
def test_broken_file_is_told_and_kept(config, text, complaint, action):
    config.write_text(text)
    with pytest.raises(ConfigError, match=rf"(?s){config}: {complaint}"):
        action()
    assert config.read_text() == text


def test_binary_file_is_told(config):
    config.write_bytes(b"\x89HDF\xff")
    with pytest.raises(ConfigError, match="is not YAML"):
        unregister_source("tfb")
