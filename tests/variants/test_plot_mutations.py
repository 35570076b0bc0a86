"""The heatmap and logo of a region: what stands in it, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from kipoi_tfb.variants.mutagenesis import Region, RegionMutations
from kipoi_tfb.variants.plot_mutations import check_drawable, plot_mutations
from tests.drawn import collisions, sticking_out, texts
from tests.motifs.made_up import consensus
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.pictures",)


def made(letters: str = "ACNT", tfs: tuple[str, ...] = ("JUND", "SP1"), size: float = 2.0) -> RegionMutations:
    """Return mutations whose effects are drawn at random."""
    codes = encode(letters)
    rng = np.random.default_rng(1)
    ref = np.zeros((len(codes), len(tfs)), np.float32)
    alt = rng.normal(0, size, (len(codes), 4, len(tfs))).astype(np.float32)
    known = np.flatnonzero(codes < 4)
    alt[known, codes[known]] = np.nan
    ref[codes == 4] = alt[codes == 4] = np.nan
    start = 11_089_203
    return RegionMutations(
        codes, list(tfs), ref, alt, Region("chr19", start, start + len(codes)), "chr19", ["."] * len(known)
    )


def test_what_stands_in_it(tmp_path):
    path = tmp_path / "a.svg"
    plot_mutations(made("ACNTACG"), path, "A title")
    text = path.read_text()
    for word in ("A title", "JUND   P(bound) 0.5", "SP1   P(bound) 0.5", "chr19, 1-based position", "11,089,205"):
        assert f">{word}<" in text
    for word in ("Up: the base helps binding", "red strengthens binding, blue weakens it", "log-odds"):
        assert word in text
    plot_mutations(made("ACNTACG"), tmp_path / "b.svg", "A title")
    assert (tmp_path / "b.svg").read_text() == text


def test_a_short_region_has_room_for_its_words(tmp_path, figures):
    plot_mutations(made("ACT"), tmp_path / "a.png", "chr19:11089203-11089205, multi163: every single substitution")
    (figure,) = figures
    assert len(figure.texts) == 2 and sticking_out(figure) == []


def with_sites(monkeypatch) -> RegionMutations:
    """Return mutations of three TFs; two of one kind have one site, at the third base, and the first a second one."""
    acgt, other = consensus("ACGG", sites=200), consensus("GGGG", sites=200)
    motifs = {"JUND": (acgt, other), "CTCF": (), "FOSL2": (acgt,)}
    monkeypatch.setattr("kipoi_tfb.variants.plot_mutations.read_profiles", lambda: motifs)
    monkeypatch.setattr(
        "kipoi_tfb.variants.plot_mutations.jaspar_motifs", lambda tfs: {tf: motifs[tf] for tf in tfs if motifs[tf]}
    )
    mutations = made("TTACGGTTGGGGTT", ("JUND", "entry/CTCF", "entry/FOSL2"))
    mutations.alt[:] = np.where(np.isnan(mutations.alt), np.nan, -0.5)
    mutations.alt[2:6] -= 1
    return mutations


def test_sites_are_named_and_tfs_that_share_one_stand_together(tmp_path, figures, monkeypatch):
    plot_mutations(with_sites(monkeypatch), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert ">One site, 11,089,206-11,089,209: JUND, entry/FOSL2<" in text
    assert [text.index(f">{tf}   P(bound)") for tf in ("JUND", "entry/FOSL2", "entry/CTCF")] == sorted(
        text.index(f">{tf}   P(bound)") for tf in ("JUND", "entry/CTCF", "entry/FOSL2")
    )
    assert text.count(">ACGG M-ACGG (+)<") == 2 and text.count(">GGGG M-GGGG (+)<") == 1
    assert ">−mean effect<" in text and ">(log-odds)<" in text
    (figure,) = figures
    spans = [line.get_xdata() for axes in figure.axes for line in axes.lines if line.get_linewidth() == 1.2]
    assert [tuple(span) for span in spans] == [(1.6, 5.4), (7.6, 11.4), (1.6, 5.4)]


def test_names_of_sites_do_not_collide(tmp_path, figures, monkeypatch):
    plot_mutations(with_sites(monkeypatch), tmp_path / "a.png")
    (figure,) = figures
    words = [(text.get_text(), box) for text, box in texts(figure) if len(text.get_text()) > 3]
    assert [one for one in words if "M-GGGG" in one[0]] and collisions(words) == [] and sticking_out(figure) == []


def test_letters_go_up_where_the_base_helps(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "kipoi_tfb.variants.plot_mutations.draw_logo", lambda axes, heights, limits: drawn.append((heights, limits))
    )
    mutations = made("AC", ("X",))
    mutations.alt[0, 1:, 0], mutations.alt[1, [0, 2, 3], 0] = (-1, -2, -3), (0, 0.5, 1)
    plot_mutations(mutations, tmp_path / "a.png")
    ((heights, (low, up)),) = drawn
    assert heights.tolist() == [[2, 0, 0, 0], [0, -0.5, 0, 0]]
    assert low < -0.5 and up > 2


def test_colours_are_centred_at_zero(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    shown = []
    original = Axes.imshow

    def imshow(self, values, **options):
        shown.append((np.ma.filled(values, np.nan), options))
        return original(self, values, **options)

    monkeypatch.setattr(Axes, "imshow", imshow)
    mutations = made("AC")
    plot_mutations(mutations, tmp_path / "a.png")
    assert len(shown) == 2
    for i, (values, options) in enumerate(shown):
        np.testing.assert_array_equal(values, mutations.effect[:, :, i].T)
        assert options["vmax"] == -options["vmin"] == pytest.approx(np.nanmax(np.abs(mutations.effect)))


@pytest.mark.parametrize("size", [0.0, 2.0])
def test_one_base_and_no_effect_at_all(tmp_path, size):
    plot_mutations(made("G", ("JUND",), size), tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("bases", "n_tfs", "name", "error", "message"),
    [
        (501, 1, "a.png", ConfigError, "shows at most 500 bases, chr1:1-501 has 501; give less, or no --plot"),
        (500, 13, "a.png", ConfigError, "shows at most 12 TFs, these are 13; name fewer with --tfs, or give --top"),
        (500, 12, "a.eps", InputError, r"cannot draw a figure of the ending '.eps'; use one of .png, .svg, .pdf"),
    ],
)
def test_what_it_refuses(bases, n_tfs, name, error, message):
    with pytest.raises(error, match=message):
        check_drawable(Region("chr1", 0, bases), n_tfs, name)
    check_drawable(Region("chr1", 0, 500), 12, "a.svg")
