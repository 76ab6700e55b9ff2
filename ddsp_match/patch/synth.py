"""A synthesizer's patch: its controls as closely as the file holds them, and the effects behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from ddsp_match.analysis.contour import NO_PITCH_HZ
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError, PatchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.noise_codes import decode_noise, encode_noise
from ddsp_match.effects.rack import Rack
from ddsp_match.models.frames import Frames
from ddsp_match.models.frames_model import controls_of
from ddsp_match.models.packed_frames import packed, unpacked
from ddsp_match.patch import container, racks

GridKind = Literal["f0", "steady"]
FRAMES = "frames"  # the tensor that holds the compact form
INAUDIBLE = 1e-6  # harmonics that never exceed this amplitude (-120 dB) are left out from the top


@dataclass(frozen=True)
class Patch:
    """A found synthesizer: everything a render needs, and where it came from.

    Attributes:
        timebase: Frame grid and sample rate.
        n_samples: Length of the sound in samples.
        controls: What is played, already rounded to what the file holds, so that a patch renders the same before it
            was saved and after it was loaded. The batch axis is the channels.
        noise_seed: Seed of the white noise.
        phase: ``zero``, ``static`` or ``tracked``.
        offset: Constant that is added to each channel: the DC offset of the recording.
        provenance: Where it came from: sound, command, version, edits.
        effects: What the sound of the synthesizer goes through: the room it was heard in; None for nothing.
        pitch_hz: The note that the sound is heard at, in Hz; None for a sound without a pitch.
        grid: What the partials are multiples of: ``f0``, the pitch itself, or ``steady``, frequencies that say nothing
            of the pitch.
        frames: The few numbers that the controls are made of; None where the controls themselves are stored.
    """

    timebase: Timebase
    n_samples: int
    controls: Controls
    noise_seed: int
    phase: str
    offset: tuple[float, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    effects: Rack | None = None
    pitch_hz: float | None = None
    grid: GridKind = "f0"
    frames: Frames | None = None

    @classmethod
    def of(
        cls,
        controls: Controls,
        timebase: Timebase,
        n_samples: int,
        *,
        noise_seed: int,
        phase: str,
        offset: Sequence[float] = (),
        provenance: dict[str, Any] | None = None,
        effects: Rack | None = None,
        pitched: bool = True,
        pitch_hz: float | None = None,
        grid: GridKind = "f0",
        frames: Frames | None = None,
    ) -> Patch:
        """A patch that holds these controls as closely as the file format does.

        One that is `pitched` is heard at `pitch_hz`, by default the median f0 of the controls. With `frames` it is
        these that are held.
        """
        channels = controls.f0_hz.shape[0]
        offset = tuple(float(value) for value in offset) or (0.0,) * channels
        controls = controls.detached()
        pitch_hz = (pitch_hz or controls.median_f0_hz()) if pitched else None
        draft = cls(
            timebase, n_samples, controls, noise_seed, phase, offset, provenance or {}, effects, pitch_hz, grid, frames
        )
        return draft._decoded(draft._encoded())

    @property
    def follows_pitch(self) -> bool:
        """Return whether f0 is the pitch that is heard, so that there are notes, periods and harmonics to export."""
        return self.pitch_hz is not None and self.grid == "f0"

    def pitch_with(self, controls: Controls) -> float | None:
        """The note that is heard when the sound plays other controls, in Hz: moved as the median f0 is."""
        if self.pitch_hz is None:
            return None
        same_frames = self.controls if controls.n_frames == self.controls.n_frames else None
        return self.pitch_hz * controls.median_f0_hz(same_frames) / self.controls.median_f0_hz()

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.controls.f0_hz.shape[0]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.timebase.sample_rate

    def numbers_per_second(self) -> float:
        """Count how many numbers one second of the sound takes, all channels and the effects' knobs together."""
        if self.frames is None:
            return sum(t.numel() for t in self._encoded().values()) / self.seconds
        knobs = {} if self.effects is None else racks.encoded(self.effects)[1]
        return (self.frames.numbers + sum(t.numel() for t in knobs.values())) / self.seconds

    def save(self, path: str | Path) -> int:
        """Writes the patch whole or not at all.

        Returns:
            The size of the file in bytes.

        Raises:
            OutputError: The place cannot be written to.
        """
        return container.write(path, container.SYNTH, *self.encoded())

    def encoded(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return what the file holds of it: header and tensors."""
        header = {
            "sample_rate": self.timebase.sample_rate,
            "hop": self.timebase.hop,
            "n_samples": self.n_samples,
            "noise_seed": self.noise_seed,
            "phase": self.phase,
            "divisions": self.controls.divisions,
            "offset": list(self.offset),
            "pitch_hz": self.pitch_hz,
            "grid": self.grid,
            "provenance": self.provenance,
        }
        if self.effects is not None:
            header["effects"] = racks.encoded(self.effects)[0]
        return header, self._encoded()

    def _encoded(self) -> dict[str, torch.Tensor]:
        effects = {} if self.effects is None else racks.encoded(self.effects)[1]
        if self.frames is not None:
            return {FRAMES: torch.frombuffer(bytearray(packed(self.frames)), dtype=torch.uint8), **effects}
        c = self.controls
        f0 = c.f0_hz[:1] if bool((c.f0_hz == c.f0_hz[:1]).all()) else c.f0_hz
        loudest = c.partial_amplitudes.amax((0, 2))
        heard = torch.nonzero(loudest > INAUDIBLE)
        keep = int(heard[-1]) + 1 if len(heard) else 1
        tensors = {
            "f0_hz": f0.float(),
            "amplitude": c.amplitude.float(),
            "distribution": c.distribution[:, :keep].to(torch.float16),
            "noise": encode_noise(c.noise),
        }
        if c.phases is not None:
            phases = c.phases[:, :keep]
            if self.phase == "static":
                phases = phases[..., :1]
            # Wrapped, because float16 is finest near zero: at most 0.001 rad off.
            tensors["phases"] = torch.atan2(phases.sin(), phases.cos()).to(torch.float16)
        return {name: value.cpu() for name, value in (tensors | effects).items()}

    def _decoded(self, tensors: dict[str, torch.Tensor]) -> Patch:
        if FRAMES in tensors:
            frames = unpacked(tensors[FRAMES].numpy().tobytes())
            needed = self.timebase.frames(self.n_samples)
            if frames.n_frames != needed:  # before anything as long as they say is made
                raise ValueError(f"{frames.n_frames} frames where the length needs {needed}")
            return replace(self, controls=controls_of(frames), frames=frames)
        amplitude = tensors["amplitude"]
        distribution = tensors["distribution"].float()
        phases = tensors.get("phases")
        controls = Controls(
            tensors["f0_hz"].expand_as(amplitude).contiguous(),
            amplitude,
            distribution,
            decode_noise(tensors["noise"]),
            None if phases is None else phases.float().expand_as(distribution).contiguous(),
            self.controls.divisions,
        )
        return replace(self, controls=controls)


def load_patch(path: str | Path) -> Patch:
    """Reads a patch file.

    Raises:
        PatchError: The file is missing, is no patch, is damaged, has a newer format version, or holds effects alone.
    """
    path = Path(path)
    kind, header, tensors = container.read(path)
    if kind == container.EFFECTS:
        raise PatchError(
            "a patch of effects alone",
            where=path,
            needed="one with a synthesizer, written by ddsp-match fit",
            hint=f"ddsp-match process in.wav {path} -o out.wav",
        )
    if kind == container.INSTRUMENT:
        raise PatchError(
            "an instrument of several notes", where=path, needed="the patch of one sound",
            hint=f"ddsp-match render {path} --midi 60, or ddsp-match export {path} --to sfz",
        )  # fmt: skip
    try:
        return decoded(header, tensors)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise container.damaged(path, error) from error
    except ConfigError as error:
        raise racks.unplayable(path, error) from error


def decoded(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Patch:
    """The synthesizer of a file that was read.

    Raises:
        ConfigError: Its effects cannot be played here.
        KeyError: The header lacks something; or ValueError, TypeError, AttributeError, RuntimeError: it does not fit to
            the tensors.
    """
    empty = torch.zeros(1, 2)
    divisions = int(header["divisions"])
    frame = Controls(empty, empty, torch.zeros(1, 1, 2), torch.zeros(1, 0, 2), divisions=divisions)
    shell = Patch(
        Timebase(int(header["sample_rate"]), int(header["hop"])),
        int(header["n_samples"]),
        frame,
        int(header["noise_seed"]),
        str(header["phase"]),
        tuple(float(value) for value in header["offset"]),
        dict(header["provenance"]),
        racks.decoded(header, tensors),
    )
    patch = shell._decoded(tensors)
    pitch_hz, grid = _pitch_of(header, patch)
    patch = replace(patch, pitch_hz=pitch_hz, grid=grid)
    frames = shell.timebase.frames(shell.n_samples)
    if patch.controls.n_frames != frames:
        raise ValueError(f"{patch.controls.n_frames} frames where the length needs {frames}")
    if len(patch.offset) != patch.channels:
        raise ValueError(f"{len(patch.offset)} offsets for {patch.channels} channels")
    for name, value in vars(patch.controls).items():
        if isinstance(value, torch.Tensor) and not bool(torch.isfinite(value).all()):
            raise ValueError(f"{name} is not finite")
    if not bool((patch.controls.f0_hz > 0).all()):
        raise ValueError("f0 is not positive")
    return patch


def _pitch_of(header: dict[str, Any], patch: Patch) -> tuple[float | None, GridKind]:
    """The note and the grid that a file names, or what the numbers of an older one, which names none, suggest."""
    if "grid" in header:
        pitch_hz, grid = header["pitch_hz"], header["grid"]
        if grid not in ("f0", "steady") or not (pitch_hz is None or 0 < float(pitch_hz) < math.inf):
            raise ValueError(f"a pitch of {pitch_hz} Hz on the grid {grid!r}")
        return None if pitch_hz is None else float(pitch_hz), grid
    controls = patch.controls
    moved = sum(float(edit.get("semitones", 0)) for edit in patch.provenance.get("edits", []))
    fitted_hz = controls.f0_hz / 2 ** (moved / 12)
    # A fit that found no pitch put f0 at half the frame rate, or, with noise alone, at a constant.
    no_pitch_hz = patch.timebase.frame_rate / 2 if bool(controls.amplitude.any()) else NO_PITCH_HZ
    if controls.divisions == 1 and bool(((fitted_hz / no_pitch_hz - 1).abs() < 1e-4).all()):
        return None, "steady"
    return controls.median_f0_hz(), "f0"
