"""The picture of a variant: its words, its columns, the motif where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kipoi_tfb.motifs.profiles import log_odds
from kipoi_tfb.variants.mutagenesis import Mutations
from kipoi_tfb.variants.plot_view import Mark, plot_variant
from kipoi_tfb.variants.sites import Site
from kipoi_tfb.variants.view import ShownAllele, VariantView, view_variant
from tests.drawn import collisions, sticking_out, texts
from tests.entries import CONTIGS
from tests.motifs.made_up import consensus
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries", "tests.pictures")

MOTIF = consensus("GTA", sites=1e6)


def allele(letters: str, contribution: list[float], column: list[int], pos: list[int], own: tuple[int, int]):
    codes = encode(letters)
    alt = np.repeat(-np.array(contribution, np.float32)[:, None, None], 4, 1)
    alt[np.arange(len(codes)), codes] = np.nan
    return ShownAllele(
        Mutations(codes, ["JUND"], np.zeros((len(codes), 1), np.float32), alt), np.array(column), np.array(pos), own
    )


def made() -> VariantView:
    """Return CAG, of which A becomes ATT."""
    ref = allele("CAG", [0.0, 1.0, -0.5], [0, 1, 4], [99, 100, 101], (1, 2))
    alt = allele("CATTG", [0.0, 1.0, 2.0, 3.0, 0.0], [0, 1, 2, 3, 4], [99, 100, 100, 100, 101], (1, 4))
    site = Site(MOTIF, log_odds(MOTIF.pfm), 0, 0, False, (4.1, -2.0), True)
    probability = np.array([[0.0123], [0.999]], np.float32)
    effect, impact = np.array([2.5], np.float32), np.array([-0.75], np.float32)
    return VariantView("chr1", 100, "A", "ATT", ["JUND"], probability, effect, impact, (ref, alt), [site])


def shown_twice() -> VariantView:
    """Return a picture of three TFs, of which the first and the last have one site."""
    view, (own,) = made(), made().sites
    assert own is not None
    other = replace(own, motif=consensus("AGT"))
    alleles = [
        replace(allele, mutations=replace(allele.mutations, ref=np.repeat(allele.mutations.ref, 3, 1)))
        for allele in view.alleles
    ]
    alleles = [
        replace(allele, mutations=replace(allele.mutations, tfs=["A", "B", "C"], alt=allele.mutations.alt.repeat(3, 2)))
        for allele in alleles
    ]
    return replace(
        view,
        tfs=["A", "B", "C"],
        probability=view.probability.repeat(3, 1),
        effect=view.effect.repeat(3),
        impact=view.impact.repeat(3),
        alleles=(alleles[0], alleles[1]),
        sites=[own, other, own],
    )


@pytest.fixture
def drawn(monkeypatch):
    """Heights and limits of all logos."""
    found: list[tuple] = []
    monkeypatch.setattr(
        "kipoi_tfb.variants.plot_view.draw_logo", lambda axes, heights, limits: found.append((heights, limits))
    )
    return found


def test_what_stands_in_it(tmp_path):
    plot_variant(made(), tmp_path / "a.svg", "A title")
    text = (tmp_path / "a.svg").read_text()
    for word in (
        "A title",
        "JUND   P(bound) 0.012 with REF, &gt;0.99 with ALT; impact −0.75, effect +2.50",
        "chr1, 1-based position (of REF)",
    ):
        assert f">{word}<" in text
    assert (
        "JASPAR M-GTA GTA, + strand of REF, best match covering the variant: log-odds 4.1 in REF, −2.0 in ALT" in text
    )
    assert "Up: the base helps binding" in text
    plot_variant(made(), tmp_path / "b.svg", "A title")
    assert (tmp_path / "b.svg").read_text() == text


def test_alleles_and_motif_are_aligned(tmp_path, drawn):
    """Columns of the insertion are empty with REF, and the motif, found on REF, leaves them out too."""
    plot_variant(made(), tmp_path / "a.png")
    (ref, limits), (alt, same), (motif, bits) = drawn
    assert ref.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, -0.5, 0]]
    assert alt.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 3], [0, 0, 0, 0]]
    assert limits == same and limits[0] < -0.5 and limits[1] > 3 and bits == (0, 2)
    np.testing.assert_allclose(motif, [[0, 0, 2, 0], [0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]], atol=1e-3)


def test_no_profile_and_a_match_beside(tmp_path):
    plot_variant(replace(made(), sites=[None]), tmp_path / "a.svg")
    assert ">no JASPAR profile<" in (tmp_path / "a.svg").read_text()
    site = made().sites[0]
    assert site is not None
    site = replace(site, covers=False, reverse=True, allele=1)
    plot_variant(replace(made(), sites=[site]), tmp_path / "b.svg")
    assert "− strand of ALT, best match, beside the variant" in (tmp_path / "b.svg").read_text()


def test_a_site_that_is_no_match_is_said_not_drawn(tmp_path, drawn):
    site = made().sites[0]
    assert site is not None
    plot_variant(replace(made(), sites=[replace(site, scores=(-1.3, -2.0))]), tmp_path / "a.svg")
    assert len(drawn) == 2  # REF and ALT
    words = "no match of a JASPAR profile; the best, of JASPAR M-GTA GTA: log-odds −1.3 in REF, −2.0 in ALT"
    assert f">{words}<" in (tmp_path / "a.svg").read_text()


def test_a_motif_at_one_place_is_drawn_once(tmp_path, drawn):
    plot_variant(shown_twice(), tmp_path / "a.svg")
    assert len(drawn) == 3 * 2 + 2
    assert ">JASPAR M-GTA GTA, the same site as of A above<" in (tmp_path / "a.svg").read_text()


def test_the_axes_say_their_unit_and_the_words_have_room(tmp_path, figures):
    view = shown_twice()
    view.probability[:] = 0.25  # ticks of two decimals are the widest
    plot_variant(view, tmp_path / "a.png")
    (figure,) = figures
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    alleles = [f"{name}\n−mean effect\n(log-odds)" for name in ("REF", "ALT")]
    assert labels == [*alleles, "motif\nbits", *alleles, "motif\nbits", *alleles]
    assert sticking_out(figure) == []
    words = [(text.get_text(), box) for text, box in texts(figure) if len(text.get_text()) > 8]
    assert collisions(words) == []


def shaded(figure):
    """Return the columns from which and to which each axes is shaded."""
    from matplotlib.patches import Rectangle

    patches = [axes.findobj(lambda one: isinstance(one, Rectangle) and one.get_zorder() == -2) for axes in figure.axes]
    return [(patch.get_x() + 0.5, patch.get_x() + patch.get_width() + 0.5) for some in patches for patch in some]


@pytest.mark.parametrize(
    "spelling", ["chr1:500:{anchor}>{anchor}TC", "chr1:505:{deleted}>{kept}", "chr1:500:{anchor}>T"]
)
def test_what_is_shaded_is_what_changes_without_the_anchor(predictor, genome, tmp_path, figures, spelling):
    chrom = CONTIGS["chr1"]
    text = spelling.format(anchor=chrom[499], deleted=chrom[504:507], kept=chrom[504])
    view = view_variant(predictor, text, genome, top=1, flank=6)
    plot_variant(view, tmp_path / "a.png")
    found = shaded(figures[0])
    n = abs(len(view.ref) - len(view.alt)) or 1
    assert len(found) >= 2 and set(found) == {(6, 6 + n)}
    names = [decode(allele.mutations.codes[slice(*allele.own)]) for allele in view.alleles]
    assert names == ([view.ref, view.alt] if n == len(view.ref) else [view.ref[1:], view.alt[1:]])


def test_the_genome_names_the_contig(predictor, genome, tmp_path):
    view = view_variant(predictor, f"1:500:{CONTIGS['chr1'][499]}>T", genome, top=1, flank=3)
    plot_variant(view, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert ">chr1, 1-based position (of REF)<" in text and ">chr1:500:" in text


def test_what_it_refuses(tmp_path):
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.eps'"):
        plot_variant(made(), tmp_path / "a.eps")
    with pytest.raises(ConfigError, match="shows at most 12 TFs, these are 13"):
        plot_variant(replace(made(), tfs=["T"] * 13), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_marks_stand_below_their_letters(tmp_path, figures):
    view = shown_twice()
    n = len(view.alleles[0].column)
    marks = [[Mark("whole, either allele", 0, 0, n), Mark("cut, ALT alone", 1, -2, 3), Mark("away", 0, n, 4)], []]
    plot_variant(view, tmp_path / "a.png", marks=[*marks, *[[]] * (len(view.tfs) - 2)])
    (figure,) = figures
    (axes,) = (axes for axes in figure.axes if any("either allele" in text.get_text() for text in axes.texts))
    assert [text.get_text() for text in axes.texts] == ["whole, either allele", "cut, ALT alone"]
    columns = [view.alleles[0].column, view.alleles[1].column[:1]]
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for container in axes.containers for bar in container]
    assert bars == [(some[0] - 0.5, some[-1] + 0.5) for some in columns]
    assert sticking_out(figure) == []
