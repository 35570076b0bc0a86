"""Nulls: classes of alleles, percentiles by hand, and files that say what they were made for."""

from __future__ import annotations

import io
import os
import re
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kipoi_tfb.zoo.change import install_entry
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.null import (
    CLASSES,
    NULL_FILE,
    PERCENTS,
    UNMATCHED,
    EffectNull,
    NullRecord,
    allele_classes,
    read_null,
    write_null,
)
from kipoi_tfb.zoo.verify import verify_entry
from tfb_matrix_data.errors import EntryError

pytest_plugins = ("tests.entries",)


def copied(entry: Entry, folder: Path) -> Entry:
    """Return a copy of an entry, to put a null into."""
    shutil.copytree(entry.folder, folder)
    return open_entry(folder)


def ramp(shape: tuple[int, ...]) -> NDArray[np.float16]:
    """Return quantiles that are their percentile less 50."""
    return np.broadcast_to(np.array(PERCENTS) - 50, shape).astype(np.float16)


def put_null(entry: Entry, record: dict | None = None, **changes: object) -> EffectNull:
    """Write a null into an entry's folder: two GC bins, and every value equal to its percentile less 50."""
    n = len(entry.card.tasks)
    shape = (len(CLASSES), 2, len(PERCENTS))
    fields: dict = {
        "entry": entry.card.name,
        "weights_sha256": entry.card.weights.sha256,
        "matrix_sha256": "1" * 64,
        "genome": "genome.fa",
        "genome_sha256": "2" * 64,
        "chromosomes": ("chr21", "chr22"),
        "positions": 500,
        "seed": 1,
        "command": "made by a test",
        "version": "0",
    }
    arrays: dict = {
        "record": NullRecord(**{**fields, **(record or {})}),
        "tfs": entry.card.tasks,
        "gc_edges": np.array([0.45]),
        "counts": np.full((len(CLASSES), 2), 250, np.int32),
        "effect": ramp((n, *shape)),
        "impact": ramp((n, *shape)).astype(np.float32),
        "activity": ramp((n, *shape[1:])),
        "largest": ramp(shape),
    }
    null = EffectNull(**{**arrays, **changes})
    write_null(null, entry.folder / NULL_FILE)
    return null


@pytest.fixture
def own(entry, tmp_path) -> Entry:
    return copied(entry, tmp_path / "own")


# Classes


def test_substitutions_have_one_class_for_both_strands():
    pairs = [(ref, alt) for ref in "ACGT" for alt in "ACGT" if ref != alt]
    found = allele_classes(*(list(letters) for letters in zip(*pairs, strict=True)))
    assert np.bincount(found).tolist() == [2] * 6
    by_pair = {pair: CLASSES[i] for pair, i in zip(pairs, found.tolist(), strict=True)}
    assert by_pair["C", "T"] == by_pair["G", "A"] == "C>T" and by_pair["T", "C"] == by_pair["A", "G"] == "T>C"


@pytest.mark.parametrize(
    ("ref", "alt", "wanted"),
    [
        ("c", "t", "C>T"),
        ("CAA", "CA", "deletion"),
        ("ATAT", "AT", "deletion"),
        ("A", "AT", "insertion"),
        ("GCA", "GCTTA", "insertion"),
        ("CAG", "CTG", "T>A"),
        ("TTC", "TTA", "C>A"),
        ("CA", "TG", "MNV"),
        ("gCAT", "gTAG", "MNV"),
        ("CAT", "CGA", "MNV"),
        ("CA", "TGA", None),
        ("CAT", "GA", None),
        ("A", "a", None),
        ("AC", "AC", None),
    ],
)
def test_what_alleles_share_at_their_ends_does_not_count(ref, alt, wanted):
    (found,) = allele_classes([ref], [alt])
    assert found == (UNMATCHED if wanted is None else CLASSES.index(wanted))


_BASES = st.text("ACGT", max_size=4)


@given(before=_BASES, after=_BASES, inserted=st.text("ACGT", min_size=1, max_size=5))
def test_any_pure_indel_is_one(before, after, inserted):
    short, long = f"A{before}{after}", f"A{before}{inserted}{after}"
    assert allele_classes([short, long], [long, short]).tolist() == [
        CLASSES.index("insertion"),
        CLASSES.index("deletion"),
    ]


# Percentiles


def test_percentiles_by_hand(own):
    null = put_null(own)
    quantiles = null.effect.copy()
    quantiles[1] *= 2
    quantiles[:, 3, 1] += 10
    null = put_null(own, effect=quantiles, impact=quantiles * 2)
    effects = np.array([[10, 10], [-60, 60], [10, 10], [0, 0]], np.float32)
    alleles = np.array([0, 0, 3, UNMATCHED]), np.array([0.3, 0.3, 0.45, 0.3])
    found = null.percentile("effect", np.array([0, 1]), effects, *alleles)
    np.testing.assert_allclose(found, [[60, 55], [0, 80], [50, 50], [np.nan, np.nan]], atol=1e-4)
    np.testing.assert_allclose(null.percentile("impact", np.array([0, 1]), 2 * effects, *alleles), found, atol=1e-4)


def test_impacts_where_nothing_is_bound_keep_their_percentiles(own):
    put_null(own, impact=put_null(own).impact * 1e-11)
    null = read_null(own)
    assert null is not None
    values = np.array([[-20, 0, 30]], np.float32) * np.float32(1e-11)
    found = null.percentile("impact", np.arange(3), values, np.array([8]), np.array([0.3]))
    np.testing.assert_allclose(found, [[30, 50, 80]], atol=1e-3)


def test_percentiles_of_the_largest_impact_and_of_activity_by_hand(own):
    null = put_null(own)
    largest, activity = null.largest + 50, null.activity.copy()
    largest[2] *= 2
    activity[0] -= 10
    activity[:, 1] += 20
    null = put_null(own, largest=largest, activity=activity)
    gc = np.array([0.3, 0.3, 0.5, 0.3])
    found = null.largest_percentile(np.array([30, 30, 300, 30], np.float32), np.array([0, 2, 8, UNMATCHED]), gc)
    np.testing.assert_allclose(found, [30, 15, 100, np.nan], atol=0.02)
    logits = np.array([[0, 0], [0, 0], [0, 0], [-99, 99]], np.float32)
    found = null.activity_percentile(np.array([0, 2]), logits, gc)
    np.testing.assert_allclose(found, [[60, 50], [60, 50], [40, 30], [0, 100]], atol=0.02)


def test_percents_are_symmetric_and_ascend():
    assert list(PERCENTS) == sorted(set(PERCENTS)) and PERCENTS[0] == 0 and PERCENTS[-1] == 100
    np.testing.assert_allclose(np.array(PERCENTS) + np.array(PERCENTS)[::-1], 100)


# Files


def test_what_is_written_is_read(own):
    null = put_null(own)
    found = read_null(own)
    assert found is not None and found.record == null.record and found.tfs == null.tfs
    for name in ("gc_edges", "counts", "effect", "impact", "activity", "largest"):
        np.testing.assert_array_equal(getattr(found, name), getattr(null, name))
    before = (own.folder / NULL_FILE).read_bytes()
    put_null(own)
    assert (own.folder / NULL_FILE).read_bytes() == before


def test_no_null_is_none(own):
    assert read_null(own) is None


def test_a_null_of_other_weights_is_refused(own):
    put_null(own, {"weights_sha256": "a" * 64})
    wanted = rf"was made for weights aaaaaaaaaaaa\.\.\., .* has {own.card.weights.sha256[:12]}.*: tfb null "
    with pytest.raises(EntryError, match=wanted):
        read_null(own)


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "cut off":
        path.write_bytes(data[:1000])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("effect\n")
    else:
        with np.load(path) as arrays:
            fields = dict(arrays)
        if how == "pickle":
            fields["tfs"] = np.array(fields["tfs"].tolist(), object)
        elif how == "missing":
            del fields["counts"]
        else:
            fields["record"] = np.array(str(fields["record"]).replace('"seed":1', '"seed":"x"'))
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=True, **fields)
        path.write_bytes(stream.getvalue())


@pytest.mark.parametrize("how", ["cut off", "empty", "text", "pickle", "missing"])
def test_a_damaged_null_is_said(own, how):
    put_null(own)
    damage(own.folder / NULL_FILE, how)
    with pytest.raises(EntryError, match=rf"{NULL_FILE}: is damaged \(.*\); make it again: tfb null"):
        read_null(own)


def test_a_null_that_unpacks_to_gigabytes_is_refused(own):
    put_null(own)
    path = own.folder / NULL_FILE
    with np.load(path) as arrays:
        fields = {**arrays, "impact": np.zeros((3, len(CLASSES), 1 << 15, len(PERCENTS)), np.float16)}
    np.savez_compressed(path, **fields)
    assert path.stat().st_size < 1 << 18
    tracemalloc.start()
    with pytest.raises(
        EntryError, match=rf"{NULL_FILE}: is damaged \(.*has an array that unpacks to .* bytes; at most"
    ):
        read_null(own)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_null_that_is_no_file(own, tmp_path):
    os.mkfifo(own.folder / NULL_FILE)
    with pytest.raises(EntryError, match=f"{NULL_FILE}: is a named pipe; expected a file"):
        read_null(own)
    (own.folder / NULL_FILE).unlink()
    (tmp_path / "null.npz").write_bytes(b"")
    (own.folder / NULL_FILE).symlink_to(tmp_path / "null.npz")
    with pytest.raises(EntryError, match=f"{NULL_FILE} is a link; an entry holds its files itself"):
        read_null(own)


def test_a_null_of_an_older_format_is_refused_with_the_way_to_remake_it(own):
    put_null(own)
    with np.load(own.folder / NULL_FILE) as arrays:
        fields = dict(arrays)
    fields["record"] = np.array(str(fields["record"]).replace('"schema_version":2', '"schema_version":1'))
    for name in ("impact", "activity", "largest"):
        del fields[name]
    fields["quantiles"] = fields.pop("effect")
    np.savez(own.folder / NULL_FILE, **fields)
    again = f"make it again: tfb null {own.name} --matrix MATRIX --genome FASTA"
    with pytest.raises(EntryError, match=f"{NULL_FILE}: is of format 1, and 2 is read; {re.escape(again)}"):
        read_null(own)
    checks = {check.what: check for check in verify_entry(own)}
    assert not checks["null"].passed and "is of format 1" in checks["null"].detail


def test_a_wrong_record_names_the_field(own):
    put_null(own)
    damage(own.folder / NULL_FILE, "record")
    with pytest.raises(EntryError, match="seed"):
        read_null(own)


def test_a_null_that_does_not_fit_is_refused(own):
    put_null(own, tfs=("ATF4", "CTCF", "SP1"))
    with pytest.raises(EntryError, match="does not fit the TFs of"):
        read_null(own)
    null = put_null(own)
    put_null(own, activity=null.activity[:, :1])
    with pytest.raises(EntryError, match="does not fit the TFs of"):
        read_null(own)


def test_nothing_is_pickled(own):
    put_null(own)
    with zipfile.ZipFile(own.folder / NULL_FILE) as file, np.load(own.folder / NULL_FILE) as arrays:
        assert sorted(file.namelist()) == sorted(f"{name}.npy" for name in arrays)
        assert all(arrays[name].dtype != object for name in arrays)


# The zoo


def test_verify_checks_the_null(own):
    assert "null" not in {check.what for check in verify_entry(own)}
    put_null(own)
    checks = {check.what: check for check in verify_entry(own)}
    assert checks["null"].passed and "4500 variants on chr21, chr22" in checks["null"].detail
    put_null(own, {"weights_sha256": "a" * 64})
    checks = {check.what: check for check in verify_entry(own)}
    assert not checks["null"].passed and "made for weights aaaaaaaaaaaa" in checks["null"].detail


def test_the_null_goes_with_the_entry(own, tmp_path):
    put_null(own)
    installed = install_entry(own, tmp_path / "zoo")
    assert read_null(installed) is not None
