"""Relations between TFs: worked by hand, against a naive choice, and on the real matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.modes import DERIVED, BindingModes, read_modes
from tfb_matrix_data.relations import Neighbour, Relations

# ABE and BOB share bZIP, ABE and CAT share ETS; DOG, EEL and FOX have other modes; GNU has no bound region; HEN has no
# known mode.
TFS = ["ABE", "BOB", "CAT", "DOG", "EEL", "FOX", "GNU", "HEN"]
MODES = {
    "ABE": {"bZIP", "ETS"},
    "BOB": {"bZIP", "bHLH"},
    "CAT": {"ETS"},
    "DOG": {"HOX"},
    "EEL": {"GATA"},
    "FOX": {"FOX", "GATA"},
    "GNU": {"ETS"},
    "QED": {"bZIP"},
}
TO_ABE = [1, 0.6, 0.2, 0.3, 0.5, 0.5, np.nan, 0.9]
BOUND = [100, 30, 40, 50, 60, 70, 0, 80]
STRING = {frozenset(pair): score for *pair, score in (("ABE", "HEN", 700), ("CAT", "ABE", 999), ("DOG", "ABE", 800))}


@pytest.fixture
def relations() -> Relations:
    cosines = np.eye(8)
    cosines[0], cosines[:, 0] = TO_ABE, TO_ABE
    modes = BindingModes({tf: frozenset(found) for tf, found in MODES.items()}, {}, "a test")
    return Relations(TFS, cosines, BOUND, modes, STRING)


def names(found: list[Neighbour]) -> list[str]:
    return [neighbour.name for neighbour in found]


def test_cofactors_have_the_highest_cosine_among_other_modes(relations: Relations) -> None:
    reason = "shares no binding mode with ABE; score: cosine, highest first"
    assert relations.cofactors("ABE", 2) == [Neighbour("EEL", 0.5, reason), Neighbour("FOX", 0.5, reason)]
    assert names(relations.cofactors("ABE")) == ["EEL", "FOX", "DOG"]


def test_cofactors_of_any_mode(relations: Relations) -> None:
    found = relations.cofactors("ABE", 3, other_modes=False)
    assert found == [
        Neighbour("HEN", 0.9, "shares no known binding mode with ABE; score: cosine, highest first"),
        Neighbour("BOB", 0.6, "shares bZIP with ABE; score: cosine, highest first"),
        Neighbour("EEL", 0.5, "shares no known binding mode with ABE; score: cosine, highest first"),
    ]
    assert "GNU" not in names(relations.cofactors("ABE", None, other_modes=False))  # has nothing bound
    assert names(relations.cofactors("HEN", 1, other_modes=False)) == ["ABE"]  # needs no binding mode


def test_non_cofactors_have_the_lowest_cosine_among_the_same_modes(relations: Relations) -> None:
    assert relations.non_cofactors("ABE") == [
        Neighbour("CAT", 0.2, "shares ETS with ABE; score: cosine, lowest first"),
        Neighbour("BOB", 0.6, "shares bZIP with ABE; score: cosine, lowest first"),
    ]
    assert names(relations.non_cofactors("ABE", 1)) == ["CAT"]


def test_the_same_mode_by_bound_regions(relations: Relations) -> None:
    assert relations.same_binding_mode("ABE") == [
        Neighbour("CAT", 40, "shares ETS with ABE; score: bound regions"),
        Neighbour("BOB", 30, "shares bZIP with ABE; score: bound regions"),
    ]
    assert relations.same_binding_mode("DOG") == []


def test_the_same_mode_at_random(relations: Relations) -> None:
    # CAT has more bound regions, but drawn is by seed: both come first, the same for the same seed.
    drawn = {seed: names(relations.same_binding_mode_random("ABE", 1, seed)) for seed in range(20)}
    assert drawn == {seed: names(relations.same_binding_mode_random("ABE", 1, seed)) for seed in range(20)}
    assert {name for (name,) in drawn.values()} == {"BOB", "CAT"}
    both = relations.same_binding_mode_random("ABE", 5, 3)
    assert {(one.name, one.score) for one in both} == {("BOB", 30), ("CAT", 40)}
    assert {one.reason.split(";")[0] for one in both} == {"drawn with seed 3 from 2 TFs"}
    assert relations.same_binding_mode_random("DOG") == []


def test_string_partners_by_score(relations: Relations) -> None:
    assert relations.string_partners("ABE") == [
        Neighbour("CAT", 999, "STRING partner, shares ETS with ABE; score: STRING"),
        Neighbour("DOG", 800, "STRING partner, shares no known binding mode with ABE; score: STRING"),
        Neighbour("HEN", 700, "STRING partner, shares no known binding mode with ABE; score: STRING"),
    ]
    assert names(relations.string_partners("ABE", other_modes=True)) == ["DOG"]
    assert names(relations.string_partners("HEN")) == ["ABE"]  # needs no binding mode


def test_random_ones_are_unrelated_and_seeded(relations: Relations) -> None:
    # Not CAT and BOB (same mode), DOG (STRING) or GNU (nothing bound); with n = 1, EEL is a cofactor.
    assert names(relations.random_unrelated("ABE", 1)) == ["FOX"]
    assert "drawn with seed 0 from 1 TFs unrelated to ABE" in relations.random_unrelated("ABE", 1)[0].reason
    assert relations.random_unrelated("ABE", 5) == []
    drawn = {seed: names(relations.random_unrelated("DOG", 1, seed)) for seed in range(20)}
    assert drawn == {seed: names(relations.random_unrelated("DOG", 1, seed)) for seed in range(20)}
    assert len({name for (name,) in drawn.values()}) > 1


NEED_A_MODE = ("cofactors", "non_cofactors", "same_binding_mode", "same_binding_mode_random", "random_unrelated")
METHODS = (*NEED_A_MODE, "string_partners")


@pytest.mark.parametrize("method", METHODS)
def test_unknown_tfs(relations: Relations, method: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown TF 'CATT'\. Did you mean CAT"):
        getattr(relations, method)("CATT")


@pytest.mark.parametrize("method", NEED_A_MODE)
def test_without_a_known_mode(relations: Relations, method: str) -> None:
    with pytest.raises(ConfigError, match="the binding mode of HEN is not in a test; give a table that has it"):
        getattr(relations, method)("HEN")
    with pytest.raises(ConfigError, match="the binding mode of HEN is not in a test"):
        relations.string_partners("HEN", other_modes=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_negative_number(relations: Relations, method: str) -> None:
    with pytest.raises(ConfigError, match="-1 TFs asked for"):
        getattr(relations, method)("ABE", -1)


def test_string_partners_need_a_table(relations: Relations) -> None:
    without = Relations(relations.tfs, relations.similarity, relations.n_bound, relations.modes)
    with pytest.raises(ConfigError, match="need a table of STRING scores"):
        without.string_partners("ABE")
    assert "STRING" not in without.random_unrelated("ABE", 1)[0].reason


@given(st.data(), st.integers(0, 8))
def test_any_relations_equal_a_naive_choice(data, n: int) -> None:
    tfs = [f"TF{i}" for i in range(data.draw(st.integers(1, 7)))]
    modes = {tf: data.draw(st.frozensets(st.sampled_from("abcd"), min_size=1)) for tf in tfs}
    cosines = np.array([[data.draw(st.sampled_from([0, 0.25, 0.5, np.nan])) for _ in tfs] for _ in tfs])
    relations = Relations(tfs, cosines, [1] * len(tfs), BindingModes(modes, {}, "a test"))
    ranked = sorted((float(cosines[0, i]), tf) for i, tf in enumerate(tfs) if i and not np.isnan(cosines[0, i]))
    same = [(score, tf) for score, tf in ranked if modes["TF0"] & modes[tf]]
    other = sorted(((score, tf) for score, tf in ranked if not modes["TF0"] & modes[tf]), key=lambda x: (-x[0], x[1]))
    assert [(o.score, o.name) for o in relations.non_cofactors("TF0", n)] == same[:n]
    assert [(o.score, o.name) for o in relations.cofactors("TF0", n)] == other[:n]
    drawn = names(relations.random_unrelated("TF0", n, 3))
    assert set(drawn) <= {tf for _, tf in other[n:]} and len(drawn) == len(set(drawn)) == min(n, len(other[n:]))


def test_of_a_matrix(dense_path: Path, tmp_path: Path) -> None:
    (tmp_path / "modes.tsv").write_text("TF\tcluster\nATF4\ta\nCTCF\tb\nJUND\ta\nSP1\tc\n")
    (tmp_path / "string.tsv").write_text("TF_a\tTF_b\tscore\nSP1\tJUND\t900\n")
    with BindingMatrix(dense_path) as matrix:
        relations = Relations.of(matrix, tmp_path / "modes.tsv", tmp_path / "string.tsv", "sparse")
        assert list(relations.n_bound) == (matrix.labels() == 1).sum(0).tolist()
        assert names(relations.string_partners("JUND")) == ["SP1"]
        assert names(relations.same_binding_mode("JUND")) == ["ATF4"]
        assert set(names(relations.cofactors("JUND"))) == {"CTCF", "SP1"}
        one = Relations.of(matrix, cell_types=["K562"])
        assert list(one.n_bound) == (matrix.labels(cell_types=["K562"]) == 1).sum(0).tolist()
        with pytest.raises(InputError, match=r"none\.tsv: no such file"):
            Relations.of(matrix, tmp_path / "none.tsv")


@pytest.fixture(scope="module")
def real(real_matrix: Path, shared_data: Path) -> Callable[[str], Relations]:
    with BindingMatrix(real_matrix) as matrix:
        jaspar = Relations.of(matrix, string=shared_data / "knowledge" / "string_v11_tf_pairs.tsv")
    return {"jaspar": jaspar, "derived": replace(jaspar, modes=read_modes(DERIVED))}.__getitem__


# By the paper's rule, its clusters and its matrix.
COFACTORS = {
    "HNF4A": ["NR2F2", "FOXA2", "FOXA1", "SP1", "MYBL2"],
    "JUND": ["SP1", "MAFG", "MAFF", "NFIC", "CEBPB"],
    "MAX": ["MXI1", "E2F6", "JUND", "ATF3"],
    "SP1": ["FOSL1", "JUND", "FOS", "FOSL2"],
}


@pytest.mark.shared_data
class TestRealMatrix:
    """The choices that the paper reports, and their sense."""

    @pytest.mark.parametrize("modes", ["jaspar", "derived"])
    def test_cofactors_of_gata1(self, real, modes: str) -> None:
        # TAL1, the closest, has the composite profile GATA1::TAL1 in common with it.
        assert names(real(modes).cofactors("GATA1", 2)) == ["SOX6", "TEAD4"]
        assert {"TAL1", "GATA2"} <= set(names(real(modes).same_binding_mode("GATA1")))

    @pytest.mark.parametrize("tf", COFACTORS)
    def test_cofactors_of_the_pentad(self, real, tf: str) -> None:
        assert names(real("jaspar").cofactors(tf, len(COFACTORS[tf]))) == COFACTORS[tf]

    @pytest.mark.parametrize(
        ("tf", "some"),
        [
            ("MAX", {"MYC", "MYCN", "MNT", "MITF", "USF1", "USF2", "BHLHE40", "ARNT"}),
            ("SP1", {"EGR1", "KLF9", "KLF13", "KLF4", "KLF5", "SP2"}),
            ("EGR1", {"SP1", "KLF9", "KLF13", "KLF4"}),
            ("HNF4A", {"TEAD4", "TCF7L2", "NR2F1", "HNF4G"}),
            ("JUND", {"FOS", "JUN", "FOSL2", "CREB1", "ATF3"}),
        ],
    )
    def test_tfs_of_one_binding_mode(self, real, tf: str, some: set[str]) -> None:
        assert some <= set(names(real("jaspar").same_binding_mode(tf)))

    def test_string_partners(self, real) -> None:
        found = real("jaspar").string_partners("JUND", 3)
        assert found[0] == Neighbour("FOS", 999.0, found[0].reason)
        assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
        other = real("jaspar").string_partners("JUND", None, other_modes=True)
        assert "FOS" not in names(other) and set(names(other)) < set(
            names(real("jaspar").string_partners("JUND", None))
        )

    def test_every_tf_gets_its_relations(self, real) -> None:
        relations = real("jaspar")
        for tf in relations.tfs:
            if tf == "SMAD3":  # has no bound region: no cosine with any
                assert relations.cofactors(tf) == []
                continue
            cofactors, same = set(names(relations.cofactors(tf, 5))), set(names(relations.same_binding_mode(tf)))
            assert len(cofactors) == 5 and not cofactors & same and "SMAD3" not in cofactors
            assert set(names(relations.non_cofactors(tf))) <= same
            assert set(names(relations.same_binding_mode_random(tf, 3, 1))) <= same
            unrelated = set(names(relations.random_unrelated(tf, 5, 1)))
            assert len(unrelated) == 5 and not unrelated & (same | cofactors | {tf})
