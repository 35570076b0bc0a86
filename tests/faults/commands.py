"""Commands of every kind on small inputs, and what each must end in, however often it was killed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import tiny
from tests.fuzz.world import World
from tests.published import publish_tfs
from tests.tuned import small_base

__all__ = ["COMMANDS", "Command", "Inputs"]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    arguments
        Of `tfb`, for an output folder.
    results
        {name: bytes} of what it makes there that must be the same again.
    """

    arguments: Callable[[Path], list[str]]
    results: Callable[[Path], Mapping[str, bytes]]


def _file(name: str) -> Callable[[Path], Mapping[str, bytes]]:
    return lambda folder: {name: (folder / name).read_bytes()}


def _entry(name: str) -> Callable[[Path], Mapping[str, bytes]]:
    """Weights and predictions; a card also says how long it took."""

    def results(folder: Path) -> Mapping[str, bytes]:
        (entry,) = (path for path in (folder / name).glob("*/card.yaml") if path.parent.name in {"entry", "refused"})
        return {file: (entry.parent / file).read_bytes() for file in ("weights.pt", "golden.json")}

    return results


class Inputs:
    """Inputs of all commands, in a folder.

    Parameters
    ----------
    folder
        Empty.
    dense
        The small matrix of `tests.conftest`.
    """

    def __init__(self, folder: Path, dense: object) -> None:
        for name in ("world", "tiny", "zoo"):
            (folder / name).mkdir()
        self.small = World(folder / "world")
        self.world = tiny.make_world(folder / "tiny")
        self.base = small_base(folder / "zoo")
        self.published = publish_tfs(dense, folder / "published")
        self.vcf, self.bed = folder / "v.vcf", folder / "r.bed"
        rng = random.Random(0)
        bases = self.small.contigs["chr1"]
        other = dict(zip("ACGT", "CGTA", strict=True))
        lines = []
        for _ in range(12_000):
            pos = rng.randrange(1, len(bases) + 1)
            lines.append(f"chr1\t{pos}\t.\t{bases[pos - 1]}\t{other[bases[pos - 1]]}\t.\t.\t.\n")
        head = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        self.vcf.write_text(head + "".join(lines))
        starts = [rng.randrange(2000) for _ in range(12_000)]
        self.bed.write_text("".join(f"chr1\t{start}\t{start + 200}\n" for start in starts))
        (folder / "open.bed").write_text("".join(f"chr1\t{i}\t{i + 9}\n" for i in range(0, 2000, 10)) * 300)
        (folder / "sheet.tsv").write_text(
            "kind\tpath\ttf\tcell_type\naccessible\topen.bed\t\tK562\npeaks\topen.bed\tJUND\tK562\n"
        )
        self.sheet, self.config = folder / "sheet.tsv", folder / "config.yaml"
        self.config.write_text(
            "name: tiny\nsummary: Three planted motifs.\nepochs: 3\nbatch_size: 64\nlearning_rate: 0.003\n"
        )

    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        entry, genome, bed = str(self.small.entry.folder), str(self.small.genome), str(self.bed)
        world = ["--matrix", str(self.world.matrix_path), "--genome", str(self.world.genome_path), "--device", "cpu"]
        labels = ["--from-matrix", *world[1:]]
        quick = ["--seeds", "1", "--epochs", "3", "--batch-size", "64", "--controls", "base"]
        return {
            "score": Command(
                lambda out: ["score", f"{self.vcf}", "--models", entry, "--genome", genome, "-o", f"{out / 'o.tsv'}"],
                _file("o.tsv"),
            ),
            "predict": Command(
                lambda out: ["predict", entry, "--regions", bed, "--genome", genome, "-o", f"{out / 'o.tsv'}"],
                _file("o.tsv"),
            ),
            "import": Command(
                lambda out: ["data", "import", f"{self.published}", "-o", f"{out / 'm.h5'}"], _file("m.h5")
            ),
            "build": Command(
                lambda out: ["data", "build", f"{self.sheet}", "-o", f"{out / 'm.h5'}", "--genome", genome],
                _file("m.h5"),
            ),
            "pretrain": Command(
                lambda out: ["pretrain", f"{self.config}", *world, "-o", f"{out / 'run'}"], _entry("run")
            ),
            "finetune": Command(
                lambda out: ["finetune", "SP1", *labels, "--base", f"{self.base.folder}", "--arm", "everything", *quick,
                             "-o", f"{out / 'run'}"],
                _entry("run"),
            ),
        }  # fmt: skip


COMMANDS = ("score", "predict", "import", "build", "pretrain", "finetune")
