"""Why a match may be bad, in words, from its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Bounds beyond which a figure is worth a word. They only choose words: no score depends on them.
OCTAVE_SHARE, CENTS, VOICING, DOUBT = 0.05, 25.0, 0.85, 0.05
TONAL, UNEXPLAINED, LOUDNESS_DB, QUIET_DB, SHORT_S = 0.5, 0.05, 2.0, -45.0, 0.5
INAUDIBLE = 1e-4  # share of the energy of what a constant or rounding leaves of partials that do not play
NOISE_UNEXPLAINED = 0.43  # share of energy by which the spectra of two draws of one noise differ: Rayleigh magnitudes


def hints(metrics: Mapping[str, float], facts: Mapping[str, Any]) -> list[str]:
    """Return what stands out, the gravest first.

    Args:
        metrics: The figures of a match; also ``doubt_share`` of the fit, if it is known.
        facts: ``pitched``, ``f0_median_hz`` and ``match_f0_hz``, ``level_db``, ``duration_s``; what is known.
    """
    points = []
    if facts.get("pitched") is False:
        partials = metrics.get("harmonic_share", 0.0) > INAUDIBLE
        points.append("no pitch was found: " + ("partials on a steady grid" if partials else "noise only"))
    if (share := metrics.get("octave_errors", 0.0)) > OCTAVE_SHARE:
        points.append(f"pitch one or more octaves off in {_percent(share)} of the frames{_both(facts)}")
    elif (cents := metrics.get("f0_l1_cents", 0.0)) > CENTS:
        points.append(f"pitch off by {cents:.0f} cents{_both(facts)}")
    if (share := metrics.get("doubt_share", 0.0)) > DOUBT:
        points.append(f"pitch in doubt in {_percent(share)} of the frames")
    if (share := metrics.get("voicing_agreement", 1.0)) < VOICING:
        points.append(f"a pitch comes or goes in {_percent(1 - share)} of the frames")
    tonal = metrics.get("harmonic_share")
    if tonal is not None and tonal < TONAL and facts.get("pitched") is not False:
        points.append(f"noise carries {_percent(1 - tonal)} of the energy")
    unexplained = metrics.get("unexplained_share", 0.0) - NOISE_UNEXPLAINED * metrics.get("noise_share", 0.0)
    if unexplained > UNEXPLAINED:
        points.append(f"{_percent(metrics['unexplained_share'])} of the energy explained by neither part")
    if (off := metrics.get("loudness_l1_db", 0.0)) > LOUDNESS_DB:
        points.append(f"loudness off by {off:.1f} dB")
    if (level := facts.get("level_db")) is not None and level < QUIET_DB:
        points.append(f"quiet ({level:.0f} dB)")
    if (duration := facts.get("duration_s")) is not None and duration < SHORT_S:
        points.append(f"short ({duration:.2f} s)")
    return points


def _both(facts: Mapping[str, Any]) -> str:
    target, match = facts.get("f0_median_hz"), facts.get("match_f0_hz")
    return f" (median {match:.0f} for {target:.0f} Hz)" if target and match else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"
