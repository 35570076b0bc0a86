"""The dataloaders as Kipoi uses them: batches, workers, metadata, arguments from the command line."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tfb_matrix_data.errors import AssemblyError, ConfigError, InputError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode, one_hot

KINDS = ("Regions", "Variants", "Sequences")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Kipoi writes into the home folder when it is imported: into this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        import kipoi  # noqa: F401

        yield


@pytest.fixture(scope="module")
def loader(home):
    """Return a function that gives a dataloader class by its name."""
    return lambda kind: getattr(importlib.import_module(f"kipoi_tfb.dataloaders.{kind.lower()}"), kind)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A genome, and 70 rows of each kind of input (more than two batches of 32)."""
    folder = tmp_path_factory.mktemp("inputs")
    world = tiny.make_world(folder)
    text = dict(block.split("\n")[:2] for block in world.genome_path.read_text().split(">")[1:])
    bed, vcf, fasta = [], ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"], []
    for row in range(70):
        chrom = ("chr13", "chr14")[row % 2]
        start = 1000 + 300 * row
        bed.append(f"{chrom}\t{start}\t{start + 50 + row}\tpeak{row}\t0\t.\t0\t0\t0\t{row % 50}")
        ref = text[chrom][start - 1]  # POS is 1-based
        vcf.append(f"{chrom}\t{start}\trs{row}\t{ref}\t{'ACGT'[('ACGT'.index(ref) + 1) % 4]}\t.\t.\t.")
        fasta += [f">seq{row} remark", text[chrom][start : start + 150 + 2 * row]]
    # A symbolic and a second ALT in the middle: they are items, too.
    vcf[12] = vcf[12].replace("\t.\t.\t.", ",<DEL>\t.\t.\t.")
    for name, lines in (("peaks.narrowPeak", bed), ("variants.vcf", vcf), ("sequences.fa", fasta)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def arguments(kind, folder):
    inputs = {
        "Regions": {"intervals_file": folder / "peaks.narrowPeak", "fasta_file": folder / "genome.fa"},
        "Variants": {"vcf_file": folder / "variants.vcf", "fasta_file": folder / "genome.fa"},
        "Sequences": {"fasta_file": folder / "sequences.fa"},
    }
    return {name: str(path) for name, path in inputs[kind].items()}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def dataset(kind, loader, folder):
    return loader(kind)(**arguments(kind, folder))


def flat(batch, prefix=""):
    """Return {path: array} of nested dictionaries and metadata."""
    if not hasattr(batch, "items"):
        return {prefix: np.asarray(batch)}
    return {key: value for name in batch for key, value in flat(batch[name], f"{prefix}/{name}").items()}


def assert_same(a, b):
    a, b = flat(a), flat(b)
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


def test_length_is_the_number_of_items(kind, dataset):
    assert len(dataset) == (71 if kind == "Variants" else 70)


def test_items_are_rows_of_the_batch(dataset):
    rows = np.array([0, 11, 12, 69])
    batch = dataset.batch(rows)
    for at, row in enumerate(rows.tolist()):
        item = flat(dataset[row])
        for name, value in flat(batch).items():
            np.testing.assert_array_equal(item[name], value[at], err_msg=name)
    assert_same(dataset[-1], dataset[len(dataset) - 1])
    for outside in (len(dataset), -len(dataset) - 1):
        with pytest.raises(IndexError):
            dataset[outside]


def test_workers_give_the_same_batches_in_order(dataset):
    alone = list(dataset.batch_iter(batch_size=32, num_workers=0))
    spread = list(dataset.batch_iter(batch_size=32, num_workers=2))
    assert len(alone) == len(spread) == 3
    for a, b in zip(alone, spread, strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("batch_size", [1, 32, 70, 1000])
def test_batches_are_the_whole_in_pieces(dataset, batch_size):
    whole = flat(dataset.load_all())
    batches = [flat(batch) for batch in dataset.batch_iter(batch_size=batch_size)]
    sizes = [len(next(iter(batch.values()))) for batch in batches]
    assert sum(sizes) == len(dataset) and set(sizes[:-1]) <= {batch_size} and 0 < sizes[-1] <= batch_size
    for name, value in whole.items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), value, err_msg=name)


def test_drop_last_and_shuffle(dataset):
    whole = flat(dataset.load_all())
    name = next(iter(whole))
    kept = [flat(batch)[name] for batch in dataset.batch_iter(batch_size=32, drop_last=True)]
    assert [len(batch) for batch in kept] == [32, 32]
    np.testing.assert_array_equal(np.concatenate(kept), whole[name][:64])
    mixed = np.concatenate([flat(batch)[name] for batch in dataset.batch_iter(batch_size=32, shuffle=True)])
    assert not np.array_equal(mixed, whole[name])
    assert sorted(row.tobytes() for row in mixed) == sorted(row.tobytes() for row in whole[name])


def test_batch_fits_the_schema(dataset):
    batch = next(iter(dataset.batch_iter(batch_size=8)))
    assert type(dataset).get_output_schema().compatible_with_batch(batch)


def test_schema_fits_the_models(kind, loader):
    schema = loader(kind).get_output_schema()
    inputs = schema.inputs if kind == "Variants" else {"": schema.inputs}
    assert {tuple(part.shape) for part in inputs.values()} == {(4, 200)}


def test_relative_paths_survive_another_folder(kind, loader, folder, tmp_path, monkeypatch):
    expected = loader(kind)(**arguments(kind, folder)).load_all()
    monkeypatch.chdir(folder)
    dataset = loader(kind)(**{name: Path(path).name for name, path in arguments(kind, folder).items()})
    monkeypatch.chdir(tmp_path)
    assert_same(dataset.load_all(), expected)
    spread = list(dataset.batch_iter(batch_size=100, num_workers=2))
    assert_same(spread[0], expected)


def test_is_picklable(dataset):
    assert_same(pickle.loads(pickle.dumps(dataset)).batch(np.array([3])), dataset.batch(np.array([3])))  # noqa: S301


def test_example_works_from_any_folder(kind, loader, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    batch = next(iter(loader(kind).init_example().batch_iter(batch_size=4)))
    assert {value.shape for name, value in flat(batch).items() if "/inputs" in name} == {(4, 4, 200)}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("window", [201, 0, -200, "abc", "200.5", None, ""])
def test_wrong_window(kind, loader, folder, window):
    with pytest.raises(ConfigError, match=f"dataloader argument window={window!r}: expected a positive even number"):
        loader(kind)(**arguments(kind, folder), window=window)


def test_window_as_the_command_line_gives_it(kind, loader, folder):
    batch = loader(kind)(**arguments(kind, folder), window="100").batch(np.arange(3))
    assert {value.shape for name, value in flat(batch).items() if "/inputs" in name} == {(3, 4, 100)}


def test_unknown_argument_is_refused(kind, loader, folder):
    with pytest.raises(TypeError, match="windw"):
        loader(kind)(**arguments(kind, folder), windw=100)


def test_missing_files(kind, loader, folder):
    for name in arguments(kind, folder):
        with pytest.raises(InputError, match=r"none.txt: no such"):
            loader(kind)(**{**arguments(kind, folder), name: "none.txt"})


def test_inputs_from_pipes(kind, loader, folder, pipe, dataset):
    given = arguments(kind, folder)
    name = next(name for name in given if name != "fasta_file" or kind == "Sequences")
    piped = loader(kind)(**{**given, name: str(pipe(Path(given[name]).read_bytes()))})
    assert_same(piped.batch(np.arange(len(piped))), dataset.batch(np.arange(len(dataset))))


def test_regions_are_windows_around_the_centre(loader, folder):
    batch = loader("Regions")(**arguments("Regions", folder)).batch(np.array([0, 5]))
    ranges, metadata = batch["metadata"]["ranges"], batch["metadata"]
    # Row 5: 2500 to 2555, its centre is 2527.
    assert ranges.chr.tolist() == ["chr13", "chr14"]
    assert ranges.start.tolist() == [925, 2427] and ranges.end.tolist() == [1125, 2627]
    assert ranges.id.tolist() == ["0", "5"] and ranges.strand.tolist() == ["*", "*"]
    assert metadata["region_start"].tolist() == [1000, 2500] and metadata["region_end"].tolist() == [1050, 2555]
    assert metadata["name"].tolist() == ["peak0", "peak5"]
    genome = Genome(folder / "genome.fa")
    expected = np.stack([genome.codes("chr13")[925:1125], genome.codes("chr14")[2427:2627]])
    assert batch["inputs"].dtype == np.float32
    np.testing.assert_array_equal(batch["inputs"], one_hot(expected))
    assert (batch["inputs"].sum((1, 2)) == 200 - metadata["n_unknown"]).all()


def test_regions_around_the_summit(loader, folder):
    dataset = loader("Regions")(**arguments("Regions", folder), anchor="summit", window="50")
    ranges = dataset.batch(np.array([0, 5, 60]))["metadata"]["ranges"]
    assert ranges.start.tolist() == [1000 - 25, 2505 - 25, 19010 - 25]


def test_regions_wrong_anchor(loader, folder, tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown anchor 'foo'. Valid: centre, summit"):
        loader("Regions")(**arguments("Regions", folder), anchor="foo")
    (tmp_path / "three.bed").write_text("chr13\t100\t200\n")
    bed = {**arguments("Regions", folder), "intervals_file": str(tmp_path / "three.bed")}
    with pytest.raises(InputError, match=r"three.bed, line 1: no summit"):
        loader("Regions")(**bed, anchor="summit")


def test_regions_that_are_not_on_the_genome_are_flagged(loader, folder, tmp_path):
    (tmp_path / "wrong.bed").write_text("chr13\t100\t200\nchrQ\t1\t2\nchr13\t1\t999999999\nchr13\t0\t20\n")
    dataset = loader("Regions")(**{**arguments("Regions", folder), "intervals_file": str(tmp_path / "wrong.bed")})
    batch = dataset.batch(np.arange(4))
    assert batch["metadata"]["flags"].tolist() == [".", "unknown_contig", "outside_contig", "edge_padded"]
    assert batch["metadata"]["n_unknown"].tolist() == [0, 200, 200, 90]
    assert batch["inputs"].any((1, 2)).tolist() == [True, False, False, True]


def test_regions_none_of_which_is_on_the_genome_are_an_error_at_once(loader, folder, tmp_path):
    (tmp_path / "wrong.bed").write_text("chrQ\t1\t2\n")
    with pytest.raises(InputError, match=r"wrong.bed: nothing is on a contig of genome.fa, which has .*; found chrQ"):
        loader("Regions")(**{**arguments("Regions", folder), "intervals_file": str(tmp_path / "wrong.bed")})


def test_regions_count_unknown_bases(loader, folder, tmp_path):
    (tmp_path / "edge.bed").write_text("chr13\t0\t20\n13\t1000\t1200\n")
    dataset = loader("Regions")(str(tmp_path / "edge.bed"), str(folder / "genome.fa"))
    batch = dataset.batch(np.arange(2))
    # [-90, 110), and the N at 1100 under the other spelling of the contig.
    assert batch["metadata"]["n_unknown"].tolist() == [90, 1]
    assert batch["metadata"]["ranges"].start.tolist() == [-90, 1000]
    assert not batch["inputs"][0, :, :90].any() and batch["inputs"][0, :, 90:].sum() == 110


def test_variants_are_windows_of_both_alleles(loader, folder):
    dataset = loader("Variants")(**arguments("Variants", folder))
    batch = dataset.batch(np.arange(71))
    ref, alt, metadata = batch["inputs"]["ref"], batch["inputs"]["alt"], batch["metadata"]
    records = [line.split("\t") for line in (folder / "variants.vcf").read_text().splitlines()[2:]]
    # Record 10 has two ALTs: items 10 and 11.
    assert metadata["variant"]["id"].tolist() == [f"rs{i}" for i in [*range(11), *range(10, 70)]]
    assert metadata["variant"]["alt"].tolist()[10:12] == records[10][4].split(",")
    assert metadata["status"].tolist()[9:13] == ["ok", "ok", "symbolic", "ok"]
    assert not ref[11].any() and not alt[11].any()
    ok = metadata["status"] == "ok"
    changed = (ref != alt).any(1)
    assert (changed[ok].sum(1) == 1).all() and changed[ok][:, 100].all()
    for at, letters in ((ref, metadata["variant"]["ref"]), (alt, metadata["variant"]["alt"])):
        np.testing.assert_array_equal(at[ok][:, :, 100], one_hot(encode("".join(letters[ok]))).T)
    ranges = metadata["ranges"]
    assert ranges.start[0] == 1000 - 1 - 100 and ranges.end[0] == 1000 - 1 + 100
    assert (metadata["variant"]["pos"] - 1 == ranges.start + 100).all()
    genome = Genome(folder / "genome.fa")
    np.testing.assert_array_equal(ref[0], one_hot(genome.codes("chr13")[899:1099]))


def test_variants_of_another_assembly_are_an_error_at_once(loader, folder, tmp_path):
    text = (folder / "variants.vcf").read_text().splitlines()
    head, records = text[:2], [line.split("\t") for line in text[2:]]
    lines = ["\t".join([chrom, str(int(pos) + 1), *rest]) for chrom, pos, *rest in records]
    (tmp_path / "shifted.vcf").write_text("\n".join([*head, *lines]) + "\n")
    with pytest.raises(AssemblyError, match=r"REF differs from genome.fa for"):
        loader("Variants")(str(tmp_path / "shifted.vcf"), str(folder / "genome.fa"))


def test_variants_none_of_which_is_on_a_contig_are_an_error_at_once(loader, folder, tmp_path):
    (tmp_path / "a.vcf").write_text((folder / "variants.vcf").read_text().replace("\nchr1", "\nscaffold"))
    with pytest.raises(InputError, match=r"a.vcf: nothing is on a contig of genome.fa, which has .*; found scaffold"):
        loader("Variants")(**{**arguments("Variants", folder), "vcf_file": str(tmp_path / "a.vcf")})


def test_sequences_are_windows_at_the_centre(loader, folder):
    batch = loader("Sequences")(**arguments("Sequences", folder)).load_all()
    metadata = batch["metadata"]
    assert metadata["id"].tolist() == [f"seq{i}" for i in range(70)]
    assert metadata["length"].tolist() == [150 + 2 * i for i in range(70)]
    assert metadata["n_unknown"][[1, 25]].tolist() == [48, 0]  # 152 bp in a window of 200; 200 bp
    sequence = (folder / "sequences.fa").read_text().splitlines()[2 * 50 + 1]  # 250 bp
    np.testing.assert_array_equal(batch["inputs"][50], one_hot(encode(sequence[25:225])))
    assert batch["inputs"][1].any(0).tolist() == [False] * 24 + [True] * 152 + [False] * 24
