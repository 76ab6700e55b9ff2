"""The grid of candidate pitches, CREPE's bins continued below and above its range, and Viterbi decoding on it.

Source: the decoding of torchcrepe and of Kim et al., "CREPE: A Convolutional Representation for Pitch Estimation",
ICASSP 2018, section 2 (weighted mean of the bins around the path).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddsp_match.dsp.viterbi import best_path

CENTS_PER_BIN = 20.0
FIRST_BIN_CENTS = 1997.3794084376191  # above 10 Hz
AVERAGED_BINS = 4  # on either side of the path
REACH_BINS = 12  # a step of that many bins in a frame is (just) not expected any more
LEAST_ACTIVATION = 1e-3
JUMP_SCORE = -8.0  # natural logarithm: note changes are rare, but they happen within a frame


@dataclass(frozen=True)
class DecodedPitch:
    """A pitch and its certainty for every frame.

    Attributes:
        f0_hz: ``(frames,)``.
        periodicity: ``(frames,)``, the activation on the path, 0 to 1.
    """

    f0_hz: np.ndarray
    periodicity: np.ndarray


def bin_cents(bins: np.ndarray) -> np.ndarray:
    """Return the pitch of CREPE's bins, in cents above 10 Hz."""
    return CENTS_PER_BIN * bins + FIRST_BIN_CENTS


def decode(activations: np.ndarray, first_bin: int = 0) -> DecodedPitch:
    """Decode the pitch of the likeliest path through CREPE's activations, ``(frames, bins)``.

    The path is Viterbi's with CREPE's triangular transitions; on it, the pitch is the mean of the bins within
    80 cents weighted by their activations, so that it varies smoothly below the width of a bin.

    Args:
        activations: One column per bin of 20 cents.
        first_bin: CREPE's number of the first column; negative where the columns begin below its range.
    """
    steps = np.log(np.maximum(REACH_BINS - np.abs(np.arange(-REACH_BINS + 1, REACH_BINS)), 1) / REACH_BINS)
    path = best_path(np.log(np.maximum(activations, LEAST_ACTIVATION)), steps, JUMP_SCORE)
    frames, bins = activations.shape
    around = path[:, None] + np.arange(-AVERAGED_BINS, AVERAGED_BINS + 1)
    inside = (around >= 0) & (around < bins)
    weights = np.take_along_axis(activations, around.clip(0, bins - 1), 1) * inside
    # Where nothing is active at all, the path itself.
    weights[:, AVERAGED_BINS] += 1e-9
    cents = (weights * bin_cents(around + first_bin)).sum(1) / weights.sum(1)
    return DecodedPitch(10.0 * 2.0 ** (cents / 1200.0), activations[np.arange(frames), path])


CREPE_BINS = 360


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
        """Return the grid from `min_hz` to `max_hz`, both inside."""
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

    def place(self, activations: np.ndarray) -> np.ndarray:
        """Place CREPE's activations ``(frames, 360)`` on this grid, 0 outside its range: ``(frames, n_bins)``."""
        result = np.zeros((len(activations), self.n_bins), dtype=np.float32)
        inside = (self.bins >= 0) & (self.bins < CREPE_BINS)
        result[:, inside] = activations[:, self.bins[inside]]
        return result
