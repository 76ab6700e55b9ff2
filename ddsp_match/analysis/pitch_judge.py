"""The pitch that the network and the spectrum agree on best.

CREPE hears where a pitch is to a few cents and to a few milliseconds, but errs by octaves, and is deaf below
32.7 Hz (above 1975 Hz it hears the sound slowed down).
The spectrum says which candidate's harmonics explain the partials, everywhere, but
over a fifth of a second. Their sum is decoded by Viterbi, so that octaves are decided for a note and not for
a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ddsp_match.analysis.decode import AVERAGED_BINS, bin_cents
from ddsp_match.analysis.harmonic_score import harmonic_scores
from ddsp_match.analysis.octaves import settle_octaves
from ddsp_match.analysis.pitch_grid import PitchGrid
from ddsp_match.analysis.spectral_peaks import partial_map
from ddsp_match.dsp.viterbi import best_path

FRAMES_PER_SPECTRUM = 2
SPECTRA_AT_ONCE = 512
NETWORK_FLOOR = 0.08  # no activation below this counts against a pitch: limits what the network can veto
SPECTRUM_WEIGHT = 12.0
REACH_BINS, STEP_COST, JUMP_SCORE = 8, 0.15, -20.0


@dataclass(frozen=True)
class Spectrum:
    """What the spectrum says, frame by frame.

    Attributes:
        scores: ``(frames, pitches)``: how well each pitch explains the partials, up to 1.
        explained: ``(frames, pitches)``: the share of the power that its harmonics explain.
        tonality: ``(frames,)``: the share of the power that lies in partials.
        level_db: ``(frames,)``: the level of the strongest partial.
    """

    scores: np.ndarray
    explained: np.ndarray
    tonality: np.ndarray
    level_db: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """A pitch for every frame, and who says so.

    Attributes:
        f0_hz: ``(frames,)``.
        network: CREPE's activation there, 0 to 1.
        spectrum: The share of the sound's power that this pitch's harmonics explain, 0 to 1.
        rival: Whether the spectrum alone would clearly prefer another octave or twelfth.
    """

    f0_hz: np.ndarray
    network: np.ndarray
    spectrum: np.ndarray
    rival: np.ndarray


def hear_spectrum(
    samples: np.ndarray,
    sample_rate: int,
    hop: int,
    n_frames: int,
    grid: PitchGrid,
    progress: Callable[[int, int], None] | None = None,
) -> Spectrum:
    """Scores every pitch of the grid in every frame; one spectrum serves two frames."""
    centres = np.arange(0, n_frames, FRAMES_PER_SPECTRUM) * hop
    pieces = []
    for start in range(0, len(centres), SPECTRA_AT_ONCE):
        partials = partial_map(samples, sample_rate, centres[start : start + SPECTRA_AT_ONCE])
        scores, explained = harmonic_scores(partials, grid.hz)
        pieces.append((scores, explained, partials.tonality, partials.level_db))
        if progress is not None:
            progress(min(start + SPECTRA_AT_ONCE, len(centres)), len(centres))
    columns = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Spectrum(*(np.repeat(column, FRAMES_PER_SPECTRUM, axis=0)[:n_frames] for column in columns))


def judge(activations: np.ndarray, spectrum: Spectrum, grid: PitchGrid) -> Verdict:
    """Decides the pitch of every frame.

    Args:
        activations: ``(frames, pitches)``, on the same grid as the spectrum's scores.
        spectrum: What the spectrum says.
        grid: The pitches.
    """
    # A spectrum without partials has no opinion, and one that is mostly noise has little.
    weight = SPECTRUM_WEIGHT * np.sqrt(spectrum.tonality)[:, None]
    network = np.log(np.maximum(activations, NETWORK_FLOOR))
    scores = weight * spectrum.scores + network
    steps = -STEP_COST * np.abs(np.arange(-REACH_BINS, REACH_BINS + 1))
    path = best_path(scores, steps, JUMP_SCORE)
    path = settle_octaves(path, SPECTRUM_WEIGHT * spectrum.scores + 0.3 * network, spectrum.level_db)
    frames = np.arange(len(path))

    around = path[:, None] + np.arange(-AVERAGED_BINS, AVERAGED_BINS + 1)
    inside = (around >= 0) & (around < grid.n_bins)
    columns = around.clip(0, grid.n_bins - 1)
    near = np.take_along_axis(activations, columns, 1) * inside
    # Where the network hears nothing, the spectrum's scores say where between two bins the pitch lies.
    heard = np.take_along_axis(spectrum.scores, columns, 1) * inside
    heard = np.maximum(heard - 0.8 * heard.max(1, keepdims=True), 0) ** 2
    deaf = near.max(1) < NETWORK_FLOOR
    weights = np.where(deaf[:, None], heard, near)
    weights[:, AVERAGED_BINS] += 1e-9
    cents = (weights * bin_cents(around + grid.first_bin)).sum(1) / weights.sum(1)

    own = np.take_along_axis(spectrum.scores, columns[:, AVERAGED_BINS - 2 : AVERAGED_BINS + 3], 1).max(1)
    return Verdict(
        f0_hz=10.0 * 2.0 ** (cents / 1200.0),
        network=near[:, AVERAGED_BINS - 2 : AVERAGED_BINS + 3].max(1),
        spectrum=spectrum.explained[frames, path],
        rival=spectrum.scores.max(1) > own + 0.1,
    )
