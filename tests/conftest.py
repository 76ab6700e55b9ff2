"""Sounds that many tests start from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

# Before anything loads numpy or torch: threads that compete for the same cores only slow the tests down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import pytest

from ddsp_match.core.audio import Audio


@pytest.fixture
def tone() -> Callable[..., Audio]:
    """A maker of harmonic tones: ``tone(f0_hz=440, seconds=1, sample_rate=16000, ...)``."""

    def make(
        f0_hz: float = 440.0,
        seconds: float = 1.0,
        sample_rate: int = 16000,
        amplitudes: tuple[float, ...] = (0.5,),
        channels: int = 1,
    ) -> Audio:
        """Harmonics with these amplitudes, each starting as a sine; the second channel is half as loud."""
        time_s = np.arange(round(seconds * sample_rate)) / sample_rate
        wave = sum(a * np.sin(2 * np.pi * f0_hz * k * time_s) for k, a in enumerate(amplitudes, 1))
        samples = np.stack([wave / (channel + 1) for channel in range(channels)])
        return Audio(samples.astype(np.float32), sample_rate)

    return make


@pytest.fixture
def white_noise() -> Callable[..., Audio]:
    """A maker of white noise: ``white_noise(seconds=1, sample_rate=16000, level=0.1, seed=0)``."""

    def make(seconds: float = 1.0, sample_rate: int = 16000, level: float = 0.1, seed: int = 0) -> Audio:
        """Gaussian noise with this standard deviation."""
        rng = np.random.default_rng(seed)
        samples = level * rng.standard_normal((1, round(seconds * sample_rate)))
        return Audio(samples.astype(np.float32), sample_rate)

    return make


@pytest.fixture(scope="session")
def bundled() -> Path:
    """The folder of the bundled sounds."""
    return Path(__file__).parent.parent / "data"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with what was not tested here, and how to get it tested."""
    skipped = terminalreporter.getreports("skipped")
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("not tested here", sep="-")
    for reason, number in reasons.most_common():
        terminalreporter.line(f"{number} test{'s' * (number > 1)}: {reason}")
