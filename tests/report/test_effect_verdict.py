"""How well a chain explains a pair: one level, the same in a word and in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.fitting.identify import Identification, Step
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report.effect_verdict import Ratios, judge


def verdict(ratio: float, *, related: bool = True, measure: str = "waveform", loss: float = 0.0) -> Verdict:
    """Of a search that began at a loss of 1."""
    history = [Step(0, 0.0, 1.0, {}), Step(1, 1.0, loss, {})]
    search = Identification({}, loss, history, StopReason.PLATEAU, measure=measure)
    return judge(Ratios(0.5, 0.5, ratio, 1.0), related, search, by_chance=measure == "mrstft")


@pytest.mark.parametrize(
    ("ratio", "level", "words"),
    [
        (0.0, "excellent", "excellent: the difference cannot be heard; error-to-signal ratio 0 (nothing is left) on"),
        (1e-9, "excellent", "excellent: the difference cannot be heard; error-to-signal ratio 1e-09 (-90.0 dB)"),
        (1e-3, "excellent", "excellent: very close"),
        (1.1e-3, "good", "good: close"),
        (0.02, "good", "good: close"),
        (0.021, "fair", "fair: the main part"),
        (0.2, "fair", "fair: the main part"),
        (0.21, "poor", "poor: much is left"),
        (0.95, "poor", "poor: the two belong together"),
        (np.nan, "poor", "poor: much is left unexplained; error-to-signal ratio not"),
    ],
)
def test_samples_are_judged_by_their_error(ratio: float, level: str, words: str) -> None:
    judgement = verdict(ratio)
    assert judgement.matched and judgement.level == level and not judgement.by_ear
    assert judgement.headline.startswith(words)


@pytest.mark.parametrize(
    ("loss", "level", "words"),
    [
        (0.49, "good", "good: close in its spectrum"),
        (0.51, "fair", "fair: nearer"),
        (0.89, "fair", "fair: nearer"),
        (0.91, "poor", "poor: these effects bring the spectra hardly nearer"),
    ],
)
def test_what_is_drawn_by_chance_is_judged_by_its_spectrum(loss: float, level: str, words: str) -> None:
    """Its samples may be as far from the wet sound's as those of silence, and farther."""
    judgement = verdict(2.0, measure="mrstft", loss=loss)
    assert judgement.matched and judgement.level == level
    assert judgement.headline.startswith(words) and f"spectral distance {loss:.2g}, and 1 without" in judgement.headline
    assert judgement.by_ear == "chance has a part in them"


def test_without_an_unseen_part_the_whole_is_judge() -> None:
    search = Identification({}, 0.1, [Step(0, 0.0, 1.0, {})], StopReason.PLATEAU)
    judgement = judge(Ratios(0.5, 0.5, None, 1.0), True, search, by_chance=False)
    assert judgement.level == "poor"
    assert judgement.headline.endswith("error-to-signal ratio 0.5 (-3.0 dB) over the whole")


@pytest.mark.parametrize("measure", ["waveform", "mrstft"])
def test_where_nothing_explains_the_pair_there_is_no_match(measure: str) -> None:
    judgement = verdict(1.0, related=False, measure=measure, loss=0.3)
    assert not judgement.matched and judgement.level == "poor" and judgement.headline.startswith("no match")
