"""A command leaves out what it never needs of torch, and computes the same."""

from __future__ import annotations

import gc
import subprocess
import sys

from kipoi_tfb.cli.quick_start import start_quickly
from tests.entries import base

pytest_plugins = ("tests.entries",)

COMMANDS = {"quick": "import kipoi_tfb.cli as cli; cli.main()", "plain": "import kipoi_tfb.cli as cli; cli.app()"}
ASKED = (
    "from kipoi_tfb.cli.quick_start import start_quickly; start_quickly(); import sys, torch\n"
    "lean = 'torch._refs' not in sys.modules\n"
    "print(lean, callable(torch._meta_registrations.register_meta), 'torch._refs' in sys.modules)\n"
    "print(torch.empty(3, 4, device='meta').mm(torch.empty(4, 5, device='meta')).shape)"
)


ENDED = (
    "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
    "from kipoi_tfb.cli.quick_start import start_quickly; start_quickly(); print(gc.get_freeze_count() > 0)"
)

TRAINED = (
    "from kipoi_tfb.cli.quick_start import start_quickly; start_quickly(); import sys, torch\n"
    "weight = torch.ones(3, requires_grad=True)\n"
    "optimiser = torch.optim.AdamW([weight], lr=0.5)\n"
    "weight.sum().backward(); optimiser.step()\n"
    "print(bool((weight < 1).all()), 'torch._refs' in sys.modules)\n"
)


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_left_out_is_there_when_it_is_asked_for():
    assert run(ASKED) == "True True True\ntorch.Size([3, 5])\n"


def test_at_its_end_a_command_looks_for_no_garbage():
    assert run(ENDED) == "False\nTrue\n"


def test_what_trains_finds_what_it_needs():
    """Optimisers import torch's compiler, which needs what was left out: pretrain and finetune."""
    assert run(TRAINED) == "True True\n"


def test_the_numbers_are_the_same(entry, genome_path, tmp_path):
    variant = f"chr1:1001:{base(1001)}>{'A' if base(1001) != 'A' else 'C'}"
    for name, code in COMMANDS.items():
        run(code, "score", variant, "--genome", genome_path, "--models", entry.folder, "-o", tmp_path / f"{name}.tsv")
    assert (tmp_path / "quick.tsv").read_bytes() == (tmp_path / "plain.tsv").read_bytes()


def test_torch_that_is_there_stays_what_it_is(monkeypatch):
    import torch

    before, threshold = torch._meta_registrations, gc.get_threshold()
    gc.set_threshold(700, *threshold[1:])  # a command that ran in this process may have raised it
    try:
        start_quickly()
        assert sys.modules["torch._meta_registrations"] is before and gc.get_threshold()[1:] == threshold[1:]
        assert gc.get_threshold()[0] > 700
    finally:
        gc.set_threshold(*threshold)
