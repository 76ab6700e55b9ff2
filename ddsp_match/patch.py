"""The patch: what is needed to play a sound again. The only room that opens a patch file.

The format is described in ``docs/patch-format.md``; whoever changes it here raises `FORMAT_VERSION` and says there what
changed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8

from ddsp_match.controls import Controls
from ddsp_match.errors import OutputError, PatchError
from ddsp_match.timebase import Timebase

FORMAT = "ddsp-match patch"
FORMAT_VERSION = 1
SUFFIX = ".patch.safetensors"
# Noise bands are stored as one byte: 0 is silence, code c is (c / 2 - 121) dB, so -120.5 to +6.5 dB.
NOISE_STEP_DB, NOISE_BASE_DB = 0.5, -121.0
INAUDIBLE = 1e-6  # harmonics that never exceed this amplitude (-120 dB) are left out from the top


def encode_noise(magnitude: Float[torch.Tensor, "*shape"]) -> UInt8[torch.Tensor, "*shape"]:
    """Linear magnitudes to bytes, half a dB a step."""
    db = 20 * torch.log10(magnitude.clamp(min=1e-12))
    return ((db - NOISE_BASE_DB) / NOISE_STEP_DB).round().clamp(0, 255).to(torch.uint8)


def decode_noise(code: UInt8[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """Bytes to linear magnitudes."""
    table = 10 ** ((torch.arange(256, dtype=torch.float64) * NOISE_STEP_DB + NOISE_BASE_DB) / 20)
    table[0] = 0.0
    return table.float()[code.long()]


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
    """

    timebase: Timebase
    n_samples: int
    controls: Controls
    noise_seed: int
    phase: str
    offset: tuple[float, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

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
    ) -> Patch:
        """A patch that holds these controls as closely as the file format does."""
        channels = controls.f0_hz.shape[0]
        offset = tuple(float(value) for value in offset) or (0.0,) * channels
        draft = cls(timebase, n_samples, controls.detached(), noise_seed, phase, offset, provenance or {})
        return draft._decoded(draft._encoded())

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.controls.f0_hz.shape[0]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.timebase.sample_rate

    def numbers_per_second(self) -> float:
        """How many numbers one second of the sound takes, all channels together."""
        tensors = self._encoded()
        return sum(t.numel() for t in tensors.values()) / self.seconds

    def save(self, path: str | Path) -> int:
        """Writes the patch whole or not at all.

        Returns:
            The size of the file in bytes.

        Raises:
            OutputError: The place cannot be written to.
        """
        from safetensors.torch import save

        header = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "sample_rate": self.timebase.sample_rate,
            "hop": self.timebase.hop,
            "n_samples": self.n_samples,
            "noise_seed": self.noise_seed,
            "phase": self.phase,
            "divisions": self.controls.divisions,
            "offset": list(self.offset),
            "provenance": self.provenance,
        }
        tensors = {name: value.contiguous() for name, value in self._encoded().items()}
        content = save(tensors, metadata={"ddsp_match": json.dumps(header)})
        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise OutputError(
                error.strerror or str(error), where=path, needed="a place to write to", hint="another folder with -o"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return len(content)

    def _encoded(self) -> dict[str, torch.Tensor]:
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
        return {name: value.cpu() for name, value in tensors.items()}

    def _decoded(self, tensors: dict[str, torch.Tensor]) -> Patch:
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
        PatchError: The file is missing, is no patch, is damaged, or has a newer format version.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    needed = "a patch file written by ddsp-match fit"
    if path.is_dir():
        inside = sorted(path.glob(f"*{SUFFIX}"))
        hint = f"{inside[0]}" if inside else "the .patch.safetensors file of a run folder"
        raise PatchError("a folder", where=path, needed=needed, hint=hint)
    if not path.exists():
        raise PatchError("no such file", where=path, needed=needed, hint="ls outputs/*/*.patch.safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise PatchError(f"no readable safetensors ({error})", where=path, needed=needed) from error
    try:
        header = json.loads(metadata["ddsp_match"])
        if header["format"] != FORMAT:
            raise KeyError("format")
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise PatchError("a safetensors file of something else", where=path, needed=needed) from error
    version = header.get("format_version")
    if version != FORMAT_VERSION:
        raise PatchError(
            f"patch format {version}",
            where=path,
            needed=f"format {FORMAT_VERSION}, which this version of ddsp-match reads",
            hint="the version of ddsp-match that wrote it, or fit the sound again",
        )
    try:
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
        )
        patch = shell._decoded(tensors)
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
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise PatchError(f"a damaged patch ({error})", where=path, needed=needed, hint="fit the sound again") from error
    return patch
