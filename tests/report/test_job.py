"""`tfb report`: scores of every format become the same page, and what cannot be one is refused in words."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kipoi_tfb.report import job
from kipoi_tfb.variants.score import score_variants
from tests.entries import CONTIGS, TFS, VCF, base, record, write_files
from tests.report.test_page import data_of

pytest_plugins = ("tests.entries",)

INFO = VCF.replace("#CHROM", '##INFO=<ID=GENE,Number=1,Type=String,Description="g">\n'
                   '##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n#CHROM')  # fmt: skip
GENE = "</script><b>1</b>"


def _other(pos: int) -> str:
    return "ACGT"["ACGT".index(base(pos)) - 1]


@pytest.fixture(scope="module")
def files(tmp_path_factory, predictor, genome):
    """Twelve substitutions with INFO, an insertion, a wrong REF and a symbolic ALT; as a table and as a VCF."""
    lines = [
        f"chr1\t{pos}\trs{pos}\t{base(pos)}\t{_other(pos)}\t.\t.\tGENE={GENE};AF={pos / 10000:g}\n"
        for pos in range(400, 1000, 50)
    ]
    lines += [record(1000), record(1100, base(1100), _other(1100)), record(1200, "<DEL>")]
    folder = tmp_path_factory.mktemp("scored")
    write_files(folder, {"in.vcf": INFO + "".join(lines)})
    for ending in ("parquet", "vcf.gz"):
        score_variants(predictor, folder / "in.vcf", genome, folder / f"s.{ending}")
    return folder


@pytest.fixture
def scored(tfb, tmp_path, files):
    """A function that makes a report, in a folder with copies of them."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)

    def run(*arguments: str):
        return tfb("report", *arguments, "--models", "ENTRY", "--genome", "GENOME", "-o", "r.html")

    return run


def _page(tmp_path) -> str:
    return (tmp_path / "r.html").read_text()


def test_a_page_of_every_format(scored, tmp_path):
    pages = []
    for source in (("s.vcf.gz",), ("s.parquet", "--vcf", "in.vcf")):
        code, _, err = scored(*source, "--info", "GENE,AF", "--top", "2")
        assert code == 0 and "15 alleles, 2 with details -> r.html" in err
        pages.append(data_of(_page(tmp_path)))
    one, other = pages
    assert [row["number"] for row in one["rows"]] == list(range(1, 16))
    for row, twin in zip(one["rows"], other["rows"], strict=True):
        assert row["info"] == twin["info"] and row["normal"] == twin["normal"]
        assert row.get("largest_impact") == pytest.approx(twin.get("largest_impact"), abs=2e-3)
    assert one["rows"][0]["info"] == {"GENE": GENE, "AF": "0.04"} and one["rows"][12]["info"] == {"GENE": "", "AF": ""}
    assert list(one["details"]) == list(other["details"])


def test_what_rows_say(scored, tmp_path):
    assert scored("s.parquet", "--top", "0")[0] == 0
    rows = data_of(_page(tmp_path))["rows"]
    assert [row.get("kind") for row in rows[11:13]] == ["substitution", "insertion"]
    there, wrong = base(1100), _other(1100)
    assert rows[13]["why_not"] == f"REF is {wrong} in the file; the genome has {there} there"
    assert rows[14]["why_not"] == "ALT is symbolic: it has no sequence to score"
    table = pq.read_table(tmp_path / "s.parquet").to_pylist()
    for row, scores in zip(rows[:13], table, strict=False):
        sizes = {tf: scores[f"{tf}_impact"] for tf in TFS}
        best = max(TFS, key=lambda tf: abs(sizes[tf]))
        assert row["largest_tf"] == best and row["p_ref"] == pytest.approx(scores[f"{best}_ref"], abs=1e-4)
        assert row["largest_impact"] == pytest.approx(sizes[best], abs=1e-4)
        named = {tf for group in row["groups"] for tf in group["tfs"]}
        bound = {tf for tf in TFS if max(scores[f"{tf}_ref"], scores[f"{tf}_alt"]) >= 0.1}
        assert named == {tf for tf in bound if abs(sizes[tf]) >= 0.5}
    counted = re.search(
        r"<b>(\d+)</b> changes? the predicted .*<b>(\d+)</b> changes? none, and <b>2</b>", _page(tmp_path)
    )
    changed = sum(bool(row.get("groups")) for row in rows)
    assert counted is not None and [int(n) for n in counted.groups()] == [changed, 13 - changed]


def test_named_variants(scored, tmp_path):
    write_files(tmp_path, {"list.txt": f"rs450\n1-1000-{base(1000)}-{base(1000)}A\n"})
    for named in ("list.txt", f"rs450,chr1:1000:{base(1000)}:{base(1000)}A"):
        code, _, err = scored("s.vcf.gz", "--variants", named)
        assert code == 0 and "2 alleles, 2 with details" in err
        assert [row["number"] for row in data_of(_page(tmp_path))["rows"]] == [2, 13]
        assert "Shown of them: the 2 named by the user." in _page(tmp_path)


def test_some_tfs(scored, tmp_path):
    assert scored("s.parquet", "--tfs", "JUND", "--top", "1")[0] == 0
    data = data_of(_page(tmp_path))
    assert {row.get("largest_tf") for row in data["rows"]} == {"JUND", None}
    (detail,) = data["details"].values()
    assert [line["tf"] for line in detail["tfs"]] == ["JUND"] and "of 1 TFs" in _page(tmp_path)


def test_igv_goes_with_details_alone_and_can_stay_out(scored, tmp_path):
    sizes = []
    for arguments, there in ((("--top", "1"), True), (("--top", "0"), False), (("--top", "1", "--no-igv"), False)):
        assert scored("s.parquet", *arguments)[0] == 0
        page = _page(tmp_path)
        assert ('id="igv-source"' in page) == there and bool(data_of(page)["slices"]) == there
        sizes.append(len(page))
    assert 500_000 < sizes[0] - sizes[2] < 700_000


def test_motifs_in_use(scored, tmp_path):
    assert scored("s.parquet", "--top", "2", "--hits", "JUND,CTCF")[0] == 0
    details = data_of(_page(tmp_path))["details"].values()
    said = {tf["tf"]: tf["used_sentence"] for detail in details for tf in detail["tfs"] if tf["tf"] in detail["leads"]}
    assert said and all(f"n use for {tf}" in sentence for tf, sentence in said.items())


def test_scores_of_some_tfs(tfb, scored, tmp_path):
    arguments = ("--models", "ENTRY", "--genome", "GENOME", "--tfs", "CTCF", "-o", "ctcf.vcf")
    assert tfb("score", "in.vcf", *arguments)[0] == 0
    assert scored("ctcf.vcf", "--top", "0")[0] == 0
    assert "of 1 TFs" in _page(tmp_path)


def test_more_rows_than_a_page_holds(scored, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "MOST_ROWS", 5)
    assert scored("s.parquet", "--top", "2")[0] == 0
    page = _page(tmp_path)
    assert len(data_of(page)["rows"]) == 5
    assert "Shown are the 5 of the largest impact. The 2 of the largest impact have a detail." in page


def test_nothing_scored(tfb, scored, tmp_path):
    for name, lines in {"none": [], "unscored": [record(1200, "<DEL>")]}.items():
        write_files(tmp_path, {f"{name}.vcf": VCF + "".join(lines)})
        assert tfb("score", f"{name}.vcf", "--models", "ENTRY", "--genome", "GENOME", "-o", f"{name}.parquet")[0] == 0
        code, _, err = scored(f"{name}.parquet")
        assert code == 0, err
        assert len(data_of(_page(tmp_path))["rows"]) == len(lines)
        assert f"<b>{len(lines)}</b> could not be scored" in _page(tmp_path)


def _rewrite(tmp_path, change, about=None) -> None:
    table = change(pq.read_table(tmp_path / "s.parquet"))
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **(about or {})}), tmp_path / "bad.parquet")


BAD = {
    "no line": (lambda t: t.drop_columns(["n_gained", "normal"]), (), "has no column normal, n_gained: a report needs"),
    "no impact": (lambda t: t.drop_columns(["CTCF_impact"]), (), "has no column CTCF_impact: a report needs the line"),
    "no status": (lambda t: t.drop_columns(["status"]), (), "is no wide table of `tfb score`"),
    "no INFO": (lambda t: t, ("--info", "GENE"), "has no fields of INFO: give the VCF that was scored (--vcf)"),
    "field": (lambda t: t, ("--info", "GENES", "--vcf", "in.vcf"), "'GENES'. Did you mean GENE?"),
    "variant": (lambda t: t, ("--variants", f"chr1:410:{base(410)}>{_other(410)}"), "has no score of chr1:410:"),
    "identifier": (lambda t: t, ("--variants", "rs1"), "has no allele with the identifier rs1"),
    "tf": (lambda t: t, ("--tfs", "JUNDD"), "unknown TF 'JUNDD'. Did you mean JUND?"),
    "motif": (lambda t: t, ("--hits", "JUNDD"), "unknown TF with a JASPAR profile 'JUNDD'. Did you mean JUND or"),
    "other numbers": (
        lambda t: t.set_column(
            t.column_names.index("JUND_ref"), "JUND_ref", pa.array(np.zeros(len(t)) + 0.987, pa.float32())
        ),
        ("--tfs", "JUND"),
        "for JUND in the scores, and",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_report_can_be_made_of(scored, tmp_path, case):
    change, arguments, said = BAD[case]
    _rewrite(tmp_path, change)
    code, _, err = scored("bad.parquet", *arguments)
    assert code == 1 and said in err
    assert not (tmp_path / "r.html").exists()


def test_a_page_has_the_ending_of_one(tfb, tmp_path):
    write_files(tmp_path, {"s.parquet": "not looked at"})
    code, _, err = tfb("report", "s.parquet", "--genome", "GENOME", "-o", "r.pdf")
    assert code == 1 and "r.pdf: a report is a page; give it a name that ends in .html" in err


def test_scores_of_other_weights(scored, tmp_path):
    _rewrite(tmp_path, lambda t: t, {b"tfb_models": b'[{"name": "tiny", "weights_sha256": "00"}]'})
    code, _, err = scored("bad.parquet")
    assert code == 1 and "bad.parquet is from other weights of tiny; give --models as they were then" in err


def test_another_genome(tfb, scored, tmp_path, write_fasta):
    write_fasta(tmp_path / "other.fa", {"chr1": CONTIGS["chr1"][1:] + "A", "chr2": CONTIGS["chr2"]})
    code, _, err = tfb("report", "s.parquet", "--models", "ENTRY", "--genome", "other.fa", "-o", "r.html")
    assert code == 1 and "other.fa is not the genome of these scores: chr1:" in err and "is ok in the scores" in err
    assert not (tmp_path / "r.html").exists()


def test_the_command_is_shown_without_folders(scored, tmp_path):
    assert scored(str(tmp_path / "s.parquet"), "--top", "0")[0] == 0
    assert str(tmp_path) not in _page(tmp_path) and "tfb report s.parquet --top 0 --models" in _page(tmp_path)
