"""Motifs: reading, log-odds, scores of windows, and the choice among profiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kipoi_tfb.motifs import profiles as module
from kipoi_tfb.motifs.profiles import (
    Motif,
    choose_profiles,
    jaspar_motifs,
    jaspar_scorer,
    log_odds,
    motif_filters,
    read_motifs,
    score_motifs,
)
from kipoi_tfb.motifs.scan import StripedWindows
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.sequence import encode, reverse_complement

JASPAR = ">MA1 Abc\nA [ 8 0 1 ]\nC [ 0 8 1 ]\nG [ 0 0 1 ]\nT [ 0 0 1 ]\n>MA2 Ddit3::Cebpa(var.2)\n1 0\n0 1\n0 0\n0 0\n"
MEME = """\
MEME version 4

ALPHABET= ACGT

MOTIF 1-ACG STREME-1
letter-probability matrix: alength= 4 w= 2 nsites= 30 E= 1e-9
 1.0 0.0 0.0 0.0
 0.0 0.5 0.5 0.0

MOTIF only
letter-probability matrix: alength= 4 w= 1
 0.25 0.25 0.25 0.25
"""


def consensus(sequence: str, tf: str = "T", sites: float = 20) -> Motif:
    pfm = np.zeros((4, len(sequence)))
    pfm[encode(sequence), np.arange(len(sequence))] = sites
    return Motif(sequence, f"M-{sequence}", tf, pfm)


def naive(motif: Motif, codes: NDArray, measure: str) -> float:
    """Score one window position by position, in float64."""
    table = np.vstack([log_odds(motif.pfm), np.zeros(motif.width)])
    sums = [
        sum(table[strand[at + column], column] for column in range(motif.width))
        for strand in (codes, reverse_complement(codes))
        for at in range(len(codes) - motif.width + 1)
    ]
    return max(sums) if measure == "best" else float(np.log(np.exp(sums).sum()))


def windows(n: int, length: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 4, (n, length), np.uint8)


def test_log_odds_by_hand() -> None:
    pfm = np.array([[3.0, 1], [1, 1], [0, 1], [0, 1]])
    expected = [[3.25 / 5 / 0.25, 1], [1.25 / 5 / 0.25, 1], [0.25 / 5 / 0.25, 1], [0.25 / 5 / 0.25, 1]]
    np.testing.assert_allclose(np.exp(log_odds(pfm)), expected)


def test_one_position_by_hand() -> None:
    # A C of 4 sites each: (4 + 1/4) / 5 / (1/4) = 3.4, other bases 0.2. Window AC: AC gives 3.4 * 3.4, GT 0.2 * 0.2.
    motif = consensus("AC", sites=4)
    scores = score_motifs([motif], np.stack([encode("AC"), encode("GT"), encode("AN"), encode("NN")]))
    expected = np.log([3.4**2 + 0.2**2, 3.4**2 + 0.2**2, 3.4 + 0.2, 2])
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)
    best = score_motifs([motif], np.stack([encode("AC"), encode("GT"), encode("AN"), encode("NN")]), "best")
    np.testing.assert_allclose(best[:, 0], [2 * np.log(3.4), 2 * np.log(3.4), np.log(3.4), 0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("measure", ["occupancy", "best"])
@pytest.mark.parametrize(("n", "length"), [(1, 12), (5, 13), (64, 40), (130, 33)])
def test_scores_are_those_of_a_loop(measure, n, length, monkeypatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 64)  # several chunks, the last one not full
    rng = np.random.default_rng(n)
    motifs = [Motif(str(w), str(w), "T", rng.integers(0, 9, (4, w)) + 0.1) for w in (1, 4, 7, 12)]
    codes = windows(n, length)
    codes[0, 3:6] = 4
    expected = [[naive(motif, window, measure) for motif in motifs] for window in codes]
    scores = score_motifs(motifs, codes, measure)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_both_strands_count_alike() -> None:
    codes = windows(20, 50)
    motifs = [consensus("GATTACA"), consensus("TTGACG")]
    one, other = score_motifs(motifs, codes), score_motifs(motifs, reverse_complement(codes))
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_very_wide_motif_does_not_overflow() -> None:
    motif = consensus("ACGTTGCA" * 10, sites=1e6)
    codes = np.stack([encode("ACGTTGCA" * 10), windows(1, 80)[0]])
    scores = score_motifs([motif], codes)
    assert scores[0, 0] == pytest.approx(80 * np.log(4), abs=0.01) and scores[1, 0] < scores[0, 0]


def test_no_windows_and_no_motifs() -> None:
    assert score_motifs([consensus("ACG")], windows(0, 20)).shape == (0, 1)
    assert score_motifs([], windows(3, 20)).shape == (3, 0)


def test_windows_shorter_than_a_motif() -> None:
    with pytest.raises(ConfigError, match=r"windows of 3 bp are shorter than motif M-ACGT \(4 bp\)"):
        score_motifs([consensus("ACG"), consensus("ACGT")], windows(2, 3))


def test_a_jaspar_file(tmp_path: Path) -> None:
    path = tmp_path / "m.jaspar"
    path.write_text(JASPAR)
    one, other = read_motifs(path)
    assert (one.name, one.matrix_id, one.tf, one.width) == ("Abc", "MA1", "ABC", 3)
    assert one.pfm.tolist() == [[8, 0, 1], [0, 8, 1], [0, 0, 1], [0, 0, 1]]
    assert (other.name, other.tf) == ("Ddit3::Cebpa(var.2)", "DDIT3::CEBPA")
    assert other.pfm.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_a_meme_file(tmp_path: Path) -> None:
    path = tmp_path / "m.meme"
    path.write_text(MEME)
    one, other = read_motifs(path)
    assert (one.name, one.matrix_id, one.tf) == ("STREME-1", "1-ACG", "STREME-1")
    assert one.pfm.tolist() == [[100, 0], [0, 50], [0, 50], [0, 0]]
    assert (other.name, other.matrix_id) == ("only", "only") and other.pfm.ravel().tolist() == [25] * 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.jaspar", "", "has no motif; expected > lines"),
        ("m.meme", "", "has no motif; expected MOTIF lines"),
        ("m.jaspar", "chr1\t5\t9\n", "is not a JASPAR motif file"),
        ("m.jaspar", ">x\n1 2\n3 4\n5 6\n", "has 1 lines that start with '>' but 0 motifs of four rows"),
        ("m.jaspar", "1 2\n3 4\n5 6\n7 8\n", "has 0 lines that start with '>' but 1 motifs"),
        ("m.jaspar", ">x\n1 2\n3 4\n5 6\n7\n", "is not a JASPAR motif file"),
        ("m.jaspar", ">x\n1 0\n3 0\n5 0\n7 0\n", "motif x has a column without counts"),
        ("m.jaspar", ">x\n1 0\n-3 2\n5 0\n7 0\n", "or a negative one"),
        ("m.jaspar", ">x\n1 nan\n3 2\n5 0\n7 0\n", "motif x has a column without counts"),
        ("m.meme", "MOTIF x\nletter-probability matrix:\n0.1 0.2 0.3 0.4\n", "is not a MEME motif file"),
        ("m.meme", "MOTIF x\nletter-probability matrix: w= 1\n0.1 0.2 0.3\n", "is not a MEME motif file"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name, text, message) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=name) as error:
        read_motifs(path)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["m.meme", "m.jaspar"])
def test_a_missing_and_a_binary_file(tmp_path: Path, name) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_motifs(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x1f\x8b\xff\x00")
    with pytest.raises(InputError, match="is not a"):
        read_motifs(tmp_path / name)


def test_jaspar_profiles_of_tfs() -> None:
    motifs = jaspar_motifs(["SP1", "CEBPA"])
    assert [m.name for m in motifs["CEBPA"]] == ["CEBPA", "Ddit3::Cebpa"]  # MA0102.4, then the dimer's MA0019.1
    assert {m.tf for m in motifs["CEBPA"]} == {"CEBPA"} and list(motifs) == ["SP1", "CEBPA"]
    assert len(jaspar_motifs()) > 600
    with pytest.raises(UnknownNameError, match="unknown TF with a JASPAR profile 'SP11'"):
        jaspar_motifs(["SP11"])
    with pytest.raises(ConfigError, match=r"JASPAR2020 has no profile MA9999\.1 of SP1"):
        jaspar_motifs(["SP1"], profiles={"SP1": ["MA9999.1"]})


def test_the_profile_that_tells_best_is_chosen() -> None:
    codes, labels = windows(400, 60), np.zeros((400, 2), np.int8)
    labels[:200, 0] = 1
    codes[:200, 20:27] = encode("GATTACA")
    labels[300:, 0] = -1
    right, wrong = consensus("GATTACA"), consensus("CCGTTCA")
    for profiles in ((wrong, right), (right, wrong)):
        chosen = choose_profiles({"A": profiles, "B": (wrong, right)}, codes, labels)
        assert chosen == {"A": right, "B": wrong}  # B has no bound window: its first
    assert choose_profiles({"A": (wrong, right), "B": (wrong,)}, codes, labels, at_most=20)["A"] is right
    with pytest.raises(ConfigError, match=r"labels of shape \(400, 2\) for 400 windows and 1 TFs"):
        choose_profiles({"A": (wrong,)}, codes, labels)


def test_a_jaspar_scorer() -> None:
    scorer = jaspar_scorer(["SP1", "CEBPA"])
    assert (scorer.name, scorer.tfs, scorer.calibrated) == ("jaspar", ("SP1", "CEBPA"), False)
    codes = windows(10, 50)
    codes[3, 10:20] = encode("CCCCGCCCCC")
    scores = scorer.scores(codes)
    assert scores.shape == (10, 2) and scores.dtype == np.float32 and scores[:, 0].argmax() == 3
    labels = np.full((10, 2), -1, np.int8)
    assert jaspar_scorer(["SP1", "CEBPA"], codes, labels).motifs["CEBPA"].matrix_id == "MA0102.4"


def test_filters_are_padded_or_cut_to_the_most_informative_columns() -> None:
    narrow = consensus("ACG")
    wide = Motif("w", "w", "T", np.hstack([np.full((4, 3), 5.0), consensus("GATTA").pfm, np.full((4, 1), 5.0)]))
    filters = motif_filters([narrow, wide], 5)
    assert filters.shape == (2, 4, 5) and filters.dtype == np.float32
    np.testing.assert_allclose(filters[0, :, 1:4], log_odds(narrow.pfm), rtol=1e-6)
    assert not filters[0, :, [0, 4]].any()
    np.testing.assert_allclose(filters[1], log_odds(consensus("GATTA").pfm), rtol=1e-6)
    assert not motif_filters([narrow], 6)[0, :, [0, 4, 5]].any()


def test_best_hits_by_hand() -> None:
    pwm = log_odds(consensus("AACG", sites=4).pfm)
    codes = np.stack([encode("TTAACGTTAACG"), encode("TTTTCGTTTTTT"), encode("NNNNNNNNNNNN"), encode("ACGTAANGACGA")])
    hits = StripedWindows(codes).best_hits(pwm)
    assert hits.start.tolist() == [2, 4, 0, 4] and hits.reverse.tolist() == [False, True, False, False]
    four, three = 4 * np.log(3.4), 3 * np.log(3.4)
    np.testing.assert_allclose(hits.score, [four, four, 0, three], rtol=1e-6)
