"""Variants that a user names, found among scores in any spelling."""

from __future__ import annotations

import pytest

from kipoi_tfb.report.named import Named, named_forms
from kipoi_tfb.report.scores import open_scores
from tests.entries import VCF, base, record, write_files
from tfb_matrix_data.errors import InputError

pytest_plugins = ("tests.entries",)

REF, NEXT = base(500), base(501)
INSERTED = "A" if "A" not in (REF, NEXT) else "C" if "C" not in (REF, NEXT) else "G"


@pytest.fixture
def scores(tfb, tmp_path):
    """An insertion, twice named; one that is not scored."""
    lines = [record(500, REF + INSERTED).replace("\t.\t", "\trs5;x1\t", 1), record(700, "<DEL>")]
    write_files(tmp_path, {"in.vcf": VCF + "".join(lines)})
    assert tfb("score", "in.vcf", "--models", "ENTRY", "--genome", "GENOME", "-o", "s.parquet")[0] == 0
    return open_scores(tmp_path / "s.parquet")


@pytest.mark.parametrize(
    "text",
    [
        f"chr1:500:{REF}>{REF}{INSERTED}", f"1-500-{REF}-{REF}{INSERTED}", "rs5",
        f"chr1:500:{REF}{NEXT}>{REF}{INSERTED}{NEXT}",
    ],
)  # fmt: skip
def test_every_spelling_is_found(scores, genome, text):
    forms = named_forms(scores, [text], genome, 200)
    assert forms == (f"chr1:500:{REF}>{REF}{INSERTED}",)
    (column,) = (part["normal"] for part in scores.chunks(["normal"]))
    assert Named(forms=forms).holds(column).tolist() == [True, False]


def test_one_that_is_named_twice_is_one(scores, genome):
    assert len(named_forms(scores, ["rs5", f"1-500-{REF}-{REF}{INSERTED}"], genome, 200)) == 1


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["chr1:700:<DEL>"], "chr1:700:<DEL>"),
        (["rs5", f"chr1:500:{REF}>{REF}{INSERTED}{INSERTED}"], "has no score of chr1:500:.*, 1 of the 2 variants"),
        (["rs6"], "s.parquet: has no allele with the identifier rs6"),
    ],
)
def test_what_is_not_among_the_scores_is_said(scores, genome, texts, said):
    with pytest.raises(InputError, match=said):
        named_forms(scores, texts, genome, 200)
