"""The heatmap: its order, its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.output.figures import MAX_NAMED, class_order, similarity_heatmap, similarity_map
from tests.drawn import collisions, sticking_out, texts
from tfb_matrix_data.errors import InputError

pytest_plugins = ("tests.pictures",)

TFS = ["JUND", "NEW", "FOS", "SP1", "GATA1", "GATA2", "ATF4"]
CLASSES = {"JUND": "bZIP", "FOS": "bZIP", "ATF4": "bZIP", "SP1": "C2H2", "GATA1": "C4", "GATA2": "C4"}
MODES = {"JUND": frozenset({"b"}), "FOS": frozenset({"b"}), "ATF4": frozenset({"c"})}


def test_the_order_is_by_class_then_mode_then_name() -> None:
    assert class_order(TFS, CLASSES, MODES) == ["FOS", "JUND", "ATF4", "GATA1", "GATA2", "SP1", "NEW"]


def draw(path: Path, n_classes: int = 3, title: str = "") -> bytes:
    values = np.linspace(0, 1, 49).reshape(7, 7)
    values[0, 0] = np.nan
    classes = CLASSES if n_classes == 3 else {f"TF{i}": f"class {i}" for i in range(n_classes)}
    tfs = TFS if n_classes == 3 else [f"TF{i}" for i in range(n_classes)]
    values = values if n_classes == 3 else np.eye(n_classes)
    similarity_heatmap(values, tfs, classes, path, title)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.png", "a.svg", "A.SVG", "a.pdf"])
def test_the_same_bytes_again(tmp_path: Path, name: str) -> None:
    first = draw(tmp_path / name)
    assert first == draw(tmp_path / name)
    starts = {"png": b"\x89PNG", "pdf": b"%PDF"}
    assert first.startswith(starts.get(name[-3:], b"<?xml")) and b"CreationDate" not in first


def test_an_svg_has_names_and_legend_as_text(tmp_path: Path) -> None:
    text = draw(tmp_path / "a.svg", title="All of it").decode()
    for word in (*TFS, "TF class (TFs)", "bZIP (3)", "C4 (2)", "not known (1)", "All of it", "cosine similarity"):
        assert f">{word}<" in text


def test_more_classes_than_colours(tmp_path: Path) -> None:
    text = draw(tmp_path / "a.svg", n_classes=25).decode()
    assert ">other classes (7)<" in text and ">class 0 (1)<" in text


def test_a_map_has_a_dot_and_a_name_per_tf_and_a_legend(tmp_path: Path) -> None:
    places = np.random.default_rng(1).uniform(size=(7, 2))
    for name in ("a.svg", "b.svg"):
        similarity_map(places, TFS, CLASSES, tmp_path / name, "All of it")
    text = (tmp_path / "a.svg").read_text()
    for word in (*TFS, "TF class (TFs)", "bZIP (3)", "not known (1)", "All of it"):
        assert f">{word}<" in text
    assert text == (tmp_path / "b.svg").read_text()
    with pytest.raises(InputError, match=r"the ending '\.eps'"):
        similarity_map(places, TFS, CLASSES, tmp_path / "a.eps")


def test_another_ending_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot draw a figure of the ending '\.eps'; use one of \.png, \.svg, \.pdf"):
        draw(tmp_path / "a.eps")
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    title = "chr$1$ & <b> $\\frac{1}$"
    assert ">chr$1$ &amp; &lt;b&gt; $\\frac{1}$<" in draw(tmp_path / "a.svg", title=title).decode()
    draw(tmp_path / "a.png", title=title)


@pytest.mark.parametrize("n", [3, 163])
def test_names_are_large_enough_to_read_and_do_not_collide(tmp_path: Path, figures, n: int) -> None:
    draw(tmp_path / "a.png", n_classes=n, title="Binding similarity")
    (figure,) = figures
    found = [(text, box) for text, box in texts(figure) if text.get_text() in {*TFS, *(f"TF{i}" for i in range(n))}]
    assert len(found) == 2 * (n if n != 3 else len(TFS)) and all(text.get_fontsize() >= 6 for text, _ in found)
    assert collisions([(text.get_text(), box) for text, box in found]) == [] and sticking_out(figure) == []


def test_more_than_can_be_named_have_no_names(tmp_path: Path, figures) -> None:
    draw(tmp_path / "a.png", n_classes=MAX_NAMED + 1)
    words = [text.get_text() for text, _ in texts(figures[0])]
    assert "TF0" not in words and "class 0 (1)" in words
    assert max(figures[0].get_size_inches()) < 20
