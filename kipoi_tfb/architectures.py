"""Network architectures: from one-hot sequence to one logit per TF."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from tfb_matrix_data.errors import UnknownNameError

__all__ = ["ARCHITECTURES", "PaperCNN", "build_network", "fold_batchnorm"]


class PaperCNN(nn.Module):
    """The convolutional network of Novakovsky et al. (after Basset and AI-TAC).

    Three convolutions (100 x 19, 200 x 7, 200 x 4), each with batch normalisation, max pooling by 3 and ReLU, and
    two fully connected layers of 1,000 with batch normalisation, ReLU and dropout 0.3.

    Pooling comes before the ReLU. The two commute (ReLU is monotone), so the network is the published one; this
    order is faster, and `captum`'s DeepLIFT is only exact with it.

    Parameters
    ----------
    n_outputs
        Number of TFs.
    length
        Window length in bp.

    Notes
    -----
    Source: Methods, "Model architecture", doi:10.1186/s13059-021-02499-5.
    """

    def __init__(self, n_outputs: int, length: int = 200) -> None:
        super().__init__()
        self.features = nn.Sequential(*_block(4, 100, 19), *_block(100, 200, 7), *_block(200, 200, 4), nn.Flatten())
        with torch.no_grad():
            flat = self.features.eval()(torch.zeros(1, 4, length)).shape[1]
        self.features.train()
        self.trunk = nn.Sequential(*_dense(flat, 1000), *_dense(1000, 1000))
        self.head = nn.Linear(1000, n_outputs)

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return logits of shape (batch, TFs) for one-hot windows of shape (batch, 4, length)."""
        return self.head(self.trunk(self.features(one_hot)))


def _block(channels_in: int, channels_out: int, width: int) -> tuple[nn.Module, ...]:
    return (nn.Conv1d(channels_in, channels_out, width), nn.BatchNorm1d(channels_out), nn.MaxPool1d(3), nn.ReLU())


def _dense(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return (nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(0.3))


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"paper-cnn": PaperCNN}


def build_network(architecture: str, n_outputs: int, length: int = 200) -> nn.Module:
    """Return a freshly initialised network by the name of its architecture.

    Raises
    ------
    UnknownNameError
        If there is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise UnknownNameError("architecture", architecture, ARCHITECTURES)
    return ARCHITECTURES[architecture](n_outputs, length=length)


def fold_batchnorm(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode with each batch normalisation folded into the layer before it.

    The outputs are the same up to rounding; the network given is changed and must not be trained any more.
    """
    network.eval()
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        names = list(module._modules)
        for before, name in zip(names, names[1:], strict=False):
            layer, norm = module._modules[before], module._modules[name]
            if isinstance(norm, nn.BatchNorm1d) and isinstance(layer, nn.Conv1d):
                module._modules[before] = fuse_conv_bn_eval(layer, norm)
            elif isinstance(norm, nn.BatchNorm1d) and isinstance(layer, nn.Linear):
                module._modules[before] = fuse_linear_bn_eval(layer, norm)
            else:
                continue
            module._modules[name] = nn.Identity()
    return network
