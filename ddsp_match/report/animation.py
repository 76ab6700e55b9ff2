"""The output nearing the target as a looping GIF: waveform above, transfer curve below, step and error named."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.report.pictures import to_db
from ddsp_match.report.ratios import db_words

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 640, 400
MAX_FRAMES = 24
MAX_BYTES = 2_000_000
_FINE = 2  # drawn at twice the size and reduced: Pillow draws lines without smoothing
_PAPER, _INK, _QUIET, _GRID = "#ffffff", "#1c1a22", "#62606b", "#e3e0e8"
_TARGET, _OUTPUT = "#00a0ae", "#c2570c"
_WAVE, _CURVE = (54, 44, 626, 204), (54, 232, 626, 374)  # left, top, right, bottom of the two plots
_FIRST_MS, _STEP_MS, _LAST_MS = 900, 260, 2400
_WAVE_S = 0.025
_EXCERPT_S = 4.0
_WARM_UP_S = 1.0  # of the dry sound before the excerpt, for effects with memory
_RENDER_S = 4.0  # a slow chain is shown at as many steps as fit into this time, three at least


@dataclass(frozen=True)
class Approach:
    """A short excerpt of the output at some steps of the search, beside its target.

    Attributes:
        dry: The excerpt of the input, ``(channels, n)``.
        wet: The same excerpt of the target.
        outputs: Step number, error-to-signal ratio of the excerpt, and the output there; the last is the result.
    """

    dry: Float[np.ndarray, "channels samples"]
    wet: Float[np.ndarray, "channels samples"]
    outputs: Sequence[tuple[int, float, np.ndarray]]


@dataclass(frozen=True)
class Animation:
    """The moving picture and its end.

    Attributes:
        gif: A GIF that loops, at most `MAX_BYTES`.
        still: Its last frame as a PNG.
        alt: Both ends in words.
    """

    gif: bytes
    still: bytes
    alt: str


def animate(result: EffectResult) -> Animation | None:
    """Draw the search of a result; None where no step was recorded."""
    approach = approach_of(result)
    return render(approach, result.wet.sample_rate) if approach is not None else None


def approach_of(result: EffectResult) -> Approach | None:
    """Return an excerpt of the output at some steps, close together where the loss fell; None without a history."""
    rate, n = result.dry.sample_rate, result.dry.n_samples
    if not result.history or n < 64:
        return None
    excerpt = _excerpt(result)
    first = max(0, excerpt.start - round(_WARM_UP_S * rate))
    dry = result.dry.samples[:, first : excerpt.stop].astype(np.float64)
    wet = result.wet.samples[:, excerpt].astype(np.float64)
    energy = max(float(np.square(wet).sum()), 1e-30)
    count = MAX_FRAMES
    outputs: list[tuple[int, float, np.ndarray]] = []

    def add(step: int, rack: Rack) -> None:
        samples = rack.process(dry, rate)[:, excerpt.start - first :]
        if np.isfinite(samples).all():
            outputs.append((step, float(np.square(wet - samples).sum()) / energy, samples))

    began = time.perf_counter()
    add(result.history[-1].step, result.rack)
    last = outputs.pop() if outputs else None
    render_s = max(time.perf_counter() - began, 1e-6)
    for index in _spread(result, max(2, min(count - 1, int(_RENDER_S / render_s)))):
        step = result.history[index]
        add(step.step, Rack(result.rack.chain, step.knobs, rate, result.rack.polarity, result.rack.latency))
    outputs += [last] if last else []
    return Approach(dry[:, excerpt.start - first :], wet, outputs) if outputs else None


def _excerpt(result: EffectResult) -> slice:
    """Return the loudest few seconds of the target."""
    n = result.wet.n_samples
    size = min(n, round(_EXCERPT_S * result.wet.sample_rate))
    energy = np.cumsum(np.concatenate([[0.0], np.square(result.wet.samples, dtype=np.float64).sum(0)]))
    start = int(np.argmax(energy[size:] - energy[:-size])) if size < n else 0
    return slice(start, start + size)


def _spread(result: EffectResult, count: int) -> list[int]:
    """Return indices of recorded steps, spaced half by number and half by the fall of the loss, the last left out."""
    loss = np.array([step.loss for step in result.history[:-1]], dtype=float)
    if len(loss) <= count:
        return list(range(len(loss)))
    usable = np.isfinite(loss) & (loss > 0)
    worst = loss[usable].max(initial=1e-30)
    fall = -np.log(np.minimum.accumulate(np.where(usable, loss, worst)))
    fall = (fall - fall[0]) / max(fall[-1] - fall[0], 1e-12)
    way = 0.5 * fall + 0.5 * np.linspace(0, 1, len(loss))
    return sorted(set(np.searchsorted(way, np.linspace(0, way[-1], count)).clip(0, len(loss) - 1).tolist()))


def render(approach: Approach, sample_rate: int, max_bytes: int = MAX_BYTES) -> Animation:
    """Draw the approach: at most `MAX_FRAMES` of its outputs, first and last among them.

    Args:
        approach: The excerpt and its outputs, at least one.
        sample_rate: In Hz.
        max_bytes: Of the GIF; every second frame is left out until it fits.
    """
    picked = np.unique(np.linspace(0, len(approach.outputs) - 1, MAX_FRAMES).round().astype(int))
    outputs = [approach.outputs[i] for i in picked]
    scene = _Scene(approach, outputs[0][2], sample_rate)
    frames = [scene.frame(step, ratio, samples) for step, ratio, samples in outputs]
    content = _packed(frames)
    while len(content) > max_bytes and len(frames) > 2:
        frames = [*frames[:-1:2], frames[-1]]
        content = _packed(frames)
    file = io.BytesIO()
    frames[-1].save(file, format="PNG", optimize=True)
    (first, first_esr, _), (last, last_esr, _) = outputs[0], outputs[-1]
    alt = (
        "Waveform and transfer curve of the output approaching the target: error-to-signal ratio "
        f"{db_words(first_esr)} at step {first}, {db_words(last_esr)} at step {last}."
    )
    return Animation(content, file.getvalue(), alt)


def _packed(frames: list[Image]) -> bytes:
    file = io.BytesIO()
    times_ms = [_FIRST_MS, *[_STEP_MS] * (len(frames) - 2), _LAST_MS][-len(frames) :]
    frames[0].save(
        file, format="GIF", save_all=True, append_images=frames[1:], duration=times_ms, loop=0, optimize=False
    )
    return file.getvalue()


class _Scene:
    """All that stays the same from frame to frame: the excerpt, the axes, the colours."""

    def __init__(self, approach: Approach, first: np.ndarray, sample_rate: int) -> None:
        from PIL import ImageFont

        self.rate = sample_rate
        self.window = _window(approach.wet, first, sample_rate)
        self.wet = approach.wet
        wet_peak, first_peak = (float(np.abs(self._cut(sound)).max()) for sound in (approach.wet, first))
        self.limit = 1.08 * max(wet_peak, min(first_peak, 2 * wet_peak), 1e-6)
        self.bands = _bands(approach.wet.shape[1], sample_rate)
        self.dry_db = _band_db(approach.dry, self.bands)
        self.audible = self.dry_db > self.dry_db.max() - 70
        self.target_db = self._transfer(approach.wet)
        known = np.concatenate([self.target_db, self._transfer(first)])
        known = known[np.isfinite(known)]
        low, high = (np.percentile(known, (2, 98))) if known.size else (-6.0, 6.0)
        middle, half = (low + high) / 2, max(6.0, 0.6 * (high - low) + 2)
        self.db = (middle - half, middle + half)
        self.font = ImageFont.load_default(13 * _FINE)
        self.large = ImageFont.load_default(17 * _FINE)
        self.palette = _palette()

    def _cut(self, samples: np.ndarray) -> np.ndarray:
        return samples.mean(0)[self.window]

    def _transfer(self, samples: np.ndarray) -> np.ndarray:
        return np.where(self.audible, _band_db(samples, self.bands) - self.dry_db, np.nan)

    def frame(self, step: int, ratio: float, samples: np.ndarray) -> Image:
        """One picture, in colours that all frames share."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), _PAPER)
        draw = ImageDraw.Draw(picture)
        self._axes(draw)
        wave_x = np.linspace(0, 1, len(range(*self.window.indices(self.wet.shape[1]))))
        for data, colour, width in ((self.wet, _TARGET, 6), (samples, _OUTPUT, 3)):
            _line(draw, _WAVE, wave_x, 0.5 + 0.5 * self._cut(data) / self.limit, colour, width)
        ends_hz = self.bands[1]
        band_x = np.log(np.sqrt(ends_hz[1:] * ends_hz[:-1]) / ends_hz[0]) / np.log(ends_hz[-1] / ends_hz[0])
        low, high = self.db
        for curve, colour, width in ((self.target_db, _TARGET, 6), (self._transfer(samples), _OUTPUT, 3)):
            _line(draw, _CURVE, band_x, (curve - low) / (high - low), colour, width)
        self._text(draw, 12, 9, f"step {step}", _INK, self.large)
        self._text(draw, 116, 9, f"error-to-signal {db_words(ratio).replace('−', '-')}", _INK, self.large)
        small = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        return small.quantize(palette=self.palette, dither=Image.Dither.NONE)

    def _axes(self, draw: ImageDraw) -> None:
        for left, top, right, bottom in (_WAVE, _CURVE):
            draw.rectangle([v * _FINE for v in (left, top, right, bottom)], outline=_GRID, width=_FINE)
        middle = (_WAVE[1] + _WAVE[3]) / 2
        draw.line([v * _FINE for v in (_WAVE[0], middle, _WAVE[2], middle)], fill=_GRID, width=_FINE)
        self._text(draw, _WAVE[2], _WAVE[3] + 4, _length(self.window, self.rate), _QUIET, self.font, "ra")
        self._text(draw, _WAVE[0], _WAVE[3] + 4, "waveform", _QUIET, self.font)
        for hz in (100, 1000, 10_000):
            share = np.log(hz / self.bands[1][0]) / np.log(self.bands[1][-1] / self.bands[1][0])
            if 0.02 < share < 0.98:
                x = _CURVE[0] + share * (_CURVE[2] - _CURVE[0])
                draw.line([v * _FINE for v in (x, _CURVE[1], x, _CURVE[3])], fill=_GRID, width=_FINE)
                words = f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz"
                self._text(draw, x, _CURVE[3] + 4, words, _QUIET, anchor="ma")
        low, high = self.db
        spacing = next(s for s in (2, 5, 10, 20, 40, 80) if (high - low) / s <= 6 or s == 80)
        for db in range(int(np.ceil(low / spacing)) * spacing, int(high) + 1, spacing):
            y = _CURVE[3] - (db - low) / (high - low) * (_CURVE[3] - _CURVE[1])
            draw.line([v * _FINE for v in (_CURVE[0], y, _CURVE[2], y)], fill=_GRID, width=_FINE)
            if _CURVE[1] + 6 < y < _CURVE[3] - 4:
                self._text(draw, _CURVE[0] - 6, y, f"{db} dB", _QUIET, anchor="rm")
        for x, colour, name in ((484, _TARGET, "target"), (562, _OUTPUT, "output")):
            draw.line([v * _FINE for v in (x - 22, 22, x - 5, 22)], fill=colour, width=4 * _FINE)
            self._text(draw, x, 22, name, _INK, anchor="lm")

    def _text(
        self, draw: ImageDraw, x: float, y: float, text: str, colour: str, font: object = None, anchor: str = "la"
    ) -> None:
        draw.text((x * _FINE, y * _FINE), text, fill=colour, font=font or self.font, anchor=anchor)  # pyright: ignore[reportArgumentType]


def _palette() -> Image:
    """Shades of every colour of the picture towards the paper and towards each other, as smoothed edges need them."""
    from PIL import Image, ImageColor

    paper, ink, quiet, grid, target, output = (
        np.array(ImageColor.getrgb(colour), float) for colour in (_PAPER, _INK, _QUIET, _GRID, _TARGET, _OUTPUT)
    )
    ways = [(paper, ink), (paper, quiet), (paper, target), (paper, output), (target, output), (grid, target)]
    shades = [start + share * (end - start) for start, end in ways for share in np.linspace(0, 1, 9)]
    colours = np.unique(np.stack([*shades, grid]).round().astype(np.uint8), axis=0)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.ravel().tolist())
    return palette


def _length(window: slice, rate: int) -> str:
    return f"{1000 * (window.stop - window.start) / rate:.3g} ms"


def _line(
    draw: ImageDraw, box: tuple[int, int, int, int], x: np.ndarray, y: np.ndarray, colour: str, width: int
) -> None:
    """A curve given in shares of a plot's width and height, broken where it is NaN, cut off at the plot's ends."""
    left, top, right, bottom = (v * _FINE for v in box)
    at_x, at_y = left + x * (right - left), bottom - np.clip(y, 0, 1) * (bottom - top)
    broken = np.flatnonzero(np.isnan(at_y))
    for part in np.split(np.arange(len(at_x)), broken):
        part = part[~np.isnan(at_y[part])]
        if len(part) > 1:
            points = np.stack([at_x[part], at_y[part]], 1).ravel().tolist()
            draw.line(points, fill=colour, width=width * _FINE // 2, joint="curve")


def _window(wet: np.ndarray, first: np.ndarray, rate: int) -> slice:
    """The few milliseconds in which the first output misses the target most."""
    n = wet.shape[1]
    size = min(n, max(32, round(_WAVE_S * rate)))
    error = np.cumsum(np.concatenate([[0.0], ((wet - first) ** 2).sum(0)]))
    start = int(np.argmax(error[size:] - error[:-size]))
    return slice(start, start + size)


def _bands(n: int, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of bands of a twelfth of an octave, in bins of a transform of all samples and in Hz."""
    lowest = max(30.0, 4 * rate / n)
    edges_hz = np.geomspace(lowest, 0.98 * rate / 2, max(8, round(12 * np.log2(0.49 * rate / lowest))) + 1)
    ends = np.unique((edges_hz * n / rate).round().astype(int))
    return ends, ends * (rate / n)


def _band_db(samples: np.ndarray, bands: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Level in each band, of all channels together."""
    ends, _ = bands
    power = (np.abs(np.fft.rfft(samples)) ** 2).sum(0)
    sums = np.add.reduceat(power[: ends[-1]], ends[:-1])
    return to_db(sums / np.diff(ends) / samples.shape[1])
