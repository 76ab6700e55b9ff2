"""Play what a patch holds, and any sound through its effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.audio import Audio, resample
from ddsp_match.core.callbacks import OnNote
from ddsp_match.effects.rack import Rack
from ddsp_match.patch.synth import Patch
from ddsp_match.synth.harmonic_noise import play

# A whole sound takes each effect some ten arrays of its length in float64: beyond this it is played in blocks, which is
# the same to 1e-5 and takes no more memory than what goes in and what comes out.
WHOLE_AT_MOST_S = 20.0
BLOCK = 16_384  # samples; of long sounds


def mix_of(patch: Patch) -> Float[torch.Tensor, "channels samples"]:
    """Play a patch without its effects, the recording's DC offset added."""
    played = play(patch.controls, patch.timebase, patch.n_samples, patch.noise_seed)
    return played.mix + torch.tensor(patch.offset).unsqueeze(1)


def with_unseen_noise(patch: Patch) -> Patch:
    """Return the patch with another noise seed than its fit has seen.

    A fit may learn the one draw of noise that it plays. How close a match is, is judged by another one.
    """
    return replace(patch, noise_seed=patch.noise_seed + 1)


def through(rack: Rack, sound: Audio, *, block: int | None = None, on_note: OnNote | None = None) -> Audio:
    """Play a sound through a rack, at the rate, the length and the channels of the sound.

    Knobs that mean something else at another rate (taps of a filter) are played at the rate they were found at, the
    sound resampled there and back; all others follow the sound.

    Args:
        rack: The effects.
        sound: What goes in.
        block: Samples that are played at a time; None plays the whole at once, or in large blocks where it is long.
        on_note: Told about resampling.
    """
    rate = rack.sample_rate if rack.chain.rate_bound else sound.sample_rate
    if rate != sound.sample_rate and on_note is not None:
        on_note(
            f"the settings belong to {rate} Hz: the sound was resampled from {sound.sample_rate} Hz for the effects, "
            "and back"
        )
    moved = resample(sound, rate)
    if block is None and moved.seconds > WHOLE_AT_MOST_S:
        block = BLOCK
    if block is None:
        played = rack.process(moved.samples, rate).astype(np.float32)
    else:
        played = rack.process_in_blocks(moved.samples, rate, block, np.float32)
    back = resample(Audio(played, rate), sound.sample_rate).samples[:, : sound.n_samples]
    missing = sound.n_samples - back.shape[1]
    return Audio(np.pad(back, ((0, 0), (0, missing))) if missing else back, sound.sample_rate)
