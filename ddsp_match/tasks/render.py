"""Play a patch."""

from __future__ import annotations

from pathlib import Path

import torch

from ddsp_match import audio
from ddsp_match.audio import Audio
from ddsp_match.errors import OutputError
from ddsp_match.patch import Patch, load_patch
from ddsp_match.synth.harmonic_noise import Stems, play


def stems_of(patch: Patch) -> Stems:
    """Plays the parts of a patch; the recording's DC offset belongs to the harmonic one, as its partial at 0 Hz."""
    played = play(patch.controls, patch.timebase, patch.n_samples, patch.noise_seed)
    return Stems(played.harmonic + torch.tensor(patch.offset).unsqueeze(1), played.noise)


def render(
    patch: Patch | str | Path,
    *,
    out: str | Path | None = None,
    stems: bool = False,
    subtype: str = "FLOAT",
    force: bool = False,
) -> Audio:
    """Plays a patch: the same samples every time, those of the fit's ``match.wav``.

    Args:
        patch: A patch, or the path of a patch file.
        out: Sound file to write.
        stems: Also write ``NAME.harmonic.wav`` and ``NAME.noise.wav`` beside `out`.
        subtype: Sample format of the files: ``FLOAT``, ``PCM_24`` or ``PCM_16``.
        force: Replace files that exist.

    Returns:
        The sound.

    Raises:
        PatchError: The file is no patch that can be read.
        OutputError: `out` exists already, or cannot be written.
    """
    patch = patch if isinstance(patch, Patch) else load_patch(patch)
    played = stems_of(patch)
    rate = patch.timebase.sample_rate
    sound = Audio(played.mix.numpy(), rate)
    if out is not None:
        out = Path(out)
        files = {out: sound}
        if stems:
            for name, part in (("harmonic", played.harmonic), ("noise", played.noise)):
                files[out.with_name(f"{out.stem}.{name}{out.suffix}")] = Audio(part.numpy(), rate)
        for path in files:
            if path.exists() and not force:
                raise OutputError(
                    "a file of that name", where=path, needed="a new name", hint="--force to replace it, or another -o"
                )
        for path, part in files.items():
            audio.write(path, part, subtype)
    return sound
