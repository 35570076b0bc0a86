"""A network as an ONNX program: what it computes, without torch and without us."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from kipoi_tfb.models.logits import both_strands, probability
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.extras import import_extra

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["INPUT", "OUTPUT", "import_onnxruntime", "onnx_program"]

INPUT, OUTPUT = "one_hot", "probability"
_OPSET = 20
_EXAMPLE = 3
"""Windows that the program is traced with. Not 2: there are as many strands, and one would pass for the other."""


def onnx_program(network: nn.Module, length: int) -> ModelProto:
    """Return the probabilities that a network gives, averaged over both strands, as an ONNX program.

    It takes ``one_hot``, float32 (batch, 4, length), rows in the order A C G T, an unknown base all zero, a batch of
    any size; and gives ``probability``, float32 (batch, TFs), NaN where no base is known, as
    `kipoi_tfb.models.both_strands` and `probability` do, up to rounding. All windows of a batch are scanned at once.

    Parameters
    ----------
    network
        As `kipoi_tfb.load` gives it: in evaluation mode, on the CPU.
    length
        Of the windows, in bp.

    Raises
    ------
    ConfigError
        If the extra ``onnx`` is not installed, or the network computes something by the size of the example.
    """
    onnx = _import("onnx")
    _import("onnxscript")  # which torch's exporter needs
    with _quiet():
        exported = torch.onnx.export(
            _Probability(network).eval(),
            (torch.zeros(_EXAMPLE, 4, length),),
            dynamo=True,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={"one_hot": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    program = exported.model_proto  # type: ignore[union-attr]  # None without `dynamo`
    if not program.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise ConfigError(f"torch's exporter takes {type(network).__name__} for one of batches of {_EXAMPLE} windows")
    _drop_traces(program)
    onnx.checker.check_model(program)
    return program


def import_onnxruntime() -> ModuleType:
    """Return onnxruntime.

    Raises
    ------
    ConfigError
        If the extra ``onnx`` is not installed.
    """
    return _import("onnxruntime")


class _Probability(nn.Module):
    """Probabilities of one-hot windows, both strands averaged."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, one_hot: Tensor) -> Tensor:
        return probability(both_strands(self.network, one_hot))


def _import(name: str) -> ModuleType:
    return import_extra(name, "ONNX", "onnx")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what torch's exporter says of other packages and of its own deprecations."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _drop_traces(program: ModelProto) -> None:
    """Take out which line of which file each step is from: of no use, and different wherever it was made."""
    graph = program.graph
    parts: list[Any] = [program, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for part in parts:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
