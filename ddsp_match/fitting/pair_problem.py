"""The distance between what a chain makes of a dry sound and the wet one, as many settings at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.dsp.spectra import stft
from ddsp_match.effects.processor import Processor
from ddsp_match.fitting.candidates import Setting

LONGEST_ROW = 256  # numbers of a row that least squares turns one by one; a longer row is left as guessed
MEMORY = 3.2e8  # bytes that one piece of all rows may take
WARM_UP_S = 2.0  # sound before a segment, played so that filters and gain have settled where it begins
SPECTRAL_SIZES_S = (0.005, 0.02, 0.085)  # windows of the spectral distance
COMPRESSION = 0.5  # magnitudes are compared as their square roots, so that quiet partials count


class Coordinates:
    """The free numbers of a chain as positions in a unit cube.

    Args:
        chain: The processors.
        fixed: Knobs that stay at their values.
    """

    def __init__(self, chain: Processor, fixed: Setting) -> None:
        self.knobs = [knob for knob in chain.knobs if knob.name not in fixed and knob.count <= LONGEST_ROW]
        self.left = [knob for knob in chain.knobs if knob not in self.knobs]

    def __len__(self) -> int:
        return sum(knob.count for knob in self.knobs)

    @property
    def names(self) -> list[str]:
        """One name a number: ``clip.high``, ``fir.taps[3]``."""
        return [label for knob in self.knobs for label in knob.labels]

    def pack(self, setting: Setting) -> Float[torch.Tensor, " numbers"]:
        """A setting's place in the cube."""
        rows = [knob.position(torch.from_numpy(np.atleast_1d(setting[knob.name]))) for knob in self.knobs]
        return torch.cat(rows).clamp(0, 1) if rows else torch.zeros(0, dtype=torch.float64)

    def setting(self, place: Float[torch.Tensor, " numbers"], like: Setting) -> Setting:
        """The setting at a place; what is not free is taken from `like`."""
        setting, first = dict(like), 0
        for knob in self.knobs:
            value = knob.at(place[first : first + knob.count]).numpy()
            setting[knob.name] = value.reshape(knob.shape)
            first += knob.count
        return setting

    def tensors(self, rows: Float[torch.Tensor, "rows numbers"], like: Setting) -> dict[str, torch.Tensor]:
        """The knobs of many places, as `Processor.process` takes them; differentiable in `rows`."""
        shaped, first = {}, 0
        for knob in self.knobs:
            value = knob.at(rows[:, first : first + knob.count])
            shaped[knob.name] = value if knob.size else value[:, :, None]
            first += knob.count
        for knob in self.left:
            value = torch.from_numpy(np.asarray(like[knob.name], dtype=np.float64)).to(rows.dtype)
            shaped[knob.name] = value.reshape(1, knob.size) if knob.size else value.reshape(1, 1, 1)
        return shaped


@dataclass(frozen=True)
class Segment:
    """Samples to judge, and from where to play so that the state has settled."""

    begin: int
    first: int
    last: int


class PairProblem:
    """The residuals of least squares: the error-to-signal ratio of a chain, or its spectral counterpart, or both.

    Args:
        chain: The processors.
        fixed: Knobs that stay at their values.
        dry: Input, float64.
        wet: What should come out.
        sample_rate: In Hz.
        loss: ``waveform``, ``mrstft`` or ``both``.
        pre_emphasis: Coefficient of the filter 1 - p z^-1 on the waveform error.
        segment_s: Length of the segments of a long sound; by default what fits into memory.
    """

    def __init__(
        self,
        chain: Processor,
        fixed: Setting,
        dry: Float[np.ndarray, "channels samples"],
        wet: Float[np.ndarray, "channels samples"],
        sample_rate: int,
        *,
        loss: str = "waveform",
        pre_emphasis: float = 0.0,
        segment_s: float | None = None,
    ) -> None:
        self.chain, self.sample_rate, self.loss, self.pre_emphasis = chain, sample_rate, loss, pre_emphasis
        self.coordinates = Coordinates(chain, fixed)
        self.dry, self.wet = torch.from_numpy(dry)[None], torch.from_numpy(wet)[None]
        channels, n = dry.shape
        row = MEMORY / 8 / (len(self.coordinates) + 1) / channels
        length = n if n <= row else int(row)
        if segment_s is not None:
            length = min(length, round(segment_s * sample_rate))
        self.segments = self._everything = self._cut(0, n, length)
        self.like: Setting = chain.arrays(fixed)
        self._waveform_norm = self._energy() ** 0.5
        self._targets: dict[tuple[int, int, int], torch.Tensor] = {}
        self._norms: dict[int, float] = {}

    def focus(self, seconds: float, pieces: int = 4) -> bool:
        """Looks at some loud pieces of a long pair alone, spread over its length, until `widen`.

        Args:
            seconds: Of the pieces together.
            pieces: How many.

        Returns:
            Whether there is anything that is not looked at.
        """
        n, length = self.wet.shape[-1], round(seconds * self.sample_rate / pieces)
        if n <= pieces * length:
            return False
        power = self.wet[0].square().sum(0).cumsum(0)
        chosen = []
        for number in range(pieces):
            first, last = n * number // pieces, n * (number + 1) // pieces
            begins = torch.arange(first, last - length + 1, max(1, length // 8))
            loudest = int(begins[int((power[begins + length - 1] - power[begins]).argmax())])
            chosen += self._cut(loudest, loudest + length, length)
        self._look_at(chosen)
        return True

    def widen(self) -> None:
        """Looks at the whole pair again."""
        self._look_at(self._everything)

    def residuals(self, rows: Float[torch.Tensor, "rows numbers"]) -> Iterator[Float[torch.Tensor, "rows samples"]]:
        """Weighted errors of many settings, segment by segment: their squares add up to the loss."""
        for segment in self.segments:
            wet = self.wet[..., segment.first : segment.last]
            played = self._played(rows, segment)
            if self.loss in ("waveform", "both"):
                yield (self._emphasised(played - wet) / self._waveform_norm).flatten(1)
            if self.loss in ("mrstft", "both"):
                yield from self._spectral_errors(played, segment)

    def loss_of(self, place: Float[torch.Tensor, " numbers"]) -> torch.Tensor:
        """The loss as a differentiable number."""
        return torch.stack([piece.square().sum() for piece in self.residuals(place[None])]).sum()

    def _cut(self, begin: int, end: int, length: int) -> list[Segment]:
        warm = round(WARM_UP_S * self.sample_rate)
        starts = range(begin, end, length)
        return [Segment(max(0, first - warm), first, min(end, first + length)) for first in starts]

    def _look_at(self, segments: list[Segment]) -> None:
        self.segments = segments
        self._waveform_norm = self._energy() ** 0.5
        self._norms = {}

    def _energy(self) -> float:
        emphasised = self._emphasised(self.wet)
        parts = [emphasised[..., s.first : s.last].square().sum() for s in self.segments]
        return max(float(torch.stack(parts).sum()), 1e-30)

    def _played(self, rows: torch.Tensor, segment: Segment) -> torch.Tensor:
        knobs = self.chain.later(self.coordinates.tensors(rows, self.like), segment.begin / self.sample_rate)
        audio = self.dry[..., segment.begin : segment.last]
        played = self.chain.process(audio, knobs, self.sample_rate)[..., segment.first - segment.begin :]
        return played.expand(len(rows), -1, -1)

    def _emphasised(self, audio: torch.Tensor) -> torch.Tensor:
        if self.pre_emphasis == 0:
            return audio
        return audio - self.pre_emphasis * torch.nn.functional.pad(audio, (1, 0))[..., :-1]

    def _spectral_errors(self, played: torch.Tensor, segment: Segment) -> Iterator[torch.Tensor]:
        for seconds in SPECTRAL_SIZES_S:
            window = self._window(seconds)
            key = (len(window), segment.first, segment.last)
            if key not in self._targets:
                self._targets[key] = _roots(self.wet[0, :, segment.first : segment.last], window)
            weight = 1 / (self._root_norm(window) * len(SPECTRAL_SIZES_S) ** 0.5)
            yield torch.stack([(_roots(row, window) - self._targets[key]).flatten() * weight for row in played])

    def _window(self, seconds: float) -> torch.Tensor:
        size = 1 << max(5, round(float(np.log2(seconds * self.sample_rate))))
        return torch.hann_window(size, dtype=torch.float64)

    def _root_norm(self, window: torch.Tensor) -> float:
        if len(window) not in self._norms:
            energy = sum(
                float(_roots(self.wet[0, :, segment.first : segment.last], window).square().sum())
                for segment in self.segments
            )
            self._norms[len(window)] = max(energy, 1e-30) ** 0.5
        return self._norms[len(window)]


def _roots(audio: Float[torch.Tensor, "channels samples"], window: torch.Tensor) -> torch.Tensor:
    """Compressed magnitudes."""
    spectrum = stft(audio, window.to(audio))
    power = spectrum.real.square() + spectrum.imag.square()
    return (power + 1e-12 * len(window)) ** (COMPRESSION / 2)
