"""Sites put in and taken out, measured with a predictor whose grammar is known by construction."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.interpretation.grammar import Grammar, GrammarOptions, consensus, known_windows, write_grammar
from kipoi_tfb.interpretation.plot_grammar import plot_grammar
from kipoi_tfb.motifs.profiles import Motif
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode, encode

OWN, OTHER = "TGACTCATGC", "GATTGCATCAGT"
RNG = np.random.default_rng(4)


def motif(tf: str, site: str) -> Motif:
    return Motif(tf, f"M_{tf}", tf, np.eye(4)[encode(site)].T * 97.0 + 1)


def flipped(site: str) -> str:
    return decode((3 - encode(site)[::-1]).astype(np.uint8))


def logits(codes: np.ndarray) -> np.ndarray:
    """Return 4 for the TF's own site, 1 for the other's, on either strand, and 2 more for both within 40 bp."""
    found = np.zeros((len(codes), 1), np.float32)
    for row, text in enumerate(map(decode, codes)):
        at = [max(text.find(site), text.find(flipped(site))) for site in (OWN, OTHER)]
        found[row] = 4 * (at[0] >= 0) + (at[1] >= 0) + 2 * (min(at) >= 0 and abs(at[0] - at[1]) <= 40)
    return found


PREDICTOR = SimpleNamespace(columns=["OWN"], logits=logits)
WINDOWS = RNG.integers(0, 4, (30, 200)).astype(np.uint8)


def grammar(windows: np.ndarray = WINDOWS, **options: int) -> Grammar:
    return Grammar(PREDICTOR, motif("OWN", OWN), windows, GrammarOptions(**{"replicates": 200, **options}))


def test_a_site_alone_does_what_it_does_and_its_bases_in_another_order_nothing():
    assert decode(consensus(motif("OWN", OWN))) == OWN
    row = grammar().alone(motif("OWN", OWN))
    assert (row.question, row.site, row.distance, row.orientation, row.n) == ("alone", "OWN", None, "", 30)
    assert row.effect == pytest.approx(4, abs=0.2) and row.low <= row.effect <= row.high
    assert abs(row.null) < 0.5
    assert grammar().alone(motif("OTHER", OTHER)).effect == pytest.approx(1, abs=0.1)


def test_what_two_do_together_is_told_from_what_each_does():
    rows = list(grammar(farthest=60, step=10).beside(motif("OTHER", OTHER)))
    assert sorted({row.distance for row in rows}) == [-60, -50, -40, -30, -20, 20, 30, 40, 50, 60]
    for row in rows:
        near = abs(row.distance or 0) < 40
        if abs(row.distance or 0) == 40:
            continue  # the rule counts from the sites' first bases
        assert row.effect == pytest.approx(2 if near else 0, abs=0.4), row
        assert abs(row.null) < 0.4 and row.null_low <= row.null <= row.null_high
    assert [row.orientation for row in rows[:2]] == ["same", "opposite"]


def test_distances_are_between_centres_and_the_strand_is_turned(monkeypatch):
    seen = []
    monkeypatch.setattr(Grammar, "_logits", lambda self, codes: (seen.append(codes.copy()), np.zeros(len(codes)))[1])
    asked = grammar(farthest=30, step=30)
    rows = list(asked.beside(motif("OTHER", OTHER)))
    assert [(row.distance, row.orientation) for row in rows] == [
        (-30, "same"), (-30, "opposite"), (30, "same"), (30, "opposite"),
    ]  # fmt: skip
    joint = [decode(codes[0]) for codes in seen[2::4]]  # per distance and orientation: joint, single, and the null's
    for text, row in zip(joint, rows, strict=True):
        site = OTHER if row.orientation == "same" else flipped(OTHER)
        centre = text.find(site) + len(site) // 2
        assert centre - (text.find(OWN) + len(OWN) // 2) == row.distance


def test_what_is_taken_out_of_real_regions():
    windows = WINDOWS.copy()
    windows[:10, 90:100] = encode(OWN)
    windows[:6, 110:122] = encode(OTHER)
    asked = grammar(windows)
    own, other = asked.taken_out(motif("OWN", OWN)), asked.taken_out(motif("OTHER", OTHER))
    assert own is not None and other is not None
    assert (own.question, own.n, other.n) == ("taken out", 10, 6)
    assert own.effect == pytest.approx(-(6 * 6 + 4 * 4) / 10, abs=1.3) and own.null > own.effect / 3
    assert other.effect == pytest.approx(-3, abs=1.1) and other.null > other.effect / 3
    assert grammar().taken_out(motif("NONE", "ACGTTGCATGCAATCCGGATATGG")) is None


def test_the_same_seed_gives_the_same_numbers():
    first, again, other = (grammar(seed=seed, regions=12) for seed in (1, 1, 2))
    assert list(first.beside(motif("OTHER", OTHER))) == list(again.beside(motif("OTHER", OTHER)))
    assert len(first.windows) == 12 and not np.array_equal(first.windows, other.windows)
    assert not np.array_equal(first.backgrounds, first.windows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "in steps of 0: at least one step"),
        ({"farthest": 4, "step": 5}, "up to 4 bp in steps of 5"),
        ({"farthest": 8, "step": 4}, r"no distance of up to 8 bp in steps of 4 keeps motifs of 10 and 12 bp apart"),
    ],
)
def test_distances_that_make_no_sense(options, message):
    with pytest.raises(ConfigError, match=message):
        list(grammar(**options).beside(motif("OTHER", OTHER)))


def test_bad_input():
    with pytest.raises(ConfigError, match="one TF's output; found A, B"):
        Grammar(SimpleNamespace(columns=["A", "B"]), motif("A", OWN), WINDOWS)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"regions without unknown bases \(N\); there is none"):
        grammar(WINDOWS[:0])


def test_windows_with_unknown_bases_are_left_out_and_counted(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\n" + "ACGT" * 150 + "N" * 100 + "ACGT" * 50 + "\n")
    (tmp_path / "r.bed").write_text("chr1\t200\t300\nchr1\t550\t650\nchr1\t300\t310\nchr2\t1\t50\n")
    windows, left_out = known_windows(tmp_path / "r.bed", Genome(tmp_path / "g.fa"), 200)
    assert windows.shape == (2, 200) and left_out == 2
    with pytest.raises(InputError, match="no such file"):
        known_windows(tmp_path / "no.bed", Genome(tmp_path / "g.fa"), 200)


def test_table_and_picture(tmp_path):
    asked = grammar(farthest=30, step=10)
    rows = [asked.alone(motif("OWN", OWN)), *asked.beside(motif("OTHER", OTHER))]
    assert write_grammar("OWN", rows, tmp_path / "out.parquet") == len(rows) == 9
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table["distance"].to_pylist()[:3] == [0, -30, -30] and table["orientation"].to_pylist()[0] == "."
    assert table["effect"].to_pylist() == pytest.approx([row.effect for row in rows], abs=1e-6)
    assert all(field.metadata[b"description"] for field in table.schema)
    plot_grammar("OWN", rows, tmp_path / "out.svg")
    said = (tmp_path / "out.svg").read_text()  # text stays text
    assert all(f">{text}<" in said for text in ("OTHER beside OWN", "same strand", "opposite strand"))
    with pytest.raises(InputError, match=r"ending '\.eps'"):
        plot_grammar("OWN", rows, tmp_path / "out.eps")
