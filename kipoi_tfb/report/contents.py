"""What a report is made from beside its alleles: what was done with what, and what became of all alleles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kipoi_tfb.report.igv import Igv, Slice
from kipoi_tfb.report.record import Detail, Row

__all__ = ["Column", "Facts", "InputFile", "Leaflet", "Model", "Picture", "Report", "Section", "Sheet", "Status"]


@dataclass(frozen=True)
class InputFile:
    """A file that the numbers are from.

    Attributes
    ----------
    role
        What it is to the reader, such as ``Genome``.
    name
        Name without folders: a report does not tell where its author keeps files.
    sha256
        Of its bytes.
    note
        What else is to be said of it, such as ``17 records, 18 alleles``.
    """

    role: str
    name: str
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Model:
    """An entry of the zoo.

    Attributes
    ----------
    name
        Its name.
    n_tfs
        How many TFs it predicts.
    window
        Bases that it reads.
    weights_sha256
        Of its weights.
    held_out
        Which regions it was tested on and never trained on, such as ``tested on chr22; chr16 left out``.
    accuracy
        How good it was there, in a sentence; empty where its card does not say.
    date
        When it was trained.
    card
        Its card whole, as the entry has it.
    """

    name: str
    n_tfs: int
    window: int
    weights_sha256: str
    held_out: str
    accuracy: str = ""
    date: str = ""
    card: str = ""


@dataclass(frozen=True)
class Facts:
    """What was done, with what.

    Attributes
    ----------
    title
        Of the document.
    files, models
        What the numbers are from.
    command
        The command line that makes this report.
    version
        Of kipoi-tfb.
    date
        As it is shown; the caller says it, so that the same call makes the same bytes.
    percentiles
        The random variants that percentiles compare with, in a sentence; empty where no model has any.
    """

    title: str
    files: Sequence[InputFile]
    models: Sequence[Model]
    command: str
    version: str
    date: str
    percentiles: str = ""


@dataclass(frozen=True)
class Status:
    """A line of the ledger: how many alleles of the file of scores came to this."""

    status: str
    count: int
    meaning: str


@dataclass(frozen=True)
class Report:
    """A page's contents.

    Attributes
    ----------
    facts, ledger
        What was done, and what became of all alleles of the scores.
    changed, unchanged
        How many of the scored alleles change the binding of a TF, and how many of none.
    rows
        The alleles shown, in the order of the scores.
    n_tfs
        How many TFs the scores are of.
    details
        Of some of the rows, by `Row.number`.
    left_out
        What of the scores is not shown, in a sentence; empty where all is.
    info
        Names of the INFO fields, in the order of their columns.
    igv, slices
        igv.js, and the sequence around the details by `Row.number`, for a genome browser; None and empty without one.
    """

    facts: Facts
    ledger: Sequence[Status]
    changed: int
    unchanged: int
    rows: Sequence[Row]
    n_tfs: int
    details: Mapping[int, Detail] = field(default_factory=dict)
    left_out: str = ""
    info: Sequence[str] = ()
    igv: Igv | None = None
    slices: Mapping[int, Slice] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes
    ----------
    title, meaning
        Its head, and what it says, in a sentence.
    digits
        Decimals of its numbers; None for a column of text.
    kind
        ``probability`` for numbers that are written as such, and never as certain.
    """

    title: str
    meaning: str
    digits: int | None = None
    kind: Literal["", "probability"] = ""


@dataclass(frozen=True)
class Sheet:
    """A page of one table.

    Attributes
    ----------
    facts
        What was done with what.
    kind, heading, brief
        What the page is, its title, and what it says in a sentence.
    columns, rows
        The table: a text, a number or None per cell; the first column names the row.
    limits
        What the table does not say, a sentence each.
    things
        What the rows are.
    """

    facts: Facts
    kind: str
    heading: str
    brief: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | float | None]]
    limits: Sequence[str] = ()
    things: str = "rows"


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes
    ----------
    svg
        As the text of an SVG file.
    alt
        What it shows, for who cannot see it.
    """

    svg: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A part of a leaflet.

    Attributes
    ----------
    title, text
        Its title, and its sentences, a paragraph each.
    head, rows
        Of a table, with texts and pictures as cells, the first of each row its name; empty for none.
    pictures
        Below.
    """

    title: str
    text: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str | Picture]] = ()
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Leaflet:
    """A page to read from top to bottom: words, pictures, small tables.

    Attributes
    ----------
    facts
        What was done with what.
    kind, heading, brief
        What the page is, its title, and what it says in a sentence or two.
    sections
        Its parts.
    limits
        What it does not say, a sentence each.
    """

    facts: Facts
    kind: str
    heading: str
    brief: str
    sections: Sequence[Section]
    limits: Sequence[str] = ()
