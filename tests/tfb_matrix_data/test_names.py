"""No real name is refused, and none that could become anything but a word is taken."""

from __future__ import annotations

import csv
import io
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyjaspar import jaspardb

from kipoi_tfb.zoo.card import read_card
from kipoi_tfb.zoo.entry import zoo_folder
from kipoi_tfb.zoo.find import entry_names
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.names import CELL_TYPE, CONTIG, ENTRY, PART, TF, file_part, same_part, shown

TFS = (
    "SP1",
    "NKX3-1",
    "Ahr::Arnt",
    "RXRA(VAR.2)",
    "HMG-I/Y",
    "E(spl)mbeta-HLH",
    "l(3)neo38",
    "Klf3/8/12",
    "P0510F09.23",
)
CELL_TYPES = (
    "B cell",
    "HeLa-S3",
    "NT2/D1",
    "CD4-positive, alpha-beta T cell",
    "Peyer's patch",
    "CD14+ monocyte",
    "K562 (IFNα, 6 h)",
    "22Rv1",
)
CONTIGS = ("chr1", "HLA-A*01:01:01:01", "NC_000001.11", "chrUn_KI270302v1", "1")
NEVER = (
    "",
    " ",
    "a\n",
    "a\nb",
    "a\tb",
    "a\r",
    "a\x85b",
    "a\u2028b",
    "a\0",
    "a  b",
    " a",
    "a ",
    '"',
    "a{b",
    "a\\b",
    "\x1b[31m",
)


@pytest.mark.parametrize(("rule", "names"), [(TF, TFS), (CELL_TYPE, CELL_TYPES), (CONTIG, CONTIGS)])
def test_real_names(rule, names):
    assert rule.fault_of(names) == ""


def test_all_names_of_the_zoo():
    names = entry_names()
    assert len(names) > 100 and ENTRY.fault_of(names) == ""
    for name in names[:: len(names) // 8]:
        assert TF.fault_of(read_card(zoo_folder() / name).tasks) == ""


@pytest.mark.shared_data
def test_all_names_of_the_published_matrix(real_matrix):
    with BindingMatrix(real_matrix) as matrix:
        assert len(matrix.tfs) == 163 and TF.fault_of(matrix.tfs) == "" and CELL_TYPE.fault_of(matrix.cell_types) == ""


def test_all_names_of_jaspar():
    for release in ("JASPAR2014", "JASPAR2020", "JASPAR2024"):
        names = {motif.name for motif in jaspardb(release=release).fetch_motifs(collection="CORE", all_versions=True)}
        assert len(names) > 500 and TF.fault_of(names) == ""


@pytest.mark.parametrize("rule", [TF, CELL_TYPE, CONTIG, ENTRY, PART])
@pytest.mark.parametrize("name", NEVER)
def test_what_is_no_name(rule, name):
    if rule is CONTIG and name.isprintable() and name and " " not in name:
        assert not rule.fault(name)  # a contig is data of the genome, and never stands in YAML
        return
    fault = rule.fault(name)
    assert fault.startswith(f"{name!r} is not a name of {rule.kind}: ") and "\n" not in fault
    with pytest.raises(ValueError, match=f"is not a name of {rule.kind}"):
        rule.check(name)


@pytest.mark.parametrize("rule", [TF, CELL_TYPE, ENTRY, PART])
@pytest.mark.parametrize(
    "name", ["=1+1", "+x", "-rf", "@SUM", "../x", "/x", ".x", "#x", "!x", "&x", "*x", "%x", 5, None]
)
def test_names_that_would_be_more_in_a_shell_a_sheet_or_yaml(rule, name):
    assert rule.fault(name)


def test_a_long_name_is_told_by_its_length_at_once():
    started = time.monotonic()
    assert TF.fault("a" * 10**7).endswith("is not a name of a TF: 10,000,000 characters, at most 64 are allowed")
    assert CELL_TYPE.fault("a " * 50 + "\n") and time.monotonic() - started < 5


def test_a_name_twice():
    assert TF.fault_of(["SP1", "JUND", "SP1"]) == "'SP1' is the name of a TF twice"


@given(st.from_regex(TF.pattern, fullmatch=True).filter(lambda name: not TF.fault(name)))
def test_a_tf_is_one_word_of_yaml_of_tsv_and_of_a_path(name):
    assert next(csv.reader(io.StringIO(f"{name}\tx\n"), delimiter="\t")) == [name, "x"]
    assert yaml.safe_load(yaml.safe_dump({name: 1})) == {name: 1}
    part = file_part(name)
    assert not PART.fault(part) and "/" not in part and file_part(part) == part


def test_parts_that_are_the_same():
    assert same_part(TFS) == ""
    assert same_part(["A::B", "A/B"]) == "A::B and A/B would both be A-B; leave one of them out"


@given(st.text())
def test_shown_text_is_one_line_without_quotes_and_tells_texts_apart(text):
    found = shown(text)
    assert found.isprintable() and not set(found) & set('"\\\t\n')
    from urllib.parse import unquote

    assert unquote(found) == text
