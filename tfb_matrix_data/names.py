"""What TFs, cell types, contigs and zoo entries may be called: one strict pattern each, checked where a name enters.

Names go into YAML that names code to run, into headers, columns and folders. A name that follows its pattern is a word
in all of them: it has no line break, tab or quote, and does not begin like a formula or an option.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "CELL_TYPE",
    "CONTIG",
    "ENTRY",
    "OUTPUT",
    "PART",
    "TF",
    "NameRule",
    "cell_of",
    "file_part",
    "output_name",
    "output_of",
    "same_part",
    "shown",
    "tf_of",
]


class NameRule(NamedTuple):
    """What names of a kind look like.

    Attributes
    ----------
    kind
        What is called so.
    pattern
        The whole name.
    longest
        Characters, at most.
    words
        The pattern, for messages.
    """

    kind: str
    pattern: re.Pattern[str]
    longest: int
    words: str

    def fault(self, name: object) -> str:
        r"""Return what is wrong with a name, nothing if it is one.

        Examples
        --------
        >>> TF.fault("RXRA(VAR.2)"), TF.fault("Ahr::Arnt"), TF.fault("HMG-I/Y")
        ('', '', '')
        >>> print(CONTIG.fault("chr1\nchr2"))
        'chr1\nchr2' is not a name of a contig: visible ASCII characters only
        """
        if isinstance(name, str) and len(name) <= self.longest and self.pattern.fullmatch(name):
            return ""
        given = repr(name[:80] if isinstance(name, str) else name)[:100]
        if isinstance(name, str) and len(name) > self.longest:
            return f"{given} is not a name of {self.kind}: {len(name):,} characters, at most {self.longest} are allowed"
        return f"{given} is not a name of {self.kind}: {self.words}"

    def check(self, name: str) -> str:
        """Return a name.

        Raises
        ------
        ValueError
            If it is none.
        """
        if fault := self.fault(name):
            raise ValueError(fault)
        return name

    def fault_of(self, names: Iterable[str]) -> str:
        """Return what is wrong with the first of the names that is none, or is there twice; nothing if all are."""
        seen: set[str] = set()
        for name in names:
            if fault := self.fault(name):
                return fault
            if name in seen:
                return f"{name!r} is the name of {self.kind} twice"
            seen.add(name)
        return ""


TF = NameRule(
    "a TF",
    re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:()/+-]| (?! |$))*"),
    64,
    "letters, digits, single spaces and . _ : ( ) / + - only, the first a letter or digit",
)
CELL_TYPE = NameRule(
    "a cell type",
    re.compile(r"[^\W_](?:[\w.,:;()\[\]/+'&%#-]| (?! |$))*"),
    120,
    "letters, digits, single spaces and . , : ; _ ( ) [ ] / + - ' & % # only, the first a letter or digit",
)
OUTPUT = NameRule(
    "an output, a TF or a TF in a cell type",
    re.compile(rf"{TF.pattern.pattern}(?:@{TF.pattern.pattern})?"),
    128,
    "letters, digits, single spaces and . _ : ( ) / + - only, and one @ between a TF and a cell type",
)
"""What a network has outputs for: ``JUND``, or ``JUND@K562``."""
CONTIG = NameRule("a contig", re.compile(r"[!-~]+"), 255, "visible ASCII characters only")
PART = NameRule(
    "a zoo entry, a group or a Kipoi source",
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    100,
    "letters, digits and . _ - only, the first a letter or digit",
)
ENTRY = NameRule(
    "a zoo entry",
    re.compile(rf"{PART.pattern.pattern}(?:/{PART.pattern.pattern})*"),
    200,
    "letters, digits and . _ - only, the first a letter or digit; / between the group and the name",
)


def output_name(tf: str, cell_type: str) -> str:
    """Return the name of the output of a TF in a cell type.

    >>> output_name("JUND", "K562")
    'JUND@K562'
    """
    return f"{tf}@{cell_type}"


def tf_of(output: str) -> str:
    """Return whose output it is.

    >>> tf_of("JUND@K562"), tf_of("JUND")
    ('JUND', 'JUND')
    """
    return output.partition("@")[0]


def cell_of(output: str) -> str:
    """Return in which cell type; nothing where an output is of all of them.

    >>> cell_of("JUND@K562"), cell_of("JUND")
    ('K562', '')
    """
    return output.partition("@")[2]


def output_of(column: str) -> str:
    """Return the output that a column of scores is of, which may be called by its entry too.

    >>> output_of("tf/JUND"), output_of("multi163-cells/JUND@NT2/D1"), output_of("JUND")
    ('JUND', 'JUND@NT2/D1', 'JUND')
    """
    before, at, cell = column.partition("@")
    return before.rpartition("/")[2] + at + cell


def file_part(tf: str) -> str:
    """Return the name of a TF as the last part of an entry's name and of its folder.

    Examples
    --------
    >>> file_part("NKX3-1"), file_part("Ahr::Arnt"), file_part("RXRA(VAR.2)"), file_part("HMG-I/Y")
    ('NKX3-1', 'Ahr-Arnt', 'RXRA-VAR.2', 'HMG-I-Y')
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", tf).rstrip("-") or tf


def same_part(tfs: Iterable[str]) -> str:
    """Return which two TFs have the same `file_part`, in words; nothing if none have.

    Examples
    --------
    >>> same_part(["SP1", "HMG-I/Y", "HMG:I:Y"])
    'HMG-I/Y and HMG:I:Y would both be HMG-I-Y; leave one of them out'
    """
    owner: dict[str, str] = {}
    for tf in tfs:
        if (first := owner.setdefault(file_part(tf), tf)) != tf:
            return f"{first} and {tf} would both be {file_part(tf)}; leave one of them out"
    return ""


def shown(text: str) -> str:
    r"""Return text of a user's, such as the name of a file, as it may stand in a header, in quotes too.

    What would end a line, a column or the quotes is written as in a URL, and so is a ``%``.

    Examples
    --------
    >>> print(shown('hg38"\n##x.fa'), shown("hg 38.fa"), shown("50%.fa"))
    hg38%22%0A##x.fa hg 38.fa 50%25.fa
    """
    risky = (c if c.isprintable() and c not in '"\\%' else None for c in text)
    parts = [
        c if c is not None else "".join(f"%{byte:02X}" for byte in raw.encode("utf-8", "surrogateescape"))
        for c, raw in zip(risky, text, strict=True)
    ]
    return "".join(parts)
