"""Predictions for regions and sequences: one row each, in order, under the TF's name."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.prediction import tables as regions_module
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.prediction.tables import PredictionSummary, predict_regions, predict_sequences
from tests.entries import CONTIGS, TFS, lively_network
from tests.tiny import make_entry
from tfb_matrix_data.errors import ConfigError, EntryError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode, encode, reverse_complement

pytest_plugins = ("tests.entries",)

ROWS = [("chr2", 900, 950, "z"), ("chr1", 500, 701, "a"), ("chr1", 0, 10, "edge"), ("chr1", 500, 701, "again")]


def write_bed(path: Path, rows: list[tuple]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def read(path: Path) -> dict[str, list]:
    return pyarrow.parquet.read_table(path).to_pydict()


def sequence_of(chrom: str, centre: int) -> str:
    """Return the window of 200 around a position."""
    return ("N" * 100 + CONTIGS[chrom] + "N" * 100)[centre : centre + 200]


def expected(predictor: Predictor, windows: list[str]) -> np.ndarray:
    return predictor.probability(np.stack([encode(window) for window in windows]))


def scores(table: dict[str, list], columns: tuple[str, ...] = TFS) -> np.ndarray:
    return np.array([table[name] for name in columns], np.float64).T


# Regions


def test_one_row_per_region_in_the_order_of_the_file(tmp_path, predictor, genome):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    summary = predict_regions(predictor, bed, genome, tmp_path / "out.parquet")
    table = read(tmp_path / "out.parquet")
    assert list(table) == ["chrom", "start", "end", "name", "n_unknown", "flags", *TFS]
    assert list(zip(table["chrom"], table["start"], table["end"], table["name"], strict=True)) == ROWS
    windows = [sequence_of("chr2", 925), sequence_of("chr1", 600), sequence_of("chr1", 5), sequence_of("chr1", 600)]
    assert table["n_unknown"] == [window.count("N") for window in windows] == [25, 0, 95, 0]
    np.testing.assert_allclose(scores(table), expected(predictor, windows), atol=1e-6)
    assert table["flags"] == [".", ".", "edge_padded", "."]
    assert summary == PredictionSummary(rows=4, partly_unknown=2, edge_padded=1, flags=Counter(edge_padded=1))
    assert np.ptp(scores(table), axis=0).min() > 0.01  # the network does tell windows apart


@pytest.mark.parametrize("ending", [".tsv", ".h5"])
def test_other_formats_hold_the_same(tmp_path, predictor, genome, ending):
    bed = write_bed(tmp_path / "a.bed", [*ROWS, ("chr2", 1200, 1300, "unknown")])
    for suffix in (".parquet", ending):
        predict_regions(predictor, bed, genome, tmp_path / f"out{suffix}")
    whole = read(tmp_path / "out.parquet")
    if ending == ".h5":
        with h5py.File(tmp_path / "out.h5") as file:
            found = {tf: file[tf][:] for tf in TFS}
            assert file["chrom"].asstr()[:].tolist() == whole["chrom"]
    else:
        lines = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
        assert lines[0] == list(whole)
        assert [line[3] for line in lines[1:]] == whole["name"]
        found = {tf: [float(line[6 + i] or "nan") for line in lines[1:]] for i, tf in enumerate(TFS)}
    np.testing.assert_allclose(scores(found), scores(whole), rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_chunks_nor_threads_change_a_byte(tmp_path, predictor, genome, monkeypatch, set_threads, threads):
    set_threads(1)
    rows = [("chr1", 20 * i, 20 * i + 7, f"r{i}") for i in range(50)]
    bed = write_bed(tmp_path / "a.bed", rows)
    one = predict_regions(predictor, bed, genome, tmp_path / "one.tsv")
    set_threads(threads)
    monkeypatch.setattr(regions_module, "_CHUNK", 7)
    many = predict_regions(predictor, bed, genome, tmp_path / "many.tsv")
    assert one == many and one.rows == 50
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "many.tsv").read_bytes()


def test_windows_without_a_known_base_have_no_score(tmp_path, predictor, genome):
    # chr2 has N at [1000, 1600): windows of 200 with 1, 199 and 200 of them.
    centres = [901, 1099, 1100, 1500, 1501]
    bed = write_bed(tmp_path / "a.bed", [("chr2", centre, centre) for centre in centres])
    summary = predict_regions(predictor, bed, genome, tmp_path / "out.parquet")
    table = read(tmp_path / "out.parquet")
    assert table["n_unknown"] == [1, 199, 200, 200, 199]
    for tf in TFS:
        assert [value is None for value in table[tf]] == [False, False, True, True, False]
    assert summary == PredictionSummary(rows=5, partly_unknown=3, unscored=2, edge_padded=0)


def test_summits_move_the_windows(tmp_path, predictor, genome):
    row = ("chr1", 400, 700, "peak", 0, "+", 1, 1, 1, 30)
    predict_regions(predictor, write_bed(tmp_path / "a.narrowPeak", [row]), genome, tmp_path / "out.parquet", "summit")
    np.testing.assert_allclose(
        scores(read(tmp_path / "out.parquet")), expected(predictor, [sequence_of("chr1", 430)]), atol=1e-6
    )


def test_renamed_contigs_are_reported_once(tmp_path, predictor, genome_path, caplog, monkeypatch):
    monkeypatch.setattr(regions_module, "_CHUNK", 2)
    genome = Genome(genome_path)  # one that has told nobody yet
    bed = write_bed(tmp_path / "a.bed", [("1", 500 + i, 701) for i in range(6)])
    with caplog.at_level(logging.INFO, "tfb_matrix_data.genome"):
        predict_regions(predictor, bed, genome, tmp_path / "out.parquet")
    said = [record.getMessage() for record in caplog.records]  # among others that it reads the genome, if it must
    assert [text for text in said if "contig" in text] == ["contig names differ, reconciled: 1 is chr1"]
    assert read(tmp_path / "out.parquet")["chrom"] == ["1"] * 6


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5"])
def test_a_bad_region_at_the_end_leaves_nothing(tmp_path, predictor, genome, ending, monkeypatch):
    monkeypatch.setattr(regions_module, "_CHUNK", 2)
    bed = write_bed(tmp_path / "a.bed", [*ROWS, ("chr1", 2999, 3001, "beyond")])
    with pytest.raises(InputError, match=r"a\.bed, line 5: chr1:2999-3001 ends beyond the contig \(3,000 bp"):
        predict_regions(predictor, bed, genome, tmp_path / f"out{ending}", strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bed"]


def test_a_tf_may_not_be_named_like_a_column(tmp_path, genome):
    entry = make_entry(tmp_path / "entry", tasks=("ATF4", "name", "SP1"))
    bed = write_bed(tmp_path / "a.bed", ROWS)
    with pytest.raises(InputError, match="a TF is named like a column of the table: name"):
        predict_regions(Predictor([entry]), bed, genome, tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


# Columns


def test_a_subset_of_tfs_in_the_order_asked_for(tmp_path, entry, predictor, genome):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    predict_regions(predictor, bed, genome, tmp_path / "all.parquet")
    predict_regions(Predictor([entry], tfs=["JUND", "ATF4"]), bed, genome, tmp_path / "two.parquet")
    every, two = read(tmp_path / "all.parquet"), read(tmp_path / "two.parquet")
    assert list(two)[6:] == ["JUND", "ATF4"]
    assert two["JUND"] == every["JUND"] and two["ATF4"] == every["ATF4"]


def test_shared_tfs_are_prefixed_by_their_entry(tmp_path, entry, other_entry, genome):
    bed = write_bed(tmp_path / "a.bed", ROWS)
    both = Predictor([entry, other_entry])
    predict_regions(both, bed, genome, tmp_path / "both.parquet")
    columns = ["ATF4", "CTCF", f"{entry.card.name}/JUND", f"{other_entry.card.name}/JUND", "SP1"]
    table = read(tmp_path / "both.parquet")
    assert list(table)[6:] == columns
    for one, names in ((entry, columns[:3]), (other_entry, columns[3:])):
        predict_regions(Predictor([one]), bed, genome, tmp_path / "one.parquet")
        alone = read(tmp_path / "one.parquet")
        np.testing.assert_allclose(scores(table, names), scores(alone, list(alone)[6:]), atol=1e-6)


def test_a_tf_of_several_entries_is_chosen_by_its_name_or_of_one_of_them(entry, other_entry):
    first, second = (f"{each.card.name}/JUND" for each in (entry, other_entry))
    codes = np.random.default_rng(0).integers(0, 4, (3, 200), np.uint8)
    every = Predictor([entry, other_entry]).logits(codes)  # ATF4, CTCF, tiny/JUND, other/JUND, SP1
    for tfs, columns, kept in (
        (["JUND"], [first, second], [2, 3]),
        (["SP1", "JUND", "ATF4"], ["SP1", first, second, "ATF4"], [4, 2, 3, 0]),
        ([second], [second], [3]),
        ([second, "JUND"], [second, first], [3, 2]),
    ):
        some = Predictor([entry, other_entry], tfs)
        assert some.columns == columns and [each.name for each in some.sources] == [
            (entry if i < 3 else other_entry).name for i in kept
        ]
        np.testing.assert_allclose(some.logits(codes), every[:, kept], atol=1e-6)


def test_an_unknown_tf_is_an_error_with_a_suggestion(entry, other_entry):
    with pytest.raises(UnknownNameError, match=r"unknown TF 'JUNDD'\. Did you mean JUND\?"):
        Predictor([entry], tfs=["ATF4", "JUNDD"])
    with pytest.raises(UnknownNameError, match=r"Valid: ATF4, CTCF, tiny/JUND, other/JUND, SP1, JUND\.") as caught:
        Predictor([entry, other_entry], tfs=["QQQQQQ"])
    assert "unknown TF 'QQQQQQ'" in str(caught.value)


LENGTH = len(CONTIGS["chr1"])
OFF = [
    ("chr1", 500, 701, "in", "."),
    ("scaffold", 5, 9, "nowhere", "unknown_contig"),
    ("chr1", LENGTH - 100, LENGTH + 60, "edge", "ends_beyond_contig;edge_padded"),
    ("chr1", LENGTH - 2000, LENGTH + 60, "long", "ends_beyond_contig"),
    ("chr1", LENGTH + 500, LENGTH + 560, "far", "outside_contig"),
    ("1", 0, 10, "start", "edge_padded"),
]


@pytest.mark.parametrize("chunk", [1, 2, 4096])
def test_regions_off_the_genome_keep_their_rows(tmp_path, predictor, genome, monkeypatch, chunk):
    monkeypatch.setattr(regions_module, "_CHUNK", chunk)
    bed = write_bed(tmp_path / "a.bed", [row[:4] for row in OFF])
    summary = predict_regions(predictor, bed, genome, tmp_path / "out.parquet")
    table = read(tmp_path / "out.parquet")
    assert table["name"] == [row[3] for row in OFF] and table["flags"] == [row[4] for row in OFF]
    assert table["n_unknown"][1] == table["n_unknown"][4] == 200
    assert [value is None for value in table[TFS[0]]] == [False, True, False, False, True, False]
    windows = [sequence_of("chr1", 600), sequence_of("chr1", LENGTH - 20)]
    np.testing.assert_allclose(scores(table)[[0, 2]], expected(predictor, windows), atol=1e-6)
    counts = {"unknown_contig": 1, "outside_contig": 1, "ends_beyond_contig": 2, "edge_padded": 2}
    assert summary.flags == counts and summary.first_off == 2 and summary.unscored == 2


def test_strict_refuses_regions_off_the_genome(tmp_path, predictor, genome):
    bed = write_bed(tmp_path / "a.bed", [row[:4] for row in OFF])
    with pytest.raises(InputError, match=r"a.bed, line 2: unknown contig .* 'scaffold'"):
        predict_regions(predictor, bed, genome, tmp_path / "out.tsv", strict=True)
    assert not (tmp_path / "out.tsv").exists()


def test_regions_none_of_which_is_on_the_genome_are_refused(tmp_path, predictor, genome):
    bed = write_bed(tmp_path / "a.bed", [("scaffold", 5, 9), ("other", 5, 9)])
    with pytest.raises(
        InputError, match=r"a.bed: nothing is on a contig of .*, which has chr1, chr2; found scaffold, other"
    ):
        predict_regions(predictor, bed, genome, tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


@pytest.mark.parametrize(
    ("anchor", "said"), [("centre", "s (column 10 has summits: --anchor summit takes them)"), ("summit", "s")]
)
def test_the_anchor_is_said(tmp_path, predictor, genome, caplog, anchor, said):
    caplog.set_level(logging.INFO)
    row = ("chr1", 400, 700, "peak", 0, "+", 1, 1, 1, "30.0", "x", "")
    predict_regions(predictor, write_bed(tmp_path / "a.bed", [row, row]), genome, tmp_path / "out.tsv", anchor)
    assert caplog.messages.count(f"a.bed: windows around {anchor}{said}") == 1


# Sequences


def test_one_row_per_sequence(tmp_path, predictor):
    sequences = {
        "long": CONTIGS["chr1"][:301],
        "short": CONTIGS["chr1"][:51],
        "unknown": "N" * 200,
        "exact": "ACGT" * 50,
    }
    fasta = tmp_path / "a.fa"
    fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()))
    summary = predict_sequences(predictor, fasta, tmp_path / "out.parquet")
    table = read(tmp_path / "out.parquet")
    assert list(table) == ["name", "length", "n_unknown", *TFS]
    assert table["name"] == list(sequences) and table["length"] == [301, 51, 200, 200]
    # Centre 25 of the short one goes to index 100: 75 unknown bases before it and 74 behind.
    windows = [CONTIGS["chr1"][50:250], "N" * 75 + CONTIGS["chr1"][:51] + "N" * 74, "N" * 200, "ACGT" * 50]
    assert table["n_unknown"] == [0, 149, 200, 0]
    np.testing.assert_allclose(scores(table), expected(predictor, windows), atol=1e-6)
    assert np.isnan(scores(table)).any(1).tolist() == [False, False, True, False]
    assert summary == PredictionSummary(rows=4, partly_unknown=1, unscored=1, edge_padded=1)


def test_the_other_strand_has_the_same_probability(tmp_path, predictor):
    windows = [CONTIGS["chr1"][at : at + 200] for at in range(0, 2000, 100)] + [CONTIGS["chr2"][850:1050]]
    for name, strand in (("forward", windows), ("reverse", [decode(reverse_complement(encode(w))) for w in windows])):
        assert name == "forward" or strand != windows
        (tmp_path / f"{name}.fa").write_text("".join(f">{i}\n{window}\n" for i, window in enumerate(strand)))
        predict_sequences(predictor, tmp_path / f"{name}.fa", tmp_path / f"{name}.parquet")
    forward, reverse = (scores(read(tmp_path / f"{name}.parquet")) for name in ("forward", "reverse"))
    np.testing.assert_allclose(forward, reverse, atol=1e-5)
    assert np.ptp(forward, axis=0).min() > 0.01


def test_a_bad_sequence_leaves_nothing(tmp_path, predictor):
    (tmp_path / "a.fa").write_text(">a\nACGT\n>b\nAC?T\n")
    with pytest.raises(InputError, match=r"a\.fa, line 3: sequence 'b': character '\?'"):
        predict_sequences(predictor, tmp_path / "a.fa", tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.fa"]


def test_an_entry_given_twice_and_columns_of_one_name(entry, tmp_path):
    with pytest.raises(EntryError, match="is given twice; leave one of them out"):
        Predictor([entry, entry])
    names = {"x/JUND": ("JUND", "SP1"), "x": ("JUND", "ATF4")}
    made = [
        make_entry(tmp_path / str(n), lively_network(n, 2), name=name, tasks=tfs)
        for n, (name, tfs) in enumerate(names.items())
    ]
    assert Predictor(made).columns == ["x/JUND/JUND", "SP1", "x/JUND", "ATF4"]
    third = make_entry(tmp_path / "2", lively_network(2, 1), name="y", tasks=("x/JUND",))
    with pytest.raises(ConfigError, match="two columns would be called x/JUND; give the entries one by one"):
        Predictor([*made, third])
