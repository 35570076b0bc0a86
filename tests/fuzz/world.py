"""Valid inputs of every kind, small, made in code: what the damage is done to."""

from __future__ import annotations

import contextlib
import io
import logging
import random
import shutil
import sys
import traceback
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kipoi_tfb import cli
from kipoi_tfb.zoo.entry import Entry
from tests.entries import TFS, lively_network
from tests.fuzz.oracle import Oracle, read_fasta
from tests.tiny import make_entry

CODES = {0, 1, 2}
"""Exit codes that say that all is well, or what is wrong."""


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    err: str


def run(*arguments: str | Path) -> Outcome:
    """Run `tfb` in this process; what it raises and does not say is in `err`, with code 99."""
    argv, sys.argv = sys.argv, ["tfb", *map(str, arguments)]
    err = io.StringIO()
    root = logging.getLogger()
    before, root.handlers = root.handlers, [logging.StreamHandler(err)]
    code: object = 0
    try:
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        err.write(traceback.format_exc())
        code = 99
    finally:
        sys.argv, root.handlers = argv, before
    return Outcome(code if isinstance(code, int) else 1, err.getvalue())


class World:
    """A folder with a genome, an entry of three TFs, and inputs of every kind.

    Parameters
    ----------
    folder
        Empty.
    seed
        Of the genome.
    """

    def __init__(self, folder: Path, seed: int = 1) -> None:
        rng = random.Random(seed)
        self.folder = folder
        contigs = {"chr1": "".join(rng.choices("ACGT", k=2400)), "chr2": "".join(rng.choices("ACGTacgt", k=900))}
        contigs["chr1"] = contigs["chr1"][:1200] + "CACACACACACACACA" + contigs["chr1"][1216:]
        contigs["chr2"] = contigs["chr2"][:600] + "N" * 120 + contigs["chr2"][720:]
        self.fasta = "".join(
            f">{name} made\n" + "".join(f"{bases[i : i + 60]}\n" for i in range(0, len(bases), 60))
            for name, bases in contigs.items()
        )
        self.genome = folder / "genome.fa"
        self.genome.write_text(self.fasta)
        self.contigs = read_fasta(self.fasta)
        self.entry: Entry = make_entry(folder / "entry", lively_network(0, len(TFS)), name="tiny", tasks=TFS)

    @cached_property
    def oracle(self) -> Oracle:
        """What the entry's network says of windows that are strings."""
        return Oracle(self.entry.network().eval())

    @cached_property
    def vcf(self) -> str:
        """SNVs, indels in a repeat and out of it, several ALTs, what cannot be scored."""
        head = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n##INFO=<ID=AF,Number=A,Type=Float,"
        lines = [head + 'Description="f">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n']
        other = dict(zip("ACGTN", "CGTAA", strict=True))
        for chrom, pos, n, alt in [
            ("chr1", 300, 1, ""), ("chr1", 400, 1, "AC"), ("chr1", 500, 4, "-"), ("chr1", 700, 2, "TT,A"),
            ("chr1", 1203, 3, "-"), ("chr1", 1206, 1, "+CA"), ("chr1", 2395, 1, ""), ("chr2", 150, 1, "<DEL>"),
            ("chr2", 200, 1, ""), ("chr2", 300, 1, "."), ("chr2", 560, 1, ""),
        ]:  # fmt: skip
            ref = self.contigs[chrom][pos - 1 : pos - 1 + n]
            spelt = {"": other[ref[0]], "-": ref[0]}.get(alt, ref + alt[1:] if alt.startswith("+") else alt)
            lines.append(f"{chrom}\t{pos}\trs{pos}\t{ref}\t{spelt}\t.\tPASS\tAF=0.1\n")
        return "".join(lines)

    @cached_property
    def table(self) -> str:
        """The variants of `vcf` as a table."""
        rows = [line.split("\t")[:5] for line in self.vcf.splitlines() if not line.startswith("##")]
        return "".join("\t".join(field.lstrip("#").lower() if not i else field for field in row) + "\n"
                       for i, row in enumerate(rows))  # fmt: skip

    @cached_property
    def bed(self) -> str:
        """Regions, one at an end and one of N."""
        rows = [("chr1", 300, 500), ("chr1", 10, 30), ("chr2", 610, 700), ("1", 700, 1700), ("chr2", 200, 400)]
        return "".join(f"{chrom}\t{start}\t{end}\tpeak{i}\n" for i, (chrom, start, end) in enumerate(rows))

    @cached_property
    def narrow_peak(self) -> str:
        """The same as narrowPeak, with summits."""
        rows = [line.split("\t") for line in self.bed.splitlines()]
        return "".join("\t".join([*row, "100", ".", "5.5", "3.2", "2.1", str(int(row[2]) - int(row[1]) - 5)]) + "\n"
                       for row in rows)  # fmt: skip

    def copy_entry(self, to: Path) -> Path:
        """Copy the entry's folder."""
        return Path(shutil.copytree(self.entry.folder, to))
