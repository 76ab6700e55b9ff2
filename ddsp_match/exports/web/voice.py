"""A sound as a web page plays it: controls packed into JSON, small enough to send and quick to decode."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.noise_codes import NOISE_BASE_DB, NOISE_STEP_DB, encode_noise
from ddsp_match.dsp.notes import midi_of
from ddsp_match.edits.envelope import Envelope
from ddsp_match.edits.instrument import Instrument
from ddsp_match.edits.onsets import attack_frames
from ddsp_match.edits.tones import Tone, best_of, tones
from ddsp_match.exports.ir import impulse_response
from ddsp_match.patch import Patch

MIDDLE_C = 60.0  # the key that plays a sound without a pitch as it is
FORMAT, VERSION = "ddsp-match voice", 1
INAUDIBLE = 1e-6  # partials that never exceed this amplitude (-120 dB) are left out from the top
SILENT = 10 ** (-50 / 20)  # of the loudest frame: what a key skips at the beginning


def voices(patch: Patch | Instrument, name: str, *, on_note: OnNote | None = None) -> dict[str, dict[str, Any]]:
    """The two voices of a patch, or of an instrument.

    Args:
        patch: Mono or stereo.
        name: What it is called.
        on_note: Told of effects that a page cannot play.

    Returns:
        ``sound``, which plays every frame of the (first) patch as it is, and ``keys``: of an instrument all notes, of a
        patch its one note, or that of its notes which can be held longest; with a loop if it can be held at all.

    Raises:
        ConfigError: More than two channels.
    """
    instrument = patch if isinstance(patch, Instrument) else None
    first = patch.patches[0] if isinstance(patch, Instrument) else patch
    if first.channels > 2:
        raise ConfigError(f"{first.channels} channels", where=name, needed="one or two, for a page to play")
    common: dict[str, Any] = {"name": name, "offset": first.offset}
    room = _room(first, on_note)
    whole = MIDDLE_C if first.pitch_hz is None else midi_of(first.pitch_hz)
    given = first.timebase, first.n_samples, first.noise_seed
    every = tones(first) if instrument is None else instrument.tones
    best = best_of(every)
    keys = _note(best, first.noise_seed, **common, **room)
    if instrument is not None:
        keys["others"] = [_note(tone, first.noise_seed, **common) for tone in every if tone is not best]
    return {
        "sound": voice(first.controls, *given, root_midi=whole, **common, **room),
        "keys": keys,
    }


def _note(tone: Tone, noise_seed: int, **common: Any) -> dict[str, Any]:
    """The voice of one note, and its level, by which the page chooses among several."""
    controls, timebase = tone.controls, tone.timebase
    given = {"root_midi": tone.pitch, "loop": tone.loop, "attack": attack_frames(controls, timebase), **common}
    made = voice(controls, timebase, timebase.samples(controls.n_frames), noise_seed, **given)
    return {**made, "level_db": tone.level_db}


def _room(patch: Patch, on_note: OnNote | None) -> dict[str, Any]:
    """The impulse response of the effects, as far as they have one."""
    if patch.effects is None:
        return {}
    parts = getattr(patch.effects.chain, "parts", (patch.effects.chain,))
    left_out = [part.name or "chain" for part in parts if not part.linear]
    if left_out and on_note is not None:
        on_note(f"left out, as a page plays only what an impulse response tells: {', '.join(left_out)}")
    if len(left_out) == len(parts):
        return {}
    response, _ = impulse_response(patch.effects, patch.channels, patch.timebase.sample_rate)
    return {"response": response.samples, "response_rate": response.sample_rate}


def voice(
    controls: Controls,
    timebase: Timebase,
    n_samples: int,
    noise_seed: int,
    *,
    name: str,
    root_midi: float,
    loop: tuple[int, int] | None = None,
    attack: int = 0,
    response: Float[torch.Tensor, "channels taps"] | np.ndarray | None = None,
    response_rate: int | None = None,
    offset: Sequence[float] = (),
) -> dict[str, Any]:
    """Return what the page's synthesizer needs, as plain data.

    A key that is not the root transposes, holds and loops, so it wants separated controls; to hear the sound as it is
    any controls will do.

    Args:
        controls: What is played: one or two channels.
        timebase: Frame grid.
        n_samples: Length of the sound in samples.
        noise_seed: Seed of the page's noise, which is as loud as ours in every band, and not the same samples.
        name: Shown to the player.
        root_midi: The key, fractional, that plays the sound at its own pitch.
        loop: First and last frame of what is repeated while a key is down, or None for a sound that just ends.
        attack: Frame at which the attack is over.
        response: Impulse response of what the sound goes through, the direct sound included.
        response_rate: Its sample rate in Hz; by default that of the timebase.
        offset: DC offset of each channel.

    Raises:
        ValueError: More than two channels, or a loop outside the sound.
    """
    channels, frames = controls.f0_hz.shape
    if channels > 2:
        raise ValueError(f"{channels} channels: a page plays one or two")
    if loop is not None and not 0 <= loop[0] < loop[1] < frames:
        raise ValueError(f"loop {loop} does not lie in {frames} frames")
    amplitudes = controls.partial_amplitudes
    heard = torch.nonzero(amplitudes.amax((0, 2)) > INAUDIBLE)
    keep = int(heard[-1]) + 1 if len(heard) else 1
    level = (amplitudes.square().sum((0, 1)) + controls.noise.square().mean((0, 1))).sqrt()
    f0 = controls.f0_hz[:1] if bool((controls.f0_hz == controls.f0_hz[:1]).all()) else controls.f0_hz
    envelope = Envelope.of(controls, timebase)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "sample_rate": timebase.sample_rate,
        "hop": timebase.hop,
        "n_samples": n_samples,
        "seconds": n_samples / timebase.sample_rate,
        "n_frames": frames,
        "channels": channels,
        "divisions": controls.divisions,
        "n_partials": keep,
        "n_bands": controls.n_bands,
        "noise_seed": noise_seed,
        "noise_step_db": NOISE_STEP_DB,
        "noise_base_db": NOISE_BASE_DB,
        "root_midi": float(root_midi),
        "start": _start(level),
        "attack": int(attack),
        "loop": None if loop is None else [int(loop[0]), int(loop[1])],
        "envelope_group": round(float(envelope.step_hz[0] / controls.base_hz[0, 0])),
        "envelope_count": len(envelope.upper),
        "offset": [float(value) for value in offset] or [0.0] * channels,
        # Everything below is little-endian bytes in base64: channel by channel, frame by frame.
        "f0_hz": _packed(f0, np.float32),
        "amplitude": _packed(controls.amplitude, np.float32),
        "distribution": _packed(_roots(controls.distribution[:, :keep].mT), np.uint16),
        "phases": None if controls.phases is None else _packed(_turns(controls.phases[:, :keep].mT), np.uint16),
        "noise": _packed(encode_noise(controls.noise.detach().mT), np.uint8),
        # One for all channels: how loud a partial would be at each harmonic, in the same codes.
        "envelope": _packed(encode_noise(envelope.upper.detach().mT.exp()), np.uint8),
        "response": None if response is None else _response(response, response_rate or timebase.sample_rate),
    }


def _packed(values: torch.Tensor | np.ndarray, kind: type[np.generic]) -> str:
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<")).tobytes()).decode()


def _roots(shares: Float[torch.Tensor, "*shape"]) -> np.ndarray:
    """Square roots of the shares in 65535ths: 90 dB below the loudest, and a finer step for the weak."""
    return np.round(np.sqrt(shares.detach().cpu().double().clamp(0, 1).numpy()) * 65535).astype(np.uint16)


def _turns(phases: Float[torch.Tensor, "*shape"]) -> np.ndarray:
    """Phases in 65536ths of a turn: 0.00005 rad off at most."""
    turns = phases.detach().cpu().double().numpy() / (2 * math.pi)
    return (np.round(turns * 65536).astype(np.int64) % 65536).astype(np.uint16)


def _start(level: Float[torch.Tensor, " frames"]) -> int:
    """The frame before the first one that is heard: a key that waits feels broken."""
    heard = torch.nonzero(level > SILENT * level.max())
    return max(0, int(heard[0]) - 1) if len(heard) else 0


def _response(response: torch.Tensor | np.ndarray, rate: int) -> dict[str, Any]:
    shape = tuple(response.shape)
    if len(shape) != 2 or shape[0] not in (1, 2) or not shape[1]:
        raise ValueError(f"a response of shape {shape}: needed (1 or 2 channels, taps)")
    samples = _packed(response, np.float32)
    return {"channels": shape[0], "sample_rate": int(rate), "n_samples": shape[1], "samples": samples}
