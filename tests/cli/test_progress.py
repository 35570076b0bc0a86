"""The bar of a long command, in a pseudo-terminal: it moves within a piece, and nobody sees it in a pipe."""

from __future__ import annotations

import re
import time

import pytest

from tests.entries import REGIONS, SCORE, VCF, record, write_files
from tests.terminal import terminal

pytest_plugins = ("tests.entries",)

BED = "".join(f"chr1\t{start}\t{start + 200}\n" for start in range(0, 640))
FILES = {"in.vcf": VCF + "".join(record(pos) for pos in range(500, 1140)), "in.bed": BED}
COMMANDS = {
    "score": SCORE,
    "score, shifted": (*SCORE, "--shifts", "10,5"),
    "predict": REGIONS,
    "mutate": ("mutate", "chr1:500-739", "--models", "ENTRY", "--genome", "GENOME", "-o", "out.tsv"),
}
"""Each is one piece of work: 20 batches and more, of which none is a piece by itself."""


@pytest.fixture
def slow(monkeypatch):
    """Make every batch take its time."""
    from kipoi_tfb.models import run

    original = run.to_one_hot

    def slowly(codes):
        time.sleep(0.03)
        return original(codes)

    monkeypatch.setattr(run, "to_one_hot", slowly)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_moves_within_a_piece(tfb, tmp_path, slow, monkeypatch, command):
    write_files(tmp_path, FILES)
    with terminal(monkeypatch) as said:
        code, _, _ = tfb(*COMMANDS[command], "--threads", "1")
    assert code == 0, said
    shown = [int(percent) for percent in re.findall(r"(\d+)%", said[0])]
    assert shown == sorted(shown) and len({*shown} - {0, 100}) > 1, said


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_quiet_when_piped_and_changes_no_byte(tfb, tmp_path, monkeypatch, command):
    write_files(tmp_path, FILES)
    with terminal(monkeypatch) as said:
        assert tfb(*COMMANDS[command])[0] == 0
    assert "\x1b" in said[0]
    with_bar = (tmp_path / "out.tsv").read_bytes()
    code, _, err = tfb(*COMMANDS[command])
    assert code == 0 and "%" not in err and "\x1b" not in err
    assert (tmp_path / "out.tsv").read_bytes() == with_bar
