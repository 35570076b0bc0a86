"""Pages of one table: an entry's evaluation and predictions for regions, by `tfb report`."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kipoi_tfb.report import sheets
from kipoi_tfb.report.contents import Column, Sheet
from kipoi_tfb.report.page import render_sheet
from kipoi_tfb.report.sheets import regions_sheet
from kipoi_tfb.zoo.find import find_entry
from tests.entries import BED, TFS, write_files
from tests.report.pages import FACTS, HOSTILE
from tests.report.test_page import _Tags, data_of

pytest_plugins = ("tests.entries",)


@pytest.fixture
def predicted(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED.replace("peak", "=peak")})
    for ending in ("tsv", "parquet"):
        assert tfb("predict", "ENTRY", "--regions", "in.bed", "--genome", "GENOME", "-o", f"p.{ending}")[0] == 0
    return tfb


def _brief(page: str) -> str:
    return re.search('<p class="brief">(.*?)</p>', page)[1]


@pytest.mark.parametrize("ending", ["tsv", "parquet"])
def test_regions(predicted, tmp_path, ending):
    code, _, err = predicted("report", f"p.{ending}", "--models", "ENTRY", "-o", "r.html")
    assert code == 0 and "3 rows -> r.html" in err
    page = (tmp_path / "r.html").read_text()
    rows, table = data_of(page)["rows"], pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row[0] for row in rows] == ["chr1:501-700", "chr2:1,301-1,310", "1:1-20"]
    assert rows[0][1] == "=peak" and rows[1][3:] == [None, None, None, None]  # N only
    for row, scores in zip([rows[0], rows[2]], [table[0], table[2]], strict=True):
        bound = sorted((tf for tf in TFS if scores[tf] >= 0.5), key=lambda tf: -scores[tf])
        assert row[3] == len(bound) and row[6] == (", ".join(bound) or None)
        assert (
            row[5] == pytest.approx(max(scores[tf] for tf in TFS), abs=1e-4) == pytest.approx(scores[row[4]], abs=1e-4)
        )
    n_bound = sum(bool(row[3]) for row in rows)
    assert _brief(page).startswith(f"Of 3 regions, {n_bound} are predicted to be bound by at least one of 3 TFs")


def test_which_tfs_bind_most_often_and_that_nothing_is_certain():
    p = {"A": [0.9, 0.2, 0.9996], "B": [0.7, 0.6, 0.8], "C": [0.1, 0.1, None]}
    place = {"chrom": ["chr1"] * 3, "start": [0, 500, 900], "end": [200, 700, 1100], "name": ["."] * 3}
    table = pa.table({**place, "n_unknown": [0] * 3, "flags": ["."] * 3, **p})
    page = render_sheet(regions_sheet(table, FACTS))
    assert (
        _brief(page)
        == "Of 3 regions, 3 are predicted to be bound by at least one of 3 TFs; most often by B (3), A (2)."
    )
    assert data_of(page)["rows"][2] == ["chr1:901-1,100", None, None, 2, "A", 0.9996, "A, B"]
    assert '<td role="cell" data-label="P of top TF" class="third breaks number">&gt;0.99</td>' in page
    assert '<h2 id="table-title">Regions</h2>' in page
    none = pa.table({**place, "n_unknown": [0] * 3, "flags": ["."] * 3, "C": [0.1, 0.1, None]})
    assert regions_sheet(none, FACTS).brief == "Of 3 regions, 0 are predicted to be bound by at least one of 1 TFs."


def test_more_regions_than_a_page_holds(predicted, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_REGIONS", 2)
    assert predicted("report", "p.tsv", "--models", "ENTRY", "-o", "r.html")[0] == 0
    page = (tmp_path / "r.html").read_text()
    assert len(data_of(page)["rows"]) == 2 and "Shown are the first 2 of 3." in _brief(page)


def test_a_page_names_the_model_of_its_numbers(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED})
    code, _, err = tfb("predict", "multi163", "--regions", "in.bed", "--genome", "GENOME", "-o", "p.parquet")
    assert code == 0, err
    assert tfb("report", "p.parquet", "-o", "r.html")[0] == 0
    card, page = find_entry("multi163").card, (tmp_path / "r.html").read_text()
    tags = _Tags(page)
    text = re.sub(r"\s+", " ", tags.text)
    assert f"multi163 of {card.training.date}, 163 TFs, 200 bp {card.weights.sha256[:12]} card" in text
    assert f"Weights of multi163: sha256 {card.weights.sha256}" in text and "never trained on chr" in text
    assert "genome genome.fa, one window of 200 bp around each centre" in text
    assert [attrs["href"] for tag, attrs in tags.tags if tag == "a"] == ["#table", "#card-1"]
    assert [attrs["id"] for tag, attrs in tags.tags if tag == "pre"] == ["card-1"] and "\nname: multi163\n" in tags.text


def test_models_that_are_not_those_of_the_numbers(predicted, tmp_path):
    def refused(*arguments: str) -> str:
        code, _, err = predicted("report", *arguments, "-o", "r.html")
        assert code == 1 and not (tmp_path / "r.html").exists()
        return err

    assert "p.tsv does not say which models its numbers are from: give --models, or let" in refused("p.tsv")
    assert "p.parquet is from tiny, which is not in the zoo: give its folder (--models)" in refused("p.parquet")
    other = refused("p.parquet", "--models", "multi163")
    assert "p.parquet is from other weights of tiny; give --models as they were then" in other
    lacking = refused("p.tsv", "--models", "pentad-SP1-cofactors")
    assert "p.tsv has columns that pentad-SP1-cofactors does not predict: ATF4" in lacking
    table = pq.read_table(tmp_path / "p.parquet")
    pq.write_table(table.replace_schema_metadata({"tfb_models": "[1]"}), tmp_path / "p.parquet")
    assert "says which models it is from in a way that cannot be read" in refused("p.parquet", "--models", "ENTRY")


def test_an_evaluation(tfb, tmp_path):
    code, _, err = tfb("report", "multi163", "-o", "r.html")
    assert code == 0 and "163 rows -> r.html" in err
    page = (tmp_path / "r.html").read_text()
    data = data_of(page)
    assert re.fullmatch(
        r"On chr22, never trained on: mean AUPRC 0\.\d{3} and AUROC 0\.\d{3} over the \d+ TFs .*", _brief(page)
    )
    at = [column["title"] for column in data["columns"]].index("AUPRC")
    areas = [row[at] for row in data["rows"] if row[at] is not None]
    assert areas == sorted(areas, reverse=True) and "How good is multi163?" in page


BAD = {
    "not evaluated": (("ENTRY",), "has no metrics: it has not been evaluated"),
    "no entry": (("multi16",), "'multi16'. Did you mean multi163"),
    "no file": (("effects.parquet", "--genome", "GENOME"), "effects.parquet: no such file"),
    "no tfs": (("bare.tsv",), "bare.tsv: is no table of `tfb predict --regions`: it has no column of a TF"),
    "no name": (("nameless.tsv",), "nameless.tsv: is no table of `tfb predict --regions`: it has no column name"),
    "damaged": (("damaged.tsv",), "damaged.tsv: cannot be read as predictions"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_page_can_be_made_of(tfb, tmp_path, case):
    head = "chrom\tstart\tend\tname\tn_unknown\tflags"
    write_files(tmp_path, {
        "bare.tsv": f"{head}\nchr1\t0\t9\ta\t0\t.\n", "nameless.tsv": "chrom\tstart\tend\tn_unknown\tflags\tSP1\n",
        "damaged.tsv": f"{head}\tSP1\nchr1\t0\n",
    })  # fmt: skip
    arguments, said = BAD[case]
    code, _, err = tfb("report", *arguments, "-o", "r.html")
    assert code == 1 and said in err and not (tmp_path / "r.html").exists()


def test_scores_need_their_genome(tfb, tmp_path):
    write_files(tmp_path, {"s.tsv": "chrom\tpos\n"})
    code, _, err = tfb("report", "s.tsv", "-o", "r.html")
    assert code == 2 and "needs --genome" in err


def test_names_are_text():
    columns = [Column(HOSTILE, HOSTILE), Column("P", "probability", 2)]
    page = render_sheet(Sheet(FACTS, HOSTILE, HOSTILE, HOSTILE, columns, [[HOSTILE, 0.5], ["b", None]], [HOSTILE]))
    tags = _Tags(page)
    assert not [tag for tag, _ in tags.tags if tag == "img"] and page.count("</script>") == 2
    assert data_of(page)["rows"] == [[HOSTILE, 0.5], ["b", None]]
