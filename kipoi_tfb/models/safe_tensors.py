"""Files of tensors as safetensors writes them, which hold nothing that could be run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from torch import Tensor

from tfb_matrix_data.bounded import check_file
from tfb_matrix_data.extras import import_extra
from tfb_matrix_data.files import atomic_path

__all__ = ["import_safetensors", "load_safetensors", "save_safetensors"]


def save_safetensors(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write tensors under their names, the same bytes for the same tensors, whole or not at all.

    Raises
    ------
    ConfigError
        If safetensors is not installed.
    """
    content = import_safetensors().save({name: value.contiguous() for name, value in state.items()}, {"format": "pt"})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a file that is not trusted, on the CPU.

    Raises
    ------
    ConfigError
        If safetensors is not installed.
    ValueError
        If it is no such file.
    """
    safetensors = import_safetensors()
    try:
        return safetensors.load(check_file(path).read_bytes())
    except Exception as error:  # SafetensorError, and KeyError for a type that torch does not have
        raise ValueError(f"is not a file of safetensors ({error})") from None


def import_safetensors() -> ModuleType:
    """Return the module of safetensors for torch.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    return import_extra("safetensors.torch", "safetensors", "hub")
