"""Networks taken apart for attribution: every operation that is not linear a module of its own, used once.

`captum` and `tangermeme` replace the gradient of such modules by DeepLIFT's multipliers. What a network computes by
functions (a ReLU, a maximum over strands or positions), or by one module twice, they cannot see: contributions then do
not add up, and nothing says so.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kipoi_tfb.models.changes import images
from kipoi_tfb.models.ensemble import Ensemble
from kipoi_tfb.models.motif_cnn import MotifCNN, OwnMotifs
from tfb_matrix_data.errors import ConfigError

__all__ = ["attributable"]

_RULES = (nn.ReLU, nn.MaxPool1d, nn.MaxPool2d)
_LINEAR = (
    nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.Flatten, nn.Identity, nn.Dropout,
    nn.Sequential, nn.ModuleList,
)  # fmt: skip
"""In evaluation mode, or of no operation of their own."""


def attributable(network: nn.Module, deeplift: bool = True) -> nn.Module:
    """Return the strand-averaged logits of a network as a module that attribution tools can take apart.

    It maps one-hot windows float32 (batch, 4, length) to logits (batch, TFs), the same as
    `kipoi_tfb.models.logits.both_strands` up to rounding, in evaluation mode, on a copy of the weights. DeepLIFT by
    `captum.attr.DeepLift` or `tangermeme.deep_lift_shap` is complete on it: contributions add up to the difference of
    the logits to rounding (`benchmarks/completeness.py`).

    Parameters
    ----------
    network
        Of any architecture in `kipoi_tfb.models.ARCHITECTURES` or an ensemble, as `kipoi_tfb.load` or `build_network`
        gives it.
    deeplift
        Refuse a network with an operation for which DeepLIFT has no rule. False: for methods that need gradients alone,
        such as integrated gradients.

    Raises
    ------
    ConfigError
        If there is such an operation; the message names it.

    Notes
    -----
    A window and its reverse complement stand one below the other in a batch, so that what these tools stack (inputs
    first, then as many references) is still inputs first. What a ReLU or a pooling gets is cloned: captum changes the
    whole gradient of that tensor, a residual branch's too. DeepLIFT: Shrikumar et al.
    2017, doi:10.48550/arXiv.1704.02685.
    """
    network = copy.deepcopy(network)
    averaged = _taken_apart(network)
    if deeplift and (without := _without_rule(averaged)):
        raise ConfigError(
            f"DeepLIFT has no rule for {', '.join(without)} of {type(network).__name__}: contributions would not add "
            "up; use ig (integrated gradients) or ism (mutagenesis)"
        )
    return averaged.eval().requires_grad_(False)


def _taken_apart(network: nn.Module) -> nn.Module:
    if isinstance(network, Ensemble):
        return _OfEnsemble(network)
    return _OfMotifs(network) if isinstance(network, MotifCNN) else _OfLayers(network)


def _without_rule(network: nn.Module) -> list[str]:
    """Return torch's operations in a network that are neither linear nor have a rule, by their names."""
    types = {type(module): None for module in network.modules() if type(module).__module__.startswith("torch.nn.")}
    return [one.__name__ for one in types if one not in (*_RULES, *_LINEAR)]


class _Hooked(nn.Module):
    """An operation on a tensor that nothing else reads."""

    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, tensor: Tensor) -> Tensor:
        return self.operation(tensor.clone())


class _Highest(nn.Module):
    """The maximum over the last two axes, (batch, channels), as pooling over all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = _Hooked(nn.MaxPool2d(1))

    def forward(self, image: Tensor) -> Tensor:
        # The rule reads the size of the pooling from its module, which no network of another length has.
        self.pool.operation.kernel_size = self.pool.operation.stride = tuple(image.shape[2:])  # type: ignore[assignment]
        return self.pool(image).flatten(1)


class _OfLayers(nn.Module):
    """A network whose operations are modules already, each used once."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for name, module in list(network.named_modules()):
            if isinstance(module, _RULES):
                network.set_submodule(name, _Hooked(module))
        self.network = network

    def forward(self, one_hot: Tensor) -> Tensor:
        return _strand_mean(self.network(_strands(one_hot, one_hot.flip((1, 2)))))


class _OfMotifs(nn.Module):
    """`MotifCNN`: the strands of the scan are the rows of one pooling."""

    def __init__(self, network: MotifCNN) -> None:
        super().__init__()
        self.scan_weight, self.scan_norm = network.scan_weight, network.scan_norm
        self.scan_pool = _Hooked(nn.MaxPool2d((2, network.pool)))
        self.best = _Highest()
        self.trunks = nn.ModuleList(_OfTrunk(trunk) for trunk in network.trunks)
        self.head = network.head
        self.own_motifs = None if network.own_motifs is None else _OfOwnMotifs(network.own_motifs)

    def forward(self, one_hot: Tensor) -> Tensor:
        scanned = self.scan_norm(self.scan_pool(_rows(one_hot, self.scan_weight)))
        scanned = _strands(scanned, scanned.flip(3))
        best = self.best(scanned)
        features = torch.cat([trunk(scanned, best) for trunk in self.trunks], dim=1) / len(self.trunks)
        logits = _strand_mean(self.head(features))
        return logits if self.own_motifs is None else logits + self.own_motifs(one_hot)


class _OfEnsemble(nn.Module):
    """`Ensemble`: what its members see, averaged over strands as the linear layer above is."""

    def __init__(self, network: Ensemble) -> None:
        super().__init__()
        self.parts = nn.ModuleList(map(_taken_apart, network.parts))
        self.head = network.head

    def forward(self, one_hot: Tensor) -> Tensor:
        return self.head(torch.cat([part(one_hot) for part in self.parts], dim=1))


class _OfTrunk(nn.Module):
    """A trunk of `MotifCNN`."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.blocks = nn.Sequential(*(_OfBlock(block) for block in trunk.get_submodule("blocks").children()))
        self.first, self.last, self.dense = (_Hooked(nn.ReLU()) for _ in range(3))
        self.highest = _Highest()

    def forward(self, scanned: Tensor, best: Tensor) -> Tensor:
        layers = self.trunk
        image = self.last(layers.norm(self.blocks(layers.mix(self.first(scanned)))))  # type: ignore[operator]
        joined = torch.cat([self.highest(image), image.mean((2, 3)), best], dim=1)
        return torch.cat([self.dense(layers.dense_norm(layers.dense(joined))), best], dim=1)  # type: ignore[operator]


class _OfBlock(nn.Module):
    """A residual block of `MotifCNN`."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block, self.relu = block, _Hooked(nn.ReLU())

    def forward(self, image: Tensor) -> Tensor:
        return image + self.block.norm(self.block.conv(self.relu(image)))  # type: ignore[operator]


class _OfOwnMotifs(nn.Module):
    """`OwnMotifs`: a window and its reverse complement have the same best matches."""

    def __init__(self, motifs: OwnMotifs) -> None:
        super().__init__()
        self.motifs, self.highest = motifs, _Highest()

    def forward(self, one_hot: Tensor) -> Tensor:
        return F.linear(self.highest(_rows(one_hot, self.motifs.weight)), self.motifs.share)


def _rows(one_hot: Tensor, filters: Tensor) -> Tensor:
    """Return the matches of filters (filters, 4, 1, width) on either strand, (batch, filters, 2, length)."""
    both = torch.cat([filters, filters.flip(1, 3)])
    matches = F.conv2d(images(one_hot), both, padding=(0, filters.shape[3] // 2))
    return matches.squeeze(2).unflatten(1, (2, -1)).transpose(1, 2)


def _strands(windows: Tensor, reverses: Tensor) -> Tensor:
    """Return each window and, below it, its reverse complement: (2 x batch, ...)."""
    return torch.stack([windows, reverses], 1).flatten(0, 1)


def _strand_mean(logits: Tensor) -> Tensor:
    return logits.unflatten(0, (-1, 2)).mean(1)
