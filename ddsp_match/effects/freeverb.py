"""Freeverb: the classic reverb of eight lowpass-feedback combs side by side and four allpasses in a row, a side."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Complex, Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.frequency_sampling import Circle
from ddsp_match.effects.processor import Processor, Value

TUNED_HZ = 44_100
COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)  # samples at `TUNED_HZ`
ALLPASSES = (556, 441, 341, 225)
SPREAD = 23  # by which the right side's are longer
ALLPASS_FEEDBACK = 0.5
INPUT = 0.015
WET, DRY, DAMP, ROOM, ROOM_OFFSET = 3.0, 2.0, 0.4, 0.28, 0.7  # what the knobs are scaled by
GRID_ROOM, GRID_DAMP = (0.05, 0.3, 0.5, 0.7, 0.85, 0.95), (0.1, 0.4, 0.8)
GRID_S = 2.0  # of the pair that guesses look at


class Freeverb(Processor):
    """Both sides take the sum of the channels; at the end they are crossed by `width`.

    A mono sound is played as two equal channels, and the left side is what comes out. The delays are whole samples,
    scaled with the sample rate.
    """

    name: ClassVar[str] = "freeverb"
    title: ClassVar[str] = "Freeverb: eight combs and four allpasses a side"
    equation: ClassVar[str] = (
        "u = 0.015 (left + right);  C = A1 A2 A3 A4 sum_i z^-N_i / (1 - f (1 - d) / (1 - d z^-1) z^-N_i),"
        "  A = (-1 + 1.5 z^-M) / (1 - 0.5 z^-M);  f = 0.28 room_size + 0.7, d = 0.4 damp;"
        "  left' = 2 dry left + 3 wet ((1 + width) / 2 C_left + (1 - width) / 2 C_right) u"
    )
    source: ClassVar[str] = "Freeverb (Jezar 2000); J. O. Smith, Physical Audio Signal Processing, Freeverb"
    linear: ClassVar[bool] = True
    delays: ClassVar[bool] = True
    stereo: ClassVar[bool] = True

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The five knobs of the original, 0 to 1 each."""
        return (
            Parameter("wet", "level of the room", 0.0, 0.0, 1.0),
            Parameter("dry", "level of the direct sound; 0.5 leaves it as it is", 1 / DRY, 0.0, 1.0),
            Parameter("width", "how far the sides are apart", 1.0, 0.0, 1.0),
            Parameter("damp", "how much darker the tail grows", 0.5, 0.0, 1.0),
            Parameter("room_size", "how long the tail is", 0.5, 0.0, 1.0),
        )

    def process(
        self, audio: Float[torch.Tensor, "batch channels samples"], knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """See `Processor.process`."""
        wide = {name: value.reshape(-1, 1, 1).double() for name, value in knobs.items()}
        sound = audio.double()
        rooms = _rooms(wide)
        mono = INPUT * sound.sum(1, keepdim=True) * (2 if audio.shape[1] == 1 else 1)
        if torch.is_grad_enabled() and (audio.requires_grad or rooms.requires_grad):
            circle = Circle(audio.shape[-1], audio.device)
            sides = _sides(rooms, 1 / circle.z, circle.late, sample_rate)
            sounds = circle.filtered(circle.spectrum(mono), sides)
        elif len(sound) == 1:
            # Settings that differ in their levels alone share a room.
            distinct, kinds = torch.unique(rooms, dim=0, return_inverse=True)
            sounds = _played(mono[:, 0], distinct, sample_rate)[kinds]
        else:
            sounds = _played(mono[:, 0], rooms, sample_rate)
        near, far = _crossing(wide["wet"], wide["width"])
        crossed = near * sounds + far * sounds.flip(1)
        return (DRY * wide["dry"] * sound + crossed[:, : audio.shape[1]]).to(audio.dtype)

    def responses(
        self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor
    ) -> Complex[torch.Tensor, "batch outputs inputs points"]:
        """Frequency responses from each channel of a stereo sound to each."""
        wide = {name: value.reshape(-1, 1, 1).double() for name, value in knobs.items()}
        angle = hz * (-2 * torch.pi / sample_rate)

        def late(delay: int) -> torch.Tensor:
            return torch.polar(torch.ones_like(angle), torch.remainder(angle * delay, 2 * torch.pi))

        sides = INPUT * _sides(_rooms(wide), late(1), late, sample_rate)
        near, far = _crossing(wide["wet"], wide["width"])
        room = (near * sides + far * sides.flip(1))[:, :, None].expand(-1, -1, 2, -1)
        direct = torch.eye(2, dtype=torch.float64, device=hz.device)[None, ..., None]
        return room + DRY * wide["dry"][..., None] * direct

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """Frequency response for a mono sound; `responses` gives that of a stereo one."""
        return self.responses(knobs, sample_rate, hz)[:, 0].sum(1)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> FreeverbStream:
        """See `Processor.stream`."""
        return FreeverbStream({name: float(value) for name, value in knobs.items()}, sample_rate, channels)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The levels by least squares for a grid of rooms; the best few rooms."""
        dry, wet = (sound[:, : int(GRID_S * sample_rate)] for sound in (dry, wet))
        pairs = torch.tensor([(damp, room) for damp in GRID_DAMP for room in GRID_ROOM], dtype=torch.float64)
        mono = torch.from_numpy(2 * INPUT * dry.mean(0, keepdims=True))
        rooms = _played(mono, pairs, sample_rate).numpy()
        candidates = []
        for pair, (left, right) in zip(pairs.tolist(), rooms, strict=True):
            crossed = [np.stack([left, right])[: len(dry)].ravel(), np.stack([right, left])[: len(dry)].ravel()]
            basis = np.stack([dry.ravel(), *crossed], axis=1)
            levels, *_ = np.linalg.lstsq(basis, wet.ravel(), rcond=1e-9)
            error = float(np.square(basis @ levels - wet.ravel()).sum())
            total = levels[1] + levels[2]
            width = (levels[1] - levels[2]) / total if abs(total) > 1e-9 else 1.0
            values = {"dry": levels[0] / DRY, "wet": total / WET, "width": width}
            candidates.append((error, {name: float(np.clip(value, 0, 1)) for name, value in values.items()}, pair))
        candidates.sort(key=lambda entry: entry[0])
        return [{**levels, "damp": pair[0], "room_size": pair[1]} for _, levels, pair in candidates[:4]]


def delays(sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the combs ``(2, 8)`` and allpasses ``(2, 4)`` of both sides in samples."""
    scaled = [
        np.maximum(np.rint((np.array(row) + np.array([[0], [SPREAD]])) * (sample_rate / TUNED_HZ)).astype(np.int64), 1)
        for row in (COMBS, ALLPASSES)
    ]
    return scaled[0], scaled[1]


def _rooms(wide: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the knobs that shape a room's sound: damp and room size, ``(batch, 2)``."""
    return torch.cat(torch.broadcast_tensors(wide["damp"], wide["room_size"]), dim=1)[..., 0]


def _crossing(wet, width):
    """Return the levels of a side's own room and of the other's."""
    return WET * wet * (1 + width) / 2, WET * wet * (1 - width) / 2


def _played(mono: torch.Tensor, rooms: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Both sides of each room, ``(batch, 2, samples)``, by the recursion itself: for sounds that need no gradient."""
    sound, settings = mono.numpy(), rooms.detach().numpy()
    sides = np.empty((max(len(sound), len(settings)), 2, sound.shape[1]))
    for row in range(len(sides)):
        damp, room_size = settings[row if len(settings) > 1 else 0]
        Rooms(damp, room_size, sample_rate)(sound[row if len(sound) > 1 else 0], sides[row])
    return torch.from_numpy(sides)


def _sides(rooms: torch.Tensor, step: torch.Tensor, late, sample_rate: int) -> torch.Tensor:
    """Transfer functions of both sides, ``(batch, 2, points)``; `rooms` holds damp and room size, ``(batch, 2)``."""
    damp, feedback = DAMP * rooms[:, :1], ROOM * rooms[:, 1:] + ROOM_OFFSET
    back = feedback * (1 - damp) / (1 - damp * step)
    combs, allpasses = delays(sample_rate)
    sides = []
    for side in range(2):
        total = torch.zeros_like(back)
        for delay in combs[side].tolist():
            # z^-N / (1 - back z^-N) with one division; z^N would overflow nowhere near the sizes in use.
            echo = late(delay)
            total = total + echo / (1 - back * echo)
        for delay in allpasses[side].tolist():
            echo = late(delay)
            total = total * ((-1 + (1 + ALLPASS_FEEDBACK) * echo) / (1 - ALLPASS_FEEDBACK * echo))
        sides.append(total)
    return torch.stack(sides, dim=1)


class Rooms:
    """The combs and allpasses of both sides with their memory."""

    def __init__(self, damp: float, room_size: float, sample_rate: int) -> None:
        self.lengths = np.concatenate(delays(sample_rate), axis=1)
        self.lines = np.zeros((*self.lengths.shape, int(self.lengths.max())))
        self.places = np.zeros(self.lengths.shape, dtype=np.int64)
        self.lows = np.zeros((2, len(COMBS)))
        self.damp, self.feedback = DAMP * float(damp), ROOM * float(room_size) + ROOM_OFFSET

    def __call__(self, mono: np.ndarray, sides: np.ndarray) -> None:
        """Plays the next samples into `sides`, ``(2, samples)``."""
        from ddsp_match.dsp.delay_kernels import run_freeverb

        mono = np.ascontiguousarray(mono)
        run_freeverb(mono, sides, self.lines, self.places, self.lengths, self.lows, self.feedback, self.damp)


class FreeverbStream:
    """Freeverb block by block.

    Args:
        knobs: A number for each knob.
        sample_rate: In Hz.
        channels: 1 or 2.
    """

    latency = 0

    def __init__(self, knobs: dict[str, float], sample_rate: int, channels: int) -> None:
        self.rooms = Rooms(knobs["damp"], knobs["room_size"], sample_rate)
        self.level = INPUT * (2 if channels == 1 else 1)
        self.near, self.far = _crossing(knobs["wet"], knobs["width"])
        self.dry = DRY * knobs["dry"]

    def __call__(self, block: Float[np.ndarray, "channels samples"]) -> Float[np.ndarray, "channels samples"]:
        """The next block."""
        sides = np.empty((2, block.shape[1]))
        self.rooms(self.level * block.sum(0), sides)
        crossed = self.near * sides + self.far * sides[::-1]
        return self.dry * block + crossed[: len(block)]
