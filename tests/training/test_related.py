"""The TFs of a multi-model by relation: worked by hand, too few of them, and the paper's pentad on the real matrix."""

from __future__ import annotations

from pathlib import Path

import pytest

from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.related import choose_related
from kipoi_tfb.zoo.config import Related, read_config
from kipoi_tfb.zoo.find import find_entry
from tests import tiny
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.similarity import similarity

PENTAD = Path(__file__).parents[2] / "experiments" / "pentad"
# By which, in the tiny world: CTCF and SP1 share a binding mode (MODES), SP1 and JUND have a STRING score.
MODES = "TF\tcluster\nCTCF\ta\nSP1\ta\nJUND\tb\n"
STRING = "TF_a\tTF_b\tscore\nSP1\tJUND\t900\n"


@pytest.fixture
def choose(world, tmp_path):
    (tmp_path / "modes.tsv").write_text(MODES)
    (tmp_path / "string.tsv").write_text(STRING)
    tables = {"modes": str(tmp_path / "modes.tsv"), "string": str(tmp_path / "string.tsv")}

    def with_tables(relation, of, n=1, seed=0, **more):
        return choose_related(Related(relation=relation, of=of, n=n, **{**tables, **more}), world.matrix, seed)

    return with_tables


@pytest.mark.parametrize(
    ("relation", "of", "n", "with_target", "expected"),
    [
        ("binding_mode", "SP1", 1, False, ["CTCF"]),
        ("binding_mode", "SP1", 2, True, ["SP1", "CTCF"]),
        ("cofactors", "SP1", 1, False, ["JUND"]),
        ("cofactors", "SP1", 2, True, ["SP1", "JUND"]),
        ("non_cofactors", "CTCF", 1, False, ["SP1"]),
        ("string", "SP1", 1, False, ["JUND"]),
        ("string", "SP1", 2, True, ["SP1", "JUND"]),
        ("cofactors_any", "SP1", 3, True, ["SP1", "CTCF", "JUND"]),
    ],
)
def test_each_relation(choose, relation, of, n, with_target, expected):
    assert choose(relation, of, n, with_target=with_target) == expected


def test_random_ones_go_by_the_seed(world):
    # A cofactor is no random TF: of JUND's two others of another mode, one is its cofactor.
    choice = Related(relation="random", of="JUND", n=1)
    assert choose_related(choice, world.matrix, 3) == choose_related(choice, world.matrix, 3)
    assert choose_related(choice, world.matrix, 3)[0] in {"CTCF", "SP1"}


def test_same_mode_at_random_goes_by_the_seed(choose):
    assert choose("binding_mode", "SP1", draw="random", seed=3) == ["CTCF"]
    with pytest.raises(ConfigError, match=r"2 TFs other than SP1 asked for .* only 1 .CTCF."):
        choose("binding_mode", "SP1", 2, draw="random")


def test_string_partners_of_other_modes(choose, tmp_path):
    (tmp_path / "string.tsv").write_text(STRING + "SP1\tCTCF\t990\n")
    assert choose("string", "SP1", 2) == ["CTCF", "JUND"]
    assert choose("string", "SP1", 1, other_modes=True) == ["JUND"]


def test_buried_among_tfs_of_other_modes(choose):
    assert choose("binding_mode", "SP1", 2, with_target=True, bury=1) == ["SP1", "CTCF", "JUND"]
    # JUND's two others share no mode with it, and one of them is chosen.
    (chosen,) = choose("cofactors", "JUND")
    assert choose("cofactors", "JUND", bury=1) == [chosen, *({"CTCF", "SP1"} - {chosen})]
    with pytest.raises(
        ConfigError, match=r"field 'tfs.bury': 2 TFs of other .* than JUND .* beside the 1, .* only 1; low"
    ):
        choose("cofactors", "JUND", bury=2)


def test_relations_in_cell_types_and_kinds(world):
    choice = Related(relation="cofactors_any", of="JUND", n=2)
    assert set(choose_related(choice, world.matrix, 0, ["K562"])) == {"CTCF", "SP1"}
    with pytest.raises(ConfigError, match=r"2 TFs other than JUND .* only 0"):  # nothing is bound there
        choose_related(choice, world.matrix, 0, ["HepG2"])
    sparse = Related(relation="cofactors_any", of="JUND", n=2, kind="sparse")
    with BindingMatrix(world.matrix_path) as matrix:
        cosines = dict(zip(matrix.tfs, similarity(matrix, kind="sparse")[matrix.tfs.index("JUND")], strict=True))
    assert choose_related(sparse, world.matrix, 0) == sorted({"CTCF", "SP1"}, key=cosines.__getitem__, reverse=True)


@pytest.mark.parametrize(
    ("relation", "of", "n", "complaint"),
    [
        (
            "binding_mode",
            "JUND",
            1,
            "1 TFs other than JUND asked for by relation binding_mode, .* only 0 .none.;",
        ),
        (
            "cofactors",
            "JUND",
            5,
            r"5 TFs other than JUND asked for by relation cofactors, .* only 2 .\w+, \w+.;",
        ),
        ("string", "CTCF", 1, "1 TFs other than CTCF asked for by relation string, but there are only 0"),
    ],
)
def test_too_few(choose, relation, of, n, complaint):
    with pytest.raises(ConfigError, match=complaint):
        choose(relation, of, n)


def test_unknown_tf(choose):
    with pytest.raises(UnknownNameError, match=r"unknown TF 'JUNDD'.*Did you mean JUND"):
        choose("cofactors", "JUNDD")


@pytest.mark.parametrize("table", ["modes", "string"])
def test_missing_table(choose, table):
    with pytest.raises(InputError, match=r"none\.tsv"):
        choose("string", "SP1", **{table: "none.tsv"})


def test_training_data_have_these_columns(world):
    tfs = {"relation": "cofactors", "of": "JUND", "n": 3, "with_target": True}
    data = load_training_data(tiny.config(tfs=tfs, resolved="all"), world.matrix, world.genome)
    assert data.tfs[0] == "JUND" and set(data.tfs) == set(tiny.MOTIFS)
    assert data.train.labels.shape[1] == 3 and (data.train.labels >= 0).all()


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_pentad_on_the_real_matrix(real_matrix):
    chosen = {}
    with BindingMatrix(real_matrix) as matrix:
        for path in sorted(PENTAD.glob("*.yaml")):
            config = read_config(path)
            chosen[path.stem] = choose_related(config.tfs, matrix, config.seed)
            labels = matrix.labels(chosen[path.stem], kind=config.labels)
            resolved = labels[(labels >= 0).all(1)]
            assert len(resolved) > 70_000, "the authors' number of regions for a model of five TFs"
            assert ((resolved == 1).sum(0) >= 250).all()
    assert len(chosen) == 10
    assert all(len(tfs) == 5 and tfs[0] == name.split("-")[0] for name, tfs in chosen.items())
    assert chosen["JUND-binding-mode"] == ["JUND", "FOS", "JUN", "FOSL2", "CREB1"]
    assert chosen["MAX-cofactors"] == ["MAX", "MXI1", "E2F6", "JUND", "ATF3"]
    assert chosen["MAX-binding-mode"] == ["MAX", "MYC", "USF1", "BHLHE40", "USF2"]
    assert chosen["SP1-binding-mode"] == ["SP1", "EGR1", "KLF9", "KLF13", "KLF4"]
    assert chosen["HNF4A-binding-mode"] == ["HNF4A", "TEAD4", "TCF7L2", "NR2F1", "HNF4G"]
    for name, tfs in chosen.items():  # the entries are of these
        assert list(find_entry(f"pentad-{name}").card.tasks) == tfs, name
