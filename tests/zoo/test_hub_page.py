"""What docs/hub.md shows works as printed, on the zoo's own entries."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from kipoi_tfb.zoo.entry import zoo_folder
from tests.entries import run_tfb

PAGE = (Path(__file__).parents[2] / "docs" / "hub.md").read_text()
BLOCKS = re.findall(r"^```(python)?\n(.*?)^```", PAGE, re.S | re.M)


@pytest.mark.slow  # a network as ONNX takes seconds; the commands have quick tests of their own
def test_the_page(tmp_path, monkeypatch, capfd):
    pytest.importorskip("onnxruntime")
    zoo = tmp_path / "zoo"
    for name in ("multi163", "multi163-ensemble", "tf/CTCF"):
        shutil.copytree(zoo_folder() / name, zoo / name)
    monkeypatch.setattr("kipoi_tfb.zoo.entry.files", lambda _: zoo)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    commands, scripts = [], []
    for kind, text in BLOCKS:
        if kind:
            scripts.append(text)
            continue
        for line in text.splitlines():
            if line.startswith("pip "):
                continue
            assert line.startswith("tfb "), line
            commands.append(line)
            code, _, err = run_tfb(monkeypatch, capfd, shlex.split(line)[1:])
            assert code == 0, (line, err)
    assert len(commands) == 4 and len(scripts) == 2
    for text in scripts:
        exec(compile(text, "docs/hub.md", "exec"), {"__name__": "page"})
    assert capfd.readouterr().out.startswith("['CTCF'] [[")
    sys.modules.pop("load", None)
