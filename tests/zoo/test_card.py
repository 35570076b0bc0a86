"""A card says all of an entry, and nothing that could lead out of its folder."""

from __future__ import annotations

import datetime
import os
import time

import pytest
import yaml
from pydantic import ValidationError

from kipoi_tfb.zoo.card import CARD_FILE, Card, MetricsCard, WeightsCard, read_card, today, write_card
from tests import tiny
from tfb_matrix_data.errors import ConfigError, EntryError

WEIGHTS = WeightsCard(file="weights.pt", sha256="a" * 64, dtype="float16")
METRICS = MetricsCard(
    command="tfb evaluate",
    chromosomes=("chr22",),
    labels="sparse",
    min_bound=40,
    n_tfs=3,
    auprc=0.8,
    auroc=0.9,
    seed=0,
    matrix_sha256="b" * 64,
    weights_sha256="a" * 64,
    date="2026-01-01",
)


@pytest.fixture
def card():
    return Card(weights=WEIGHTS, metrics=METRICS, **tiny.card_fields())


@pytest.fixture
def changed(card, tmp_path):
    """Return a function that writes the card with one field (a.b.c) changed, and reads it."""

    def change(field, value):
        fields = card.model_dump(mode="json")
        *outer, last = field.split(".")
        place = fields
        for name in outer:
            place = place[name]
        place[last] = value
        (tmp_path / CARD_FILE).write_text(yaml.safe_dump(fields))
        return read_card(tmp_path)

    return change


@pytest.mark.parametrize("split", ["paper", {"validation": ["chr1"], "test": [], "excluded": []}])
@pytest.mark.parametrize("tfs", ["all", {"most_resolved": 2}, ["SP1"]])
def test_round_trip(card, tmp_path, split, tfs):
    training = card.training.model_copy(update={"config": tiny.config(split=split, tfs=tfs)})
    card = card.model_copy(update={"training": training, "summary": "Schöne: 'TFs' # 163", "base": "multi163"})
    write_card(card, tmp_path)
    assert read_card(tmp_path) == card
    assert [path.name for path in tmp_path.iterdir()] == [CARD_FILE]


def test_is_readable_in_a_fixed_order(card, tmp_path):
    write_card(card, tmp_path)
    text = (tmp_path / CARD_FILE).read_text()
    assert text.startswith("schema_version: 1\nname: tiny\nsummary: Three planted motifs.\n")
    write_card(read_card(tmp_path), tmp_path)
    assert (tmp_path / CARD_FILE).read_text() == text


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "..", ".", ".hidden", "a/b.pt", "a\\b", "", "~/x", "weights.pt\n", "C:x", "w\x00.pt"]
)
def test_path_of_weights_cannot_climb_out(changed, path):
    with pytest.raises(EntryError, match=r"card.yaml: field 'weights.file': String should match pattern"):
        changed("weights.file", path)


@pytest.mark.parametrize("path", ["../metrics.tsv", "/etc/passwd"])
def test_path_of_metrics_cannot_climb_out(changed, path):
    with pytest.raises(EntryError, match=r"field 'metrics.table'"):
        changed("metrics.table", path)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "tf/../../x", "tf//x", "tf/", "", "a\n", "-rf"])
def test_name_cannot_climb_out_of_the_zoo(changed, name):
    with pytest.raises(EntryError, match=r"field 'name': String should match pattern"):
        changed("name", name)


@pytest.mark.parametrize("name", ["multi163", "tf/JUND", "tf/NKX2-5", "a.b_c-1"])
def test_name_may_have_a_group(changed, name):
    assert changed("name", name).name == name


@pytest.mark.parametrize("field", ["licens", "weights.md5", "data.chromosomes", "training.config.epoch", "metrics.auc"])
def test_unknown_field_is_refused(changed, field):
    with pytest.raises(EntryError, match=f"card.yaml: field '{field}': Extra inputs are not permitted"):
        changed(field, "x")


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("schema_version", 2, "Input should be 1 .found 2."),
        ("weights.sha256", "abc", "match pattern"),
        ("weights.sha256", "A" * 64, "match pattern"),
        ("weights.dtype", "int8", "'float16' or 'float32'"),
        ("tasks", [], "at least 1 item"),
        ("tasks", ["JUND", "JUND"], "JUND named twice"),
        ("window_length", "long", "valid integer"),
        ("training.config.epochs", 0, "greater than 0"),
        ("metrics.labels", "dense", "'sparse', 'less_sparse' or 'peaks'"),
    ],
)
def test_wrong_value_names_the_field(changed, field, value, complaint):
    with pytest.raises(EntryError, match=f"card.yaml: field '{field}': .*{complaint}"):
        changed(field, value)


def test_missing_field_is_named(card, tmp_path):
    fields = card.model_dump(mode="json")
    del fields["citation"]
    (tmp_path / CARD_FILE).write_text(yaml.safe_dump(fields))
    with pytest.raises(EntryError, match="field 'citation': Field required"):
        read_card(tmp_path)


def test_folder_without_card(tmp_path):
    with pytest.raises(EntryError, match=r"is not a zoo entry .it has no card.yaml"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a: [", "is not YAML"),
        (b"\x89HDF\xff", "is not YAML"),
        (b"", "field 'file': Input should be a valid dictionary"),
        (b"- 1\n", "field 'file'"),
        (b"!!python/object/apply:os.mkdir ['card-was-executed']", "is not YAML"),
    ],
)
def test_file_that_is_no_card(tmp_path, monkeypatch, content, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / CARD_FILE).write_bytes(content)
    with pytest.raises(EntryError, match=f"card.yaml: {complaint}"):
        read_card(tmp_path)
    assert not (tmp_path / "card-was-executed").exists()


def test_is_checked_on_writing_too(card, tmp_path):
    # model_copy does not validate.
    wrong = card.model_copy(update={"weights": WEIGHTS.model_copy(update={"file": "../x"})})
    with pytest.raises(ValidationError, match=r"weights.file"):
        write_card(wrong, tmp_path)
    assert not list(tmp_path.iterdir())


def test_date(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86399")
    assert today() == "1970-01-01"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert today() == datetime.date.today().isoformat()
    for wrong in ("1.5", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(ConfigError, match=f"SOURCE_DATE_EPOCH is '{wrong}'; set it to a whole number"):
            today()


def test_a_card_may_say_how_long_it_took(changed):
    assert changed("training.seconds", 4.2).training.seconds == 4.2
    assert changed("training.seconds", None).training.seconds is None


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("sizes", {"filters": 1e9}, "Value error, filters is 1000000000.0; expected a whole number from 1 to 4096"),
        ("sizes", {"filters": -1}, "filters is -1; expected"),
        ("sizes", {"filters": float("nan")}, "filters is nan; expected|finite number"),
        ("sizes", {"members": 10**6}, "members is 1000000; expected a whole number from 1 to 32"),
        ("window_length", 0, "a window of 0 bp; expected an even number from 2 to 4096"),
        ("window_length", 201, "a window of 201 bp; expected"),
        ("window_length", 10**9, "a window of 1000000000 bp; expected"),
        ("tasks", [f"TF{i}" for i in range(10_001)], "at most 10000 items"),
        ("training.config.batch_size", 10**12, "less than or equal to 1048576"),
        ("training.config.sizes", {"hidden": 10**9}, "hidden is 1000000000; expected"),
        ("name", "a" * 300, "at most 200 characters"),
        ("weights.file", "weights.py", "should match pattern"),
        ("metrics.table", "metrics.yaml", "should match pattern"),
    ],
)
def test_out_of_bounds(changed, field, value, complaint):
    started = time.monotonic()
    with pytest.raises(EntryError, match=rf"card.yaml: field '{field}[^']*': .*({complaint})") as caught:
        changed(field, value)
    assert len(str(caught.value)) < 600 and time.monotonic() - started < 20


def test_a_card_without_an_end(tmp_path):
    (tmp_path / CARD_FILE).write_bytes(b"a: " + b"x" * (1 << 20))
    with pytest.raises(EntryError, match=r"card.yaml: has more than 1 MB, which is too much for what it should be"):
        read_card(tmp_path)
    (tmp_path / CARD_FILE).unlink()
    os.mkfifo(tmp_path / CARD_FILE)
    with pytest.raises(EntryError, match=r"card.yaml: is a named pipe; expected a file"):
        read_card(tmp_path)
