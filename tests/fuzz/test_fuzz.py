"""Damaged inputs by the thousand: no traceback, no hang, no wrong number, nothing half-written.

A small, fixed share runs with the other tests; `make fuzz` runs all: how many, seed, and one target or number come from
TFB_FUZZ_MUTANTS, TFB_FUZZ_SEED and TFB_FUZZ_ONLY.
"""

import os
from collections import Counter

import pytest

from tests.fuzz import oracle
from tests.fuzz.session import faults
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_damage_does_no_harm(target, tmp_path):
    tried = list(faults(tmp_path, 0, 200, target))
    assert tried
    assert not [each for each in tried if each[2]]


def test_the_oracle_normalises_as_vt_does():
    #        0123456789
    bases = "GGGCACACAGGG"
    assert oracle.normal_form(bases, 8, "CAG", "G") == (3, "CA", "")  # the last CA of three; the first is named
    assert oracle.normal_form(bases, 3, "GCA", "G") == (3, "CA", "")
    assert oracle.normal_form(bases, 3, "GCA", "GCACA") == (3, "", "CA")
    assert oracle.normal_form(bases, 1, "GGG", "GTG") == (1, "G", "T")
    assert oracle.allele_windows("A" * 300, 151, "A", "C")[1][100] == "C"


@pytest.mark.parametrize(
    ("name", "contigs", "there"),
    [
        ("NC_000001.11", ["chr2", "chr1"], "chr1"),
        ("NC_000002.11", ["1", "2"], "2"),
        ("1", ["NC_000001.10", "NC_000001.11"], "NC_000001.11"),
        ("NC_000001.11", ["NC_000001.10"], None),  # of another assembly
        ("NC_000001.9", ["chr1"], None),
        ("chr1", ["1", "chr1"], "chr1"),
    ],
)
def test_the_oracle_knows_the_names_of_contigs(name, contigs, there):
    assert oracle.contig_of(dict.fromkeys(contigs, ""), name) == there


@pytest.mark.slow
def test_thousands_of_mutants(tmp_path):
    n_mutants = int(os.environ.get("TFB_FUZZ_MUTANTS", 5000))
    seed = int(os.environ.get("TFB_FUZZ_SEED", 1))
    tried: Counter[str] = Counter()
    wrong = []
    for number, target, problem in faults(tmp_path, seed, n_mutants, os.environ.get("TFB_FUZZ_ONLY", "")):
        tried[target] += 1
        if problem:
            wrong.append(f"mutant {number} ({target}), seed {seed}: {problem}")
            print(wrong[-1], flush=True)
    print(f"{sum(tried.values())} mutants, seed {seed}, {len(wrong)} faults: {dict(sorted(tried.items()))}")
    assert not wrong
