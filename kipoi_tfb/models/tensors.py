"""Files of tensors as `torch.save` writes them: written like any other file, read without trust."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tfb_matrix_data.bounded import check_file
from tfb_matrix_data.files import atomic_path

__all__ = ["load_state", "load_tensors", "save_tensors"]

_ADMITTED = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}
"""What the pickle of a state_dict asks for, beside the types of its tensors."""
_TYPES = {f"torch {kind}Storage" for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Bool")}
_TYPES |= {f"torch {kind}Storage" for kind in ("Byte", "Char")}


def save_tensors(content: Any, path: str | Path) -> None:
    """Write what `torch.save` writes, the same bytes wherever, whole or not at all.

    Given a path, torch writes its name into the file, and a full disk is a `RuntimeError` of its own in many words; so
    the bytes are made in memory first.

    Raises
    ------
    OSError
        If the disk is full.
    """
    made = io.BytesIO()
    torch.save(content, made)
    with atomic_path(path) as temporary:
        temporary.write_bytes(made.getbuffer())


def load_tensors(path: str | Path, device: torch.device | str = "cpu", only_tensors: bool = False) -> Any:
    """Return what `save_tensors` wrote; nothing in the file is run, and it takes no more memory than it has bytes.

    Parameters
    ----------
    path
        The file.
    device
        Where tensors go.
    only_tensors
        Refuse numbers and texts beside them.

    Raises
    ------
    ValueError
        If it is no such file; the message says why.
    """
    try:
        _check_archive(Path(path), only_tensors)
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises RuntimeError, UnpicklingError, KeyError ..., zipfile as many
        raise ValueError(str(error)) from None


def load_state(path: str | Path) -> dict[str, Tensor]:
    """Return a state_dict of tensors on the CPU from a file that is not trusted; no tensor is larger than its bytes.

    Raises
    ------
    ValueError
        If it is no such file; the message says why.
    """
    state = load_tensors(path, only_tensors=True)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("it holds something else beside tensors")
    for name, value in state.items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ValueError(f"tensor {name} of shape {tuple(value.shape)} is larger than its bytes")
    return dict(state)


def _check_archive(path: Path, only_tensors: bool) -> None:
    """Check by its directory that an archive unpacks to no more than itself, and by its pickle that it is tensors."""
    check_file(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} in it is compressed, which torch does not do")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("what it holds is larger than the file")
        pickles = [member for member in members if member.filename.endswith("data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it has no pickle of tensors, or several")
        for operation, argument, _ in pickletools.genops(archive.read(pickles[0])):
            asks = operation.name in {"GLOBAL", "STACK_GLOBAL", "INST"}
            if only_tensors and asks and argument not in _ADMITTED | _TYPES:
                raise ValueError(f"it asks for {argument or 'something'}; only tensors are admitted")
