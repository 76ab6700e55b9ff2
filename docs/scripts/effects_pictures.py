"""One picture for each processor: what it does to a tone, a click, a burst or noise, as fits what it is.

The kind of picture follows from the processor itself. A new one gets a picture without an edit here; `SETTINGS` only
chooses more telling positions of the knobs than chance does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import soxr
import story
import torch
from story_pictures import BLUE, FAINT, GREEN, HEAT, INK, ORANGE, STYLE, save, spectrum_db

from ddsp_match.core.errors import ConfigError
from ddsp_match.dsp.deconvolution import LagFit, valleys
from ddsp_match.dsp.response_between import response_between
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processor

RATE = 24_000
COLOURS = (BLUE, ORANGE, GREEN)
SIZE = (6.4, 2.5)
Setting = Mapping[str, object]  # knobs, and "label" where they do not tell enough


def _fading(taps: int, decay: float) -> list[float]:
    return (0.2 * np.random.default_rng(1).standard_normal(taps) * np.exp(-np.arange(taps) / decay)).tolist()


_CUTOFFS = [
    {"cutoff_hz": 300.0, "mix": 1.0},
    {"cutoff_hz": 1000.0, "mix": 1.0},
    {"cutoff_hz": 3000.0, "q": 6.0, "mix": 1.0},
]
_SHELVES = [{"cutoff_hz": 300.0, "gain_db": 12.0}, {"gain_db": -12.0}, {"cutoff_hz": 3000.0, "gain_db": 6.0, "q": 2.0}]
SETTINGS: dict[str, list[Setting]] = {
    "allpass": [{"delay_ms": 20.0, "gain": 0.6, "mix": 1.0}],
    "bandpass": _CUTOFFS, "highpass": _CUTOFFS, "lowpass": _CUTOFFS, "notch": _CUTOFFS,
    "one_pole": [{"cutoff_hz": hz, "mix": 1.0} for hz in (300.0, 1000.0, 3000.0)],
    "low_shelf": _SHELVES, "high_shelf": _SHELVES, "peak": _SHELVES,
    "convolution": [{"ir": _fading(24_000, 2500.0)}],
    "delay": [{"wet": 0.6}],
    "eq": [{"gain_db": [6.0, -9.0, 9.0, -6.0]},
           {"gain_db": [-12.0, 9.0, -6.0, 3.0], "q": [0.7, 2.0, 4.0, 0.7]}],
    "feedback_comb": [{"delay_ms": 1.0, "feedback": 0.8}, {"delay_ms": 1.0, "feedback": -0.5}],
    "feedforward_comb": [{"delay_ms": 1.0, "gain": 0.9}, {"delay_ms": 1.0, "gain": -0.5}],
    "feedback_delay": [{"delay_ms": 150.0, "feedback": 0.7, "wet": 0.8}],
    "fir": [{"taps": [0.125] * 8 + [0.0] * 24, "label": "mean of 8 samples"},
            {"taps": [0.5, -0.5] + [0.0] * 30, "label": "half the difference of two"}],
    "freeverb": [{"wet": 0.3, "room_size": size, "damp": 0.5} for size in (0.2, 0.6, 0.95)],
    "gain": [{"gain_db": db} for db in (-6.0, 0.0, 6.0)],
    "iir": [{"taps": [0.2, 0.0, 0.0], "reflections": [-0.7, 0.5]},
            {"taps": [0.5, -0.5, 0.0], "reflections": [0.3, 0.8]}],
    "lowpass_feedback_comb": [{"delay_ms": 60.0, "feedback": 0.8, "damping": 0.6, "wet": 0.8}],
    "reverb": [{"level": [0.3] * 8, "rt60_s": [rt60] * 8, "label": f"rt60_s {rt60}"} for rt60 in (0.3, 1.0, 3.0)],
    "clip": [{"low": -0.5, "high": 0.7}, {"low": -0.3, "high": 0.3}],
    "compressor": [{"threshold_db": -24.0, "ratio": 4.0, "attack_ms": 5.0, "release_ms": 100.0}],
    "soft_clip": [{"drive_db": 12.0, "hardness": 2.5}, {"drive_db": 12.0, "hardness": 15.0},
                  {"drive_db": 24.0, "bias": 0.2}],
    "waveshaper": [{"curve": [-0.6, -0.7, -0.6, -0.3, 0.0, 0.4, 0.8, 0.9, 1.0]}],
    "svf": [{"low": 1.0, "band": 0.0, "high": 0.0, "q": 4.0, "cutoff_hz": 1500.0, "sweep_octaves": 2.0}],
    "sos": [{"low": [1.0, 0.0], "band": [0.0, 1.0], "high": [0.0, 1.0], "cutoff_hz": [2000.0, 200.0]}],
    "width": [{}], "pan": [{}],
    "chorus": [{"wet": 0.7, "depth_ms": 5.0, "rate_hz": 1.0}],
    "flanger": [{"wet": 0.8, "delay_ms": 2.0, "depth_ms": 1.5, "rate_hz": 1.0, "feedback": 0.6}],
    "optical": [{"peak_reduction": 20.0}, {"peak_reduction": 40.0}],
    "phaser": [{"mix": 0.5, "sweep_hz": 1.0, "sweep_octaves": 1.5, "feedback": 0.3}],
}  # fmt: skip


def draw_all(parts: Mapping[str, Processor], folder: Path) -> dict[str, str]:
    """Draw every processor and the loss over a delay into a folder; return the figures measured on the way."""
    torch.set_num_threads(1)
    plt.rcParams.update(STYLE)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for name, part in parts.items():
        save(draw(name, part), name, folder, dpi=80)
    figure, figures = delay_loss()
    save(figure, "delay-loss", folder, dpi=80)
    return figures


def draw(name: str, part: Processor) -> plt.Figure:
    """The picture of one processor."""
    settings = chosen(name, part)
    if part.linear:
        responses = [np.atleast_2d(impulse(part, setting)) for setting in settings]
        combs = name in ("feedforward_comb", "feedback_comb")
        if part.delays and not combs and _lasts(responses[0]):
            return decays(settings, responses) if _dense(responses[0]) else echoes(settings, responses)
        if _memory(part, settings[0]):
            return frequencies(part, settings, linear_axis=combs)
        return curves(part, settings)
    if part.stereo and not _memory(part, settings[0]):
        return sides(part)
    if not _memory(part, settings[0]):
        return curves(part, settings)
    if _follows_level(part, settings[0]):
        return levels(part, settings)
    return arrivals(part, settings[0]) if part.delays else over_time(part, settings[0])


def chosen(name: str, part: Processor) -> list[Setting]:
    """Telling settings, or by chance where none are known that fit."""
    try:
        settings = SETTINGS[name]
        for setting in settings:
            part.tensors(knobs(setting))
    except (KeyError, TypeError, ValueError, ConfigError):
        return [by_chance(part, draw) for draw in range(2)]
    return settings


def knobs(setting: Setting) -> dict:
    """A setting without its label."""
    return {key: value for key, value in setting.items() if key != "label"}


def by_chance(part: Processor, draw: int) -> Setting:
    """Half of the way from neutral to anywhere."""
    rng = np.random.default_rng(7 + draw)
    values: dict[str, object] = {}
    for knob in part.knobs:
        neutral = knob.position(torch.tensor(knob.default, dtype=torch.float64)).numpy()
        place = neutral + 0.6 * (rng.uniform(0.1, 0.9, knob.size or ()) - neutral)
        values[knob.name] = knob.at(torch.as_tensor(place)).numpy()
    return values


def play(part: Processor, setting: Setting, sound: np.ndarray) -> np.ndarray:
    """A sound ``(channels, samples)`` through the processor."""
    audio = torch.from_numpy(np.atleast_2d(sound))[None]
    with torch.inference_mode():
        return part(audio, RATE, **knobs(setting))[0].numpy()


def impulse(part: Processor, setting: Setting) -> np.ndarray:
    """What becomes of a click."""
    click = np.zeros((1, 4 * RATE))
    click[0, 0] = 1
    return play(part, setting, click)[0]


def label(setting: Setting, settings: list[Setting]) -> str:
    """The knobs in which a setting differs from the others."""
    if "label" in setting:
        return str(setting["label"])
    told = []
    for name, value in setting.items():
        numbers = np.ravel(value)
        alike = len(settings) > 1 and all(np.array_equal(one.get(name), value) for one in settings)  # pyright: ignore
        if not alike and len(numbers) <= 4:
            told.append(" ".join([name, *(f"{number:.4g}" for number in numbers)]))
    return ", ".join(told[: 3 if len(settings) == 1 else 2])


def legend(axes: plt.Axes) -> None:
    """Labels above the picture, where there is anything to tell."""
    if any(axes.get_legend_handles_labels()[1]):
        axes.set_title(" ", fontsize=12)  # keeps the place of the labels free
        labels = axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 0.97), ncols=3, handlelength=1.2, columnspacing=1.2
        )
        labels.set_in_layout(False)


def frequencies(part: Processor, settings: list[Setting], linear_axis: bool) -> plt.Figure:
    """Frequency response."""
    figure, axes = plt.subplots(figsize=SIZE)
    hz = torch.linspace(1, 6000, 3000).double() if linear_axis else torch.logspace(1.3, 4.07, 600).double()
    lowest = 0.0
    for colour, setting in zip(COLOURS, settings, strict=False):
        told = part.response(part.tensors(knobs(setting)), RATE, hz)[0].abs()
        db = 20 * np.log10(np.maximum(told.numpy(), 1e-4))
        lowest = min(lowest, float(db.min()))
        axes.plot(hz / 1000, db, color=colour, lw=1.6, label=label(setting, settings))
    axes.set(xlabel="kHz", ylabel="gain, dB")
    axes.set_ylim(bottom=max(lowest - 3, -42))
    if not linear_axis:
        axes.set_xscale("log")
        axes.set_xticks([0.02, 0.1, 0.5, 2, 10], ["0.02", "0.1", "0.5", "2", "10"])
        axes.minorticks_off()
    axes.grid(color=FAINT, alpha=0.25)
    legend(axes)
    return figure


def echoes(settings: list[Setting], responses: list[np.ndarray]) -> plt.Figure:
    """Impulse response, click by click."""
    figure, axes = plt.subplots(figsize=SIZE)
    last = 0
    for colour, setting, response in zip(COLOURS, settings, responses, strict=False):
        audible = np.flatnonzero(np.abs(response[0]) > 0.003)
        last = max(last, int(audible.max(initial=0)))
        level = response[0, audible]
        axes.vlines(1000 * audible / RATE, 0, level, color=colour, lw=1.6, label=label(setting, settings))
    axes.axhline(0, color=FAINT, lw=0.8)
    axes.set(xlabel="ms after the click", ylabel="level", xlim=(-20, min(1500, 60 + 1000 * last / RATE)))
    legend(axes)
    return figure


def decays(settings: list[Setting], responses: list[np.ndarray]) -> plt.Figure:
    """How the energy dies away: what is left of the impulse response after each moment."""
    figure, axes = plt.subplots(figsize=SIZE)
    for colour, setting, response in zip(COLOURS, settings, responses, strict=False):
        left = np.cumsum(np.square(response[0])[::-1])[::-1]
        db = 10 * np.log10(np.maximum(left / left[0], 1e-9))[:: RATE // 1000]
        axes.plot(np.arange(len(db)) / 1000, db, color=colour, lw=1.6, label=label(setting, settings))
    axes.set(xlabel="s after a click", ylabel="energy still to come, dB", ylim=(-65, 2), xlim=(-0.03, 1.5))
    axes.grid(color=FAINT, alpha=0.25)
    legend(axes)
    return figure


def curves(part: Processor, settings: list[Setting]) -> plt.Figure:
    """Output over input, for what has no memory."""
    figure, axes = plt.subplots(figsize=SIZE)
    levels_in = np.linspace(-1, 1, 801)
    axes.plot(levels_in, levels_in, color=FAINT, lw=1, ls=":")
    for colour, setting in zip(COLOURS, settings, strict=False):
        out = play(part, setting, levels_in)[0]
        axes.plot(levels_in, out, color=colour, lw=1.6, label=label(setting, settings))
    axes.set(xlabel="in", ylabel="out")
    axes.grid(color=FAINT, alpha=0.25)
    legend(axes)
    return figure


def sides(part: Processor) -> plt.Figure:
    """What of a sound on the left alone comes out on either side, over the knob."""
    figure, axes = plt.subplots(figsize=SIZE)
    knob = part.knobs[0]
    places = np.linspace(knob.low, knob.high, 101)
    left = np.stack([np.ones(4), np.zeros(4)])
    for colour, sound, side, told in (
        (BLUE, left, 0, "left to left"), (ORANGE, left, 1, "left to right"),
        (GREEN, left[::-1].copy(), 1, "right to right"),
    ):  # fmt: skip
        out = [play(part, {knob.name: place}, sound)[side, 0] for place in places]
        axes.plot(places, out, color=colour, lw=1.6, ls="--" if colour == GREEN else "-", label=told)
    axes.set(xlabel=f"{knob.name} {knob.unit}".strip(), ylabel="level")
    axes.grid(color=FAINT, alpha=0.25)
    legend(axes)
    return figure


def levels(part: Processor, settings: list[Setting]) -> plt.Figure:
    """Gain over time while a tone grows louder and softer."""
    figure, axes = plt.subplots(figsize=SIZE)
    seconds = np.arange(RATE) / RATE
    steps_db = np.select([seconds < 0.2, seconds < 0.5, seconds < 0.75], [-36.0, -6.0, -15.0], -36.0)
    tone = 10 ** (steps_db / 20) * np.sin(2 * np.pi * 1000 * seconds)
    axes.plot(seconds, steps_db, color=INK, lw=1.4, ls=":", label="in")
    period = RATE // 1000
    for colour, setting in zip(COLOURS, settings, strict=False):
        peaks = np.abs(play(part, setting, tone)[0]).reshape(-1, period).max(1)
        axes.plot(np.arange(len(peaks)) / 1000, 20 * np.log10(np.maximum(peaks, 1e-4)), color=colour, lw=1.6,
                  label=label(setting, settings) or "out")  # fmt: skip
    axes.set(xlabel="s", ylabel="level of a tone, dB", ylim=(-45, 3))
    axes.grid(color=FAINT, alpha=0.25)
    legend(axes)
    return figure


def over_time(part: Processor, setting: Setting) -> plt.Figure:
    """Spectrogram of steady noise after the effect."""
    figure, axes = plt.subplots(figsize=SIZE)
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    db = spectrum_db(play(part, setting, noise)[0], 512, 64)
    # Noise is ragged: the mean over 0.05 s shows the shape.
    smooth = np.apply_along_axis(lambda row: np.convolve(row, np.ones(19) / 19, "same"), 1, db)
    axes.imshow(smooth, origin="lower", aspect="auto", extent=(0, 2, 0, RATE / 2000), cmap=HEAT,
                vmin=np.percentile(smooth, 5), vmax=np.percentile(smooth, 99.5), interpolation="bilinear")  # fmt: skip
    axes.set(xlabel="s", ylabel="kHz", title="steady noise after it", xlim=(0.05, 1.95))
    return figure


def arrivals(part: Processor, setting: Setting) -> plt.Figure:
    """When echoes of a click arrive, for clicks at all times."""
    every, count = RATE // 50, 100
    clicks = np.zeros(every * count)
    clicks[::every] = 1
    quarters = [clicks * (np.arange(len(clicks)) // every % 4 == which) for which in range(4)]
    audible = np.zeros((count, 2 * every))
    for which, quarter in enumerate(quarters):
        out = np.abs(play(part, setting, quarter)[0])
        for click in range(which, count - 2, 4):
            audible[click] = out[click * every : (click + 2) * every]
    figure, axes = plt.subplots(figsize=SIZE)
    db = 20 * np.log10(np.maximum(audible[: count - 2].reshape(count - 2, -1, 4).max(2).T, 1e-3))
    axes.imshow(db, origin="lower", aspect="auto", extent=(0, (count - 2) / 50, 0, 40), cmap=HEAT, vmin=-40, vmax=0,
                interpolation="nearest")  # fmt: skip
    late = 40 * (np.flatnonzero((db > -30).any(1)).max(initial=0) + 1) / len(db)
    axes.set(xlabel="s", ylabel="ms after a click", ylim=(0, min(40.0, 1.2 * late)), title=label(setting, [setting]))
    return figure


def _dense(response: np.ndarray) -> bool:
    """Tell if a response is a dense tail rather than single echoes, as long as it is audible."""
    left = np.cumsum(np.square(response[0])[::-1])[::-1]
    audible = response[0, : int((left > 1e-4 * left[0]).sum())]
    return float((np.abs(audible) > 1e-3 * np.abs(audible).max()).mean()) > 0.2


def _follows_level(part: Processor, setting: Setting) -> bool:
    """Whether a sound twice as loud comes out other than twice as loud."""
    sound = 0.3 * np.random.default_rng(4).standard_normal((1, RATE // 2))
    return not np.allclose(2 * play(part, setting, sound), play(part, setting, 2 * sound), atol=1e-6)


def _lasts(response: np.ndarray) -> bool:
    """Tell if a response is audible after 5 ms."""
    later = float(np.square(response[0, RATE // 200 :]).sum())
    return later > 1e-3 * float(np.square(response[0]).sum())


def _memory(part: Processor, setting: Setting) -> bool:
    """Whether a sample of the output depends on other samples of the input."""
    rng = np.random.default_rng(3)
    sound = 0.5 * rng.standard_normal((2, RATE // 2))
    order = rng.permutation(RATE // 2)
    return not np.allclose(play(part, setting, sound)[:, order], play(part, setting, sound[:, order]), atol=1e-9)


# The loss over a delay's length

DELAY_MS, WET = 17.3123, 0.7
LONGEST_MS = 40.0
SOUNDS = {"noise": "white noise", "violin": "a violin phrase"}
ZOOM = 4.0  # samples either way


def delay_loss() -> tuple[plt.Figure, dict[str, str]]:
    """Draw the error of an echo over its assumed length, as descent and the search see it; return the figures too."""
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
