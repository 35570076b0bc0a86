"""The peers compute the same numbers, and a benchmark of others stops."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from tests.entries import TFS, lively_network
from tests.tiny import make_entry


@pytest.fixture
def peers(monkeypatch):
    from benchmarks import run

    monkeypatch.syspath_prepend(str(run.HERE))  # as a script it finds its neighbours
    import peers

    return peers


def test_ours_and_theirs_are_equal(peers, tmp_path, capsys):
    entry = make_entry(tmp_path / "entry", lively_network(0, 3), name="tiny", tasks=TFS)
    peers.main(["--entry", str(entry.folder), "--windows", "40", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [re.split(r" ?[|:] ", line)[1] for line in lines] == [
        "tfb predict", "tangermeme predict, scan shared", "tangermeme predict, each strand",
        "tfb score", "tangermeme substitution_effect, scan shared", "tangermeme substitution_effect, each strand",
        "kipoi-veff2's method, both strands",
    ]  # fmt: skip
    assert all(re.search(r"equal; ours: [\d.]+ times as many", line) for line in lines if not line.startswith("| tfb"))


@pytest.mark.parametrize("other", [1.5, np.nan])
def test_other_numbers_stop_it(peers, other):
    race = {"ours": lambda: np.array([1.0]), "theirs, batch 1": lambda: np.array([other])}
    with pytest.raises(SystemExit, match="theirs, batch 1 and ours differ by up to"):
        peers.race(race, 1)


def test_of_several_batches_the_best_counts(peers, capsys):
    peers.tell("x", "windows", 10, {"ours": 1.0, "theirs, batch 32": 4.0, "theirs, batch 64": 2.5})
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "| theirs | 4 windows/s | batch 64; equal; ours: 2.50 times as many |" and "peers" in sys.modules
