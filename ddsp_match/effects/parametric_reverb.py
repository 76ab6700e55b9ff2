"""Parametric reverb: decaying noise in octave bands after the direct sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.convolution import convolve, spectrum_at
from ddsp_match.dsp.octave_bands import GRID_S, band_noise
from ddsp_match.effects.partitioned import PartitionedConvolution
from ddsp_match.effects.processor import Processor, Value
from ddsp_match.effects.room_guess import room_of

SIXTY_DB = 3 * math.log(10)  # exp(-SIXTY_DB) is -60 dB
FLOOR = 10**-4.5  # the envelope, less this, ends where it has decayed by 90 dB
RISE_S = 0.002  # the noise comes in over this time, so that the sound is smooth in the predelay
SAME_NOISE = 0.3  # of the energy; chance explains a share of bands over taps
MIDDLE, SIDE = 0, 1  # added to the seed: noise that both channels share, and what sets them apart


@dataclass(frozen=True)
class ParametricReverb(Processor):
    """Exponentially decaying noise in octave bands, with a decay time for each.

    ``h(t) = r(t - p) sum_b level_b sqrt(13.8 / rt60_b) n_b(t) 10^(-3 (t - p) / rt60_b)``, where ``n_b`` is noise in
    the octave around ``lowest_hz 2^b``, ``p`` the predelay and ``r`` a rise over 2 ms. The scale makes the expected
    power response ``level_b^2`` for any decay time: a level of 1 is as much reverberation as direct sound. The
    envelope ends at -90 dB. The predelay moves the envelope along the noise and not the noise itself, so that the
    sound is smooth in it.

    Args:
        bands: Octaves, from `lowest_hz` up; the lowest and the highest take in what lies beyond them. Bands above
            half the sample rate do nothing.
        lowest_hz: Centre of the lowest.
        seed: Of the noise, which is the same at every sample rate.
    """

    name: ClassVar[str] = "reverb"
    title: ClassVar[str] = "parametric reverb: decaying noise in octave bands"
    equation: ClassVar[str] = (
        "y = dry x + h * x,  h(t) = sum_b level_b sqrt(13.8 / rt60_b) n_b(t) 10^(-3 (t - predelay) / rt60_b)"
    )
    source: ClassVar[str] = (
        "Moorer 1979, 'About this reverberation business'; Polack 1988; Lee et al. 2022, 'Differentiable artificial "
        "reverberation'"
    )
    linear: ClassVar[bool] = True
    delays: ClassVar[bool] = True
    by_chance: ClassVar[bool] = True
    stereo: ClassVar[bool] = True

    bands: int = 8
    lowest_hz: float = 125.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.bands <= 12:
            raise ValueError(f"reverb: bands={self.bands!r}, not 1 to 12")
        if not 20 <= self.lowest_hz <= 2000:
            raise ValueError(f"reverb: lowest_hz={self.lowest_hz!r}, not 20 to 2000")
        if self.seed < 0:
            raise ValueError(f"reverb: seed={self.seed!r}, not 0 or more")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Level and decay time of each band, the direct sound, when the noise begins, and how wide it is."""
        n = self.bands
        return (
            Parameter("dry", "level of the direct sound", 1.0, 0.0, 2.0),
            Parameter("level", "reverberation in each octave, 1 is as much as direct", (0.0,) * n, 0.0, 4.0, size=n),
            Parameter("rt60_s", "time in which each octave decays by 60 dB", (1.0,) * n, 0.05, 10.0, "s", "log", n),
            Parameter("predelay_ms", "how long after the direct sound it begins", 0.0, 0.0, 200.0, "ms"),
            Parameter("width", "of a stereo sound: 0 is the same on both sides, 1 unrelated", 1.0, 0.0, 1.0),
        )

    def impulse_response(
        self, knobs: dict[str, torch.Tensor], sample_rate: int, channels: int = 1, longest: int | None = None
    ) -> Float[torch.Tensor, "batch channels taps"]:
        """The reverberation alone, without the direct sound.

        Args:
            knobs: As in `process`.
            sample_rate: In Hz.
            channels: 1 or 2.
            longest: Most taps wanted; by default all until the end.
        """
        rt60_s, level = knobs["rt60_s"], knobs["level"]
        late_s = knobs["predelay_ms"].reshape(-1, 1) / 1000
        end_s = float((late_s.detach() - rt60_s.detach() * (math.log(FLOOR) / SIXTY_DB)).max())
        taps = math.ceil(min(end_s, GRID_S) * sample_rate) + 1
        taps = max(1, min(taps, round(GRID_S * sample_rate), taps if longest is None else longest))
        scale = level * torch.sqrt(2 * SIXTY_DB / rt60_s)
        # exp(-a (row + column)) as a product of two short rows of exponentials.
        fine = 256
        rows = -(-taps // fine)
        sparse_s = torch.arange(rows, dtype=rt60_s.dtype) * (fine / sample_rate)
        dense_s = torch.arange(fine, dtype=rt60_s.dtype) / sample_rate
        noises = [self._noise(taps, sample_rate, rt60_s.dtype, which) for which in range(channels)]
        batch = max(len(rt60_s), len(level), len(late_s))
        sums: list[torch.Tensor] = [torch.zeros(1, taps, dtype=rt60_s.dtype)] * channels
        for band in range(self.bands):
            if sample_rate / 2 <= self.lowest_hz * 2 ** (band - 0.5 - 1 / 6) and band:
                break
            speed = SIXTY_DB / rt60_s[:, band, None]
            slow = torch.exp(speed * (late_s - sparse_s))
            envelope = (slow[:, :, None] * torch.exp(-speed * dense_s)[:, None, :]).flatten(1)[:, :taps]
            envelope = scale[:, band, None] * torch.relu(envelope - FLOOR)
            sums = [total + envelope * noise[band] for total, noise in zip(sums, noises, strict=True)]
        share = ((torch.arange(taps, dtype=rt60_s.dtype) / sample_rate - late_s) / RISE_S).clamp(0.0, 1.0)
        rise = share * share * (3 - 2 * share)
        shared = rise * sums[MIDDLE]
        if channels == 1:
            return shared.expand(batch, -1).unsqueeze(1)
        angle = knobs["width"].reshape(-1, 1) * (math.pi / 4)
        shared, apart = torch.cos(angle) * shared, torch.sin(angle) * (rise * sums[SIDE])
        return torch.stack([shared + apart, shared - apart], dim=1)

    def _noise(self, taps: int, sample_rate: int, dtype: torch.dtype, which: int) -> torch.Tensor:
        # A power of two, so that lengths that change a little share what was drawn.
        length = min(1 << (taps - 1).bit_length(), round(GRID_S * sample_rate))
        noise = band_noise(self.bands, self.lowest_hz, length, sample_rate, 2 * self.seed + which, dtype)
        return noise[:, :taps]

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        ir = self.impulse_response(knobs, sample_rate, audio.shape[1], audio.shape[-1])
        return knobs["dry"] * audio + convolve(audio, ir)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> PartitionedConvolution:
        """See `Processor.stream`."""
        ir = self.impulse_response(self.tensors(knobs), sample_rate, channels)
        return PartitionedConvolution(ir[0].numpy(), channels, float(knobs["dry"]))

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`; of a single channel."""
        ir = self.impulse_response(knobs, sample_rate)
        return knobs["dry"].reshape(-1, 1) + spectrum_at(ir[:, 0], hz, sample_rate)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The decay of the response that explains the pair.

        A room's reflections are not our noise, and then energies tell the levels; the first guess has the decay times
        that a measurement of the room would give (ISO 3382-1), the second those of the reverberation alone. Where the
        pair was made with this processor, a regression on the noise of each band shows that and gives the levels.
        """
        guess = room_of(dry, wet, sample_rate, self.bands, self.lowest_hz)
        if guess is None:
            return []
        room, standard_s, ir = guess
        start = self.clipped(room)
        late_ms = float(np.asarray(start["predelay_ms"]))
        along = [self._along_our_noise(start, ir, late, sample_rate) for late in {late_ms, 0.0}]
        along = sorted((one for one in along if one[0] > SAME_NOISE), key=lambda one: -one[0])
        if along:
            return [*(guess for _, guess in along), start]
        return [{**start, **self.clipped({"rt60_s": standard_s})}, start]

    def _along_our_noise(
        self, room: dict[str, Value], ir: np.ndarray, late_ms: float, sample_rate: int
    ) -> tuple[float, dict[str, Value]]:
        """The share of a response's energy that the noise of the bands explains, and the room with those levels."""
        each = {**room, "predelay_ms": late_ms, "level": np.eye(self.bands)}
        with torch.inference_mode():
            rows = self.impulse_response(self.tensors(each), sample_rate, len(ir), ir.shape[1])
        columns = rows.flatten(1).numpy()
        target = ir[:, : rows.shape[2]].copy()
        target[:, 0] -= float(np.asarray(room["dry"]))
        gram = columns @ columns.T
        solved = np.linalg.lstsq(gram, columns @ target.flatten(), rcond=1e-8)[0]
        level = np.asarray(self.clipped({"level": solved})["level"])
        energy = float(np.square(target).sum())
        residual = float(np.square(target.flatten() - level @ columns).sum())
        return 1 - residual / max(energy, 1e-30), {**room, "predelay_ms": late_ms, "level": level}
