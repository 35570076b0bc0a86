"""A configuration that is wrong says which field is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kipoi_tfb.zoo.config import MostResolved, PretrainConfig, Related, SplitConfig, read_config
from tests import tiny
from tfb_matrix_data.errors import ConfigError, InputError


@pytest.fixture
def read(tmp_path):
    def write_and_read(text: str | None = None, **fields: object) -> PretrainConfig:
        path = tmp_path / "config.yaml"
        required = {"name": "tiny", "summary": "A test."}
        path.write_text(yaml.safe_dump({**required, **fields}) if text is None else text)
        return read_config(path)

    return write_and_read


def test_defaults_hold_out_the_right_chromosomes(read):
    assert read().split == SplitConfig(validation=("chr21",), test=("chr22",), excluded=("chr16",))
    assert read(split={"test": ["chr7", "chr8"]}).split.test == ("chr7", "chr8")
    assert read(split="paper").split == "paper"


@pytest.mark.parametrize(
    ("tfs", "expected"),
    [
        ("all", "all"),
        (["JUND"], ("JUND",)),
        ({"most_resolved": 50}, MostResolved(most_resolved=50)),
        ({"relation": "cofactors", "of": "JUND"}, Related(relation="cofactors", of="JUND", n=5, with_target=False)),
    ],
)
def test_tfs(read, tfs, expected):
    assert read(tfs=tfs).tfs == expected


@pytest.mark.parametrize(
    "tfs",
    [
        "all",
        ["JUND", "SP1"],
        {"most_resolved": 2},
        {"relation": "binding_mode", "of": "SP1", "n": 3, "draw": "random", "bury": 45},
    ],
)
def test_round_trip_through_json(tfs):
    config = tiny.config(tfs=tfs, split={"excluded": ["chr1"]}, cell_types=["K562"], max_regions=40_000)
    assert PretrainConfig.model_validate(config.model_dump()) == config
    assert PretrainConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("epochs", 0, "greater than 0 .found 0."),
        ("epochs", "many", "valid integer.*found 'many'"),
        ("batch_size", 1, "greater than 1"),
        ("learning_rate", -0.1, "greater than 0"),
        ("weight_decay", -1, "greater than or equal to 0"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**32, "less than"),
        ("labels", "dense", "'sparse' or 'less_sparse' .found 'dense'."),
        ("resolved", "some", "'any' or 'all'"),
        ("strands", "forward", "'random' or 'both'"),
        ("optimiser", "sgd", "'adam' or 'adamw'"),
        ("schedule", "linear", "'one_cycle' or 'constant'"),
        ("name", "../up", "match pattern.*found '../up'"),
        ("name", "", "match pattern"),
        ("tfs", [], "at least 1 item"),
        ("tfs", ["JUND", "SP1", "JUND"], "JUND named twice"),
        ("tfs", 5, "found 5."),
    ],
)
def test_wrong_value_names_the_field(read, field, value, complaint):
    with pytest.raises(ConfigError, match=rf"config.yaml: field '{field}': .*{complaint}"):
        read(**{field: value})


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"split": {"test": "chr21"}}, "'split.test': Input should be a valid tuple .found 'chr21'."),
        ({"split": {"excluded": [16]}}, "'split.excluded.0': Input should be a valid string .found 16."),
        ({"tfs": {"most_resolved": 0}}, "'tfs.most_resolved': Input should be greater than 0 .found 0."),
        ({"tfs": ["JUND", 3]}, "'tfs.1': Input should be a valid string .found 3."),
        ({"tfs": {"of": "JUND"}}, "'tfs.relation': Field required"),
        ({"tfs": {"relation": "cofactor", "of": "JUND"}}, "'tfs.relation': Input .* 'cofactors'.*found 'cofactor'."),
        ({"tfs": {"relation": "cofactors", "of": "JUND", "n": 0}}, "'tfs.n': Input should be greater than 0 .found 0."),
        ({"tfs": {"relation": "cofactors", "of": "JUND", "with": 1}}, "'tfs.with': Extra inputs are not permitted"),
        ({"tfs": {"relation": "string", "of": "JUND"}}, "'tfs': Value error, relation string needs `string`, a .*"),
        ({"tfs": {"relation": "random", "of": "JUND", "n": 1, "with_target": True}}, "'tfs': .*at least 2 where.*"),
        (
            {"tfs": {"relation": "cofactors", "of": "JUND", "other_modes": True}},
            "'tfs': .*other_modes is of relation string, not of cofactors; .*cofactors_any takes those of any",
        ),
        ({"tfs": {"relation": "random", "of": "JUND", "draw": "random"}}, "'tfs': .*draw is of .*, not of random"),
        (
            {"tfs": {"relation": "binding_mode", "of": "JUND", "draw": "most"}},
            "'tfs.draw': Input should be 'most_bound' or 'random' .found 'most'.",
        ),
        ({"tfs": {"relation": "random", "of": "JUND", "bury": -1}}, "'tfs.bury': .*equal to 0 .found -1."),
        ({"tfs": {"relation": "random", "of": "JUND", "bury": 9999}}, "'tfs': .*make 10004 TFs; .*at most 10000"),
        ({"tfs": {"relation": "random", "of": "JUND", "kind": "partial"}}, "'tfs.kind': Input .*found 'partial'."),
        ({"max_regions": 0}, "'max_regions': Input should be greater than 0 .found 0."),
        ({"max_regions": 5, "fraction": 0.5}, "'file': .*fraction and max_regions both limit .*give one of them"),
        ({"cell_types": []}, "'cell_types': Tuple should have at least 1 item .*"),
        ({"cell_types": ["K562", "K562"]}, "'cell_types': Value error, K562 named twice"),
        ({"cell_types": "K562"}, "'cell_types': Input should be a valid tuple .found 'K562'."),
        ({"cell_types": ["-rf"]}, "'cell_types.0': Value error, '-rf' is not a name of a cell type: .*"),
    ],
)
def test_field_of_a_field_is_named(read, fields, complaint):
    with pytest.raises(ConfigError, match=f"field {complaint}$"):
        read(**fields)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"sizes": {"filters": 1e9}},
            "'sizes': Value error, filters is 1000000000.0; expected a whole number from 1 to",
        ),
        ({"epochs": 10**9}, "'epochs': Input should be less than or equal to 100000"),
        ({"batch_size": 10**9}, "'batch_size': Input should be less than or equal to 1048576"),
        ({"learning_rate": float("inf")}, "'learning_rate': Input should be a finite number"),
        ({"tfs": ["SP1", "SP1:\nargs: {}"]}, "'tfs.1': Value error, 'SP1:.*' is not a name of a TF"),
        ({"tfs": {"relation": "random", "of": "-rf"}}, "'tfs.of': Value error, '-rf' is not a name of a TF"),
        ({"tfs": {"most_resolved": 10**9}}, "'tfs.most_resolved': Input should be less than or equal to 10000"),
        ({"name": "a" * 200}, "'name': String should have at most 100 characters"),
    ],
)
def test_out_of_bounds(read, fields, complaint):
    with pytest.raises(ConfigError, match=f"config.yaml: field {complaint}") as caught:
        read(**fields)
    assert len(str(caught.value)) < 500


def test_a_configuration_without_an_end():
    with pytest.raises(InputError, match="/dev/zero: has more than 1 MB"):
        read_config("/dev/zero")


def test_unknown_field_is_named(read):
    with pytest.raises(
        ConfigError, match=r"field 'learning_rat': Extra inputs are not permitted; did you mean learning_rate\?$"
    ):
        read(learning_rat=0.1)
    with pytest.raises(
        ConfigError, match=r"field 'split.validate': Extra inputs are not permitted; did you mean validation\?$"
    ):
        read(split={"validate": ["chr1"]})


def test_a_command_says_them_before_torch_is_loaded(tmp_path):
    (tmp_path / "config.yaml").write_text("name: tiny\nsummry: x\nepochs: 0\n")
    code = (
        "import sys; sys.modules['torch'] = None; from kipoi_tfb.cli import main\n"
        "sys.argv = 'tfb pretrain config.yaml --matrix m.h5 --genome g.fa -o run --threads 1'.split(); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stderr.replace("\n", " ")
    assert done.returncode == 1 and "field 'epochs'" in said and "did you mean summary?" in said
    assert not (tmp_path / "run").exists()


def test_all_faults_are_said_at_once(read):
    with pytest.raises(
        ConfigError,
        match=r"field 'summary': Field required; field 'tfs.relaton': Extra inputs are not permitted; did you mean "
        r"relation\?; field 'epochs': Input should be greater than 0 \(found 0\); field 'x': Extra inputs are not "
        r"permitted$",
    ):
        read(text="name: tiny\nepochs: 0\ntfs: {relation: cofactors, of: SP1, relaton: x}\nx: 1\n")
    with pytest.raises(ConfigError, match=r"field 'a5': Extra inputs are not permitted; 3 more$"):
        read(**{f"a{i}": 1 for i in range(9)})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not a configuration"),
        ("- a\n", "is not a configuration"),
        ("a: [", "is not YAML"),
        ("\0", "is not YAML"),
    ],
)
def test_not_a_configuration(read, text, complaint):
    with pytest.raises(InputError, match=f"config.yaml: {complaint}"):
        read(text=text)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml: no such configuration file"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(InputError):
        read_config(tmp_path)


def test_binary_file(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(InputError, match="is not YAML"):
        read_config(tmp_path / "config.yaml")


EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PENTAD = ("HNF4A", "JUND", "MAX", "SPI1", "SP1")


def test_every_experiment_is_valid():
    others = {"results", "paper", "labels.yaml"}  # whose YAML is of another kind
    paths = sorted(
        path for path in EXPERIMENTS.rglob("*.yaml") if not others & set(path.relative_to(EXPERIMENTS).parts)
    )
    configs = [read_config(path) for path in paths]
    assert [config.name.removeprefix("pentad-") for config in configs] == [path.stem for path in paths]
    assert len({config.name for config in configs}) == len(configs)
    assert all(config.split == SplitConfig() for config in configs), "no released model may train on what is held out"


def test_the_papers_models_have_the_papers_protocol():
    # Patience leaves out epochs that would not have been kept, unless a later one had been better than all before.
    ours = {"name", "summary", "architecture", "tfs", "patience"}
    multi50 = read_config(EXPERIMENTS / "multi50.yaml").model_dump(exclude=ours)
    names = ["multi50-danq.yaml", *(path.relative_to(EXPERIMENTS) for path in EXPERIMENTS.glob("pentad/*.yaml"))]
    for name in names:
        assert read_config(EXPERIMENTS / name).model_dump(exclude=ours) == multi50, name


@pytest.mark.parametrize("tf", PENTAD)
@pytest.mark.parametrize("relation", ["binding_mode", "cofactors"])
def test_the_pentad(tf, relation):
    config = read_config(EXPERIMENTS / "pentad" / f"{tf}-{relation.replace('_', '-')}.yaml")
    assert config.tfs == Related(relation=relation, of=tf, n=5, with_target=True)
    assert config.architecture == "paper-cnn"
