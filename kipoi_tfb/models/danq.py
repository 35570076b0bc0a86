"""DanQ: one convolution and recurrent layers over its positions."""

from __future__ import annotations

from torch import Tensor, nn

from kipoi_tfb.models.head import Head

__all__ = ["DanQ"]

_FILTERS, _WIDTH, _POOL, _HIDDEN, _DENSE = 320, 26, 13, 320, 925


class DanQ(nn.Module):
    """The hybrid network that Novakovsky et al. compare their CNN with (after Quang and Xie).

    A convolution (320 x 26), max pooling by 13, ReLU and dropout 0.2; two bidirectional LSTM layers of 320 with dropout
    0.5 between them; a fully connected layer of 925 over all positions, and ReLU.

    Pooling comes before the ReLU, with which it commutes, as in `kipoi_tfb.models.paper_cnn.PaperCNN`. Dropout follows
    both, as in the paper's code: before the pooling it would be another network.

    Parameters
    ----------
    n_outputs
        Number of TFs.
    length
        Window length in bp, at least 38: one position after the pooling.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, doi:10.1186/s13059-021-02499-5; Quang and Xie 2016,
    doi:10.1093/nar/gkw226, whose network has a single LSTM layer.
    """

    def __init__(self, n_outputs: int, length: int = 200) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(4, _FILTERS, _WIDTH), nn.MaxPool1d(_POOL), nn.ReLU(), nn.Dropout(0.2), _PositionsFirst()
        )
        self.recurrent = nn.LSTM(_FILTERS, _HIDDEN, num_layers=2, batch_first=True, bidirectional=True, dropout=0.5)
        positions = (length - _WIDTH + 1) // _POOL
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(positions * 2 * _HIDDEN, _DENSE), nn.ReLU())
        self.head = Head(_DENSE, n_outputs)

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return logits of shape (batch, TFs) for one-hot windows of shape (batch, 4, length)."""
        return self.head(self.embed(one_hot))

    def embed(self, one_hot: Tensor) -> Tensor:
        """Return what the head sees, (batch, 925), of one-hot windows (batch, 4, length)."""
        states, _ = self.recurrent(self.features(one_hot))
        return self.trunk(states)


class _PositionsFirst(nn.Module):
    """Features (batch, filters, positions) as the steps (batch, positions, filters) of an LSTM.

    It takes images (batch, filters, 1, positions) too, which the convolution gives once it is made ready to predict.
    """

    def forward(self, features: Tensor) -> Tensor:
        return features.flatten(2).transpose(1, 2)
