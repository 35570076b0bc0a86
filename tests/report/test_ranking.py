"""`tfb rank` of all formats, on variants of the small genome."""

import gzip
import shutil

import numpy as np
import pyarrow.parquet as pq
import pysam
import pytest

from kipoi_tfb.report import ranking
from kipoi_tfb.report.scores import open_scores
from kipoi_tfb.variants.score import score_variants
from tests.entries import TFS, VCF, base, record, write_files

pytest_plugins = ("tests.entries",)

INFO = VCF.replace("#CHROM", '##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n##INFO=<ID=GENE,Number=1,Type=String,'
                   'Description="g">\n#CHROM')  # fmt: skip
POSITIONS = range(300, 2700, 40)
FORMATS = ("tsv", "parquet", "h5", "vcf.gz")


def _other(pos: int, by: int = 1) -> str:
    return "ACGT"["ACGT".index(base(pos)) - by]


@pytest.fixture(scope="module")
def files(tmp_path_factory, predictor, genome):
    """Sixty records, every fifth with two ALTs, and one that is not scored; in every format."""
    lines = []
    for number, pos in enumerate(POSITIONS):
        alts = [_other(pos)] + [_other(pos, 2)] * (number % 5 == 0)
        frequencies = ",".join(f"{(number + k) / 100:g}" for k in range(len(alts)))
        gene = "GENE=LDLR" if number % 2 else "GENE==1+1"
        lines.append(f"chr1\t{pos}\trs{number}\t{base(pos)}\t{','.join(alts)}\t.\t.\tAF={frequencies};{gene}\n")
    lines.append(record(2800, "<DEL>"))
    folder = tmp_path_factory.mktemp("scored")
    write_files(folder, {"in.vcf": INFO + "".join(lines)})
    for ending in FORMATS:
        score_variants(predictor, folder / "in.vcf", genome, folder / f"s.{ending}")
    return folder


@pytest.fixture
def scored(tfb, tmp_path, files):
    """Copies of them in the folder where `tfb` runs."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    return tfb


def _rows(path):
    head, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize("ending", FORMATS)
def test_all_rows_by_their_largest_impact(scored, tmp_path, ending):
    code, _, err = scored("rank", f"s.{ending}", "-o", "r.tsv")
    assert code == 0 and "73 alleles read, 73 pass, 73 written" in err
    rows = _rows(tmp_path / "r.tsv")
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 74)]
    sizes = [abs(float(row["largest_impact"])) for row in rows[:-1]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[-1]
    assert rows[-1]["status"] == "symbolic" and rows[-1]["largest_impact"] == ""
    assert not any(name.endswith("_impact") and name != "largest_impact" for name in rows[0])


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_rows_from_every_format(scored, tmp_path, ending):
    options = ("--tfs", "JUND,CTCF", "--where", "status=ok", "--top", "7")
    for name in (ending, "tsv"):
        assert scored("rank", f"s.{name}", *options, "-o", f"r.{name}.tsv")[0] == 0
    found, expected = _rows(tmp_path / f"r.{ending}.tsv"), _rows(tmp_path / "r.tsv.tsv")
    assert len(found) == 7
    for row, other in zip(found, expected, strict=True):
        assert [row[name] for name in ("chrom", "pos", "id", "ref", "alt", "flags")] == [
            other[name] for name in ("chrom", "pos", "id", "ref", "alt", "flags")
        ]
        assert float(row["JUND_impact"]) == pytest.approx(float(other["JUND_impact"]), rel=1e-4)
    keys = [max(abs(float(row["JUND_impact"])), abs(float(row["CTCF_impact"]))) for row in found]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("ending", ["parquet", "vcf.gz"])
def test_fields_of_info(scored, tmp_path, ending):
    vcf = () if ending == "vcf.gz" else ("--vcf", "in.vcf")
    where = ("--where", "GENE=LDLR", "--where", "AF<0.2")
    code, _, err = scored("rank", f"s.{ending}", *vcf, *where, "--info", "AF,GENE", "-o", "r.tsv")
    assert code == 0, err
    rows = _rows(tmp_path / "r.tsv")
    wanted = {n for n in range(60) if n % 2 and n / 100 < 0.2}
    assert {row["id"] for row in rows} == {f"rs{n}" for n in wanted}
    # rs15 has two ALTs, each with a frequency of its own.
    assert sorted(float(row["AF"]) for row in rows if row["id"] == "rs15") == pytest.approx([0.15, 0.16])


def test_text_that_a_spreadsheet_would_run_is_escaped_once(scored, tmp_path):
    line = f"chr1\t310\t=1+1\t{base(310)}\t{_other(310)}\t.\t.\t.\n"
    write_files(tmp_path, {"formula.vcf": VCF + line})
    assert scored("score", "formula.vcf", "--models", "ENTRY", "--genome", "GENOME", "-o", "f.tsv")[0] == 0
    assert scored("rank", "f.tsv", "-o", "r.tsv")[0] == 0
    assert [row["id"] for row in _rows(tmp_path / "r.tsv")] == ["'=1+1"]


def test_a_vcf_keeps_its_order_and_bytes(scored, tmp_path):
    assert scored("rank", "s.vcf.gz", "--top", "5", "-o", "r.vcf.gz")[0] == 0
    assert scored("rank", "s.vcf.gz", "--top", "5", "-o", "r.tsv")[0] == 0
    before = gzip.decompress((tmp_path / "s.vcf.gz").read_bytes()).decode().splitlines()
    after = gzip.decompress((tmp_path / "r.vcf.gz").read_bytes()).decode().splitlines()
    kept = [line.rpartition(";TFB_RANK=")[0] for line in after if not line.startswith("#")]
    assert kept == [line for line in before if line in set(kept)]
    with pysam.VariantFile(str(tmp_path / "r.vcf.gz")) as file:
        ranks = {
            (each.pos, alt): rank for each in file for alt, rank in zip(each.alts, each.info["TFB_RANK"], strict=True)
        }
    table = {(int(row["pos"]), row["alt"]): int(row["rank"]) for row in _rows(tmp_path / "r.tsv")}
    assert {key: rank for key, rank in ranks.items() if rank is not None} == table
    assert (tmp_path / "r.vcf.gz.tbi").is_file()
    code, _, err = scored("rank", "r.vcf.gz", "-o", "again.vcf")
    assert code == 1 and "has been ranked before" in err


def test_all_columns_in_several_passes(scored, tmp_path, monkeypatch):
    monkeypatch.setattr(ranking, "_WHOLE", 10)
    assert scored("rank", "s.parquet", "--all-columns", "-o", "r.parquet")[0] == 0
    found, before = pq.read_table(tmp_path / "r.parquet"), pq.read_table(tmp_path / "s.parquet")
    assert found.column_names == ["rank", *before.column_names]
    key = np.abs(np.array(before["largest_impact"].to_pylist(), float))
    order = np.argsort(np.where(np.isnan(key), np.inf, -key), kind="stable")
    for name in before.column_names:
        assert found[name].to_pylist() == before[name].take(order).to_pylist(), name


def test_top_keeps_memory_small_and_the_order(scored, tmp_path, monkeypatch):
    monkeypatch.setattr(ranking, "_WHOLE", 2)
    monkeypatch.setattr("kipoi_tfb.report.scores._CHUNK", 7)
    for top in (3, 0):
        assert scored("rank", "s.parquet", "--top", str(top), "-o", f"r{top}.tsv")[0] == 0
    assert _rows(tmp_path / "r3.tsv") == _rows(tmp_path / "r0.tsv")[:3]


def test_sorting_by_another_column(scored, tmp_path):
    assert scored("rank", "s.parquet", "--by", "sum_difference", "--ascending", "-o", "r.tsv")[0] == 0
    values = [abs(float(row["sum_difference"])) for row in _rows(tmp_path / "r.tsv") if row["sum_difference"]]
    assert values == sorted(values)
    code, _, err = scored("rank", "s.parquet", "--by", "alt", "-o", "r.tsv")
    assert code == 1 and "alt is a column of text: it cannot be sorted by" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("s.parquet", "--tfs", "JUNB"), "unknown TF in s.parquet 'JUNB'. Did you mean JUND?"),
        (("s.parquet", "--where", "GENE=LDLR"), "unknown column of s.parquet 'GENE'"),
        (("s.vcf.gz", "--where", "GEN=LDLR"), "unknown column of s.vcf.gz 'GEN'. Did you mean GENE"),
        (("s.parquet", "--vcf", "in.vcf", "--info", "GEN"), "unknown column or field of INFO in in.vcf 'GEN'"),
        (("s.parquet", "--vcf", "other.vcf", "--info", "AF"), "other.vcf: is not what s.parquet was made from: row 1"),
        (("s.parquet", "--where", "variant_percentile>99"), "has no column variant_percentile: it was written by"),
        (("in.vcf",), "in.vcf: has no INFO field TFB_STATUS: it has not been scored"),
        (("empty.tsv",), "empty.tsv: is empty"),
        (("none.tsv",), "none.tsv: no such file"),
        (("other.tsv",), "other.tsv: is no wide table of `tfb score`: it has no column chrom, pos, ref, alt, status"),
        (("damaged.parquet",), "damaged.parquet: cannot be read as scores"),
        (("s.parquet", "-o", "r.vcf"), "s.parquet is a table: a VCF can be made of a scored VCF only"),
    ],
)
def test_bad_input(scored, tmp_path, arguments, message):
    other = INFO + record(500, "T", base(500)) + record(540)
    write_files(tmp_path, {"empty.tsv": "", "other.tsv": "a\tb\n1\t2\n", "damaged.parquet": "PAR1", "other.vcf": other})
    output = () if "-o" in arguments else ("-o", "r.tsv")
    code, _, err = scored("rank", *arguments, *output)
    assert code == 1 and message in err
    assert not (tmp_path / "r.tsv").exists()


def test_tfs_are_those_with_scores(scored, tmp_path):
    for ending in FORMATS:
        assert open_scores(tmp_path / f"s.{ending}").tfs == list(TFS)
