"""TF-MoDISco finds the sites that contributions were made for, Tomtom names them, and files and page say so."""

from __future__ import annotations

import re
import sys

import h5py
import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.interpretation.discovery import discover, write_modisco, write_patterns
from kipoi_tfb.interpretation.plot_patterns import plot_motif, plot_pattern
from kipoi_tfb.motifs.jaspar import vertebrate_motifs
from kipoi_tfb.motifs.profiles import Motif, read_motifs
from kipoi_tfb.report.motif_page import patterns_leaflet
from kipoi_tfb.report.page import render_leaflet
from tests.entries import write_files
from tests.interpretation.planted import MOTIF, made_up_contributions, planted_entry, windows_with_sites
from tests.report.pages import FACTS
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries",)

OWN = Motif("Planted", "MA_PLANTED", "JUND", np.eye(4)[encode(MOTIF)].T * 50)
FLIPPED = decode((3 - encode(MOTIF)[::-1]).astype(np.uint8))


@pytest.fixture(scope="module")
def held():
    codes, start, _ = windows_with_sites(150)
    return made_up_contributions(codes, start)


@pytest.fixture(scope="module")
def found(held):
    return discover(held, [OWN, *vertebrate_motifs()[:40]])


def test_the_planted_pattern(found, held):
    first = found.patterns[0]
    assert first.name == "pos0" and first.consensus in (MOTIF, FLIPPED)
    assert first.matches[0].motif is OWN and first.is_known and len(first.matches) == 3
    assert 100 < len(first.seqlets) <= 150 and first.windows == len(first.seqlets) and found.windows == 150
    # A contribution of 1 per base of the site.
    assert first.contributions.sum() == pytest.approx(13, abs=1)
    assert first.counts.sum(0) == pytest.approx(np.full(first.counts.shape[1], len(first.seqlets)))
    for window, start, end, _ in first.seqlets.tolist():
        text = decode(held.codes[window, start:end])
        assert MOTIF in text or FLIPPED in text


def test_files(found, tmp_path):
    assert write_patterns(found, tmp_path / "p.parquet") == len(found.patterns)
    table = pyarrow.parquet.read_table(tmp_path / "p.parquet")
    assert table["match_id"][0].as_py() == "MA_PLANTED" and table["q"][0].as_py() < 0.05
    assert all(field.metadata[b"description"] for field in table.schema)
    write_modisco(found, tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        pattern = file["pos_patterns/pattern_0"]
        assert int(pattern["seqlets/n_seqlets"][0]) == len(found.patterns[0].seqlets)
        np.testing.assert_allclose(pattern["contrib_scores"][:].T, found.patterns[0].contributions)
    plot_pattern(found.patterns[0], tmp_path / "p.svg")
    plot_motif(OWN, tmp_path / "m.svg")
    assert ">log-odds<" in (tmp_path / "p.svg").read_text() and ">bits<" in (tmp_path / "m.svg").read_text()


def test_the_page(found, held):
    page = render_leaflet(patterns_leaflet(found, "JU<ND", held.about, FACTS))
    assert "JU&lt;ND" in page and "JU<ND" not in page
    assert "Planted (MA_PLANTED), q" in page and f"Logo of pos0: {found.patterns[0].consensus}" in page
    pictures = re.findall(r'<img class="drawn" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+" alt="Logo', page)
    assert len(pictures) == 2 * len(found.patterns)
    assert not re.search(r"https?://", page)  # nothing is loaded
    assert 'href="#part-1"' in page and 'id="part-1"' in page and "It holds the variants" not in page
    assert page == render_leaflet(patterns_leaflet(found, "JU<ND", held.about, FACTS))


def test_too_little(held):
    few = held._replace(one_hot=held.one_hot[:20], hypothetical=held.hypothetical[:20])
    with pytest.raises(
        ConfigError, match=r"contributions of 20 windows to JUND have no more than 100 seqlets of either"
    ):
        discover(few)
    with pytest.raises(ConfigError, match="contributions to JUND are zero everywhere"):
        discover(few._replace(hypothetical=np.zeros_like(few.hypothetical)))
    with pytest.raises(ConfigError, match="windows of 30 bp; TF-MoDISco looks at stretches of 41"):
        discover(few._replace(one_hot=few.one_hot[:, :, :30], hypothetical=few.hypothetical[:, :, :30]))


def test_not_installed(held, monkeypatch):
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", None)
    with pytest.raises(ConfigError, match=r"TF-MoDISco is not installed .*pip install 'kipoi-tfb\[interpret\]'"):
        discover(held)


def test_the_command(tfb, tmp_path):
    codes, _, _ = windows_with_sites(130)
    write_files(tmp_path, {"in.fa": "".join(f">w{i}\n{decode(row)}\n" for i, row in enumerate(codes))})
    entry = planted_entry(tmp_path / "planted")
    explained = ("--sequences", "in.fa", "--shuffles", "2", "-o", "c.h5")
    code, _, err = tfb("explain", str(entry.folder), *explained)
    assert code == 0, err
    files = ("-o", "p.tsv", "--hdf5", "m.h5", "--meme", "p.meme", "--html", "p.html", "--entry", str(entry.folder))
    code, _, err = tfb("motifs", "discover", "c.h5", *files)
    assert code == 0, err
    header, first, *_ = (tmp_path / "p.tsv").read_text().splitlines()
    row = dict(zip(header.split("\t"), first.split("\t"), strict=True))
    assert row["pattern"] == "pos0" and (row["consensus"] in MOTIF or row["consensus"] in FLIPPED)
    assert read_motifs(tmp_path / "p.meme")[0].matrix_id == "pos0"
    page = (tmp_path / "p.html").read_text()
    assert "Which motifs does the model of JUND use?" in page and "c.h5" in page and str(tmp_path) not in page
    assert (tmp_path / "m.h5").exists() and "patterns in 130 windows -> p.tsv" in err
    bad = {
        "give it a name that ends in .html": ("c.h5", "-o", "o.tsv", "--html", "o.pdf"),
        "format from the ending '.csv'": ("c.h5", "-o", "o.csv"),
        "holds contributions of other weights": ("c.h5", "-o", "o.tsv", "--entry", "multi50"),
    }
    for message, arguments in bad.items():
        code, _, err = tfb("motifs", "discover", *arguments)
        assert code == 1 and message in err, err
    assert not list(tmp_path.glob("o.*"))
