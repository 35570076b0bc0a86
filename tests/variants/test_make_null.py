"""Making nulls: where variants are drawn, what they are, and that percentiles are those of their effects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import make_null as module
from kipoi_tfb.variants.effects import EffectScorer
from kipoi_tfb.variants.make_null import LONGEST, N_BINS, PER_POSITION, draw_variants, make_nulls
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.null import CLASSES, NULL_FILE, PERCENTS, EffectNull, allele_classes, read_null, write_null
from tests import tiny
from tests.entries import lively_network, run_tfb
from tests.zoo.test_null import copied
from tfb_matrix_data.alleles import allele_windows
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.sequence import gc_content

POSITIONS = 160
CHROMOSOMES = ["chr21", "chr22"]


@pytest.fixture(scope="module")
def entry(tmp_path_factory) -> Entry:
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "tiny", lively_network(0, 3))


@pytest.fixture(autouse=True)
def few_will_do(monkeypatch) -> None:
    monkeypatch.setattr(module, "MIN_VARIANTS", 5)


def made(world, *entries: Entry) -> list[EffectNull]:
    found = make_nulls(Predictor(entries), world.matrix, world.genome, None, POSITIONS, 3, "tfb null tiny")
    assert [one for one, _ in found] == list(entries)
    return [null for _, null in found]


@pytest.fixture(scope="module")
def null(world, entry) -> EffectNull:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MIN_VARIANTS", 5)
        return made(world, entry)[0]


def draw(world, n=POSITIONS, seed=3, chromosomes=CHROMOSOMES, genome=None):
    return draw_variants(world.matrix, genome or world.genome, chromosomes, n, 200, seed)


# Which variants


def test_six_variants_at_every_position(world):
    variants = draw(world)
    assert len(variants) == POSITIONS * PER_POSITION
    assert (variants.pos.reshape(-1, PER_POSITION) == variants.pos[::PER_POSITION, None]).all()
    kinds = [CLASSES[i] for i in allele_classes(variants.ref, variants.alt)]
    for start in range(0, len(kinds), PER_POSITION):
        substitutions = kinds[start : start + 3]
        assert len({name[0] for name in substitutions}) == 1 and len(set(substitutions)) == 3
        assert kinds[start + 3 : start + 6] == ["MNV", "insertion", "deletion"]
    sizes = np.abs([len(alt) - len(ref) for ref, alt in zip(variants.ref, variants.alt, strict=True)])
    assert sizes.max() <= LONGEST and set(sizes[4::PER_POSITION].tolist()) > {1, 2, 3}
    assert (sizes[4::PER_POSITION] == 1).mean() == pytest.approx(0.63, abs=0.12)  # 1 / sum(1 / n²)
    replaced = np.array([len(ref) for ref in variants.ref[3::PER_POSITION]])
    assert replaced.min() == 2 and 3 < replaced.max() <= LONGEST
    assert (replaced == 2).mean() == pytest.approx(0.42, abs=0.12)  # of 1/4, 1/9, ..., 1/400


def test_they_lie_in_open_regions_of_the_chromosomes_and_fit_the_genome(world):
    variants = draw(world)
    assert set(variants.chrom) == set(CHROMOSOMES)
    matrix = world.matrix
    index = matrix.regions.on(CHROMOSOMES)
    is_open = (world.codes[index] != tiny.CLOSED).any(1)
    assert 0 < is_open.sum() < len(index)
    names = np.array(matrix.regions.chrom_names)[matrix.regions.chrom[index]]
    allowed = {
        (name, int(start) + i) for name, start in zip(names[is_open], matrix.regions.start[index][is_open], strict=True)
        for i in range(200)
    }  # fmt: skip
    assert {(name, int(pos) - 1) for name, pos in zip(variants.chrom, variants.pos, strict=True)} <= allowed
    windows = allele_windows(variants, world.genome, 200)
    assert set(windows.status) == {"ok"}
    assert not any("n_in_window" in flags for flags in windows.flags)  # one region of chr21 has an N


def test_the_seed_says_which(world):
    first, again, other = draw(world, 20), draw(world, 20), draw(world, 20, seed=4)
    assert (first.pos.tolist(), first.alt) == (again.pos.tolist(), again.alt)
    assert first.pos.tolist() != other.pos.tolist()


def test_a_genome_without_sequence_there_is_said(world, tmp_path, write_fasta):
    from tfb_matrix_data.genome import Genome

    unknown = Genome(write_fasta(tmp_path / "n.fa", {"chr21": "N" * 40_000, "chr22": "N" * 50_000}))
    with pytest.raises(
        ConfigError, match=r"only 0 of 500 positions on chr21, chr22 have a window without unknown bases"
    ):
        draw(world, 5, genome=unknown)


# The null


def test_quantiles_are_those_of_the_effects(world, entry, null):
    variants, genome = draw(world), world.genome
    windows = allele_windows(variants, genome, 200)
    scores = ("effect", "impact", "ref", "alt")
    values = EffectScorer(Predictor([entry]), genome, scores)(variants, windows).values
    effects, impacts = values["effect"], values["impact"]
    gc = gc_content(windows.ref)
    classes, bins = allele_classes(variants.ref, variants.alt), np.digitize(gc, null.gc_edges)
    assert np.bincount(bins[::PER_POSITION]).min() > POSITIONS / N_BINS / 2 and len(null.gc_edges) == N_BINS - 1
    for kind, gc_bin in ((0, 0), (5, 2), (6, 1), (7, 4)):
        matched = effects[(classes == kind) & (bins == gc_bin)]
        assert null.counts[kind, gc_bin] == len(matched) >= 5
        wanted = np.percentile(matched, PERCENTS, axis=0).T
        np.testing.assert_allclose(null.effect[:, kind, gc_bin], wanted, rtol=2e-3, atol=1e-4)
        matched = impacts[(classes == kind) & (bins == gc_bin)]
        wanted = np.percentile(matched, PERCENTS, axis=0).T
        np.testing.assert_allclose(null.impact[:, kind, gc_bin], wanted, rtol=1e-4, atol=1e-9)
        wanted = np.percentile(np.abs(matched).max(1), PERCENTS)
        np.testing.assert_allclose(null.largest[kind, gc_bin], wanted, rtol=2e-3, atol=1e-4)
    better = np.maximum(values["ref"], values["alt"])
    logits = np.log(better / (1 - better))
    for gc_bin in range(N_BINS):
        wanted = np.percentile(logits[bins == gc_bin], PERCENTS, axis=0).T
        np.testing.assert_allclose(null.activity[:, gc_bin], wanted, rtol=2e-3, atol=1e-3)
    assert null.counts.sum() == len(variants)
    # Of its own variants:
    np.testing.assert_allclose(null.percentile("effect", np.arange(3), effects, classes, gc).mean(0), 50, atol=4)
    np.testing.assert_allclose(null.percentile("impact", np.arange(3), impacts, classes, gc).mean(0), 50, atol=4)
    np.testing.assert_allclose(null.activity_percentile(np.arange(3), logits, gc).mean(0), 50, atol=4)
    assert null.largest_percentile(np.abs(impacts).max(1), classes, gc).mean() == pytest.approx(50, abs=4)


def test_the_record_says_what_made_it(world, entry, null):
    record = null.record
    assert (record.entry, record.weights_sha256) == ("tiny", entry.card.weights.sha256)
    assert (record.matrix_sha256, record.genome_sha256) == (sha256(world.matrix_path), sha256(world.genome_path))
    assert record.chromosomes == ("chr21", "chr22")  # held out by the card
    assert (record.positions, record.seed, record.command) == (POSITIONS, 3, "tfb null tiny")


def test_the_same_null_is_the_same_file(world, entry, null, tmp_path):
    # Beside another entry, whose columns come first.
    other = tiny.make_entry(tmp_path / "other", name="other", tasks=("CTCF", "SP1", "ATF4"))
    of_other, again = made(world, other, entry)
    for path, one in ((tmp_path / "a.npz", null), (tmp_path / "b.npz", again)):
        write_null(one, path)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert of_other.tfs == other.card.tasks and of_other.record.weights_sha256 == other.card.weights.sha256
    assert np.abs(of_other.effect.astype(float)).max() < np.abs(null.effect.astype(float)).max()


def test_too_few_variants_are_refused(world, entry, monkeypatch):
    monkeypatch.setattr(module, "MIN_VARIANTS", 100)
    with pytest.raises(ConfigError, match=r"only \d+ variants of class .* in GC bin \d of 5 .*; draw more than 40"):
        make_nulls(Predictor([entry]), world.matrix, world.genome, None, 40)


@pytest.mark.parametrize(
    ("chromosomes", "error", "words"),
    [
        (["chr22", "chr16"], ConfigError, "chr16 has no use in .*its card excludes it"),
        (["chr99"], UnknownNameError, "unknown chromosome 'chr99'"),
    ],
)
def test_wrong_chromosomes(world, entry, chromosomes, error, words):
    with pytest.raises(error, match=words):
        make_nulls(Predictor([entry]), world.matrix, world.genome, chromosomes, 10)


def test_entries_that_hold_out_different_chromosomes(world, entry, tmp_path):
    data = entry.card.data.model_copy(update={"test_chromosomes": ("chr15",), "train_chromosomes": ("chr13",)})
    other = tiny.make_entry(tmp_path / "other", name="other", data=data)
    with pytest.raises(ConfigError, match="hold out different chromosomes; name some with --chromosomes"):
        make_nulls(Predictor([entry, other]), world.matrix, world.genome, None, 10)


def test_a_matrix_without_held_out_chromosomes(world, tmp_path):
    data = tiny.card_fields()["data"].model_copy(
        update={"validation_chromosomes": ("chr1",), "test_chromosomes": ("chr2",)}
    )
    elsewhere = tiny.make_entry(tmp_path / "other", data=data)
    with pytest.raises(ConfigError, match=r"no region on chr1, chr2 that .* holds out; name others with --chromosomes"):
        make_nulls(Predictor([elsewhere]), world.matrix, world.genome, None, 10)


# The commands


def test_a_null_made_by_the_command_gives_percentiles(world, entry, tmp_path, monkeypatch, capfd):
    own = copied(entry, tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    files = ("--genome", str(world.genome_path))
    draw_options = ("--positions", str(POSITIONS), "--chromosomes", "chr22", "--seed", "5")
    code, _, err = run_tfb(
        monkeypatch, capfd, ["null", "own", "--matrix", str(world.matrix_path), *files, *draw_options]
    )
    assert code == 0 and f"{POSITIONS * PER_POSITION} variants on chr22" in err
    null = read_null(own)
    assert null is not None
    assert null.record.command == (
        "tfb null own --matrix matrix.h5 --genome genome.fa --chromosomes chr22 --positions 160 --seed 5"
    )
    base = world.genome.windows(["chr22"], [1000], 1).codes[0, 0]
    allele = f"chr22:1001:{'ACGT'[base]}>{'ACGT'[base - 1]}"
    arguments = ["score", allele, "--models", "own", *files, "--scores", "effect,percentile", "-o", "out.tsv"]
    assert run_tfb(monkeypatch, capfd, arguments)[0] == 0
    header, row = (line.split("\t") for line in Path("out.tsv").read_text().splitlines())
    values = dict(zip(header, row, strict=True))
    assert 0 <= float(values["variant_percentile"]) <= 100
    assert header[18:] == [f"{tf}_{score}" for tf in tiny.MOTIFS for score in ("effect", "percentile")]
    assert all(0 <= float(values[f"{tf}_percentile"]) <= 100 for tf in tiny.MOTIFS)
    (own.folder / NULL_FILE).unlink()
    code, _, err = run_tfb(monkeypatch, capfd, arguments)
    assert code == 1 and "error: own has no null to take percentiles from" in err


def test_one_output_is_for_one_entry(world, entry, tmp_path, monkeypatch, capfd):
    for name in ("own", "twin"):
        copied(entry, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    files = ("--matrix", str(world.matrix_path), "--genome", str(world.genome_path))
    code, _, err = run_tfb(monkeypatch, capfd, ["null", "own,twin", *files, "-o", "out.npz"])
    assert code == 1 and "error: --output is for one entry" in err
    code, _, err = run_tfb(monkeypatch, capfd, ["null", "own", *files, "-o", "no/out.npz"])
    assert code == 1 and "does not exist; create it first" in err


@pytest.mark.shared_data
def test_the_real_regions_have_places_enough(shared_data, real_matrix):
    from tfb_matrix_data.genome import Genome
    from tfb_matrix_data.matrix import BindingMatrix

    genome = Genome(shared_data / "hg38.dhs.fa.gz")
    variants = draw_variants(BindingMatrix(real_matrix), genome, CHROMOSOMES, 2000, 200, 1)
    windows = allele_windows(variants, genome, 200)
    assert set(windows.status) == {"ok"} and not any("n_in_window" in flags for flags in windows.flags)
    assert len(set(variants.pos.tolist())) > 1900
