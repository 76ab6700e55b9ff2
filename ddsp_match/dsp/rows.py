"""Rows of a batch: the sound each belongs to, and its length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float


class Rows:
    """A batch of sounds, one or more rows (channels) each, padded behind to one length.

    Args:
        n_rows: Rows of the batch.
        n_samples: Samples of the longest, to which the others are padded.
        owners: Sound of each row, counted from 0; None: all belong to one.
        lengths: Samples of each row; None: none is padded.
        device: Where the batch lies.

    Attributes:
        owners: Sound of each row.
        lengths: Samples of each row.
        sounds: Number of sounds.
        ends: `lengths` as a tensor, or None where no row is padded.

    Raises:
        ValueError: The lists do not fit the batch, or a sound has no row.
    """

    def __init__(
        self,
        n_rows: int,
        n_samples: int,
        owners: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.owners = [0] * n_rows if owners is None else [int(owner) for owner in owners]
        self.lengths = [n_samples] * n_rows if lengths is None else [int(length) for length in lengths]
        if len(self.owners) != n_rows or len(self.lengths) != n_rows:
            raise ValueError(f"{len(self.owners)} owners and {len(self.lengths)} lengths for {n_rows} rows")
        self.sounds = max(self.owners) + 1
        if sorted(set(self.owners)) != list(range(self.sounds)):
            raise ValueError(f"owners must be 0 … {self.sounds - 1}, each with a row at least")
        if not all(0 < length <= n_samples for length in self.lengths):
            raise ValueError(f"lengths must be 1 … {n_samples} samples")
        self.n_samples = n_samples
        self.ends = None
        if any(length < n_samples for length in self.lengths):
            self.ends = torch.tensor(self.lengths, device=device)
        self._owners = torch.tensor(self.owners, device=device)
        own = [[row for row, owner in enumerate(self.owners) if owner == sound] for sound in range(self.sounds)]
        most = max(map(len, own))
        # With one row each in order, a sum over a sound's rows is the row itself.
        self._in_order = self.owners == list(range(n_rows))
        self._table = torch.tensor([rows + [0] * (most - len(rows)) for rows in own], device=device)
        self._missing = torch.tensor([[i >= len(rows) for i in range(most)] for rows in own], device=device)

    def summed(self, values: Float[torch.Tensor, " rows"]) -> Float[torch.Tensor, " sounds"]:
        """Sum over each sound's rows; what is not finite stays its own sound's."""
        if self._in_order:
            return values
        return values[self._table].masked_fill(self._missing, 0).sum(1)

    def spread(self, values: Float[torch.Tensor, " sounds"]) -> Float[torch.Tensor, " rows"]:
        """Each row's sound's value."""
        return values if self._in_order else values[self._owners]

    def kept(self, x: Float[torch.Tensor, "rows samples"]) -> Float[torch.Tensor, "rows samples"]:
        """The batch with zeros behind each row's end."""
        return x if self.ends is None else torch.where(before(self.ends, x.shape[1]), x, 0)

    def counts(self, per_row: Sequence[int]) -> list[int]:
        """Sum over each sound's rows of a number known beforehand."""
        sums = [0] * self.sounds
        for owner, number in zip(self.owners, per_row, strict=True):
            sums[owner] += number
        return sums


def before(ends: torch.Tensor, n: int) -> Bool[torch.Tensor, "rows n"]:
    """Mask the places of each row, of `n`, that lie before its end."""
    return torch.arange(n, device=ends.device) < ends.unsqueeze(1)
