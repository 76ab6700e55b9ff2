"""How well a chain explains a pair, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ddsp_match.analysis.alignment import Alignment
from ddsp_match.analysis.relation import explains
from ddsp_match.tasks.identify import Identification
from ddsp_match.tasks.pair import Pair

WORDS = (  # error-to-signal ratios up to which these words hold
    (1e-6, "found: the difference cannot be heard"),
    (1e-3, "very close"),
    (0.02, "close"),
    (0.2, "the main part of it"),
)
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
        """The one that tells: on what was not fitted, where there is such a part."""
        return self.esr if self.esr_unseen is None else self.esr_unseen


def ratios(
    dry: Float[np.ndarray, "channels samples"],
    output: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    last: int,
) -> Ratios:
    """The figures of an output, of which the samples before `last` were fitted."""
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
    """Energy of the error over that of the wet sound, in a part of it."""
    energy = float(np.square(wet[:, part]).sum())
    return float(np.square(output[:, part] - wet[:, part]).sum()) / max(energy, 1e-30)


def of_best_gain(dry: np.ndarray, wet: np.ndarray, seen: slice, unseen: slice) -> float:
    """Of the best single gain on the part that is fitted, where the chain is judged."""
    energy = float(np.square(dry[:, seen]).sum())
    gain = float((dry[:, seen] * wet[:, seen]).sum()) / max(energy, 1e-30)
    return error_to_signal(gain * dry, wet, unseen)


def related(
    ratios: Ratios, rate: int, pair: Pair, alignment: Alignment
) -> bool:
    """Whether anything speaks for one sound having been made from the other; asked only where the chain failed."""
    value = ratios.judged
    if value < EXPLAINED:
        return True
    return explains(pair.dry.samples, pair.wet.samples, rate, alignment).related


def judged(ratios: Ratios, related: bool, found: Identification) -> tuple[bool, str]:
    """Whether the chain explains the pair, and how well, in words."""
    value = ratios.judged
    where = "over the whole" if ratios.esr_unseen is None else "on the part that was not fitted"
    decibels = 10 * np.log10(max(value, 1e-30))
    figure = f"error-to-signal ratio {value:.2g} ({decibels:.1f} dB) {where}"
    if value >= EXPLAINED and not related:
        return False, f"no match: nothing explains wet from dry; {figure}"
    if found.measure == "mrstft":
        return True, _judged_by_ear(found)
    if value >= EXPLAINED:
        return True, f"poor: the two belong together, but this chain does not make one from the other; {figure}"
    for bound, words in WORDS:
        if value <= bound:
            return True, f"{words}; {figure}"
    return True, f"rough: much is left unexplained, so other processors are at work; {figure}"


def _judged_by_ear(found: Identification) -> str:
    """In words, how much nearer the spectra came, where samples are not to be compared."""
    before, after = found.history[0].loss, found.loss
    figure = f"spectral distance {after:.2g}, and {before:.2g} without the effects"
    if after < 0.5 * before:
        return f"close in its spectrum (the samples are not compared: chance has a part in them); {figure}"
    if after < 0.9 * before:
        return f"nearer in its spectrum (the samples are not compared: chance has a part in them); {figure}"
    return f"poor: these effects bring the spectra hardly nearer; {figure}"
