"""What peaks make bound and unbound, by hand, and the account of what they do not."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.finetuning.peaks import Account, places_of_peaks
from tfb_matrix_data.errors import InputError, UnknownNameError
from tfb_matrix_data.genome import Genome


@pytest.fixture
def genome(tmp_path, write_fasta) -> Genome:
    rng = np.random.default_rng(0)
    contigs = {name: "".join(rng.choice(list("ACGT"), 2000)) for name in ("chr1", "chr2")}
    return Genome(write_fasta(tmp_path / "g.fa", contigs))


@pytest.fixture
def put(tmp_path):
    def write(name, *rows):
        (tmp_path / name).write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        return tmp_path / name

    return write


PEAKS = (
    ("1", 200, 240),
    ("chr1", 230, 270),  # its window overlaps that of the one before
    ("chr1", 600, 640),
    ("chr2", 200, 240),  # off the open regions
    ("chrUn", 1, 9),
)
OPEN = (("chr1", 150, 350), ("chr1", 550, 700), ("chr1", 900, 1000), ("chr2", 500, 600), ("chr2", 505, 605))


def test_bound_and_unbound_by_hand(genome, put):
    found = places_of_peaks(put("p.bed", *PEAKS), genome, put("o.bed", *OPEN), 100, "auto", 0)
    assert found.bound.rows() == [("chr1", 170, 270), ("chr1", 570, 670)]
    # Around the centres of the open regions that touch neither a peak nor the window around one; the first of two.
    assert found.unbound.rows() == [("chr1", 900, 1000), ("chr2", 500, 600)]
    assert found.source == "5 peaks of p.bed against open regions of o.bed"
    said = str(found.account).splitlines()
    assert said[0] == "p.bed: windows around centres; unbound: open regions of o.bed"
    assert [line.split()[-2:] for line in said[2:3]] == [["5", "5"]]
    table = {line.split("  ")[0]: line.split()[-1] for line in said[2:]}
    assert table["- on contigs that g.fa lacks (chrUn)"] == "0" and table["- outside of the open regions"] == "1"
    assert table["- on a peak, or on the window around one"] == "2"
    assert table["- given twice, or overlapping an earlier window"] == "1"


def test_windows_are_around_summits_where_there_are_any(genome, put):
    rows = [("chr1", 200, 300, ".", 0, ".", 1, 1, 1, 10), ("chr1", 600, 700, ".", 0, ".", 1, 1, 1, 20)]
    peaks, opened = put("p.narrowPeak", *rows), put("o.bed", *OPEN)
    found = places_of_peaks(peaks, genome, opened, 100, "auto", 0)
    assert found.bound.rows() == [("chr1", 160, 260), ("chr1", 570, 670)]
    centred = places_of_peaks(peaks, genome, opened, 100, "centre", 0)
    assert centred.bound.rows() == [("chr1", 200, 300), ("chr1", 600, 700)]
    with pytest.raises(UnknownNameError, match="unknown anchor 'middle'"):
        places_of_peaks(peaks, genome, opened, 100, "middle", 0)


def test_without_open_regions_every_peak_counts(genome, put):
    found = places_of_peaks(put("p.bed", *PEAKS[:4]), genome, None, 100, "auto", 0)
    assert found.bound.rows() == [("chr1", 170, 270), ("chr1", 570, 670), ("chr2", 170, 270)]
    assert len(found.unbound) and not found.unbound.touch(found.bound).any()
    assert found.source == "4 peaks of p.bed against places away from peaks"
    again = places_of_peaks(put("p.bed", *PEAKS[:4]), genome, None, 100, "auto", 0)
    assert again.unbound.rows() == found.unbound.rows()


def test_peaks_off_the_open_regions(genome, put):
    peaks = put("p.bed", *(("chr2", at, at + 10) for at in range(700, 1700, 20)))
    with pytest.raises(InputError, match=r"0 of 50 peaks lie in open regions of o.bed, where 3 would by chance; are"):
        places_of_peaks(peaks, genome, put("o.bed", *OPEN), 100, "auto", 0)


def test_an_account_leaves_cells_empty_that_do_not_apply():
    account = Account("peaks.bed")
    account.add("there are", 12_345, None)
    account.add("- gone", None, 7)
    assert str(account).splitlines() == [
        "peaks.bed",
        "               peaks    unbound",
        "there are     12,345",
        "- gone                        7",
    ]
