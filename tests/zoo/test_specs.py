"""What a card says is a value in Kipoi's files, never structure: Kipoi runs the code that they name."""

from __future__ import annotations

import string

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kipoi_tfb.zoo import specs
from kipoi_tfb.zoo.card import Card, WeightsCard
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from kipoi_tfb.zoo.specs import SPECS, render_spec, render_specs
from tests import tiny
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.names import TF

WEIGHTS = WeightsCard(file="weights.pt", sha256="a" * 64, dtype="float16")
INJECTED = "SP1:\n      shape: (1, )\nargs:\n  module_class: os.system\nx"
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def card_of(**changes) -> Card:
    """A card that is not validated: what is tested is what stands behind the schema."""
    return Card(weights=WEIGHTS, **tiny.card_fields()).model_copy(update=changes)


@pytest.mark.parametrize("target", SPECS)
@pytest.mark.parametrize(
    "name", ["NO", "null", "12", "1e5", "Ahr::Arnt", "RXRA(VAR.2)", "HMG-I/Y", "RAV1 (var.2)", "yes"]
)
def test_names_of_tfs_stay_texts(target, name):
    targets = plain_yaml(render_spec(card_of(tasks=(name, "SP1")), target))["schema"]["targets"]
    first = targets[name if target == "model.yaml" else f"{name}_ref"]
    assert first["shape"] == "(1, )" and name in first["doc"]


@pytest.mark.parametrize("target", SPECS)
@settings(max_examples=40, deadline=None)
@given(tf=st.from_regex(TF.pattern, fullmatch=True).filter(lambda name: not TF.fault(name)), text=TEXTS, author=TEXTS)
def test_any_text_comes_back_as_it_was(target, tf, text, author):
    card = card_of(tasks=(tf,), summary=text, licence=text, authors=(author, "b"))
    found = plain_yaml(render_spec(card, target))
    assert (found["info"]["doc"], found["info"]["license"]) == (text, text)
    assert [each["name"] for each in found["info"]["authors"]] == [author, "b"]
    assert found["args"]["module_class"].startswith("kipoi_tfb.serving.") and len(found["args"]) == 4


@pytest.mark.parametrize("target", SPECS)
@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": (INJECTED,)},
        {"name": "x\nargs:\n  module_class: os.system"},
        {"weights": WEIGHTS.model_copy(update={"file": "w.pt\n  module_class: os.system"})},
        {"summary": 'a"\nargs: {}\n#'},
        {"base": "x\n  version: 2"},
    ],
)
def test_what_the_schema_would_have_refused_is_quoted_or_refused(target, changes):
    try:
        found = yaml.safe_load(render_spec(card_of(**changes), target))
    except EntryError:
        return
    assert found["args"]["module_class"].startswith("kipoi_tfb.serving.")
    assert set(found) == {"defined_as", "args", "default_dataloader", "info", "dependencies", "schema"}


@pytest.mark.parametrize("target", SPECS)
def test_a_paragraph_has_no_line_break(target):
    data = tiny.card_fields()["data"].model_copy(update={"assembly": "hg38\nargs:\n  module_class: os.system"})
    with pytest.raises(EntryError, match=rf"tiny: {target} of this card would not be what it should be: .* not on one"):
        render_spec(card_of(data=data), target)


@pytest.mark.parametrize("target", SPECS)
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("{{ tf | scalar }}", "{{ tf }}", "would not"),
        ('{{ (tf ~ "_" ~ what) | scalar }}', "{{ tf }}_{{ what }}", "would not"),
        (
            "auto_use_cuda: true",
            "auto_use_cuda: true\n  more: 1",
            "would not say what it should, and Kipoi runs the code",
        ),
        ("auto_use_cuda: true", "auto_use_cuda: 1", "would not say what it should"),
        ("defined_as: kipoi.model", "args: {}\ndefined_as: kipoi.model", "the key 'args' is there twice"),
        ("kipoi_tfb.dataloaders.", "!!python/name:os.system ", "it has a tag"),
        ("- kipoi-tfb", "- kipoi-tfb\n    - evil", "would not say what it should"),
    ],
)
def test_a_template_that_lets_something_through_is_noticed(monkeypatch, target, old, new, complaint):
    """Whatever a template does with a value, what comes out is compared with what the card asks for."""
    real = specs._templates()
    sources = {
        name: real.loader.get_source(real, name)[0].replace(old, new) for name in (*SPECS.values(), "info.yaml.j2")
    }
    changed = real.overlay(loader=jinja2.DictLoader(sources))
    monkeypatch.setattr(specs, "_templates", lambda: changed)
    if sources[SPECS[target]] == real.loader.get_source(real, SPECS[target])[0]:
        pytest.skip("the other template has it")
    with pytest.raises(EntryError, match=complaint):
        render_spec(card_of(tasks=(INJECTED,) if "tf" in old else ("SP1",)), target)


@pytest.mark.parametrize("target", SPECS)
def test_cell_types_are_said_where_they_are_not_all(target):
    training = tiny.card_fields()["training"]
    there = training.model_copy(update={"config": tiny.config(cell_types=["K562", "HeLa: S3 #1"])})
    said = yaml.safe_load(render_spec(card_of(training=there), target))["info"]["trained_on"]
    assert said.endswith("held out: chr22, chr16; labels of K562, HeLa: S3 #1")
    assert "labels of" not in render_spec(card_of(), target)


def test_none_is_written_where_one_is_wrong(tmp_path):
    data = tiny.card_fields()["data"].model_copy(update={"assembly": "a\nb"})
    with pytest.raises(EntryError):
        render_specs(card_of(data=data), tmp_path)
    assert not list(tmp_path.iterdir())


@given(st.text(string.printable, max_size=20))
def test_a_scalar_is_itself(text):
    assert plain_yaml(f"k: {specs._scalar(text)}\n") == {"k": text}
    assert plain_yaml(f"{specs._scalar(text)}: v\n") == {text: "v"}
