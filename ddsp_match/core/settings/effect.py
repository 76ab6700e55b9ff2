"""The settings of an effect's identification from a dry and a wet sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddsp_match.core.settings.base import Settings, setting


@dataclass
class EffectSettings(Settings):
    """All settings of the search for the knobs that turn dry into wet."""

    effects: list[Any] = setting(
        [],
        "The chain whose knobs are looked for, from input to output. A knob that is given a value is held there: "
        "[{clip: {high: 0.5}}]. It must name at least one processor.",
    )
    loss: str = setting(
        "auto",
        "What is minimised: the error-to-signal ratio of the samples, multi-resolution STFT distances, which forgive "
        "phase and small shifts, or the sum of both. auto: waveform, but mrstft where an effect's fine structure is "
        "drawn by chance (reverb) and its very samples cannot be met.",
        choices=("auto", "waveform", "mrstft", "both"),
    )
    solver: str = setting(
        "auto",
        "How: Levenberg-Marquardt (lm) takes a slope for every free number, so it is for few; lbfgs and adam follow "
        "one gradient for all. auto: lm up to some hundred numbers, lbfgs beyond.",
        choices=("auto", "lm", "lbfgs", "adam"),
    )
    # The last are taken only where the guesses do not arrive.
    starts: int = setting(
        24,
        "Starting points that are tried, neutral and guessed ones among them, where the guesses do not lead to the "
        "answer at once; with few the search can end in a local minimum.",
        unit="starts",
        low=1,
        high=10_000,
    )
    # Second-order steps, of which few are needed near the minimum.
    steps: int = setting(100, "Most steps of the best starts.", unit="steps", low=1, high=100_000)
    pre_emphasis: float = setting(
        0.0,
        "Coefficient a of x[n] - a x[n-1] on both sides of the waveform loss: near 1 the treble counts more. 0: none.",
        low=0.0,
        high=0.99,
    )
    # Enough to judge on, too little to miss.
    holdout: float = setting(
        0.2,
        "Share at the end (before a silent one) that the fit does not see and is judged on. 0: none, and nothing tells "
        "whether the knobs hold for other sounds.",
        low=0.0,
        high=0.5,
    )
    align: bool = setting(True, "Find latency and polarity between the two first; false: take them as aligned.")
    # An interface lags by some 10 ms, an edit by up to a second.
    max_latency_s: float = setting(1.0, "Furthest that wet may lie before or behind dry.", unit="s", low=0.0, high=60.0)
    segment_s: float | None = setting(
        None,
        "Length of the pieces that a long pair is cut into, each warmed up by what lies before it; null: as "
        "long as memory allows.",
        unit="s",
        low=0.05,
        high=600.0,
    )
    target_esr: float = setting(
        1e-12,
        "Error-to-signal ratio of the fitted part at which the search ends: -120 dB, below the last bit of 16.",
        low=0.0,
        high=1.0,
    )
    budget_s: float | None = setting(
        None,
        "Time after which the search ends with the best so far; null: none.",
        unit="s",
        low=0.0,
        high=1e6,
        above=True,
    )
    seed: int = setting(
        0, "Seed of everything drawn by chance: the same seed gives the same knobs.", low=0, high=2**31 - 1
    )
    threads: int | None = setting(
        None, "Threads that torch may use; null: as many as torch chooses.", unit="threads", low=1, high=1024
    )
