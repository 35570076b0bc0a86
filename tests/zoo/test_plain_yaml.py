"""YAML is data: no objects, no bombs, no key twice."""

from __future__ import annotations

import pytest
import yaml

from kipoi_tfb.zoo.plain_yaml import plain_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: 1\nb: [x, {c: null}]\n", {"a": 1, "b": ["x", {"c": None}]}),
        ("", None),
        ("'*a'", "*a"),
        ("a: b & c", {"a": "b & c"}),
    ],
)
def test_data(text, wanted):
    assert plain_yaml(text) == wanted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (BOMB, r"it has an alias \(\*a\); write out what it stands for"),
        ("a: &a [*a]", "it has an alias"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n", "it has an alias"),
        ("[" * 100_000 + "]" * 100_000, "nested more than 20 deep"),
        ("- " * 50_000 + "x", "nested more than 20 deep"),
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is there twice"),
        ("a: {b: 1, b: 2}", "the key 'b' is there twice"),
        ("!!python/object/apply:os.mkdir [x]", "it has a tag .tag:yaml.org,2002:python/object/apply:os.mkdir"),
        ("a: !!binary aGVsbG8=", "it has a tag"),
        ("a: !evil x", "it has a tag .!evil."),
        ("a: " + "9" * 5000, "Exceeds the limit"),
        ("a: 2001-13-45", "month must be in 1..12"),
        ("? [a]\n: b", "unhashable"),
        ("a: [", "while parsing"),
        ("\0", "control characters are not allowed"),
    ],
)
def test_what_is_more_than_data(text, complaint):
    with pytest.raises(yaml.YAMLError, match=complaint):
        plain_yaml(text)
