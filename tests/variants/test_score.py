"""Scores of variants: one row per ALT, each with a status; effects are what the two alleles say."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.models.logits import NOTABLE
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import score as scoring
from kipoi_tfb.variants.columns import DEFAULT_SCORES, LINE
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import CONTIGS, TFS
from tests.tuned import small_base
from tfb_matrix_data.errors import AssemblyError, InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.entries",)

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
FIXED = [
    *("chrom", "pos", "id", "ref", "alt", "normal", "status", "flags"),
    *(
        "sum_difference",
        "largest_impact",
        "largest_impact_tf",
        "n_gained",
        "n_lost",
        "top_gained",
        "top_lost",
        "reason",
        "sites",
    ),
]


def write_vcf(path: Path, rows: list[tuple]) -> Path:
    path.write_text(HEADER + "".join("\t".join(map(str, row)) + "\t.\t.\t.\n" for row in rows))
    return path


def base(pos: int, n: int = 1, chrom: str = "chr1") -> str:
    """Return n bases from a 1-based position on."""
    return CONTIGS[chrom][pos - 1 : pos - 1 + n].upper()


def other(letters: str) -> str:
    """Return the complement: other letters, all of them."""
    return letters.translate(str.maketrans("ACGT", "TGCA"))


def run(
    predictor: Predictor, genome: Genome, tmp_path: Path, rows: list[tuple], **options: object
) -> tuple[dict, scoring.ScoringSummary]:
    vcf = write_vcf(tmp_path / "a.vcf", rows)
    summary = score_variants(predictor, vcf, genome, tmp_path / "out.parquet", ScoringOptions(**options))
    return pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict(), summary


def values(table: dict, score: str, tfs: tuple[str, ...] = TFS) -> np.ndarray:
    return np.array([table[f"{tf}_{score}"] for tf in tfs], np.float64).T


MIXED = [
    ("chr1", 500, "snv", base(500), f"{other(base(500))},{base(500)}G"),
    ("chr1", 700, "sym", base(700), "<DEL>,*"),
    ("chr1", 710, "wrong", other(base(710)), "A" if base(710) != "A" else "C"),
    ("chr1", 720, "none", base(720), "."),
    ("chr2", 950, "del", base(950, 4, "chr2"), base(950, 1, "chr2")),
    ("chr1", 300, "mnv", base(300, 3), other(base(300, 3))),
    ("chr1", 300, "twice", base(300, 3), other(base(300, 3))),
    ("chr1", 5, "edge", base(5), other(base(5))),
    ("chr1", 800, "long", base(800), "A" * 101),
    ("chr9", 800, "where", "A", "C"),
    ("chr1", 2999, "past", base(2999, 2) + "A", "C"),
]
STATUS = ["ok", "ok", "symbolic", "symbolic", "ref_mismatch", "unsupported", "ok", "ok", "ok", "ok", "too_long"]
STATUS += ["unsupported", "unsupported"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, predictor, genome) -> tuple[dict, scoring.ScoringSummary]:
    return run(predictor, genome, tmp_path_factory.mktemp("mixed"), MIXED)


def test_one_row_per_alt_in_the_order_of_the_file(mixed):
    table, summary = mixed
    assert list(table) == FIXED + [f"{tf}_{score}" for tf in TFS for score in DEFAULT_SCORES]
    wanted = [(chrom, pos, name, ref, alt) for chrom, pos, name, ref, alts in MIXED for alt in alts.split(",")]
    assert list(zip(*(table[name] for name in FIXED[:5]), strict=True)) == wanted
    assert summary.alleles == len(wanted) == 13


def test_every_row_has_a_status_and_only_ok_has_scores(mixed):
    table, _ = mixed
    assert table["status"] == STATUS
    for score in DEFAULT_SCORES:
        missing = np.isnan(values(table, score))
        assert (missing == (np.array(STATUS) != "ok")[:, None]).all()


def test_flags_say_the_rest(mixed):
    table, _ = mixed
    flags = dict(zip(table["id"], table["flags"], strict=True))
    # chr2: [850, 1053) serves both alleles of a deletion of the 3 behind 950; N begins at 1000.
    assert flags["del"] == "n_in_window=53"
    assert flags["twice"] == "duplicate"
    assert flags["edge"] == "n_in_window=96;edge_padded"
    assert (flags["none"], flags["where"], flags["past"]) == ("no_alt", "unknown_contig", "outside_contig")
    assert base(500) == "G" and flags["snv"] == "not_left_normalised"  # its second ALT: G>GG
    assert flags["sym"] == flags["wrong"] == flags["mnv"] == flags["long"] == "."


def test_the_summary_counts_everything(mixed):
    _, summary = mixed
    assert summary.status == Counter(STATUS)
    wanted = {"n_in_window": 2, "edge_padded": 1, "duplicate": 1, "not_left_normalised": 1}
    assert summary.flags == {**wanted, "no_alt": 1, "unknown_contig": 1, "outside_contig": 1}


def test_the_effect_is_the_difference_of_log_odds(mixed):
    table, _ = mixed
    ref, alt, effect = (values(table, score) for score in ("ref", "alt", "effect"))
    scored = ~np.isnan(effect)
    odds = np.log(alt / (1 - alt)) - np.log(ref / (1 - ref))
    np.testing.assert_allclose(odds[scored], effect[scored], atol=1e-4)
    assert np.abs(effect[0]).min() > 1e-4 and ((ref > 0) & (ref < 1))[scored].all()


def test_the_impact_weighs_the_effect_by_the_better_bound_allele(mixed):
    table, _ = mixed
    ref, alt, effect, impact = (values(table, score) for score in DEFAULT_SCORES)
    better = np.fmax(ref, alt)
    np.testing.assert_allclose(impact, effect * better / (better + np.e * (1 - better)), atol=1e-5)
    assert np.nanmax(np.abs(impact)) > 0.01


def test_the_line_of_an_allele_is_over_all_tfs(mixed):
    table, summary = mixed
    ref, alt, impact = (values(table, score) for score in ("ref", "alt", "impact"))
    for row, status in enumerate(STATUS):
        line = {name: table[name][row] for name in LINE if name in table}
        if status != "ok":
            assert set(line.values()) == {None, "."}
            continue
        best = np.abs(impact[row]).argmax()
        assert line["sum_difference"] == pytest.approx((alt - ref)[row].sum(), abs=1e-5)
        assert line["largest_impact"] == pytest.approx(impact[row, best], abs=1e-6)
        assert line["largest_impact_tf"] == TFS[best]
        counts = (impact[row] >= NOTABLE).sum(), (impact[row] <= -NOTABLE).sum()
        assert (line["n_gained"], line["n_lost"]) == counts
    assert "variant_percentile" not in table
    (notice,) = summary.notices
    assert notice.startswith("column variant_percentile is left out: ") and "make it: tfb null" in notice


def test_probabilities_are_those_of_the_windows(mixed, predictor):
    table, _ = mixed
    contig, start = CONTIGS["chr1"], 499
    ref = contig[start - 100 : start + 100]
    snv = ref[:100] + other(base(500)) + ref[101:]
    insertion = (ref[:100] + base(500) + "G" + ref[101:])[:200]
    found = predictor.probability(np.stack([encode(window) for window in (ref, snv, insertion)]))
    np.testing.assert_allclose(values(table, "ref")[0], found[0], atol=1e-6)
    np.testing.assert_allclose(values(table, "ref")[1], found[0], atol=1e-6)
    np.testing.assert_allclose(values(table, "alt")[:2], found[1:], atol=1e-6)


def test_the_same_allele_twice_has_the_same_score(mixed):
    table, _ = mixed
    rows = [table["id"].index(name) for name in ("mnv", "twice")]
    np.testing.assert_array_equal(*(values(table, "effect")[row] for row in rows))


def test_swapping_the_alleles_swaps_the_sign(tmp_path, predictor, genome, write_fasta):
    # A genome that has the ALT alleles: there, the REF of the first genome is the variant.
    places = range(300, 2700, 300)
    contig = list(CONTIGS["chr1"])
    for pos in places:
        contig[pos - 1] = other(base(pos))
    swapped = Genome(write_fasta(tmp_path / "swapped.fa", {"chr1": "".join(contig)}))
    forward, _ = run(predictor, genome, tmp_path, [("chr1", pos, ".", base(pos), other(base(pos))) for pos in places])
    back, _ = run(predictor, swapped, tmp_path, [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in places])
    assert forward["status"] == back["status"] == ["ok"] * len(places)
    np.testing.assert_allclose(values(forward, "effect"), -values(back, "effect"), atol=1e-5)
    np.testing.assert_allclose(values(forward, "ref"), values(back, "alt"), atol=1e-6)
    assert np.abs(values(forward, "effect")).max() > 0.01


def test_an_allele_equal_to_ref_has_no_effect(tmp_path, predictor, genome):
    table, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), base(500).lower())])
    assert table["status"] == ["ok"]
    np.testing.assert_allclose(values(table, "effect"), 0, atol=1e-6)


def test_nothing_to_score_is_still_a_table(tmp_path, predictor, genome):
    table, summary = run(predictor, genome, tmp_path, [("chr1", 700, "a", base(700), "<DEL>")])
    assert table["status"] == ["symbolic"] and table["JUND_effect"] == [None]
    assert summary.status == {"symbolic": 1} and not summary.flags


def test_two_entries_side_by_side(tmp_path, entry, other_entry, genome, mixed):
    table, _ = run(Predictor([entry, other_entry]), genome, tmp_path, MIXED)
    columns = ("ATF4", "CTCF", f"{entry.card.name}/JUND", f"{other_entry.card.name}/JUND", "SP1")
    assert list(table)[len(FIXED) :] == [f"{tf}_{score}" for tf in columns for score in DEFAULT_SCORES]
    for score in DEFAULT_SCORES:
        np.testing.assert_allclose(values(table, score, columns[:3]), values(mixed[0], score), atol=1e-5)


@pytest.fixture(scope="module")
def motif_predictor(tmp_path_factory):
    """Return one of an architecture that runs ALT only where it differs."""
    return Predictor([small_base(tmp_path_factory.mktemp("zoo"))])


@pytest.mark.parametrize("which", ["predictor", "motif_predictor"])
def test_neither_chunks_nor_threads_change_a_byte(tmp_path, request, which, genome, set_threads):
    chosen = request.getfixturevalue(which)
    vcf = write_vcf(tmp_path / "a.vcf", [*MIXED, *(("chr1", p, ".", base(p), other(base(p))) for p in range(900, 960))])
    found = []
    for threads in (1, 2):
        set_threads(threads)
        for piece_size in (7, 50, 8192):
            options = ScoringOptions(piece_size=piece_size, shifts=(20, 20), scores=("ref", "alt", "disagreement"))
            summary = score_variants(chosen, vcf, genome, tmp_path / "out.tsv", options)
            found.append((summary, (tmp_path / "out.tsv").read_bytes()))
    assert all(one == found[0] for one in found[1:]) and found[0][0].status["ok"] > 60


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5", ".vcf", ".vcf.gz"])
def test_a_genome_of_another_assembly_leaves_nothing(tmp_path, predictor, genome, ending):
    rows = [("chr1", pos, ".", base(pos), other(base(pos))) for pos in range(100, 140)]
    rows += [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 260)]
    vcf = write_vcf(tmp_path / "a.vcf", rows)
    with pytest.raises(
        AssemblyError, match=r"a\.vcf: REF differs from genome\.fa for 50 of the first 90 alleles \(56%\)"
    ):
        score_variants(predictor, vcf, genome, tmp_path / f"out{ending}", ScoringOptions(piece_size=10))
    assert [path.name for path in tmp_path.iterdir()] == ["a.vcf"]


def test_a_damaged_file_leaves_nothing(tmp_path, predictor, genome):
    path = write_vcf(tmp_path / "a.vcf", MIXED[:1])
    path.write_text(path.read_text() + "chr1\tx\n")
    with pytest.raises(InputError, match="line 5: 2 columns; ID, REF, ALT"):
        score_variants(predictor, path, genome, tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.vcf"]


# Swapped alleles, and another assembly all the same

SWAP = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in (500, 510)]
SWAP += [("chr1", 520, ".", base(520), other(base(520)))]


def test_swapped_alleles_keep_the_files_sign(tmp_path, predictor, genome):
    rows = [*SWAP, ("chr1", 540, ".", *(["A", "C"] if base(540) in "GT" else ["G", "T"]))]
    plain, _ = run(predictor, genome, tmp_path, rows)
    assert plain["status"] == ["ref_mismatch", "ref_mismatch", "ok", "ref_mismatch"]
    table, summary = run(predictor, genome, tmp_path, rows, allele_swap=True)
    assert table["status"] == ["swapped", "swapped", "ok", "ref_mismatch"] and summary.status["swapped"] == 2
    back = [("chr1", pos, ".", base(pos), other(base(pos))) for pos in (500, 510)]
    forward, _ = run(predictor, genome, tmp_path, back)
    np.testing.assert_allclose(values(table, "effect")[:2], -values(forward, "effect"), atol=1e-5)
    np.testing.assert_allclose(values(table, "alt")[:2], values(forward, "ref"), atol=1e-6)
    assert np.isnan(values(table, "effect")[3]).all()


def test_a_swapped_vcf_is_no_other_assembly(tmp_path, predictor, genome):
    rows = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 240)]
    with pytest.raises(AssemblyError):
        run(predictor, genome, tmp_path, rows)
    assert run(predictor, genome, tmp_path, rows, allele_swap=True)[1].status == {"swapped": 40}


def test_the_assembly_can_be_ignored(tmp_path, predictor, genome):
    rows = [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in range(200, 240)]
    assert run(predictor, genome, tmp_path, rows, ignore_assembly=True)[1].status == {"ref_mismatch": 40}


def test_a_masked_genome_is_said_once_with_the_share(tmp_path, predictor, genome):
    rows = [("chr2", pos, ".", "A", "C") for pos in range(1010, 1013)]  # N begins at 1000
    rows += [("chr2", 900, ".", base(900, 1, "chr2"), other(base(900, 1, "chr2")))]
    table, summary = run(predictor, genome, tmp_path, rows)
    assert table["status"] == ["ref_unknown"] * 3 + ["ok"]
    (warning,) = (warning for warning in summary.warnings if "masked" in warning)
    assert "has no known base under REF of 3 of 4 alleles (75 %), which are not scored (ref_unknown)" in warning
    assert not run(predictor, genome, tmp_path, rows[3:])[1].warnings


# Bad input that is delivered


def test_a_deletion_of_100_kb_costs_nothing(tmp_path, predictor, genome):
    rows = [("chr1", 500, ".", base(500) + "A" * 100_000, base(500)), *MIXED[:1]] * 30
    table, summary = run(predictor, genome, tmp_path, rows)
    assert summary.status == {"unsupported": 30, "ok": 60}  # it ends beyond the contig
    assert len(table["ref"][0]) == 100_001


def test_lower_case_is_read_and_iupac_is_said(tmp_path, predictor, genome):
    rows = [("chr1", 500, ".", base(500).lower(), f"{other(base(500)).lower()},R,N")]
    table, _ = run(predictor, genome, tmp_path, rows)
    assert table["status"] == ["ok", "unsupported", "unsupported"]
    assert table["flags"] == [".", "iupac_allele", "iupac_allele"]


def test_variants_from_strings_and_tables(tmp_path, predictor, genome):
    wanted, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), other(base(500)))])
    (tmp_path / "a.tsv").write_text(f"chr1\t500\t{base(500)}\t{other(base(500))}\n")
    for source in ([f"chr1:500:{base(500)}>{other(base(500))}"], tmp_path / "a.tsv"):
        score_variants(predictor, source, genome, tmp_path / "out.parquet")
        assert pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict() == wanted


def test_the_output_never_takes_the_place_of_the_input(tmp_path, predictor, genome):
    vcf = write_vcf(tmp_path / "a.vcf", MIXED[:1])
    before = vcf.read_bytes()
    for output in (vcf, tmp_path / "sub" / ".." / "a.vcf"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=r"a\.vcf: is the input, which would be lost; choose another output"):
            score_variants(predictor, vcf, genome, output)
    assert vcf.read_bytes() == before and not list(tmp_path.glob("*.parts"))


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5", ".vcf", ".vcf.gz"])
def test_no_record_is_an_output_without_rows(tmp_path, predictor, genome, ending):
    vcf = write_vcf(tmp_path / "a.vcf", [])
    summary = score_variants(predictor, vcf, genome, tmp_path / f"out{ending}")
    assert (summary.alleles, summary.records, summary.problems) == (0, 0, [])
    assert summary.warnings == [f"{vcf}: has a header but no record"]
    whole = write_vcf(tmp_path / "b.vcf", MIXED[:1])
    score_variants(predictor, whole, genome, tmp_path / f"whole{ending}")
    assert columns_and_rows(tmp_path / f"out{ending}") == (columns_and_rows(tmp_path / f"whole{ending}")[0], 0)
    assert (tmp_path / "out.vcf.gz.tbi").exists() == (ending == ".vcf.gz")


def columns_and_rows(path: Path) -> tuple[list[str], int]:
    """Return the names of the columns (of a VCF: the header) and how many rows there are."""
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        return table.column_names, len(table)
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return list(file), len(file["pos"])
    lines = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = lines.decode().splitlines()
    n_header = max(1, sum(line.startswith("#") for line in text))
    return text[:n_header], len(text) - n_header


def test_an_unsorted_input_is_said_since_duplicates_may_be_far_apart(tmp_path, predictor, genome):
    snv = ("chr1", 500, ".", base(500), other(base(500)))
    far = [snv, ("chr1", 600, ".", base(600), other(base(600))), snv]
    table, summary = run(predictor, genome, tmp_path, far)
    assert table["flags"] == [".", ".", "."]
    (warning,) = summary.warnings
    assert "is not sorted (chr1:500 stands after chr1:600)" in warning and "duplicate" in warning
    assert run(predictor, genome, tmp_path, [*far[:1], *far[:1], far[1]], piece_size=1)[1].warnings == []


def test_a_duplicate_may_be_spelt_otherwise(tmp_path, predictor, genome):
    ref, alt = base(500), other(base(500))
    rows = [("chr1", 500, ".", ref, f"{alt},{alt.lower()}"), ("1", 500, ".", ref.lower(), alt)]
    assert run(predictor, genome, tmp_path, rows)[0]["flags"] == [".", "duplicate", "duplicate"]


def test_an_allele_that_is_not_there_is_no_alt(tmp_path, predictor, genome):
    table, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), f"{other(base(500))},")])
    assert table["status"] == ["ok", "unsupported"] and table["flags"] == [".", "no_alt"]


def test_variants_none_of_which_is_on_a_contig_are_a_problem(tmp_path, predictor, genome):
    rows = [("NC_9", 5, "a", "A", "C"), ("scaffold", 7, "b", "A", "<DEL>"), ("NC_9", 9, "c", "A", "G")]
    table, summary = run(predictor, genome, tmp_path, rows)
    assert table["id"] == ["a", "b", "c"] and summary.alleles == 3
    (problem,) = summary.problems
    assert "a.vcf: nothing is on a contig of genome.fa, which has chr1, chr2; found NC_9, scaffold; is this" in problem
    _, summary = run(predictor, genome, tmp_path, [*rows, ("1", 500, "d", "A", "<DEL>")])
    assert not summary.problems
