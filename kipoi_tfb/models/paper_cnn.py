"""The architecture ``paper-cnn``: the convolutional network of the paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kipoi_tfb.models.head import Head

__all__ = ["PaperCNN"]

_POOL = 3


class PaperCNN(nn.Module):
    """The convolutional network of Novakovsky et al. (after Basset and AI-TAC).

    Three convolutions (100 x 19, 200 x 7, 200 x 4), each with batch normalisation, max pooling by 3 and ReLU, and
    two fully connected layers of 1,000 with batch normalisation, ReLU and dropout 0.3.

    Pooling comes before the ReLU. The two commute (ReLU is monotone), so the network is the published one; this
    order is faster. DeepLIFT by `captum` 0.9.0 is exact with neither: in this order attributions added up to 13.84
    where the logits differ by 4.73 (multi50). On `kipoi_tfb.models.attributable` of it, it is.

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
        self.head = Head(1000, n_outputs)

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return logits of shape (batch, TFs) for one-hot windows of shape (batch, 4, length)."""
        return self.head(self.embed(one_hot))

    def embed(self, one_hot: Tensor) -> Tensor:
        """Return what the head sees, (batch, 1000), of one-hot windows (batch, 4, length)."""
        return self.trunk(self.features(one_hot))


def _block(channels_in: int, channels_out: int, width: int) -> tuple[nn.Module, ...]:
    return (nn.Conv1d(channels_in, channels_out, width), nn.BatchNorm1d(channels_out), nn.MaxPool1d(_POOL), nn.ReLU())


def _dense(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return (nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(0.3))
