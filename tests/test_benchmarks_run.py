"""What benchmarks measured is kept when one of them fails."""

from __future__ import annotations

import sys

import pytest

from benchmarks import run

WORKS = 'print("| {name} | 1 s | so |")\n'
FAILS = 'import sys\nprint("| half of it | 2 s | so |")\nsys.exit(3)\n'


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Every script is one that works; those of the last and of a middle one are to be replaced."""
    for path in run.HERE.glob("*.py"):
        (tmp_path / path.name).write_text(WORKS.format(name=path.stem))
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "REPORT", tmp_path / "benchmarks.md")
    monkeypatch.setattr(sys, "argv", ["run.py", "--matrix", "matrix.h5", "--genome", "hg38.fa"])
    return tmp_path / "benchmarks.md"


def test_all_that_is_measured_is_in_the_report(report, capfd):
    run.main()
    assert capfd.readouterr().out.splitlines()[0] == "| matrix | 1 s | so |"
    text = report.read_text()
    assert "| predict | 1 s | so |\n" in text and "Written anew at every run.\n\n|" in text


def test_sections_behind_the_table_stay(report):
    report.write_text("# Benchmarks\n\n| old |\n\n## On a GPU\n\nA card.\n")
    run.main()
    text = report.read_text()
    assert "| old |" not in text and text.endswith("|\n\n## On a GPU\n\nA card.\n")


@pytest.mark.parametrize("script", ["build.py", "predict.py"])
def test_one_that_fails_loses_nothing_of_the_others(report, capfd, script):
    (report.parent / script).write_text(FAILS)
    with pytest.raises(SystemExit, match=f"failed: {script}; what was measured is in .*benchmarks.md"):
        run.main()
    out, err = capfd.readouterr()
    assert f"{script} failed (exit code 3)\n" in err
    for text in (out, report.read_text()):
        assert "| matrix | 1 s | so |\n" in text and "| scoring | 1 s | so |\n" in text
        assert "| half of it | 2 s | so |\n" in text
    assert f"Written anew at every run. Missing or not complete, for they failed: {script}.\n" in report.read_text()
