"""The grid of pitches that are considered: CREPE's bins, continued below and above its range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddsp_match.analysis.decode import CENTS_PER_BIN, FIRST_BIN_CENTS, bin_cents

CREPE_BINS, BINS_PER_OCTAVE = 360, 60
OVERLAP_BINS = 8  # so that a pitch at the end of the range has all of its activations in one piece


@dataclass(frozen=True)
class PitchGrid:
    """Pitches 20 cents apart.

    Attributes:
        first_bin: CREPE's number of the first pitch; negative below CREPE's range.
        n_bins: How many there are.
    """

    first_bin: int
    n_bins: int

    @classmethod
    def between(cls, min_hz: float, max_hz: float) -> PitchGrid:
        """The grid from `min_hz` to `max_hz`, both inside."""
        cents = 1200.0 * np.log2(np.array([min_hz, max_hz]) / 10.0)
        low, high = (cents - FIRST_BIN_CENTS) / CENTS_PER_BIN
        return cls(int(np.ceil(low)), int(np.floor(high)) - int(np.ceil(low)) + 1)

    @property
    def bins(self) -> np.ndarray:
        """CREPE's numbers of the pitches."""
        return np.arange(self.first_bin, self.first_bin + self.n_bins)

    @property
    def hz(self) -> np.ndarray:
        """The pitches in Hz."""
        return 10.0 * 2.0 ** (bin_cents(self.bins) / 1200.0)

    def nearest(self, hz: np.ndarray) -> np.ndarray:
        """Indices of the pitches nearest to some frequencies."""
        bins = (1200.0 * np.log2(np.asarray(hz) / 10.0) - FIRST_BIN_CENTS) / CENTS_PER_BIN
        return np.clip(np.round(bins).astype(int) - self.first_bin, 0, self.n_bins - 1)

    def place(self, activations: np.ndarray, octaves: int = 0) -> np.ndarray:
        """CREPE's activations on this grid, 0 outside its range: ``(frames, n_bins)``.

        Args:
            activations: ``(frames, 360)``.
            octaves: How much lower than the sound the network heard it; pitches that it hears as they are stay 0.
        """
        result = np.zeros((len(activations), self.n_bins), dtype=np.float32)
        bins = self.bins - octaves * BINS_PER_OCTAVE
        inside = (bins >= 0) & (bins < CREPE_BINS)
        if octaves:
            inside &= self.bins >= CREPE_BINS - OVERLAP_BINS
        result[:, inside] = activations[:, bins[inside]]
        return result
