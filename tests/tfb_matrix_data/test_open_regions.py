"""Regions and where they are open: the rule of merging, and UCSC's clusters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfb_matrix_data import tracks
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.open_regions import OpenRegions, regions_of_clusters, regions_of_tracks
from tfb_matrix_data.samples import Sample
from tfb_matrix_data.sizes import Sizes

CLUSTER = "{}\t{}\t{}\t.\t9\t1\t{}\t1,1,\n"
SOURCES = "#id\tcell\n3\tK562\n0\tHepG2\textra\n7\tK562\n"


def table(regions: OpenRegions) -> list[tuple[str, int, list[str]]]:
    open_in = [regions.is_open(c) for c in range(len(regions.cell_types))]
    return [
        (regions.contigs[c], s, [name for name, bits in zip(regions.cell_types, open_in, strict=True) if bits[i]])
        for i, (c, s) in enumerate(zip(regions.contig.tolist(), regions.start.tolist(), strict=True))
    ]


def of_tracks(folder: Path, sizes: Sizes | None = None, **texts: str) -> OpenRegions:
    samples = []
    for number, (cell, text) in enumerate(texts.items()):
        (folder / f"{cell}.bed").write_text(text)
        samples.append(Sample("accessible", folder / f"{cell}.bed", "", cell, number))
    return regions_of_tracks(samples, sizes)


def test_intervals_that_share_a_base_are_merged_and_those_that_touch_are_not(tmp_path: Path) -> None:
    regions = of_tracks(
        tmp_path, K562="chr2\t1000\t1010\nchr1\t1000\t1100\nchr1\t1100\t1200\n", HepG2="chr1\t1199\t1301\n"
    )
    assert table(regions) == [("chr1", 950, ["K562"]), ("chr1", 1100, ["HepG2", "K562"]), ("chr2", 905, ["K562"])]
    assert (regions.n_intervals, regions.n_merged, regions.n_overlapping) == (4, 1, 2)


def test_an_interval_inside_a_long_one_does_not_end_it(tmp_path: Path) -> None:
    regions = of_tracks(tmp_path, K562="chr1\t1000\t3000\n", HepG2="chr1\t1100\t1200\nchr1\t2500\t2600\n")
    assert table(regions) == [("chr1", 1900, ["HepG2", "K562"])]


def test_contigs_without_a_region_left_are_not_listed(tmp_path: Path) -> None:
    regions = of_tracks(tmp_path, Sizes({"a": 500, "b": 300}, "s"), K562="a\t0\t9\nb\t100\t200\n")
    assert table(regions) == [("b", 50, ["K562"])]
    assert regions.n_beyond == 1


def test_more_cell_types_than_the_layout_holds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text("chr1\t500\t600\n")
    samples = [Sample("accessible", tmp_path / "a.bed", "", f"cell {i}", i) for i in range(257)]
    with pytest.raises(ConfigError, match="257 cell types; a matrix holds 256"):
        regions_of_tracks(samples)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Ids 3 and 7 are of K562, 0 of HepG2."""
    (tmp_path / "sources.tsv").write_text(SOURCES)
    return tmp_path / "sources.tsv"


@pytest.mark.parametrize("ucsc_bin", ["", "585\t"])
@pytest.mark.parametrize("comment", ["", "#bin\tchrom\n"])
@pytest.mark.parametrize("block", [50, 1 << 20])
def test_clusters_are_open_in_the_cell_types_of_their_sources(
    sources: Path, tmp_path: Path, monkeypatch, ucsc_bin: str, comment: str, block: int
) -> None:
    monkeypatch.setattr(tracks, "_BLOCK", block)
    rows = [("chr2", 1000, 1150, "3,7,"), ("chr1", 500, 550, "0,7"), ("chr1", 500, 551, "7"), ("chr1", 550, 560, "0")]
    lines = [ucsc_bin + CLUSTER.format(*row) for row in rows]
    lines.insert(2, comment)
    (tmp_path / "c.bed").write_text("".join(lines))
    regions = regions_of_clusters(tmp_path / "c.bed", sources)
    # Clusters are not merged: the two around 525 end up as one because their regions are the same.
    assert table(regions) == [
        ("chr1", 425, ["HepG2", "K562"]),
        ("chr1", 455, ["HepG2"]),
        ("chr2", 975, ["K562"]),
    ]
    assert (regions.n_intervals, regions.n_merged, regions.n_duplicates, regions.n_overlapping) == (4, 0, 1, 2)


FAULTS = {
    "unknown id": (CLUSTER.format("chr1", 5, 9, "3,4,"), r"c\.bed, line 2: source id '4' is not in sources\.tsv"),
    "far id": (CLUSTER.format("chr1", 5, 9, "99999999"), "line 2: source id '99999999' is not in"),
    "no id": (CLUSTER.format("chr1", 5, 9, ""), "line 2: source id '' is not in"),
    "word": (CLUSTER.format("chr1", 5, 9, "K562"), "line 2: source id 'K562' is not in"),
    "backwards": (CLUSTER.format("chr1", 9, 5, "3"), "line 2: start 9, end 5"),
    "not a number": (CLUSTER.format("chr1", "x", 5, "3"), "line 2: start 'x', end '5'"),
    "BED": ("chr1\t1\t2\n", r"line 2: 3 column\(s\); expected chrom, start, end, name, score, source count"),
    "contig": (CLUSTER.format("chr9", 5, 9, "3"), "line 2: unknown contig 'chr9'"),
    "end": (CLUSTER.format("chr1", 5, 9999, "3"), "line 2: chr1:5-9999 ends beyond"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_spoilt_cluster_is_named_by_its_line(sources: Path, tmp_path: Path, case: str) -> None:
    line, message = FAULTS[case]
    (tmp_path / "c.bed").write_text(CLUSTER.format("chr1", 500, 600, "3") + line)
    with pytest.raises(InputError, match=message):
        regions_of_clusters(tmp_path / "c.bed", sources, Sizes({"chr1": 2000}, "sizes"), strict=True)


def test_clusters_that_are_not_on_the_genome_are_left_out(sources: Path, tmp_path: Path) -> None:
    rows = [("chr9", 5, 9, "3"), ("chr1", 500, 550, "0,7"), ("chr1", 5, 9999, "3"), ("chr1", 600, 900, "7,")]
    (tmp_path / "c.bed").write_text("".join(CLUSTER.format(*row) for row in rows))
    regions = regions_of_clusters(tmp_path / "c.bed", sources, Sizes({"chr1": 2000}, "sizes"))
    (tmp_path / "c.bed").write_text("".join(CLUSTER.format(*row) for row in rows[1::2]))
    assert table(regions) == table(regions_of_clusters(tmp_path / "c.bed", sources))
    assert (regions.n_off, regions.n_intervals) == (2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\tK562\nx\tHepG2\n", "line 2: expected a source id"),
        ("3\tK562\n4\n", "line 2: expected a source id"),
        ("3\tK562\n3\tHepG2\n", "line 2: source id 3 has another cell type in an earlier line"),
        ("#\n", "has no source id"),
    ],
)
def test_spoilt_sources_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "sources.tsv").write_text(text)
    (tmp_path / "c.bed").write_text(CLUSTER.format("chr1", 500, 600, "3"))
    with pytest.raises(InputError, match=rf"sources\.tsv(: |, ){message}"):
        regions_of_clusters(tmp_path / "c.bed", tmp_path / "sources.tsv")
