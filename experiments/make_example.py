"""Make ``dataloaders/example``: a few hundred real ChIP-seq peaks as genome excerpt, BED, VCF and FASTA.

Source: the source distribution of janggu 0.10.2 (Kopp et al. 2020, doi:10.1038/s41467-020-17155-y; GPL-3.0), which
carries 3,897 OCT4 and 3,900 MAFK peak sequences of 200 bp with hg19 coordinates as headers. Only these two files are
read, none of its code. The headers are 0-based and half open. They hold no offset of their own, so this was checked
against hg38: peaks beside rs738409 (chr22) and rs1426654 (chr15) lie exactly as far from their hg38 copies as these
SNPs' hg19 and hg38 positions do.

Nothing is random and no file carries a time: a second run writes the same bytes (with the same zlib).

    python experiments/make_example.py [--sdist janggu-0.10.2.tar.gz]
    python experiments/make_example.py --full-fasta DIR      # all 7,797 sequences instead, for evaluation
"""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, NamedTuple

import numpy as np
import pyfaidx
import typer
from Bio import bgzf
from example_variants import JASPAR, LEAST_LOSS, PEAKS_WITH_VARIANTS, PROFILES, Record, make_variants

from tfb_matrix_data.errors import AssemblyError, ChecksumError, InputError
from tfb_matrix_data.files import atomic_path, sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode

PACKAGE = "janggu==0.10.2"
SDIST_SHA256 = "b57c1cea3b3588e6ebadb2c1600f64565f344f846cf49e0a26401cc0f7e04021"
MEMBERS = {
    "MAFK": "janggu-0.10.2/src/janggu/resources/sample2.fa",
    "OCT4": "janggu-0.10.2/src/janggu/resources/sample.fa",
}
# hg19 lengths of the chromosomes that no released model sees in training or validation.
CONTIGS = {"chr16": 90_354_753, "chr17": 81_195_210, "chr22": 51_304_566}
EXAMPLE = Path(__file__).resolve().parents[1] / "dataloaders" / "example"
FASTA_NAME = "hg19.excerpt.fa.gz"

PEAK_LENGTH = 200
# Lines of 50, as in UCSC's files, would double the excerpt: deflate repeats the last byte at the lowest cost. A block
# is four whole lines, as long as htslib's, so that blocks of N are equal bytes (git and wheels profit).
LINE = 16_319
_BLOCK = 4 * (LINE + 1)
_SEQUENCES_PER_TF = 15


class Peak(NamedTuple):
    """A peak: 0-based half-open hg19 interval, and its sequence, lower case where soft-masked."""

    chrom: str
    start: int
    end: int
    tf: str
    sequence: str

    @property
    def name(self) -> str:
        """The name of its sequence in FASTA."""
        return f"{self.tf}_{self.chrom}_{self.start}_{self.end}"


def fetch_sdist(sdist: Path | None, folder: str) -> Path:
    """Return the checked sdist: the given one, or one that pip puts into `folder`."""
    if sdist is None:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", folder]
        if subprocess.run([*pip, PACKAGE], check=False, stdout=subprocess.DEVNULL).returncode:
            raise InputError(PACKAGE, "pip cannot download its source distribution; give it with --sdist")
        sdist = Path(folder) / f"{PACKAGE.replace('==', '-')}.tar.gz"
    if not sdist.is_file():
        raise InputError(sdist, f"no such file; expected the source distribution of {PACKAGE}")
    if (found := sha256(sdist)) != SDIST_SHA256:
        raise ChecksumError(f"{sdist}: sha256 is {found}, expected {SDIST_SHA256} ({PACKAGE})")
    return sdist


def read_peaks(sdist: Path) -> list[Peak]:
    """Return all peaks of both TFs, sorted by position; checks lengths and that overlapping peaks agree."""
    peaks = []
    with tarfile.open(sdist) as archive:
        for tf, member in MEMBERS.items():
            for entry in archive.extractfile(member).read().decode().split(">")[1:]:
                header, *lines = entry.split()
                chrom, start, end = re.fullmatch(r"(\w+):(\d+)-(\d+)", header).groups()
                peaks.append(Peak(chrom, int(start), int(end), tf, "".join(lines)))
                if not len(peaks[-1].sequence) == int(end) - int(start) == PEAK_LENGTH:
                    raise InputError(member, f"{header}: expected {PEAK_LENGTH} bases")
    peaks.sort()
    for a, b in overlaps(peaks):
        if a.sequence[b.start - a.start :] != b.sequence[: a.end - b.start]:
            raise AssemblyError(f"{a.name} and {b.name} overlap with different bases")
    return peaks


def overlaps(peaks: list[Peak]) -> list[tuple[Peak, Peak]]:
    """Return the pairs of neighbours that share bases, of peaks sorted by position and of one length."""
    return [(a, b) for a, b in pairwise(peaks) if a.chrom == b.chrom and b.start < a.end]


def bgzip_excerpt(peaks: list[Peak], path: Path, contigs: Mapping[str, int] = MappingProxyType(CONTIGS)) -> None:
    """Write contigs, {name: length}, as bgzip FASTA, N outside of the peaks, with its ``.fai`` and ``.gzi``."""
    index, offset = [], 0
    with bgzf.BgzfWriter(str(path), "wb", compresslevel=9) as stream:
        for contig, length in contigs.items():
            text = np.full(length + -(-length // LINE), ord("N"), np.uint8)
            text[LINE :: LINE + 1] = text[-1] = ord("\n")
            for peak in (p for p in peaks if p.chrom == contig):
                at = np.arange(peak.start, peak.end)
                text[at + at // LINE] = np.frombuffer(peak.sequence.encode(), np.uint8)
            header = f">{contig}\n".encode()
            index.append(f"{contig}\t{length}\t{offset + len(header)}\t{LINE}\t{LINE + 1}\n")
            offset += len(header) + len(text)
            text = np.concatenate([np.frombuffer(header, np.uint8), text])
            for start in range(0, len(text), _BLOCK):
                stream.write(text[start : start + _BLOCK].tobytes())
                stream.flush()
    Path(f"{path}.fai").write_text("".join(index))
    with open(path, "rb") as stream:
        blocks = [(start, data_start) for start, _, data_start, size in bgzf.BgzfBlocks(stream) if size]
    # htslib leaves the first block, at 0 and 0, out of the index.
    packed = b"".join(struct.pack("<QQ", *block) for block in blocks[1:])
    Path(f"{path}.gzi").write_bytes(struct.pack("<Q", len(blocks) - 1) + packed)


def check_excerpt(fasta: Path, peaks: list[Peak]) -> None:
    """Read every peak back from the excerpt, as text by pyfaidx and as codes by `Genome`."""
    with pyfaidx.Fasta(str(fasta), as_raw=True, rebuild=False) as text:
        wrong = [p.name for p in peaks if text[p.chrom][p.start : p.end] != p.sequence]
    windows = Genome(fasta).windows([p.chrom for p in peaks], [p.start for p in peaks], PEAK_LENGTH)
    same = (windows.codes == np.stack([encode(p.sequence) for p in peaks])).all(1)
    if wrong or not same.all() or windows.n_unknown.any():
        raise AssemblyError(f"{fasta}: {len(wrong)} peaks differ as text, {(~same).sum()} as codes: {wrong[:3]}")


def format_vcf(records: list[Record]) -> str:
    """Return the VCF's text."""
    profiles = " and ".join(PROFILES.values())
    lines = [
        "##fileformat=VCFv4.2",
        f"##source=experiments/make_example.py, peaks of {PACKAGE}, {JASPAR} profiles {profiles}",
        f"##reference={FASTA_NAME}",
        *(f"##contig=<ID={contig},length={length},assembly=hg19>" for contig, length in CONTIGS.items()),
        '##INFO=<ID=TF,Number=1,Type=String,Description="TF of the peak that the variant lies in">',
        '##INFO=<ID=CLASS,Number=1,Type=String,Description="disrupts: in the strongest motif match; control: outside">',
        '##INFO=<ID=MOTIF_SCORE,Number=1,Type=Float,Description="Best match in the peak, log2 odds">',
        '##INFO=<ID=MOTIF_ALT,Number=A,Type=Float,Description="Best match in the peak with the ALT allele">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
        *(f"{r.chrom}\t{r.pos}\t{r.name}\t{r.ref}\t{','.join(r.alts)}\t.\t.\t{r.info}" for r in records),
    ]
    return "\n".join(lines) + "\n"


def format_fasta(peaks: list[Peak]) -> bytes:
    """Return peaks as FASTA, one line per sequence."""
    return "".join(f">{p.name}\n{p.sequence}\n" for p in peaks).encode()


def some(peaks: list[Peak]) -> list[Peak]:
    """Return peaks of each TF at even steps through the sorted list."""
    chosen = []
    for tf in MEMBERS:
        mine = [p for p in peaks if p.tf == tf]
        chosen += [mine[i] for i in np.linspace(0, len(mine) - 1, _SEQUENCES_PER_TF).round().astype(int)]
    return chosen


def format_readme(folder: Path, names: list[str], peaks: list[Peak], dropped: int, records: list[Record]) -> str:
    """Return the README's text; `names` are the files beside it."""
    count = Counter((p.chrom, p.tf) for p in peaks)
    kinds = Counter(r.name.split("_")[2] for r in records)
    rows = [f"| {c} | {count[c, 'MAFK']} | {count[c, 'OCT4']} |" for c in CONTIGS]
    total = Counter(p.tf for p in peaks)
    sums = [f"{sha256(folder / name)}  {name}" for name in names]
    names_of = {"snv": "SNVs", "multi": "SNVs with two ALTs", "mnv": "MNVs", "del": "deletions", "ins": "insertions"}
    disrupting = ", ".join(f"{kinds[kind]} {name}" for kind, name in names_of.items())
    alleles = f"{len(records)} records, {sum(len(r.alts) for r in records)} alleles"
    return f"""# Embedded example: MAFK and OCT4 peaks of hg19

Made by `python experiments/make_example.py`; do not edit, run it again.

**Source.** Sequences of 200 bp under ChIP-seq peaks, in the source distribution of the PyPI package janggu 0.10.2
(sha256 `{SDIST_SHA256}`):
`{MEMBERS["MAFK"]}` (MAFK), `{MEMBERS["OCT4"]}` (OCT4).
Kopp et al. 2020, Deep learning for genomics using Janggu. Nat Commun 11:3488, doi:10.1038/s41467-020-17155-y.
Motifs: {JASPAR} profiles {PROFILES["MAFK"]} (MAFK) and {PROFILES["OCT4"]} (Pou5f1::Sox2), CC BY 4.0.

**Licence.** The package is under GPL-3.0; none of its code is used here. The sequences are stretches of the public
human reference genome hg19 (GRCh37), unchanged, soft-masking kept; which stretches are peaks is janggu's selection.
The variants are made up, not observed.

**Chromosomes.** Only chr16, chr17 and chr22, on which no released model was trained or validated. All peaks there are
used but those that overlap a peak of the other TF ({dropped}).

| | MAFK | OCT4 |
|---|---|---|
{chr(10).join(rows)}
| all | {total["MAFK"]} | {total["OCT4"]} |

**Files.** Coordinates are hg19, 0-based half open but for the VCF.

- `{FASTA_NAME}` with `.fai` and `.gzi`: the three chromosomes at full length, bgzip, N outside of the peaks
  ({len(peaks) * PEAK_LENGTH:,} known bases). A window around anything but a peak's centre runs into N.
- `regions.bed`: {len(peaks)} peaks of 200 bp, the truth in the name column.
- `variants.vcf`: {alleles}. In the {PEAKS_WITH_VARIANTS} peaks per TF with the strongest match of its profile:
  {disrupting}
  that weaken the peak's best match by {LEAST_LOSS:g} bits or more (`CLASS=disrupts`),
  and {kinds["control"]} SNVs 60-90 bp away from it that no match above 0 bits covers (`CLASS=control`).
  Peaks without room for all of these are passed over.
- `sequences.fa`: {2 * _SEQUENCES_PER_TF} of the peaks as sequences, named TF_chrom_start_end.

All 7,797 peak sequences, for evaluation: `python experiments/make_example.py --full-fasta DIR`.

**sha256** (another zlib may compress the excerpt to other bytes)

```
{chr(10).join(sums)}
```
"""


def put(path: Path, data: bytes) -> None:
    """Write a file, unless it has these bytes already: an unchanged FASTA keeps its cached codes."""
    if not path.is_file() or path.read_bytes() != data:
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)


def main(
    sdist: Annotated[Path | None, typer.Option(help=f"sdist of {PACKAGE}; else pip downloads it.")] = None,
    output: Annotated[Path, typer.Option(help="Folder to write the example to.")] = EXAMPLE,
    full_fasta: Annotated[Path | None, typer.Option(help="Write only all peaks here, as MAFK.fa and OCT4.fa.")] = None,
) -> None:
    """Make the embedded example from janggu's peak sequences."""
    with tempfile.TemporaryDirectory() as scratch:
        everything = read_peaks(fetch_sdist(sdist, scratch))
        folder = full_fasta or output
        folder.mkdir(parents=True, exist_ok=True)
        if full_fasta:
            for tf in MEMBERS:
                put(folder / f"{tf}.fa", format_fasta([p for p in everything if p.tf == tf]))
            return
        local = [p for p in everything if p.chrom in CONTIGS]
        shared = {peak for pair in overlaps(local) if pair[0].tf != pair[1].tf for peak in pair}
        peaks = [p for p in local if p not in shared]
        excerpt = Path(scratch) / FASTA_NAME
        bgzip_excerpt(peaks, excerpt)
        files = {f"{FASTA_NAME}{end}": Path(f"{excerpt}{end}").read_bytes() for end in ("", ".fai", ".gzi")}
    records = make_variants(peaks)
    files["regions.bed"] = "".join(f"{p.chrom}\t{p.start}\t{p.end}\t{p.tf}\t0\t.\n" for p in peaks).encode()
    files["variants.vcf"] = format_vcf(records).encode()
    files["sequences.fa"] = format_fasta(some(peaks))
    for name, data in files.items():
        put(folder / name, data)
    put(folder / "README.md", format_readme(folder, list(files), peaks, len(shared), records).encode())
    check_excerpt(folder / FASTA_NAME, peaks)
    typer.echo(f"{folder}: {len(peaks)} peaks, {len(records)} variants, {sum(map(len, files.values())):,} bytes")


if __name__ == "__main__":
    typer.run(main)
