"""The benchmark for a GPU runs wherever there is none, and says what it measured there."""

from __future__ import annotations

import re

import torch

from benchmarks import gpu


def test_it_measures_every_network_on_the_cpu(tmp_path, capsys, monkeypatch):
    small = {"paper-cnn": {}, "motif-cnn, 2 members": {"members": 2, "filters": 4, "channels": 4, "hidden": 8}}
    monkeypatch.setattr(gpu, "NETWORKS", small)
    monkeypatch.setattr(gpu, "BATCH", 8)
    gpu.main(["--device", "cpu", "--seconds", "0.01", "-o", str(tmp_path / "gpu.md"), "--sizes", "16", "5", "3"])
    text = (tmp_path / "gpu.md").read_text()
    assert text == capsys.readouterr().out
    assert text.startswith("cpu (") and f"torch {torch.__version__}" in text
    rows = [re.split(r" ?\| ?", line)[1:-1] for line in text.splitlines() if re.match(r"\| (paper|motif)", line)]
    assert [row[0] for row in rows] == ["paper-cnn"] * 7 + ["motif-cnn, 2 members"] * 7
    assert {row[2] for row in rows} == {
        "training windows", "windows predicted, both strands", "variants scored, file to file"
    }  # fmt: skip
    assert [row[1] for row in rows[:7]] == ["fp32", "tf32", "bf16", "fp32", "bf16", "fp32", "bf16"]
    assert all(float(row[3].replace(",", "")) > 0 for row in rows)
    assert {(row[4], row[5]) for row in rows} == {("", "")}, "a CPU has no share of a GPU"


def test_a_gpu_is_watched_by_its_own_tool(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nfor i in 40 60 x; do echo $i; done\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu.shutil, "which", lambda name: name)
    monkeypatch.setattr(gpu, "UTILISATION", [str(tool)])
    with gpu.utilisation() as samples:
        while len(samples) < 2:
            pass
    assert samples == [40, 60]


def test_what_was_measured_elsewhere_is_put_into_the_report(tmp_path, monkeypatch):
    report, table = tmp_path / "benchmarks.md", tmp_path / "gpu.md"
    report.write_text("# Benchmarks\n\n| a |\n")
    monkeypatch.setattr(gpu, "REPORT", report)
    for text in ("cuda:0 (a card)\n\n| b |\n", "cuda:0 (another)\n\n| c |\n"):
        table.write_text(text)
        gpu.main(["--insert", str(table)])
        assert report.read_text() == f"# Benchmarks\n\n| a |\n\n{gpu.SECTION}{text}"
