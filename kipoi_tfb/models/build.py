"""Networks by the name of their architecture: from one-hot sequence to one logit per TF."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from kipoi_tfb.models.danq import DanQ
from kipoi_tfb.models.ensemble import Ensemble
from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.models.paper_cnn import PaperCNN
from kipoi_tfb.models.sizes import ENSEMBLE, MOST_PARAMETERS, check_sizes, check_window
from tfb_matrix_data.errors import ConfigError, UnknownNameError

__all__ = ["ARCHITECTURES", "build_network", "fold_batchnorm", "for_inference"]

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"paper-cnn": PaperCNN, "danq": DanQ, "motif-cnn": MotifCNN}


@runtime_checkable
class _Folds(Protocol):
    """A network that knows where its batch normalisation is."""

    def fold(self) -> None: ...


def build_network(
    architecture: str,
    n_outputs: int,
    length: int = 200,
    sizes: Mapping[str, float] | None = None,
    members: Sequence[Mapping[str, float]] | None = None,
) -> nn.Module:
    """Return a freshly initialised network by the name of its architecture.

    A network gives logits (batch, TFs) for one-hot windows (batch, 4, length); `embed` gives what its last layer,
    `head`, sees.

    Parameters
    ----------
    architecture
        One of `ARCHITECTURES`, or ``ensemble``.
    n_outputs
        Number of TFs.
    length
        Window length in bp.
    sizes
        Sizes other than the architecture's own, by the name of its parameter.
    members
        Of architecture ``ensemble``: the sizes of each member, a ``motif-cnn``.

    Raises
    ------
    UnknownNameError
        If there is no such architecture, or it has no such size.
    ConfigError
        If a size is out of its range (`kipoi_tfb.models.sizes`), sizes do not go together, or there would be too many
        parameters. Nothing is allocated then.
    """
    if architecture == ENSEMBLE and members:
        parts = [build_network("motif-cnn", 1, length, own) for own in members]
        return Ensemble(cast(list[MotifCNN], parts), n_outputs)
    if architecture not in ARCHITECTURES:
        raise UnknownNameError("architecture", architecture, ARCHITECTURES)
    build = ARCHITECTURES[architecture]
    known = [name for name in inspect.signature(build).parameters if name not in {"n_outputs", "length"}]
    for name in sizes or ():
        if name not in known:
            raise UnknownNameError(f"size of {architecture}", name, known)
    try:
        check_window(length)
        if sizes:
            check_sizes(sizes)
            with torch.device("meta"):
                n_parameters = sum(value.numel() for value in build(n_outputs, length=length, **sizes).parameters())
            if n_parameters > MOST_PARAMETERS:
                raise ValueError(f"{n_parameters:,} parameters; at most {MOST_PARAMETERS:,} are allowed")
        return build(n_outputs, length=length, **(sizes or {}))
    except (ValueError, RuntimeError) as error:  # torch's, of a window that is shorter than the convolutions
        raise ConfigError(f"{architecture} with {length} bp and sizes {dict(sizes or {})}: {error}") from None


def fold_batchnorm(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode with each batch normalisation folded into the layer before it.

    The outputs are the same up to rounding; the network given is changed and must not be trained any more.
    """
    network.eval()
    if isinstance(network, _Folds):
        network.fold()
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        names = list(module._modules)
        for before, name in itertools.pairwise(names):
            layer, norm = module._modules[before], module._modules[name]
            if isinstance(norm, nn.BatchNorm1d) and isinstance(layer, nn.Conv1d):
                module._modules[before] = fuse_conv_bn_eval(layer, norm)
            elif isinstance(norm, nn.BatchNorm1d) and isinstance(layer, nn.Linear):
                module._modules[before] = fuse_linear_bn_eval(layer, norm)
            else:
                continue
            module._modules[name] = nn.Identity()
    return network


def for_inference(network: nn.Module) -> nn.Module:
    """Return the network ready to predict: evaluation mode, batch normalisation folded, channels last.

    Outputs are the same up to rounding. On a CPU, convolutions and pooling over channels-last memory take some two
    thirds of the time (`benchmarks/inference.py`); torch has that layout for two-dimensional layers only.
    """
    fold_batchnorm(network)
    for name, module in network.named_children():
        if isinstance(module, nn.Sequential) and any(isinstance(layer, nn.Conv1d) for layer in module):
            network.set_submodule(
                name, nn.Sequential(_AsImage(), *(_two_dimensional(layer) for layer in module)).eval()
            )
    return network.requires_grad_(False)


class _AsImage(nn.Module):
    """Windows (batch, channels, length) as images (batch, channels, 1, length), channels last in memory."""

    def forward(self, windows: Tensor) -> Tensor:
        return windows.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _two_dimensional(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.Conv1d):
        image = nn.Conv2d(layer.in_channels, layer.out_channels, (1, layer.kernel_size[0]))
        weight = layer.weight.detach().unsqueeze(2).contiguous(memory_format=torch.channels_last)
        image.weight = nn.Parameter(weight)
        image.bias = layer.bias
        return image
    if isinstance(layer, nn.MaxPool1d):
        width = layer.kernel_size
        return nn.MaxPool2d((1, width if isinstance(width, int) else width[0]))
    return layer
