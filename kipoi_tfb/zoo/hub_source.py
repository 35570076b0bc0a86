"""Where an exported entry is: a folder or an address, of which only what is listed and checked is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.entry import GOLDEN_FILE, own_file
from kipoi_tfb.zoo.manifest import (
    CONFIG_FILE,
    LOADER_FILE,
    MANIFEST_FILE,
    MOST_MANIFEST,
    PICTURES,
    README_FILE,
    TENSORS_FILE,
    FileRecord,
    Manifest,
    read_manifest,
)
from kipoi_tfb.zoo.null import NULL_FILE
from kipoi_tfb.zoo.verify import CONTROLS_FILE, SPLITS_FILE
from tfb_matrix_data.bounded import read_at_most
from tfb_matrix_data.download import download
from tfb_matrix_data.errors import ChecksumError, EntryError, InputError

__all__ = ["LEFT", "take_files"]

_ADDRESSES = {"http", "https"}
LEFT = {README_FILE, LOADER_FILE}
"""Written by whoever exported, for others: an import reads neither."""
_TAKEN = {CARD_FILE, CONFIG_FILE, GOLDEN_FILE, TENSORS_FILE, NULL_FILE, CONTROLS_FILE, SPLITS_FILE}
_LFS = b"version https://git-lfs."


def take_files(source: str, into: Path) -> Manifest:
    """Copy or download the files of an exported entry, each checked by size and sha256; return their list.

    Parameters
    ----------
    source
        A folder of `kipoi_tfb.zoo.hub_folder.export_entry`, or the http or https address of one.
    into
        An empty folder; the model card and the loader are left where they are.

    Raises
    ------
    EntryError
        If there is no list, or it names what is no part of an entry.
    ChecksumError
        If a file is not the one that is listed.
    DownloadError, InputError
        If one cannot be had.
    """
    get = _downloader(source) if "://" in source else _copier(Path(source))
    list_path = into / MANIFEST_FILE
    get(MANIFEST_FILE, list_path, None, lambda n: None)
    manifest = read_manifest(read_at_most(list_path, MOST_MANIFEST), f"{source}: {MANIFEST_FILE}")
    for name in manifest.files:
        table = name.endswith(".tsv")  # of metrics: the card says how it is called
        if name not in _TAKEN | LEFT and Path(name).suffix not in PICTURES and not table:
            raise EntryError(f"{source}: {name} is not part of an exported entry; take it out of {MANIFEST_FILE} too")
    wanted = {name: record for name, record in manifest.files.items() if name not in LEFT}
    with progress_bar("taking files", sum(record.size for record in wanted.values())) as advance:
        for name, record in wanted.items():
            get(name, into / name, record, advance)
    return manifest


_Get = Callable[[str, Path, FileRecord | None, Callable[[int], object]], None]


def _copier(folder: Path) -> _Get:
    """Return a function that copies a file of a folder; without a record, whatever there is of a list of files."""

    def copy(name: str, to: Path, record: FileRecord | None, advance: Callable[[int], object]) -> None:
        try:
            content = read_at_most(own_file(folder.absolute(), name), record.size if record else MOST_MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            raise EntryError(_lacks(str(folder), name)) from None
        except InputError as error:
            if record is None:
                raise
            raise ChecksumError(f"{error}; {MANIFEST_FILE} says {record.size:,} bytes") from None
        to.write_bytes(content)
        if record is not None:
            _check(to, f"{folder / name}", record)
        advance(len(content))

    return copy


def _downloader(source: str) -> _Get:
    """Return a function that downloads a file of an address."""
    parts = urlsplit(source)
    if parts.scheme not in _ADDRESSES or not parts.netloc or parts.query or parts.fragment:
        raise InputError(source, "is no address of a folder: expected http://... or https://..., without ? and #")

    def get(name: str, to: Path, record: FileRecord | None, advance: Callable[[int], object]) -> None:
        url = f"{source.rstrip('/')}/{quote(name)}"
        download(
            url,
            to,
            (lambda path: _check(path, url, record)) if record else (lambda path: None),
            size=record.size if record else None,
            most=MOST_MANIFEST,
            by_hand=f"Nothing was kept. Is {source} the folder of an entry that `tfb zoo export` wrote?",
            progress=advance,
        )

    return get


def _check(path: Path, where: str, record: FileRecord) -> None:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if content.startswith(_LFS):
        raise ChecksumError(f"{where}: is a pointer to a file in Git LFS, not the file; get it with `git lfs pull`")
    if (len(content), found) != (record.size, record.sha256):
        raise ChecksumError(
            f"{where}: sha256 is {found[:12]}... of {len(content):,} bytes, {MANIFEST_FILE} says "
            f"{record.sha256[:12]}... of {record.size:,}; the file is damaged, or was changed after the export"
        )


def _lacks(folder: str, name: str) -> str:
    if name == MANIFEST_FILE:
        return f"{folder}: is not an exported entry (no {MANIFEST_FILE}); `tfb zoo export ENTRY --to DIR` writes one"
    return f"{folder}: {name} is missing, which {MANIFEST_FILE} lists"
