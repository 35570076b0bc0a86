"""Tomtom's matches of motifs that are known, its q-values, and MEME files that are read back."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from kipoi_tfb.motifs.jaspar import jaspar_motifs, start_profiles, vertebrate_motifs
from kipoi_tfb.motifs.meme import write_meme
from kipoi_tfb.motifs.profiles import Motif, frequencies, read_motifs
from kipoi_tfb.motifs.tomtom import compare_motifs
from tests.motifs.made_up import consensus
from tfb_matrix_data.errors import ConfigError, MissingExtraError


def test_known_motifs_are_found_on_either_strand():
    known = vertebrate_motifs()
    assert len(known) == 746 and len({motif.matrix_id for motif in known}) == 746
    ctcf = jaspar_motifs(["CTCF"])["CTCF"][0]
    found = compare_motifs([ctcf.pfm, ctcf.pfm[::-1, ::-1], np.ones((4, 12))], known)
    assert found.p.shape == found.q.shape == (3, 746)
    for row in (0, 1):
        match = found.best(row)
        assert match.motif.matrix_id == ctcf.matrix_id and match.q < 1e-10 and match.p <= match.q
        assert found.of(row, ctcf.matrix_id) == match
    assert found.best(2).q > 0.05
    np.testing.assert_allclose(found.q[0], false_discovery_control(found.p[0]))
    assert found.of(0, "MA9999.9") is None


def test_nothing_and_too_little_to_compare_with():
    known = vertebrate_motifs()[:30]
    assert compare_motifs([], known).p.shape == (0, 30)
    with pytest.raises(ConfigError, match="at least 25 known motifs to compare with; these are 3"):
        compare_motifs([np.ones((4, 5))], known[:3])


def test_profiles_that_filters_start_as():
    found = start_profiles(["JUND", "NOTATF"], ["FOSL2", "CTCF", "JUND"])
    own = [motif.matrix_id for motifs in jaspar_motifs(["JUND", "FOSL2", "CTCF"]).values() for motif in motifs]
    assert [motif.matrix_id for motif in found] == list(dict.fromkeys(own))


def test_a_meme_file_is_read_back(tmp_path):
    motifs = [consensus("ACGTTG", sites=30), Motif("a b", "x y", "T", np.full((4, 3), 2.0))]
    write_meme(motifs, tmp_path / "m.meme")
    text = (tmp_path / "m.meme").read_text()
    assert "nsites= 30 " in text and "nsites= 8 " in text and "MOTIF x_y a_b\n" in text
    for motif, read in zip(motifs, read_motifs(tmp_path / "m.meme"), strict=True):
        np.testing.assert_allclose(read.pfm / 100, frequencies(motif.pfm), atol=1e-5)


def test_without_memelite_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "memelite", None)
    with pytest.raises(MissingExtraError, match=r"memelite, which has Tomtom, .*pip install 'kipoi-tfb\[interpret\]'"):
        compare_motifs([np.eye(4)], vertebrate_motifs())
