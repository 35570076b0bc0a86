"""Write ``tfb_matrix_data/registry.tsv``: names, sizes and checksums of the published files, and of hg38.

Source: a listing of github.com/wassermanlab/TF-Binding-Matrix (MIT) at the pinned commit. Either a table with the
columns path, git_blob_sha1, size, sha256 (the last two may be empty), or what git says of a clone, which knows sizes
but no sha256:

    git ls-tree -r --long 7a58aecf397493c286b9a544c670de69af306499 -- matrix > listing.txt
    python experiments/make_registry.py listing.txt

Facts that identify files are all that is written: no content. A git blob sha1 is
``sha1(b"blob <size>\\0" + content)``, so one computed here from a download says that it is the file of that commit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.lines import read_lines

OUTPUT = Path(__file__).parents[1] / "tfb_matrix_data" / "registry.tsv"
COLUMNS = ("path", "size", "git_blob_sha1", "sha256")
# UCSC publishes the md5 of this file (1c9dcaddfa41027f17cd8f7a82c7293b, goldenPath/hg38/bigZips/md5sum.txt). Its size
# and sha256 are pinned, alike, by several unrelated public projects that downloaded it; one names that md5 beside it.
GENOME = (
    "https://hgdownload.soe.ucsc.edu/goldenPath/hg38/bigZips/hg38.fa.gz",
    "983659424",
    "",
    "c1dd87068c254eb53d944f71e51d1311964fce8de24d6fc0effc9c61c01527d4",
)
_LS_TREE = re.compile(r"\d+ blob (?P<sha1>[0-9a-f]{40}) +(?P<size>\d+)\t(?P<path>.+)")


def rows(listing: Path) -> list[tuple[str, ...]]:
    """Return (path, size, git blob sha1, sha256) of every file of `listing`, sorted by path."""
    found, header = [], False
    for number, line in read_lines(listing):
        if number == 1 and line.split("\t") == ["path", "git_blob_sha1", "size", "sha256"]:
            header = True
        elif header and len(fields := line.split("\t")) == 4:
            path, sha1, size, sha256 = fields
            found.append((path, size, sha1, sha256))
        elif not header and (match := _LS_TREE.fullmatch(line)):
            found.append((match["path"], match["size"], match["sha1"], ""))
        else:
            raise InputError(listing, "expected a line of `git ls-tree -r --long` or of a path table", number)
    return sorted(found)


def main(
    listing: Annotated[Path, typer.Argument(help="FILES.tsv, or the output of git ls-tree.")],
    output: Annotated[Path, typer.Option("-o", "--output")] = OUTPUT,
) -> None:
    """Write the registry of the files in LISTING."""
    table = [*rows(listing), GENOME]
    with atomic_path(output) as temporary:
        temporary.write_text("".join("\t".join(row) + "\n" for row in [COLUMNS, *table]))
    print(f"{output}: {len(table)} files, {sum(bool(row[3]) for row in table)} with sha256")


if __name__ == "__main__":
    typer.run(main)
