"""What the benchmarks of attributions measure, on small entries: rows, going on where they were, and equal peers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks import attribution, completeness
from tests.entries import TFS, lively_network
from tests.tiny import make_entry
from tfb_matrix_data.errors import ConfigError

CODES = np.random.default_rng(4).integers(0, 4, (10, 200)).astype(np.uint8)


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return make_entry(tmp_path_factory.mktemp("zoo") / "tiny", lively_network(0, 3), name="tiny", tasks=TFS)


def _report(entry, run, folder, capsys) -> list[str]:
    completeness.report(entry, "deeplift", "a method", run, CODES, ["JUND"], folder, "cpu")
    return [cell.strip() for cell in capsys.readouterr().out.strip("|\n").split("|")]


def test_a_stopped_run_goes_on(entry, tmp_path, capsys):
    explained = []

    def run(codes, stop=True):
        if stop and explained:
            raise KeyboardInterrupt
        explained.append(len(codes))
        errors = np.full((len(codes), 1), 1e-6)
        return completeness.Errors(errors, np.ones((len(codes), 1)), np.zeros((len(codes), 1)))

    with pytest.raises(KeyboardInterrupt):
        _report(entry, run, tmp_path, capsys)
    first = _report(entry, lambda codes: run(codes, stop=False), tmp_path, capsys)
    assert explained == [8, 2] and _report(entry, run, tmp_path, capsys) == first
    assert first[1:7] == ["paper-cnn", "a method", "10 x 1", "1.0e-06", "1.0e-06", "10 of 10"]


@pytest.mark.slow
def test_rows_of_methods(entry, tmp_path, capsys, monkeypatch):
    def refused(*_):
        raise ConfigError("LSTM has no rule")

    monkeypatch.setattr(completeness, "real_windows", lambda matrix, genome, n, seed: CODES[:n])
    monkeypatch.setitem(completeness.ROWS, "another", ("deeplift", refused))
    arguments = ["--matrix", "m", "--genome", "g", "-o", str(tmp_path), "--tfs", "JUND", "--windows", "2"]
    completeness.main([*arguments, "--entries", str(entry.folder), "--ig-windows", "1", "--device", "cpu"])
    rows = [[cell.strip() for cell in line.split("|")[3:8]] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:2] for row in rows] == [
        ["deeplift", "2 x 1"], ["deeplift by tangermeme", "2 x 1"], ["ig", "1 x 1"],
        ["another", "refused: LSTM has no rule"],
    ]  # fmt: skip
    assert [row[4] for row in rows[:3]] == ["2 of 2", "2 of 2", "1 of 1"]
    assert all(float(row[2]) < 1e-3 for row in rows[:3])


def test_ours_and_tangermemes_are_equal(entry, capsys):
    arguments = ["--entry", str(entry.folder), "--tf", "JUND", "--windows", "3", "--rounds", "2", "--device", "cpu"]
    attribution.main(arguments)
    ours, theirs = capsys.readouterr().out.splitlines()
    assert re.match(r"\| tfb explain: .*tiny, JUND, 3 windows x 10 references \| ", ours)
    assert re.search(r"batch \d+; .* at most, correlation 1\.0+; ours: [\d.]+ times as many", theirs)


@pytest.mark.parametrize("other", [0.01, np.nan])
def test_other_contributions_stop_it(other):
    with pytest.raises(SystemExit, match="contributions differ by up to"):
        attribution.race(lambda codes: codes * 0.0, lambda codes: codes * 0 + other, CODES, 1)
