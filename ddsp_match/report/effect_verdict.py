"""Judge how well a chain explains a pair, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ddsp_match.analysis.alignment import Alignment
from ddsp_match.analysis.relation import explains
from ddsp_match.fitting.identify import Identification
from ddsp_match.fitting.pair import Pair
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report.ratios import counted, esr_words

# Error-to-signal ratios up to which these words hold. At -30 dB the difference is hard to hear behind the sound, at
# -17 dB it is heard, at -7 dB the effect is only hinted at.
WORDS = (
    (1e-6, "excellent", "the difference cannot be heard"),
    (1e-3, "excellent", "very close"),
    (0.02, "good", "close"),
    (0.2, "fair", "the main part of it"),
)
# The same of the spectral distance over that without the effects. No distance tells that a match is excellent.
BY_EAR = ((0.5, "good", "close in its spectrum"), (0.9, "fair", "nearer in its spectrum"))
POOR = "poor"
LIKE = 1.02  # ratios that differ by less are alike: 0.1 dB
REST = "much is left unexplained"
EXPLAINED = 0.9  # share of the wet energy left unexplained from which the pair itself is doubted


@dataclass(frozen=True)
class Ratios:
    """Error-to-signal ratios: over the whole, the fitted part, the rest if any, and of the best gain on that."""

    esr: float
    esr_seen: float
    esr_unseen: float | None
    esr_gain: float

    @property
    def judged(self) -> float:
        """The one that counts."""
        return counted(self.esr, self.esr_unseen)


def ratios(
    dry: Float[np.ndarray, "channels samples"],
    output: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    last: int,
) -> Ratios:
    """Return the figures of an output, of which the samples before `last` were fitted."""
    n = wet.shape[1]
    seen = slice(0, last)
    unseen = slice(last, n) if last < n else slice(0, n)
    return Ratios(
        esr=error_to_signal(output, wet, slice(0, n)),
        esr_seen=error_to_signal(output, wet, seen),
        esr_unseen=error_to_signal(output, wet, unseen) if last < n else None,
        esr_gain=of_best_gain(dry, wet, seen, unseen),
    )


def error_to_signal(output: np.ndarray, wet: np.ndarray, part: slice) -> float:
    """Return the energy of the error over that of the wet sound, in a part of it."""
    energy = float(np.square(wet[:, part]).sum())
    return float(np.square(output[:, part] - wet[:, part]).sum()) / max(energy, 1e-30)


def of_best_gain(dry: np.ndarray, wet: np.ndarray, seen: slice, unseen: slice) -> float:
    """Return the ratio that the best single gain on the fitted part reaches where the chain is judged."""
    energy = float(np.square(dry[:, seen]).sum())
    gain = float((dry[:, seen] * wet[:, seen]).sum()) / max(energy, 1e-30)
    return error_to_signal(gain * dry, wet, unseen)


def related(ratios: Ratios, rate: int, pair: Pair, alignment: Alignment) -> bool:
    """Tell whether one sound seems made from the other; measured only where the chain failed."""
    if ratios.judged < EXPLAINED:
        return True
    return explains(pair.dry.samples, pair.wet.samples, rate, alignment).related


def judge(ratios: Ratios, related: bool, search: Identification, *, by_chance: bool) -> Verdict:
    """Judge how well a chain explains a pair.

    Args:
        ratios: Of the output.
        related: Whether one sound was made from the other at all.
        search: The search; where it went by spectra, so does the verdict.
        by_chance: Whether the chain's fine structure is drawn by chance.

    Returns:
        A verdict without advice.
    """
    value = ratios.judged
    before, after = search.history[0].loss, search.loss
    where = "over the whole" if ratios.esr_unseen is None else "on the part that was not fitted"
    by_ear, figure = "", f"error-to-signal ratio {esr_words(value)} {where}"
    if search.measure == "mrstft":
        by_ear = "chance has a part in them" if by_chance else "the search was for the spectrum"
        figure = f"spectral distance {after:.2g}, and {before:.2g} without the effects"
    if value >= EXPLAINED and not related:
        headline = f"no match: nothing explains wet from dry; {figure}"
        return Verdict(headline, [], [], [], POOR, matched=False, by_ear=by_ear)
    if by_ear:
        bounds, value, rest = BY_EAR, after / max(before, 1e-30), "these effects bring the spectra hardly nearer"
    elif value >= EXPLAINED:
        bounds, rest = (), "the two belong together, but this chain does not make one from the other"
    else:
        bounds, rest = WORDS, REST
    level, words = next(((level, words) for bound, level, words in bounds if value <= bound), (POOR, rest))
    if not by_ear and no_better_than_gain(ratios):
        words += f", and a gain alone does {'as well' if value <= LIKE * ratios.esr_gain else 'better'}"
    return Verdict(f"{level}: {words}; {figure}", [], [], [], level, by_ear=by_ear)


def no_better_than_gain(ratios: Ratios) -> bool:
    """Tell whether one level knob comes about as near as the chain, or nearer."""
    return ratios.judged > max(ratios.esr_gain / LIKE, WORDS[0][0])
