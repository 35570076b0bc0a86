"""Motif discovery: planted motifs come back, random sequence gives nothing, STREME is run and read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kipoi_tfb.motifs import denovo as module
from kipoi_tfb.motifs.denovo import denovo_scorer, find_motifs
from tfb_matrix_data.errors import ConfigError, TfbError
from tfb_matrix_data.sequence import decode, encode, reverse_complement

CREB, GATA = "TGACGTCATGGA", "AGATAAGCCT"


def random_windows(n: int, seed: int, length: int = 120) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 4, (n, length), np.uint8)


def plant(codes: NDArray, motif: str, kept: float = 1, seed: int = 7, strands: bool = True) -> None:
    """Write a motif once into each window, each base kept with a probability, on a random strand."""
    rng = np.random.default_rng(seed)
    for window in codes:
        site = np.where(rng.random(len(motif)) < kept, encode(motif), rng.integers(0, 4, len(motif))).astype(np.uint8)
        at = rng.integers(0, len(window) - len(site))
        window[at : at + len(site)] = reverse_complement(site) if strands and rng.random() < 0.5 else site


def similarity(pfm: NDArray, motif: str) -> float:
    """Return the mean frequency of a motif's bases, at the offset and on the strand where it is highest."""
    frequencies = np.pad(pfm / pfm.sum(0), ((0, 0), (12, 12)), constant_values=0.25)
    width = len(motif)
    return max(
        float(frequencies[strand, at + np.arange(width)].mean())
        for strand in (encode(motif), reverse_complement(encode(motif)))
        for at in range(frequencies.shape[1] - width + 1)
    )


@pytest.mark.parametrize(("n", "kept"), [(50, 1.0), (50, 0.8), (200, 0.8), (1000, 0.8)])
def test_a_planted_motif_comes_back(n, kept) -> None:
    positives, negatives = random_windows(n, 1), random_windows(n, 2)
    plant(positives, CREB, kept)
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own", tf="CREB1")
    assert similarity(found.motif.pfm, CREB) > kept - 0.1
    assert found.motif.tf == "CREB1" and found.motif.width <= module.MAX_WIDTH
    assert found.sites > 0.7 * n
    if kept == 1 or n > 50:
        assert found.p_value < 1e-3


def test_a_motif_on_the_reverse_strand_only_and_at_the_very_ends() -> None:
    positives, negatives = random_windows(100, 1), random_windows(100, 2)
    positives[:50, :12] = positives[50:, -12:] = reverse_complement(encode(CREB))
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, CREB) > 0.95 and found.sites >= 95


def test_two_planted_motifs_come_back_one_after_the_other() -> None:
    positives, negatives = random_windows(150, 1), random_windows(150, 2)
    plant(positives[:, :60], CREB)
    plant(positives[:100, 60:], GATA)
    one, other = find_motifs(positives, negatives, n_motifs=2, engine="own")
    assert similarity(one.motif.pfm, CREB) > 0.95 and one.motif.name == "denovo-1"
    assert similarity(other.motif.pfm, GATA) > 0.9 and other.p_value < 1e-3


def test_what_negatives_have_as_well_is_not_found() -> None:
    positives, negatives = random_windows(100, 1), random_windows(100, 2)
    for codes in (positives, negatives):
        plant(codes[:, :60], CREB)
    plant(positives[:, 60:], GATA)
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, GATA) > 0.9


def test_nothing_is_significant_in_random_sequence() -> None:
    p_values = []
    for seed in range(12):
        both = random_windows(50, seed, 60), random_windows(50, 100 + seed, 60)
        p_values += [one.p_value for one in find_motifs(*both, n_motifs=1, engine="own")]
    assert len(p_values) == 12 and sum(p < 0.05 for p in p_values) <= 1  # one in twenty may be


def test_equal_windows_have_no_motif() -> None:
    codes = random_windows(20, 0)
    assert find_motifs(codes, codes, engine="own") == []


def test_windows_with_n() -> None:
    positives, negatives = random_windows(80, 1), random_windows(80, 2)
    plant(positives, CREB)
    positives[:, ::40] = negatives[:, ::40] = 4
    (found,) = find_motifs(positives, negatives, n_motifs=1, engine="own")
    assert similarity(found.motif.pfm, CREB) > 0.9


def test_the_scorer_takes_the_motif_that_tells() -> None:
    codes, labels = random_windows(200, 3), np.zeros((200, 2), np.int8)
    labels[:100, 0] = 1
    plant(codes[:100], CREB, 0.9)
    lines: list[str] = []
    scorer = denovo_scorer(["A", "B"], codes, labels, n_motifs=2, at_most=80, engine="own", report=lines.append)
    assert scorer.name == "denovo" and scorer.tfs == ("A", "B") and not scorer.calibrated
    assert lines == ["A: 2 motifs in 80 bound windows", "B: 0 motifs in 0 bound windows"]
    scores = scorer.scores(codes)
    assert (scores[:100, 0] > np.median(scores[100:, 0])).mean() > 0.95
    assert np.ptp(scores[:, 1]) == 0  # B is bound nowhere: its motif says nothing
    again = denovo_scorer(["A", "B"], codes, labels, n_motifs=2, at_most=80, engine="own")
    assert (again.motifs["A"].pfm == scorer.motifs["A"].pfm).all()


STREME = """\
#!{python}
import pathlib, sys
option = dict(zip(sys.argv[1::1], sys.argv[2::1]))
assert (option["--nmotifs"], option["--maxw"], option["--hofract"], option["--seed"]) == ("5", "21", "0", "3")
assert pathlib.Path(option["--p"]).read_text() == ">0\\n{positive}\\n" and ">1" in open(option["--n"]).read()
{end}
pathlib.Path(option["--oc"], "streme.txt").write_text('''MEME version 5.5

ALPHABET= ACGT

MOTIF 1-AC STREME-1
letter-probability matrix: alength= 4 w= 2 nsites= 30 E= 1.0e-003
 1 0 0 0
 0 1 0 0

''')
"""


def streme(folder: Path, monkeypatch: pytest.MonkeyPatch, positive: NDArray, end: str = "") -> None:
    program = folder / "streme"
    program.write_text(STREME.format(python=sys.executable, positive=decode(positive), end=end))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_streme_is_used_where_it_is_on_path(tmp_path: Path, monkeypatch) -> None:
    positives, negatives = random_windows(1, 1), random_windows(2, 2)
    streme(tmp_path, monkeypatch, positives[0])
    for engine in ("auto", "streme"):
        (found,) = find_motifs(positives, negatives, engine=engine, seed=3, tf="A")
        assert (found.motif.name, found.motif.matrix_id, found.motif.tf) == ("STREME-1", "1-AC", "A")
        assert found.motif.pfm.argmax(0).tolist() == [0, 1] and np.isnan(found.p_value)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("sys.exit('ERROR: no sequences')", r"failed \(exit 1\): ERROR: no sequences; mend it, or use engine='own'"),
        ("sys.exit(0)", r"failed \(exit 0\): no message"),
    ],
)
def test_streme_that_fails(tmp_path: Path, monkeypatch, end, message) -> None:
    positives = random_windows(1, 1)
    streme(tmp_path, monkeypatch, positives[0], end)
    with pytest.raises(TfbError, match=message):
        find_motifs(positives, random_windows(2, 2), seed=3)


def test_streme_that_cannot_be_run(tmp_path: Path, monkeypatch) -> None:
    streme(tmp_path, monkeypatch, random_windows(1, 1)[0])
    (tmp_path / "streme").write_text("#!/nowhere\n")
    with pytest.raises(TfbError, match="cannot be run"):
        find_motifs(random_windows(1, 1), random_windows(2, 2))


def test_what_is_refused(tmp_path: Path, monkeypatch) -> None:
    codes = random_windows(5, 0)
    with pytest.raises(ConfigError, match="no positive windows to find motifs of A with"):
        find_motifs(codes[:0], codes, tf="A")
    with pytest.raises(ConfigError, match="no negative windows"):
        find_motifs(codes, codes[:0])
    with pytest.raises(ConfigError, match="windows of 120 and 60 bp; motifs are found in windows of one length"):
        find_motifs(codes, codes[:, :60])
    with pytest.raises(ConfigError, match="of 30 bp or more"):
        find_motifs(codes[:, :29], codes[:, :29])
    with pytest.raises(ConfigError, match=r"labels of shape \(5, 1\) for 5 windows and 2 TFs"):
        denovo_scorer(["A", "B"], codes, np.zeros((5, 1), np.int8))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="streme is not on PATH; install the MEME suite"):
        find_motifs(codes, codes, engine="streme")
