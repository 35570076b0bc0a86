"""What the package and its rooms show: every name is there, whatever was imported before, and costs nothing unasked."""

from __future__ import annotations

import importlib
import subprocess
import sys
from inspect import isfunction, ismodule

import pytest

ROOMS = (
    "evaluation", "finetuning", "interpretation", "models", "motifs", "output", "prediction", "report", "training",
    "variants", "zoo",
)  # fmt: skip
NAMES = {
    "Predictor", "evaluate", "finetune", "load", "mutate_region", "predict_regions", "predict_sequences", "pretrain",
    "score_variants",
}  # fmt: skip


def test_the_nine_names():
    package = importlib.import_module("kipoi_tfb")
    assert set(package.__all__) == NAMES | {"dataloaders", "serving"}
    assert all(callable(getattr(package, name)) for name in NAMES)
    assert package.__version__


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_shows_no_module(room):
    face = importlib.import_module(f"kipoi_tfb.{room}")
    assert face.__all__ and face.__doc__
    for name in face.__all__:
        assert not ismodule(getattr(face, name)), f"a module hides {room}.{name}"


def test_a_name_that_its_module_was_imported_before():
    from kipoi_tfb.evaluation.job import evaluate as here

    assert isfunction(here) and importlib.import_module("kipoi_tfb.evaluation").evaluate is here


def test_importing_a_face_imports_nothing_heavy():
    code = (
        "import sys; import kipoi_tfb.zoo, kipoi_tfb.variants, kipoi_tfb.finetuning; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="No kipoi_tfb attribute nothing"):
        importlib.import_module("kipoi_tfb").nothing  # noqa: B018
