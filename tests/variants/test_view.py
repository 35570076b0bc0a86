"""A variant as a model sees it: aligned alleles, contributions within each allele's window, the motif's place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.variants.mutagenesis import mutate_window
from kipoi_tfb.variants.view import view_variant, write_view
from tests.entries import CONTIGS, TFS, base
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.sequence import decode, encode

pytest_plugins = ("tests.entries",)

OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}
CHR1 = CONTIGS["chr1"]


def text(pos: int, ref: str = "", alt: str = "") -> str:
    ref = ref or base(pos)
    return f"chr1:{pos}:{ref}>{alt or OTHER[ref]}"


def window(alt: str, n_ref: int, pos: int = 500) -> np.ndarray:
    """Return the window of an allele, from strings: its first base at index 100."""
    return encode((CHR1[pos - 101 : pos - 1] + alt + CHR1[pos - 1 + n_ref : pos + 200])[:200])


# Alleles


def test_a_substitution(predictor, genome):
    view = view_variant(predictor, text(500), genome, flank=5)
    assert str(view) == text(500) and view.tfs == list(TFS) and view.n_columns == 11
    for allele, letter in zip(view.alleles, (base(500), OTHER[base(500)]), strict=True):
        assert decode(allele.mutations.codes) == CHR1[494:499] + letter + CHR1[500:505]
        assert allele.column.tolist() == list(range(11)) and allele.pos.tolist() == list(range(495, 506))
        assert allele.own == (5, 6)
        codes = window(letter, 1)
        np.testing.assert_allclose(
            allele.mutations.contribution, mutate_window(predictor, codes, 95, 106).contribution, atol=1e-6
        )
    ref, alt = (predictor.logits(window(letter, 1)[None])[0] for letter in (base(500), OTHER[base(500)]))
    np.testing.assert_allclose(view.effect, alt - ref, atol=1e-5)
    np.testing.assert_allclose(view.probability, 1 / (1 + np.exp(-np.stack([ref, alt]))), atol=1e-5)


def test_an_insertion_leaves_columns_of_ref_empty(predictor, genome):
    assert base(500) == "G"  # or TC would not be what is inserted
    ref, alt = view_variant(predictor, text(500, alt=base(500) + "TC"), genome, flank=3).alleles
    assert ref.column.tolist() == [0, 1, 2, 5, 6, 7] and ref.pos.tolist() == list(range(498, 504))
    assert alt.column.tolist() == list(range(8)) and (ref.own, alt.own) == ((3, 3), (3, 5))
    assert alt.pos.tolist() == [498, 499, 500, 500, 500, 501, 502, 503]
    assert decode(ref.mutations.codes) == CHR1[497:503]
    assert decode(alt.mutations.codes) == CHR1[497:500] + "TC" + CHR1[500:503]


def test_a_deletion_leaves_columns_of_alt_empty(predictor, genome):
    assert base(505) != base(507)  # so that the deletion cannot stand further left
    ref, alt = view_variant(predictor, text(505, CHR1[504:507], base(505)), genome, flank=3).alleles
    assert ref.column.tolist() == list(range(8)) and ref.pos.tolist() == list(range(503, 511))
    assert alt.column.tolist() == [0, 1, 2, 5, 6, 7] and (ref.own, alt.own) == ((3, 5), (3, 3))
    assert alt.pos.tolist() == [503, 504, 505, 508, 509, 510]
    assert decode(alt.mutations.codes) == CHR1[502:505] + CHR1[507:510]
    codes = window("", 2, 506)
    np.testing.assert_allclose(
        alt.mutations.contribution, mutate_window(predictor, codes, 97, 103).contribution, atol=1e-6
    )


def test_all_spellings_of_a_change_are_one_picture_under_their_own_title(predictor, genome):
    deletion, padded = (500, CHR1[499:502], base(500)), (498, CHR1[497:504], CHR1[497:500] + CHR1[502:504])
    views = [view_variant(predictor, text(*spelling), genome, flank=5) for spelling in (deletion, padded)]
    assert [str(view) for view in views] == [text(*deletion), text(*padded)]
    for one, other in zip(*(view.alleles for view in views), strict=True):
        assert (one.pos == other.pos).all() and one.own == other.own
        assert one.mutations.alt.tobytes() == other.mutations.alt.tobytes()
    assert views[0].effect.tobytes() == views[1].effect.tobytes()


def test_a_long_insertion_ends_with_the_window(predictor, genome):
    ref, alt = view_variant(predictor, text(500, alt=base(500) + "A" * 89), genome).alleles
    assert len(alt.column) == 25 + 100 and alt.own == (25, 25 + 89)
    assert len(ref.column) == 50 and ref.column[-1] == 25 + 89 + 24


def test_the_strongest_and_columns_of_two_entries(entry, other_entry, genome):
    from kipoi_tfb.prediction.predictor import Predictor

    both = Predictor([entry, other_entry])
    every = view_variant(both, text(500), genome, flank=8)
    weight = every.probability.max(0) / (every.probability.max(0) + np.e * (1 - every.probability.max(0)))
    order = np.argsort(-np.abs(every.effect * weight))
    top = view_variant(both, text(500), genome, top=2, flank=8)
    assert top.tfs == [every.tfs[i] for i in order[:2]]
    np.testing.assert_array_equal(top.effect, every.effect[order[:2]])
    np.testing.assert_allclose(
        top.alleles[1].mutations.contribution, every.alleles[1].mutations.contribution[:, order[:2]], atol=1e-6
    )
    site = every.sites[every.tfs.index("other/JUND")]
    assert site is not None and site.motif.tf == "JUND"


@pytest.mark.parametrize("spelling", ["1:500:{ref}>{alt}", "chr1:0,500:{ref}>{alt}", "chr1:500:{low}>{alt}"])
def test_the_spellings_of_tfb_score(predictor, genome, spelling):
    ref = base(500)
    view = view_variant(predictor, spelling.format(ref=ref, low=ref.lower(), alt=OTHER[ref]), genome, flank=2)
    assert view.ref == ref and view.pos == 500 and decode(view.alleles[0].mutations.codes) == CHR1[497:502]


@pytest.mark.parametrize(
    ("variant", "error", "message"),
    [
        (text(500, OTHER[base(500)], base(500)), ConfigError, f"ref_mismatch.: REF is .*genome.fa has {base(500)} "),
        (text(500, alt="<DEL>"), ConfigError, r"is not scored \(symbolic\): ALT is symbolic"),
        (text(500, alt="A" * 101), ConfigError, r"\(too_long\): it changes more bases .* than half the window, 100 bp"),
        (text(500, alt="R"), ConfigError, r"\(unsupported, iupac_allele\): .*not A, C, G or T"),
        (text(500, alt="."), ConfigError, r"\(unsupported, no_alt\): there is no ALT"),
        ("chr1:3001:A>C", ConfigError, r"\(unsupported, outside_contig\): the contig has 3,000 bp in genome.fa"),
        ("chr7:500:A>C", UnknownNameError, "unknown contig .in genome.fa. 'chr7'"),
        ("chr2:1200:A>C", ConfigError, r"ref_unknown.: genome.fa does not say which base is there \(N, "),
        (text(500, alt=base(500)), ConfigError, "REF and ALT are the same"),
        (text(500, alt="A,C,G"), ConfigError, "has 3 ALT alleles; draw one of chr1:500:.>A, chr1:500:.>C"),
        ("chr1:500", InputError, "'chr1:500' is neither a file nor a variant like"),
    ],
)
def test_what_is_not_scored_is_not_drawn(predictor, genome, variant, error, message):
    with pytest.raises(error, match=message):
        view_variant(predictor, variant, genome)


# Motifs


def test_a_tf_without_a_profile(entry, genome, tmp_path):
    from kipoi_tfb.prediction.predictor import Predictor
    from tests.entries import lively_network
    from tests.tiny import make_entry

    own = make_entry(tmp_path / "own", lively_network(2, 1), name="own", tasks=("MINE",))
    assert view_variant(Predictor([own]), text(500), genome, flank=2).sites == [None]


# The table


def test_the_table(predictor, genome, tmp_path):
    view = view_variant(predictor, text(500, alt=base(500) + "TC"), genome, flank=20)
    assert view.sites[0] is not None and view.sites[1] is not None
    view.sites[:2] = [replace(view.sites[0], scores=(-2.0, -0.1)), replace(view.sites[1], scores=(3.0, -1.0))]
    assert write_view(view, tmp_path / "a.parquet") == 3 * (40 + 42)
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pydict()
    schema = pyarrow.parquet.read_schema(tmp_path / "a.parquet")
    assert all(field.metadata[b"description"] for field in schema)
    assert b"positive: ALT strengthens" in schema.field("effect").metadata[b"description"]
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    first = [row for row in rows if row["tf"] == "CTCF" and row["allele"] == "alt"]
    assert "".join(row["base"] for row in first) == CHR1[480:500] + "TC" + CHR1[500:520]
    for row in first:
        assert row[f"effect_{row['base']}"] is None
        effects = [row[f"effect_{letter}"] for letter in "ACGT" if letter != row["base"]]
        assert row["contribution"] == pytest.approx(-sum(effects) / 3, abs=1e-6)
        assert row["effect"] == pytest.approx(view.effect[1]) and row["p_alt"] == pytest.approx(view.probability[1, 1])
        assert row["impact"] == pytest.approx(view.impact[1])
    site = view.sites[1]
    assert site is not None and site.motif.matrix_id in {motif.matrix_id for motif in jaspar_motifs(["CTCF"])["CTCF"]}
    ours = [row["motif_column"] for row in rows if row["tf"] == "CTCF" and row["allele"] == ("ref", "alt")[site.allele]]
    numbers = [number for number in ours if number]
    assert (
        numbers == sorted(range(1, site.motif.width + 1), reverse=site.reverse) and ours.index(numbers[0]) == site.start
    )
    none = {(row["motif"], row["motif_strand"], row["motif_column"]) for row in rows if row["tf"] == view.tfs[0]}
    assert none == {(".", ".", 0)}  # a site that is worse than chance is none
    assert {row["motif_strand"] for row in rows if row["tf"] == "CTCF"} == {"-" if site.reverse else "+"}


def test_unknown_bases_have_no_row(predictor, genome, tmp_path):
    ref = CONTIGS["chr2"][999]
    view = view_variant(predictor, f"chr2:1000:{ref}>{OTHER[ref]}", genome, top=1)
    assert write_view(view, tmp_path / "a.tsv") == 2 * 26
    assert (view.alleles[0].mutations.contribution[26:] == 0).all()
