"""The picture of a variant: its words, its columns, the motif where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kipoi_tfb.motifs.profiles import log_odds
from kipoi_tfb.variants.mutagenesis import Mutations
from kipoi_tfb.variants.plot_view import plot_variant
from kipoi_tfb.variants.sites import Site
from kipoi_tfb.variants.view import ShownAllele, VariantView
from tests.motifs.test_profiles import consensus
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.sequence import encode

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
    probability = np.array([[0.0123], [0.9]], np.float32)
    return VariantView("chr1", 100, "A", "ATT", ["JUND"], probability, np.array([2.5], np.float32), (ref, alt), [site])


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
        "JUND   P(bound) 0.012 with REF, 0.9 with ALT; effect +2.50",
        "chr1, 1-based position (of REF)",
    ):
        assert f">{word}<" in text
    assert (
        "JASPAR M-GTA GTA, + strand of REF, best match covering the variant: log-odds 4.1 in REF, -2.0 in ALT" in text
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


def test_what_it_refuses(tmp_path):
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '.pdf'"):
        plot_variant(made(), tmp_path / "a.pdf")
    with pytest.raises(ConfigError, match="shows at most 12 TFs, these are 13"):
        plot_variant(replace(made(), tfs=["T"] * 13), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
