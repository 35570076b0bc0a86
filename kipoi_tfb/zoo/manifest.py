"""The list of the files of an exported entry, by which they are checked wherever they are from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.config import OutputNames, Sizes
from kipoi_tfb.zoo.entry import GOLDEN_FILE
from kipoi_tfb.zoo.fields import EntryName, Later, Sha256
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.files import sha256

__all__ = [
    "CONFIG_FILE",
    "LOADER_FILE",
    "MANIFEST_FILE",
    "MOST_MANIFEST",
    "PICTURES",
    "README_FILE",
    "TENSORS_FILE",
    "FileRecord",
    "HubConfig",
    "Manifest",
    "manifest_of",
    "read_config_file",
    "read_manifest",
]

MANIFEST_FILE, TENSORS_FILE, CONFIG_FILE = "manifest.json", "model.safetensors", "config.json"
README_FILE, LOADER_FILE = "README.md", "load.py"
PICTURES = {".png", ".svg"}
_NEEDED = {CARD_FILE, GOLDEN_FILE, CONFIG_FILE, TENSORS_FILE}

_MOST_FILES, _MOST_BYTES = 50, 64 << 20
"""An entry has at most 25 MB; of a fine-tuned one the weights of the base are in the tensors too."""
MOST_MANIFEST = 64 << 10

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=100)]
"""A bare file name: no list can name a file that is not in its folder."""


class FileRecord(Strict):
    """A file, by its size in bytes and its content."""

    size: Annotated[int, Field(ge=0, le=_MOST_BYTES)]
    sha256: Sha256


class Manifest(Strict):
    """All files of an exported entry but the list itself."""

    format: Literal["kipoi-tfb entry 1"] = "kipoi-tfb entry 1"
    files: Annotated[dict[_Name, FileRecord], Field(max_length=_MOST_FILES)]

    @model_validator(mode="after")
    def _is_whole_and_bounded(self) -> Manifest:
        if lacking := sorted(_NEEDED - self.files.keys()):
            raise ValueError(f"it lacks {', '.join(lacking)}, which every exported entry has")
        if (size := sum(record.size for record in self.files.values())) > _MOST_BYTES:
            raise ValueError(f"files of {size / 1e6:.0f} MB in all; at most {_MOST_BYTES / 1e6:.0f} MB are allowed")
        return self


class HubConfig(Strict):
    """What is needed to build the network of an exported entry.

    Attributes
    ----------
    members
        Of an ensemble, the sizes of each member.
    weights_sha256
        Of the entry's file of weights, which holds the same tensors as the exported file, or some of them.
    own
        Of a fine-tuned entry, the names of the tensors that differ from its base's.
    """

    name: EntryName
    architecture: str
    sizes: Sizes
    members: Annotated[tuple[Sizes, ...] | None, Later] = None
    window_length: int
    tfs: OutputNames
    weights_sha256: Sha256
    own: tuple[str, ...] | None
    kipoi_tfb: str


def manifest_of(folder: Path) -> Manifest:
    """Return the list of the files of a folder."""
    files = {path.name: FileRecord(size=path.stat().st_size, sha256=sha256(path)) for path in sorted(folder.iterdir())}
    return Manifest(files=files)


def read_manifest(text: bytes, where: str) -> Manifest:
    """Return the list of files that a text is.

    Raises
    ------
    EntryError
        If it is none, or names files that cannot be an entry's; the message says which field is wrong.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise EntryError(f"{where}: {explain(error)}") from None


def read_config_file(text: bytes, where: str) -> HubConfig:
    """Return the configuration that a text is.

    Raises
    ------
    EntryError
        If it is none.
    """
    try:
        return HubConfig.model_validate_json(text)
    except ValidationError as error:
        raise EntryError(f"{where}: {explain(error)}") from None
