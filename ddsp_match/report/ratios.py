"""Error-to-signal ratios, of the difference's energy to the target's: which one counts, and how they are written."""

from __future__ import annotations

import math

EXACT = 1e-20  # from here down nothing is left, not even rounding


def counted(whole: float, unseen: float | None) -> float:
    """The one that tells: of what the search did not see, where there is such a part."""
    return whole if unseen is None else unseen


def esr_db(ratio: float) -> float:
    """An error-to-signal ratio in dB; nothing at all is -200."""
    return 10 * math.log10(max(ratio, EXACT))


def ratio_words(ratio: float) -> str:
    """An error-to-signal ratio as a number."""
    if not math.isfinite(ratio):
        return "not finite"
    return f"{ratio:.3f}" if 0.0995 <= ratio < 1000 else f"{ratio:.2g}"


def db_words(ratio: float) -> str:
    """An error-to-signal ratio in dB."""
    if not math.isfinite(ratio):
        return "not finite"
    decibels = round(esr_db(ratio), 1) + 0.0  # no -0.0
    return f"{decibels:.1f} dB".replace("-", "−") if ratio > EXACT else "exact"


def esr_words(ratio: float) -> str:
    """Both, for a terminal: ``0.0137 (-18.6 dB)``."""
    if not math.isfinite(ratio):
        return "not finite"
    if ratio <= EXACT:
        return "0 (nothing is left)"
    return f"{ratio:.3g} ({db_words(ratio).replace('−', '-')})"
