"""The motif network: a first layer that starts as known motifs and reads both strands, and dilated trunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from kipoi_tfb.models.changes import ChangedWindows, convolve, images, pool
from kipoi_tfb.models.head import Head

__all__ = ["MotifCNN", "OwnMotifs"]

_SCAN_WINDOWS = 64
"""Windows scanned at once on a CPU: their activations (34 MB in float32) stay in memory that is used again."""
_MOTIFS_AT_ONCE = 64
"""Motifs of TFs' own that are looked for at once, for the same reason: entries that share a base may have hundreds."""


class MotifCNN(nn.Module):
    """Motif scan on both strands, dilated residual convolutions, and the best match of each motif beside them.

    1. *Scan*: `filters` filters of `width` bp, which `start_from_motifs` sets to the log-odds of known motifs. Each
       position takes the better of the two strands (the filter and its reverse complement share their weights), and
       every `pool` positions the best of them.
    2. *Trunk*: ReLU, a convolution to `channels` over 5 positions, then residual blocks of ReLU, a convolution over 3
       positions with dilation 1, 2, 4 ..., and batch normalisation.
    3. *Summary*: maximum and mean of the trunk over positions, joined with the best match of each filter in the
       window; a fully connected layer of `hidden` with batch normalisation, ReLU and dropout.
    4. *Head*: one logit per TF from the fully connected layer joined with the best matches, so that a TF with little
       data needs to learn no more than which motif is its own.

    There are `members` trunks over one scan: an ensemble, whose members learn each by its own loss (`member_logits`)
    and whose logits are averaged.

    Parameters
    ----------
    n_outputs
        Number of TFs.
    length
        Window length in bp; a multiple of `pool`.
    filters, width, pool, channels, blocks, hidden, dropout, members
        Sizes, see above; `width` is odd.

    Notes
    -----
    The scan of the reverse complement is the scan of the window, read backwards: `both_strands` scans once and runs
    the trunks in both directions. Starting filters from JASPAR is a control arm of Novakovsky et al. 2021,
    doi:10.1186/s13059-021-02499-5; sharing of weights between strands follows Shrikumar et al. 2017,
    doi:10.1101/103663.

    `own_motifs` are for fine-tuning, see `OwnMotifs`; the trunks do not see them.

    In evaluation the scan, the fully connected layer and the head are float32 under bfloat16 too: they take little of
    the time, and without them the effects of variants move by more than they may (`benchmarks/effect_shift.py`).
    """

    def __init__(
        self,
        n_outputs: int,
        length: int = 200,
        filters: int = 320,
        width: int = 19,
        pool: int = 4,
        channels: int = 192,
        blocks: int = 3,
        hidden: int = 512,
        dropout: float = 0.3,
        members: int = 1,
        own_motifs: int = 0,
    ) -> None:
        super().__init__()
        if length % pool or not width % 2:
            raise ValueError(f"length ({length}) must be a multiple of pool ({pool}), and width ({width}) odd")
        self.pool = pool
        self.scan_weight = nn.Parameter(torch.empty(filters, 4, 1, width))
        if not self.scan_weight.is_meta:  # `build_network` asks for shapes alone; torch would import sympy to draw none
            nn.init.normal_(self.scan_weight, std=0.1)
        self.scan_norm = nn.BatchNorm2d(filters)
        self.trunks = nn.ModuleList(_Trunk(filters, channels, blocks, hidden, dropout) for _ in range(members))
        self.head = Head(members * (hidden + filters), n_outputs)
        with torch.no_grad():
            self.head.weight *= members**0.5  # as if each member had a layer of its own
        self.own_motifs = OwnMotifs(own_motifs, n_outputs) if own_motifs else None
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return logits (batch, TFs) for one-hot windows (batch, 4, length)."""
        logits = _in_float32(self.head, self.embed(one_hot))
        return logits if self.own_motifs is None else logits + self.own_motifs(one_hot)

    def embed(self, one_hot: Tensor) -> Tensor:
        """Return what the head sees, (batch, features), of one-hot windows (batch, 4, length)."""
        return self._summary(self._scan(one_hot))

    def both_strands(self, one_hot: Tensor) -> Tensor:
        """Return the logits of the windows and, below them, of their reverse complements: (2 x batch, TFs)."""
        scanned = self._scan(one_hot)
        logits = _in_float32(self.head, self._summary(torch.cat([scanned, scanned.flip(3)])))
        return logits if self.own_motifs is None else logits + self.own_motifs(one_hot).repeat(2, 1)

    def change_logits(self, windows: ChangedWindows) -> list[Tensor]:
        """Return the logits of windows, then of each of their changes: of images and, below, of their reverses.

        The numbers are those of `both_strands`, up to rounding.
        """
        weight = self._both_filters()
        with _float32_if(not self.training, windows.whole):
            matches = pool(convolve(windows, weight, None, weight.shape[3] // 2), self.pool)
        scanned = matches.each(lambda both: self.scan_norm(torch.maximum(*both.chunk(2, dim=1))))
        best = scanned.amax()
        strands = scanned, scanned.flipped()
        members = [trunk.of_changes(strands, best) for trunk in self.trunks]  # type: ignore[operator]
        logits = [
            _in_float32(self.head, torch.cat(seen, dim=1) / len(self.trunks)) for seen in zip(*members, strict=True)
        ]
        if self.own_motifs is None:
            return logits
        own = self.own_motifs.of_changes(windows)
        return [one + added.repeat(2, 1) for one, added in zip(logits, own, strict=True)]

    def member_logits(self, embedded: Tensor) -> list[Tensor]:
        """Return the logits (batch, TFs) of each member; the head's are their mean."""
        members = len(self.trunks)
        features, weights = embedded.chunk(members, dim=1), self.head.weight.chunk(members, dim=1)
        return [F.linear(f * members, w, self.head.bias) for f, w in zip(features, weights, strict=True)]

    def start_from_motifs(self, filters: Tensor, owners: Sequence[tuple[int, int]], weight: float) -> None:
        """Start the first filters from motifs, and each TF's output from its own ones.

        Parameters
        ----------
        filters
            (motifs, 4, width): `kipoi_tfb.motifs.profiles.motif_filters`, scaled.
        owners
            (TF, motif) for each motif of a TF, as indices of outputs and rows of `filters`.
        weight
            What a TF's output starts to weigh its motifs with, shared out among them: log-odds per standard
            deviation of the best match.
        """
        noise = 0.005 * torch.randn(filters.shape)
        with torch.no_grad():
            self.scan_weight[: len(filters)] = (filters + noise)[:, :, None]
            for member in self.head.weight.chunk(len(self.trunks), dim=1):
                best_matches = member[:, -len(self.scan_weight) :]
                for tf, motif in owners:
                    best_matches[tf, motif] += weight / sum(owner == tf for owner, _ in owners)

    def fold(self) -> None:
        """Fold batch normalisation into the layer before it, where there is one; for inference only."""
        self.eval()
        for trunk in self.trunks:
            trunk.fold()  # type: ignore[operator]

    def _scan(self, one_hot: Tensor) -> Tensor:
        """Return the best match of each filter in every `pool` positions, normalised: (batch, filters, 1, bins)."""
        weight = self._both_filters()
        image = images(one_hot)
        # A program that is exported would have as many parts as the example had, whatever it is given.
        in_parts = image.device.type == "cpu" and not torch.compiler.is_compiling()
        parts = image.split(_SCAN_WINDOWS) if in_parts else (image,)
        with _float32_if(not self.training, image):
            return self.scan_norm(torch.cat([self._best_matches(part, weight) for part in parts]))

    def _both_filters(self) -> Tensor:
        """Return the filters and, below them, their reverse complements."""
        return torch.cat([self.scan_weight, self.scan_weight.flip(1, 3)])

    def _best_matches(self, image: Tensor, weight: Tensor) -> Tensor:
        matches = F.conv2d(image, weight, padding=(0, weight.shape[3] // 2))
        if image.device.type == "cpu" and not torch.is_grad_enabled():
            # The same maxima in one pass over memory, without what training needs to know of them.
            positions = matches.permute(0, 2, 3, 1).unflatten(2, (-1, self.pool)).unflatten(4, (2, -1))
            return positions.amax((3, 4)).permute(0, 3, 1, 2)
        forward, reverse = F.max_pool2d(matches, (1, self.pool)).chunk(2, dim=1)
        return torch.maximum(forward, reverse)

    def _summary(self, scanned: Tensor) -> Tensor:
        best = scanned.amax((2, 3))
        return torch.cat([trunk(scanned, best) for trunk in self.trunks], dim=1) / len(self.trunks)


class OwnMotifs(nn.Module):
    """Motifs that the outputs have beside all else: the best match of each on either strand, weighted.

    The base's trunk does not see them, so that they can be added to a base that stays as it is
    (`kipoi_tfb.finetuning.own_motifs`). A window and its reverse complement have the same best matches. Always float32.

    Parameters
    ----------
    n_motifs
        How many.
    n_outputs
        Number of TFs.
    """

    WIDTH = 25

    def __init__(self, n_motifs: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_motifs, 4, 1, self.WIDTH))
        self.share = nn.Parameter(torch.zeros(n_outputs, n_motifs))

    def forward(self, one_hot: Tensor) -> Tensor:
        """Return what the motifs add to the logits, (batch, TFs), of one-hot windows (batch, 4, length)."""
        return self._added(self.best_matches(one_hot))

    def best_matches(self, one_hot: Tensor) -> Tensor:
        """Return the log-odds of the best match of each motif, (batch, motifs), of one-hot windows."""
        with _float32_if(True, one_hot):
            image = images(one_hot.float())
            return self._better_strand(
                F.conv2d(image, both, padding=(0, self.WIDTH // 2)).amax((2, 3)) for both in self._both_strands()
            )

    def of_changes(self, windows: ChangedWindows) -> list[Tensor]:
        """Return what the motifs add to the logits of windows, then of each of their changes."""
        with _float32_if(True, windows.whole):
            exact = windows.each(Tensor.float)
            by_filters = [convolve(exact, both, None, self.WIDTH // 2).amax() for both in self._both_strands()]
        return [self._added(self._better_strand(some)) for some in zip(*by_filters, strict=True)]

    def _added(self, matches: Tensor) -> Tensor:
        with _float32_if(True, matches):
            # As many rows as both strands have: see `_Trunk.of_changes`.
            return F.linear(matches.repeat(2, 1), self.share)[: matches.shape[0]]

    def _both_strands(self) -> Iterator[Tensor]:
        """Yield some filters at a time and, below them, their reverse complements."""
        for some in self.weight.split(_MOTIFS_AT_ONCE):
            yield torch.cat([some, some.flip(1, 3)])

    def _better_strand(self, matches: Iterable[Tensor]) -> Tensor:
        return torch.cat([torch.maximum(*some.chunk(2, dim=1)) for some in matches], dim=1)


class _Trunk(nn.Module):
    """From the scan to what the head sees: the member of an ensemble."""

    def __init__(self, filters: int, channels: int, blocks: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.mix = nn.Conv2d(filters, channels, (1, 5), padding=(0, 2))
        self.blocks = nn.Sequential(*(_Block(channels, 2**i) for i in range(blocks)))
        self.norm = nn.BatchNorm2d(channels)
        self.dense = nn.Linear(2 * channels + filters, hidden)
        self.dense_norm: nn.BatchNorm1d | nn.Identity = nn.BatchNorm1d(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, scanned: Tensor, best: Tensor) -> Tensor:
        trunk = F.relu(self.norm(self.blocks(self.mix(F.relu(scanned)))))
        return self._joined(trunk.amax((2, 3)), trunk.mean((2, 3)), best)

    def of_changes(self, strands: Sequence[ChangedWindows], best: list[Tensor]) -> list[Tensor]:
        """Return what the head sees of windows, then of each of their changes: of images and, below, of their reverses.

        Both strands go through the fully connected layer together, as in `forward`: of half as many rows MKL computes
        the last bits of a row by its place among them (with AVX2, of 32).
        """
        seen = [self._summaries(strand) for strand in strands]
        joined = []
        for i, own in enumerate(best):
            maximum, mean = (torch.cat([strand[i][which] for strand in seen]) for which in (0, 1))
            joined.append(self._joined(maximum, mean, own.repeat(len(strands), 1)))
        return joined

    def _summaries(self, scanned: ChangedWindows) -> list[tuple[Tensor, Tensor]]:
        """Return maximum and mean over positions of windows, then of each of their changes."""
        trunk = _convolved(self.mix, scanned.each(F.relu))
        for block in self.blocks:
            trunk = block.of_changes(trunk)  # type: ignore[operator]
        trunk = trunk.each(lambda image: F.relu(self.norm(image)))
        return list(zip(trunk.amax(), trunk.mean(), strict=True))

    def _joined(self, maximum: Tensor, mean: Tensor, best: Tensor) -> Tensor:
        joined = torch.cat([maximum, mean, best], dim=1)
        return torch.cat([self.dropout(F.relu(self.dense_norm(_in_float32(self.dense, joined)))), best], dim=1)

    def fold(self) -> None:
        for block in self.blocks:
            block.fold()  # type: ignore[operator]
        if isinstance(self.dense_norm, nn.BatchNorm1d):
            self.dense, self.dense_norm = fuse_linear_bn_eval(self.dense, self.dense_norm), nn.Identity()


class _Block(nn.Module):
    """A residual block: the input plus a dilated convolution of its ReLU, normalised."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (1, 3), padding=(0, dilation), dilation=(1, dilation))
        self.norm: nn.BatchNorm2d | nn.Identity = nn.BatchNorm2d(channels)

    def forward(self, trunk: Tensor) -> Tensor:
        return trunk + self.norm(self.conv(F.relu(trunk)))

    def of_changes(self, trunk: ChangedWindows) -> ChangedWindows:
        """Return the same of windows and of their changed versions."""
        added = _convolved(self.conv, trunk.each(F.relu)).each(self.norm)
        changes = [
            after._replace(image=trunk.stretch(before, after.start, after.stop) + after.image)
            for before, after in zip(trunk.changes, added.changes, strict=True)
        ]
        return ChangedWindows(trunk.whole + added.whole, changes)

    def fold(self) -> None:
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


def _convolved(layer: nn.Conv2d, windows: ChangedWindows) -> ChangedWindows:
    return convolve(windows, layer.weight, layer.bias, int(layer.padding[1]), layer.dilation[1])


def _in_float32(layer: nn.Module, features: Tensor) -> Tensor:
    """Return what a layer makes of features, in evaluation computed in float32."""
    with _float32_if(not layer.training, features):
        return layer(features if layer.training else features.float())


def _float32_if(wanted: bool, tensor: Tensor) -> AbstractContextManager:
    return torch.autocast(tensor.device.type, enabled=False) if wanted else nullcontext()
