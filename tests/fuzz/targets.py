"""One trial each: damage an input, run a command, and say what is wrong with what came of it."""

from __future__ import annotations

import csv
import gzip
import math
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.entries import TFS
from tests.fuzz import oracle
from tests.fuzz.mutators import damaged, packed
from tests.fuzz.world import CODES, Outcome, World, run

__all__ = ["TARGETS"]

_TOLERANCE = 2e-4
_SCORED = "ok"
_SHEET = "kind\tpath\ttf\tcell_type\naccessible\topen.bed\t\tK562\npeaks\tp.narrowPeak\tJUND\tK562\n"

Trial = Callable[[World, Path, random.Random], str]
"""Takes the world, an empty folder and a source of chance; returns what is wrong, or nothing."""


def _judged(outcome: Outcome, folder: Path, output: Path) -> str:
    """Return what is wrong with any outcome, of whatever input."""
    if outcome.code not in CODES or "Traceback" in outcome.err:
        return f"exit code {outcome.code}: {outcome.err[-1500:]}"
    if outcome.code and "error" not in outcome.err.lower():
        return f"exit code {outcome.code} without a word: {outcome.err[-300:]}"
    debris = [path.name for path in folder.iterdir() if ".part" in path.name and path.name != f"{output.name}.parts"]
    if debris:
        return f"left {debris}"
    return ""


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a TSV, without the apostrophes that keep spreadsheets from running them."""
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{name: re.sub("^'(?=['=+@-])", "", text) for name, text in row.items()} for row in rows]


def _wrong(found: str, expected: float) -> bool:
    return (found == "") != math.isnan(expected) or (found != "" and abs(float(found) - expected) > _TOLERANCE)


def variants(world: World, folder: Path, rng: random.Random) -> str:
    """A VCF."""
    text = damaged(world.vcf.encode(), rng)
    data, ending = packed(text, rng)
    source, output = folder / f"in.vcf{ending}", folder / "out.tsv"
    source.write_bytes(data)
    return _scored(world, folder, source, output, data is text or ending in {"", ".gz"})


def table(world: World, folder: Path, rng: random.Random) -> str:
    """A table of variants."""
    source, output = folder / "in.tsv", folder / "out.tsv"
    source.write_bytes(damaged(world.table.encode(), rng))
    return _scored(world, folder, source, output, False)


def bcf(world: World, folder: Path, rng: random.Random) -> str:
    """A BCF whose bytes are damaged."""
    import pysam

    (folder / "clean.vcf").write_text(world.vcf)
    with (
        pysam.VariantFile(str(folder / "clean.vcf")) as given,
        pysam.VariantFile(str(folder / "in.bcf"), "wb", header=given.header) as taken,
    ):
        for record in given:
            taken.write(record)
    data = bytearray((folder / "in.bcf").read_bytes())
    for _ in range(rng.choice([0, 1, 2])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    (folder / "in.bcf").write_bytes(bytes(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data))
    return _scored(world, folder, folder / "in.bcf", folder / "out.tsv", False)


def _scored(world: World, folder: Path, source: Path, output: Path, count: bool) -> str:
    """Score; every row of ours is held to the genome and to the network, and the rows to the ALTs of the file."""
    outcome = run("score", source, "--models", world.entry.folder, "--genome", world.genome, "-o", output)
    problem = _judged(outcome, folder, output)
    if problem or outcome.code:
        return problem
    rows = _rows(output)
    if count:
        alts = _alts(source)
        if alts is not None and alts != [(row["chrom"], row["pos"], row["ref"], row["alt"]) for row in rows]:
            return f"{len(alts)} ALTs in, {len(rows)} rows out, or others"
    for row in rows:
        problem = _checked(world, row)
        if problem:
            return f"{problem}: {[row[name] for name in ('chrom', 'pos', 'ref', 'alt', 'status', 'flags')]}"
    return ""


def _alts(source: Path) -> list[tuple[str, str, str, str]] | None:
    """Return what the ALTs of a VCF are, by its lines; None where it is not plain text."""
    data = _plain(source)
    if data is None:
        return None
    found = []
    for line in data.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n").split("\n"):
        if line.strip() and not line.startswith("#"):
            # No cell of a table has a lone carriage return.
            chrom, pos, _, ref, alt = line.replace("\r", "%0D").split("\t")[:5]
            found += [(chrom, str(int(pos)), ref, one) for one in alt.split(",")]
    return found


def _plain(path: Path) -> bytes | None:
    """Return what a file holds, decompressed; None where that cannot be."""
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error):
        return None


def _checked(world: World, row: dict[str, str]) -> str:
    scores = [row[f"{tf}_effect"] for tf in TFS]
    name = oracle.contig_of(world.contigs, row["chrom"])
    there = name is not None and 0 < int(row["pos"]) <= len(world.contigs[name])
    if row["status"] != _SCORED:
        if any(scores):
            return "scores of what is not scored"
        if row["status"] == "ref_mismatch":
            assert name is not None
            bases = world.contigs[name][int(row["pos"]) - 1 :][: len(row["ref"])]
            return "no mismatch" if bases == row["ref"].upper() else ""
        return ""
    if not there:
        return "scored where there is no genome"
    assert name is not None
    bases = world.contigs[name]
    if bases[int(row["pos"]) - 1 :][: len(row["ref"])] != row["ref"].upper():
        return "REF is not the genome's"
    if not re.fullmatch("[ACGTacgt]+", row["ref"] + row["alt"]):
        return "scored what is not bases"
    ref, alt = oracle.allele_windows(bases, int(row["pos"]), row["ref"], row["alt"])
    effects = np.subtract(world.oracle.logits(alt), world.oracle.logits(ref))
    values = zip(world.oracle.probabilities(ref), world.oracle.probabilities(alt), effects.tolist(), strict=True)
    for tf, expected in zip(TFS, values, strict=True):
        for score, value in zip(("ref", "alt", "effect"), expected, strict=True):
            if _wrong(row[f"{tf}_{score}"], value):
                return f"{tf}_{score} is {row[f'{tf}_{score}']}, should be {value:.6g}"
    return ""


def regions(world: World, folder: Path, rng: random.Random) -> str:
    """A BED or narrowPeak file."""
    summits = rng.random() < 0.5
    text = damaged((world.narrow_peak if summits else world.bed).encode(), rng)
    data, ending = packed(text, rng)
    source, output = folder / f"in.bed{ending}", folder / "out.tsv"
    source.write_bytes(data)
    anchor = ("--anchor", "summit") if summits else ()
    return _predicted(world, folder, source, world.genome, world.contigs, output, anchor)


def _predicted(
    world: World, folder: Path, bed: Path, genome: Path, contigs: oracle.Contigs, output: Path, anchor: tuple = ()
) -> str:
    command = ("predict", world.entry.folder, "--regions", bed, "--genome", genome, "-o", output, *anchor)
    outcome = run(*command)
    problem = _judged(outcome, folder, output)
    if problem or outcome.code:
        return problem
    rows = _rows(output)
    lines = _data_lines(bed)
    if lines is not None and len(lines) != len(rows):
        return f"{len(lines)} regions in, {len(rows)} rows out"
    for i, row in enumerate(rows):
        start, end = int(row["start"]), int(row["end"])
        name = oracle.contig_of(contigs, row["chrom"])
        at = (start + end) // 2
        if anchor:
            assert lines is not None  # what was read can be decompressed
            at = start + int(float(lines[i][9]))
        bases = oracle.window(contigs[name], at - oracle.LENGTH // 2) if name else "N"
        for tf, value in zip(TFS, world.oracle.probabilities(bases), strict=True):
            if _wrong(row[tf], value):
                return f"{tf} of {row['chrom']}:{start}-{end} is {row[tf]}, should be {value:.6g}"
    return ""


def _data_lines(bed: Path) -> list[list[str]] | None:
    data = _plain(bed)
    if data is None:
        return None
    text = data.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip() and not re.match(r"#|track\b|browser\b", line)]
    return [line.split("\t") if "\t" in line else line.split() for line in lines]  # BED may have spaces


def genome(world: World, folder: Path, rng: random.Random) -> str:
    """A FASTA file, or its index."""
    fasta, index, bed = folder / "g.fa", folder / "g.fa.fai", folder / "in.bed"
    bed.write_text(world.bed)
    text = world.fasta.encode()
    fasta.write_bytes(text)
    if rng.random() < 0.5:
        text = damaged(text, rng)
        fasta.write_bytes(text)
    if rng.random() < 0.6:
        index.write_bytes(damaged(_fai(world.fasta).encode(), rng))
    read = oracle.read_fasta(text.removeprefix(b"\xef\xbb\xbf").decode("ascii", "replace"))
    contigs = {name: bases for name, bases in read.items() if (name + bases).isascii()}  # the others cannot be read
    if index.exists():  # it may name some of the contigs only: the others are not there then
        named = {line.split("\t")[0] for line in index.read_text(errors="replace").splitlines()}
        contigs = {name: bases for name, bases in contigs.items() if name in named}
    return _predicted(world, folder, bed, fasta, contigs, folder / "out.tsv")


def _fai(fasta: str) -> str:
    lines, at, found = fasta.splitlines(keepends=True), 0, []
    for line in lines:
        at += len(line)
        if line.startswith(">"):
            found.append([line[1:].split()[0], 0, at, 60, 61])
        else:
            found[-1][1] += len(line) - 1
    return "".join("\t".join(map(str, row)) + "\n" for row in found)


def sequences(world: World, folder: Path, rng: random.Random) -> str:
    """A FASTA file of sequences to predict."""
    data, ending = packed(damaged(b">a\n" + b"ACGTTGCA" * 30 + b"\n>b x\nAC\nGT\n", rng), rng)
    source, output = folder / f"in.fa{ending}", folder / "out.tsv"
    source.write_bytes(data)
    return _judged(run("predict", world.entry.folder, "--sequences", source, "-o", output), folder, output)


def entry(world: World, folder: Path, rng: random.Random) -> str:
    """A file of a zoo entry."""
    copy = world.copy_entry(folder / "entry")
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    chosen = rng.choice([path for path in files if rng.random() < 0.5 or path.suffix == ".yaml"] or files)
    before = chosen.read_bytes()
    chosen.write_bytes(damaged(before, rng))
    outcome = run("zoo", "verify", copy)
    changed = chosen.read_bytes() != before
    if outcome.code == 0 and changed and chosen.suffix in {".pt"}:
        return f"{chosen.name} was changed, and verified"
    if outcome.code == 1 and "Traceback" not in outcome.err:
        return ""  # what is wrong stands in the table, on stdout
    return _judged(outcome, folder, folder / "out")


def config(world: World, folder: Path, rng: random.Random) -> str:
    """A configuration of a training; the matrix that it would be given is not there."""
    text = "name: x\nsummary: y\nepochs: 2\nbatch_size: 64\nlearning_rate: 0.003\narchitecture: paper-cnn\n"
    (folder / "c.yaml").write_bytes(damaged(text.encode(), rng))
    outcome = run("pretrain", folder / "c.yaml", "--matrix", folder / "no.h5", "--genome", world.genome, "-o",
                  folder / "out")  # fmt: skip
    return _judged(outcome, folder, folder / "out")


def sheet(world: World, folder: Path, rng: random.Random) -> str:
    """A sheet of samples, or one of its tracks."""
    (folder / "open.bed").write_text(world.bed.replace("\n1\t", "\nchr1\t"))
    (folder / "p.narrowPeak").write_text(world.narrow_peak.replace("\n1\t", "\nchr1\t"))
    (folder / "s.tsv").write_text(_SHEET)
    chosen = folder / rng.choice(["open.bed", "p.narrowPeak", "s.tsv"])
    chosen.write_bytes(damaged(chosen.read_bytes(), rng))
    outcome = run("data", "build", folder / "s.tsv", "-o", folder / "m.h5", "--genome", world.genome)
    return _judged(outcome, folder, folder / "m.h5")


def matrix(world: World, folder: Path, rng: random.Random) -> str:
    """A binding matrix whose bytes are damaged."""
    source = folder / "m.h5"
    clean = world.folder / "m.h5"
    if not clean.exists():
        (world.folder / "open.bed").write_text(world.bed.replace("\n1\t", "\nchr1\t"))
        (world.folder / "p.narrowPeak").write_text(world.narrow_peak.replace("\n1\t", "\nchr1\t"))
        (world.folder / "s.tsv").write_text(_SHEET)
        done = run("data", "build", world.folder / "s.tsv", "-o", clean, "--genome", world.genome)
        assert done.code == 0, done.err
    data = bytearray(clean.read_bytes())
    for _ in range(rng.choice([1, 4, 16])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    source.write_bytes(bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data))
    return _judged(run("data", *rng.choice([("info",), ("counts",)]), source), folder, folder / "out")


TARGETS: dict[str, tuple[int, Trial]] = {
    "variants": (8, variants),
    "table": (3, table),
    "bcf": (2, bcf),
    "regions": (6, regions),
    "genome": (4, genome),
    "sequences": (2, sequences),
    "entry": (2, entry),
    "config": (1, config),
    "sheet": (2, sheet),
    "matrix": (1, matrix),
}
"""{name: (its share, the trial)}."""
