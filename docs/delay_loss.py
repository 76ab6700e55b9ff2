"""The error of an echo over its assumed length: what descent sees, and what the search over all lags makes of it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import soxr
import story
from effects_pictures import RATE
from make_pictures import BLUE, FAINT, GREEN, ORANGE

from ddsp_match.dsp.deconvolution import LagFit, valleys
from ddsp_match.dsp.response_between import response_between
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processor

DELAY_MS, WET = 17.3123, 0.7
LONGEST_MS = 40.0
SOUNDS = {"noise": "white noise", "violin": "a violin phrase"}
ZOOM = 4.0  # samples either way


def draw() -> tuple[plt.Figure, dict[str, str]]:
    """The picture, and what was measured in it."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.6), width_ratios=(1.5, 1, 1.5))
    true = DELAY_MS * RATE / 1000
    figures = {"delay.ms": f"{DELAY_MS:.4f}", "delay.samples": f"{true:.2f}"}
    for row, (name, title) in zip(axes, SOUNDS.items(), strict=True):
        dry, wet = pair(name)
        whole = np.arange(0, LONGEST_MS * RATE / 1000, 0.25)
        near = true + np.arange(-ZOOM, ZOOM + 0.01, 0.05)
        for one, delays, scale, shift in ((row[0], whole, 1000 / RATE, 0.0), (row[1], near, 1.0, true)):
            held, best = surface(dry, wet, delays)
            one.plot((delays - shift) * scale, held, color=ORANGE, lw=1.2, label="levels held")
            one.plot((delays - shift) * scale, best, color=BLUE, lw=1.2, label="best levels at each length")
            one.set(yscale="log", ylim=(1e-7, 5))
            one.grid(color=FAINT, alpha=0.25)
        row[0].set(title=f"{title}: error over 0 to 40 ms", ylabel="error to signal")
        row[1].set(title="around the truth")
        response = response_between(dry, wet, int(LONGEST_MS * RATE / 1000))
        row[2].plot(1000 * np.arange(len(response)) / RATE, response, color=GREEN, lw=1)
        row[2].set(title="impulse response by deconvolution")
        figures.update(measured(name, dry, wet, true))
    axes[0, 0].legend(loc="lower left")
    for one, told in zip(axes[1], ("ms", "samples from the truth", "ms"), strict=True):
        one.set_xlabel(told)
    return figure, figures


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Two seconds, dry and with the echo."""
    if name == "noise":
        dry = 0.2 * np.random.default_rng(5).standard_normal((1, 2 * RATE))
    else:
        sound = story.sound("violin-phrase")
        dry = soxr.resample(sound.samples[0].astype(np.float64), sound.sample_rate, RATE)[None, : 2 * RATE]
    rack = Rack.of(["delay"], RATE, {"delay.delay_ms": DELAY_MS, "delay.wet": WET})
    return dry, rack.process(dry, RATE)


def surface(dry: np.ndarray, wet: np.ndarray, delays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The error-to-signal ratio of an echo over its length in samples, as descent sees it and as the search does.

    The first with the levels held that are best at the best length: the valley that descent must fall into. The
    second with the best levels at each length.
    """
    fit = LagFit(wet, [dry], [dry], int(np.ceil(delays.max())) + 2)
    lags, everywhere = fit.everywhere()
    _, _, best = fit.refined(lags[valleys(everywhere, 1)])
    return fit.held(delays, best[0]), fit.at(delays)[0]


def measured(name: str, dry: np.ndarray, wet: np.ndarray, true: float) -> dict[str, str]:
    """How wide the valley is, from how far off a descent would fall into it, and how near the guess is."""
    fine = true + np.arange(-60, 60.01, 0.02)
    held, _ = surface(dry, wet, fine)
    middle = int(np.abs(fine - true).argmin())
    half = np.flatnonzero(held >= held.max() / 2)
    width = (half[half > middle].min() - half[half < middle].max()) * 0.02
    slope = np.sign(np.diff(held))
    right = middle + np.flatnonzero(slope[middle:] < 0)[0]
    left = middle - np.flatnonzero(slope[:middle][::-1] > 0)[0]
    guess = processor("delay")().guesses(dry, wet, RATE)[0]
    off = abs(float(guess["delay_ms"]) * RATE / 1000 - true)  # pyright: ignore[reportArgumentType]
    return {
        f"{name}.half_width": f"{width:.1f}",
        f"{name}.catches": f"{min(fine[right] - true, true - fine[left]):.1f}",
        f"{name}.guess_off": f"{off:.0e}" if off < 1e-3 else f"{off:.3f}",
    }
