"""A delay that swings to and fro, and its first guesses: chorus and flanger (Zölzer, DAFX, section 2.6)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.levels import levelled
from ddsp_match.dsp.modulated_delay import ModulatedLine, modulated_delay
from ddsp_match.effects.processor import Processor, Value

FRAME_MS, HOP_MS = 20.0, 10.0  # of the correlation
LONGEST_S = 10.0  # of a pair that is analysed
RATES = 240  # highest number of rates in the grid
FEEDBACKS = (0.0, 0.6, -0.6)  # of the flanger, that are tried
KEPT = 4  # candidates


class _Swinging(Processor):
    """Base of both."""

    delays: ClassVar[bool] = True
    swings: ClassVar[dict[str, tuple[str, float]]] = {"phase_deg": ("rate_hz", 360.0)}
    source: ClassVar[str] = "Zölzer (ed.), DAFX, 2nd ed., section 2.6"
    equation: ClassVar[str] = (
        "v(t) = w(t - d(t)),  d(t) = delay_ms + depth_ms (1 + sin(2 pi rate_hz t + phase_deg)) / 2,"
        "  w = x + feedback v,  y = x + wet v"
    )

    def process(
        self, audio: Float[torch.Tensor, "batch channels samples"], knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """See `Processor.process`."""
        columns = {name: value.reshape(-1, 1).double() for name, value in knobs.items()}
        times = torch.arange(audio.shape[-1], dtype=torch.float64, device=audio.device) / sample_rate
        angle = 2 * torch.pi * columns["rate_hz"] * times + columns["phase_deg"] * (torch.pi / 180)
        delay_ms = columns["delay_ms"] + columns["depth_ms"] * (1 + torch.sin(angle)) / 2
        feedback = columns.get("feedback", torch.zeros(1, 1, dtype=torch.float64)).expand(len(delay_ms), 1)
        late = modulated_delay(audio, delay_ms * (sample_rate / 1000), feedback[:, 0])
        return (audio + columns["wet"][..., None] * late).to(audio.dtype)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream({name: float(value) for name, value in knobs.items()}, sample_rate, channels)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The swing that follows the lag between the sounds from moment to moment."""
        return guess_swing(self, dry, wet, sample_rate)


class Chorus(_Swinging):
    """The sound doubled by a copy that wanders behind it, as if by a second player."""

    name: ClassVar[str] = "chorus"
    title: ClassVar[str] = "a copy behind the sound that drifts to and fro"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The swing, and the level of the copy."""
        return (*_swing(0.5, 15.0, 1.0, 40.0, 3.0, 10.0), _wet())


class Flanger(_Swinging):
    """A comb filter whose teeth sweep: a short swinging delay, fed back."""

    name: ClassVar[str] = "flanger"
    title: ClassVar[str] = "a short swinging delay with feedback"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The swing, the feedback and the level."""
        feedback = Parameter("feedback", "how sharp the teeth are", 0.0, -0.95, 0.95)
        return (*_swing(0.25, 1.0, 0.1, 10.0, 2.0, 10.0), feedback, _wet())


def _swing(
    rate_hz: float, delay_ms: float, shortest_ms: float, longest_ms: float, depth_ms: float, deepest_ms: float
) -> tuple[Parameter, ...]:
    return (
        Parameter("rate_hz", "swings in a second", rate_hz, 0.05, 10.0, "Hz", "log"),
        Parameter("delay_ms", "the shortest delay", delay_ms, shortest_ms, longest_ms, "ms"),
        Parameter("depth_ms", "how much longer the longest is", depth_ms, 0.0, deepest_ms, "ms"),
        # Two turns, so that descent never stands at an end: angles 360 apart are the same.
        Parameter("phase_deg", "where the swing starts", 0.0, -360.0, 360.0, "°"),
    )


def _wet() -> Parameter:
    return Parameter("wet", "level of the swinging copy, negative for upside down", 0.0, -1.0, 1.0)


class _Stream:
    latency = 0

    def __init__(self, knobs: dict[str, float], sample_rate: int, channels: int) -> None:
        self.knobs, self.sample_rate, self.now = knobs, sample_rate, 0
        self.line = ModulatedLine((knobs["delay_ms"] + knobs["depth_ms"]) * sample_rate / 1000 + 1, channels)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        knobs = self.knobs
        times = (self.now + np.arange(block.shape[1])) / self.sample_rate
        self.now += block.shape[1]
        swing = np.sin(2 * np.pi * knobs["rate_hz"] * times + np.deg2rad(knobs["phase_deg"]))
        delay_ms = knobs["delay_ms"] + knobs["depth_ms"] * (1 + swing) / 2
        late = self.line(block, delay_ms * self.sample_rate / 1000, knobs.get("feedback", 0.0))
        return block + knobs["wet"] * late


def guess_swing(
    part: Processor, dry: Float[np.ndarray, "channels samples"], wet: np.ndarray, sample_rate: int
) -> list[dict[str, Value]]:
    """Return settings of a modulated delay that may make `wet` from `dry`, the best first."""
    dry, wet = (sound[:, : int(LONGEST_S * sample_rate)] for sound in (dry, wet))
    ranges = {knob.name: knob for knob in part.knobs}
    longest = int((ranges["delay_ms"].high + ranges["depth_ms"].high) * sample_rate / 1000)
    frame, hop = (int(ms * sample_rate / 1000) for ms in (FRAME_MS, HOP_MS))
    if dry.shape[1] < 4 * (frame + longest):
        return []
    times, lags, weights = _lags(dry.mean(0), (wet - dry).mean(0), longest, frame, hop, sample_rate)
    swings = _swings(times, lags, weights, ranges["rate_hz"].low, ranges["rate_hz"].high)
    settings: list[dict[str, float]] = []
    for rate_hz, centre, radius, phase in swings:
        swing = {
            "rate_hz": rate_hz,
            "delay_ms": (centre - radius) * 1000,
            "depth_ms": 2 * radius * 1000,
            "phase_deg": float(np.rad2deg(phase)),
        }
        for feedback in FEEDBACKS if "feedback" in ranges else (None,):
            whole = swing if feedback is None else {**swing, "feedback": feedback}
            settings.append({k: float(np.clip(v, ranges[k].low, ranges[k].high)) for k, v in whole.items()})
    stacked = {name: torch.tensor([s[name] for s in settings], dtype=torch.float64) for name in settings[0]}
    with torch.inference_mode():
        audio = torch.from_numpy(np.ascontiguousarray(dry))[None]
        late = part(audio, sample_rate, **stacked, wet=1.0).numpy() - dry
    levels, errors = levelled(late, wet - dry)
    return [{**settings[i], "wet": float(np.clip(levels[i], -1, 1))} for i in np.argsort(errors)[:KEPT]]


def _lags(
    dry: np.ndarray, rest: np.ndarray, longest: int, frame: int, hop: int, sample_rate: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlate each frame of the rest with the dry sound: times and best lags in seconds, and their weight."""
    starts = np.arange(longest, len(dry) - frame, hop)
    size = 1 << int(np.ceil(np.log2(frame + longest)))
    window = np.hanning(frame)
    pieces = np.stack([rest[s : s + frame] * window for s in starts])
    before = np.stack([dry[s - longest : s + frame] for s in starts])
    # Lag l pairs the piece with what began `longest - l` samples into the stretch before it.
    cross = np.fft.irfft(np.fft.rfft(before, size) * np.fft.rfft(pieces, size).conj(), size)[:, : longest + 1]
    total = np.pad(np.cumsum(before**2, axis=1), ((0, 0), (1, 0)))
    energy = total[:, frame:] - total[:, :-frame]
    likeness = cross**2 / (energy + 1e-6 * energy.max() + 1e-300)
    best = likeness.argmax(1)
    rows = np.arange(len(starts))
    weight = likeness[rows, best]
    # Between whole samples by the parabola through the peak.
    inner = best.clip(1, longest - 1)
    low, top, high = (likeness[rows, inner + side] for side in (-1, 0, 1))
    off = np.clip(0.5 * (low - high) / np.minimum(low - 2 * top + high, -1e-300), -0.5, 0.5)
    return (starts + frame / 2) / sample_rate, (longest - best - off) / sample_rate, weight / (weight.max() + 1e-300)


def _swings(
    times: np.ndarray, lags: np.ndarray, weights: np.ndarray, lowest_hz: float, highest_hz: float
) -> list[tuple[float, float, float, float]]:
    """Fit sines to the lags: rate, centre, radius and phase of the best three rates."""
    span = times[-1] - times[0] + 1e-9
    # Steps of a part of a turn over the whole sound at fast rates, even in ratio at slow ones.
    slow = np.geomspace(lowest_hz, min(highest_hz, 2 / span + lowest_hz), 24)
    fast = np.arange(slow[-1], highest_hz, max(1 / (6 * span), highest_hz / RATES))
    candidates = []
    for rate in np.unique(np.concatenate([slow, fast])):
        angle = 2 * np.pi * rate * times
        basis = np.stack([np.ones(len(times)), np.sin(angle), np.cos(angle)], axis=1)
        trust, scale, solution = weights.copy(), 4e-3, np.zeros(3)
        for _ in range(8):
            root = np.sqrt(trust)
            solution = np.linalg.lstsq(basis * root[:, None], lags * root, rcond=1e-6)[0]
            off = lags - basis @ solution
            trust = weights / (1 + (off / scale) ** 2)
            scale = max(scale / 2, 3e-4)
        score = float((weights / (1 + (off / 3e-4) ** 2)).sum())
        radius = float(np.hypot(solution[1], solution[2]))
        # A swing with a period of hours fits any few seconds.
        if radius < 0.02:
            phase = float(np.arctan2(solution[2], solution[1]))
            candidates.append((score, (float(rate), float(solution[0]), radius, phase)))
    candidates.sort(key=lambda entry: -entry[0])
    if not candidates:
        return [(lowest_hz, float(np.median(lags)), 0.0, 0.0)]
    return [_sharpened(swing, times, lags, weights) for _, swing in candidates[:3]]


def _sharpened(
    swing: tuple[float, float, float, float], times: np.ndarray, lags: np.ndarray, weights: np.ndarray
) -> tuple[float, float, float, float]:
    """Refine a rate between those of the grid: Gauss-Newton, with less and less weight on outliers."""
    rate, centre, radius, phase = swing
    for scale in (3e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5, 3e-5, 3e-5):
        angle = 2 * np.pi * rate * times + phase
        off = lags - centre - radius * np.sin(angle)
        turn = radius * np.cos(angle)
        slopes = np.stack([2 * np.pi * times * turn, np.ones(len(times)), np.sin(angle), turn], axis=1)
        root = np.sqrt(weights / (1 + (off / scale) ** 2))
        step = np.linalg.lstsq(slopes * root[:, None], off * root, rcond=1e-9)[0]
        rate, centre, radius, phase = (float(a + b) for a, b in zip((rate, centre, radius, phase), step, strict=True))
    phase = float((phase + np.pi) % (2 * np.pi) - np.pi)
    return rate, centre, radius, phase
