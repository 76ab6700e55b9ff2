"""RT60 of a room, octave by octave, from its impulse response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ddsp_match.dsp.decay import octave_decay
from ddsp_match.dsp.octave_bands import octave_centres

QUIET_DB = 50.0  # a band this far below the strongest has no energy of its own, only what leaks in


@dataclass(frozen=True)
class Decay:
    """The decay of a room in octave bands.

    Attributes:
        bands_hz: Centres of the octaves.
        rt60_s: Time in which each decays by 60 dB; NaN where that cannot be told.
        valid: Whether there is energy in the band and enough of its decay above the noise floor.
        span_db: Width of the part of the curve that was read: 30 for T30, 20 for T20; 0 where none.
        level_db: Energy of each band against the strongest.
        edc_db: The energy still to come in each band, 0 dB at its start; one value a sample.
    """

    bands_hz: Float[np.ndarray, " bands"]
    rt60_s: Float[np.ndarray, " bands"]
    valid: Bool[np.ndarray, " bands"]
    span_db: Float[np.ndarray, " bands"]
    level_db: Float[np.ndarray, " bands"]
    edc_db: list[np.ndarray]


def rt60(
    ir: Float[np.ndarray, " samples"], sample_rate: int, bands_hz: Sequence[float] | np.ndarray | None = None
) -> Decay:
    """Measures the reverberation time of an impulse response (ISO 3382-1).

    Args:
        ir: One channel, direct sound included or not.
        sample_rate: In Hz.
        bands_hz: Centres of octaves; by default 125 Hz to 8 kHz, as far as the sample rate goes.
    """
    if bands_hz is None:
        centres = octave_centres(7)
        centres = centres[centres / np.sqrt(2) < 0.9 * sample_rate / 2]
    else:
        centres = np.asarray(bands_hz, dtype=np.float64)
    ir = np.asarray(ir, dtype=np.float64)
    times, spans, energies = np.full(len(centres), np.nan), np.zeros(len(centres)), np.zeros(len(centres))
    curves = []
    for index, centre in enumerate(centres):
        decay = octave_decay(ir, centre, sample_rate)
        curves.append(np.zeros(1) if decay is None else decay.edc_db)
        if decay is not None:
            times[index], spans[index], energies[index] = decay.rt60_s, decay.span_db, decay.energy
    level_db = 10 * np.log10(np.maximum(energies / max(energies.max(), 1e-300), 1e-20))
    valid = np.isfinite(times) & (level_db > -QUIET_DB)
    return Decay(centres, times, valid, spans, level_db, curves)
