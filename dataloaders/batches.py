"""What the dataloaders share: a Kipoi dataset that makes whole batches with numpy, also in worker processes."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from kipoi.data import Dataset
from kipoi.specs import DataLoaderDescription
from kipoi_utils.data_utils import get_dataset_item
from kipoi_utils.external.torch.data import DataLoader
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError

__all__ = ["WindowDataset", "described", "whole_number"]


class WindowDataset(Dataset):
    """A Kipoi dataset whose unit is the batch: subclasses give `batch` for any rows."""

    @abstractmethod
    def batch(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return ``inputs`` and ``metadata`` of the given rows."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sample, without the batch axis."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return get_dataset_item(self.batch(np.array([index % len(self)])), 0)

    def _batch_iterable(
        self, batch_size: int = 32, shuffle: bool = False, num_workers: int = 0, drop_last: bool = False, **kwargs: Any
    ) -> DataLoader:
        batches = _Batches(self, batch_size, shuffle, drop_last)
        return DataLoader(batches, batch_size=1, collate_fn=_only, num_workers=num_workers, **kwargs)


class _Batches:
    """The batches of a dataset as a sequence, which Kipoi's loader spreads over its workers in order."""

    def __init__(self, dataset: WindowDataset, batch_size: int, shuffle: bool, drop_last: bool) -> None:
        self.dataset, self.batch_size = dataset, batch_size
        self.order = np.random.permutation(len(dataset)) if shuffle else np.arange(len(dataset))
        if drop_last:
            self.order = self.order[: len(dataset) // batch_size * batch_size]

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.dataset.batch(self.order[index * self.batch_size : (index + 1) * self.batch_size])


def _only(batches: list[dict[str, Any]]) -> dict[str, Any]:
    (batch,) = batches
    return batch


def described(folder: str | Path):  # noqa: ANN201 (a class decorator)
    """Attach the description in a folder's ``dataloader.yaml`` to a dataloader class.

    With it, a model's ``default_dataloader`` can name the class itself, whatever folder the model is in; the paths
    of the example files are made absolute, so that ``kipoi test`` finds them from anywhere.
    """
    folder = Path(folder)

    def attach(cls: type[Dataset]) -> type[Dataset]:
        description = DataLoaderDescription.load(str(folder / "dataloader.yaml"))
        for argument in description.args.values():
            if isinstance(argument.example, str) and (folder / argument.example).exists():
                argument.example = str((folder / argument.example).resolve())
        return cls._add_description_factory(description)

    return attach


def whole_number(name: str, value: object) -> int:
    """Return an argument as a positive even number (the command line hands over strings)."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number <= 0 or number % 2:
        raise ConfigError(f"dataloader argument {name}={value!r}: expected a positive even number")
    return number
