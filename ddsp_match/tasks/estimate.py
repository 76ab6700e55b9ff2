"""The time and memory that a fit takes, from the length of the sound.

``python -m benchmarks.length`` measures both for 10 to 100 s of mono at 44.1 kHz, and puts these estimates beside them.
"""

from __future__ import annotations

from ddsp_match.core.audio.headers import Header

STARTUP_S, ANALYSIS_S, STEP_S = 4.0, 0.55, 0.0135  # whole; for each second of sound; for each of these and each step
STARTUP_GB, SOUND_GB = 0.9, 0.013  # whole; for each second of sound
MEASURED_RATE = 44_100


def fit_cost(sound: Header, n_steps: int) -> tuple[float, float]:
    """Estimate the cost of a fit.

    Args:
        sound: Its form.
        n_steps: Of optimisation.

    Returns:
        Seconds, and memory in GB.
    """
    length_s = sound.channels * sound.n_samples / MEASURED_RATE
    return STARTUP_S + length_s * (ANALYSIS_S + STEP_S * n_steps), STARTUP_GB + SOUND_GB * length_s
