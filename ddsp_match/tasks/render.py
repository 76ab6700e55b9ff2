"""Play a patch."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from pathlib import Path

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio, resample
from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed
from ddsp_match.edits.stems import stems_of
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import Patch, load_patch, load_rack
from ddsp_match.patch.playing import mix_of, through

LOWEST_RATE, HIGHEST_RATE = 8000, 192_000


def render(
    patch: Patch | str | Path,
    *,
    out: str | Path | None = None,
    stems: bool = False,
    subtype: str = "FLOAT",
    force: bool = False,
    dry: bool = False,
    effects_from: Rack | str | Path | None = None,
    sample_rate: int | None = None,
    noise_seed: int | None = None,
    on_note: OnNote | None = None,
) -> Audio:
    """Plays a patch: the same samples every time, those of the fit's ``match.wav``.

    Args:
        patch: A patch, or the path of a patch file.
        out: Sound file to write.
        stems: Also write ``NAME.harmonic.wav`` and ``NAME.noise.wav`` beside `out`, both without effects, and
            ``NAME.dry.wav``, their sum, where there are effects.
        subtype: Sample format of the files: ``FLOAT``, ``PCM_24`` or ``PCM_16``.
        force: Replace files that exist.
        dry: Leave the effects out: the sound as it was before the room.
        effects_from: Effects to play in place of the patch's own: a rack, or the path of a patch that has some.
        sample_rate: Of the sound and the files, in Hz, 8000 to 192000; by default the patch's own, whose samples those
            at another rate are made from.
        noise_seed: Plays the same sound with other noise: the seed of its draw, 0 or above; None takes the patch's own.
        on_note: Told what a user should know: resampling, clipping.

    Returns:
        The sound.

    Raises:
        PatchError: A file is no patch that can be read, or the one of `effects_from` has no effects.
        ConfigError: `dry` and `effects_from` together, or a sample rate or a noise seed out of range.
        OutputError: `out` exists already, or cannot be written.
    """
    if dry and effects_from is not None:
        raise ConfigError("dry and effects_from together", where="render", needed="one of the two")
    if sample_rate is not None and not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise ConfigError(f"{sample_rate} Hz", where="rate", needed=f"{LOWEST_RATE} to {HIGHEST_RATE} Hz")
    if noise_seed is not None and (not isinstance(noise_seed, Integral) or noise_seed < 0):
        raise ConfigError(f"{noise_seed!r}", where="noise_seed", needed="a whole number, 0 or above")
    patch = patch if isinstance(patch, Patch) else load_patch(patch)
    patch = patch if noise_seed is None else replace(patch, noise_seed=noise_seed)
    rack = patch.effects if effects_from is None else _rack(effects_from)
    rack = None if dry else rack
    files: dict[str, Path] = {}
    if out is not None:
        files["mix"] = out = Path(out)
        names = ["harmonic", "noise"] if rack is None else ["harmonic", "noise", "dry"]
        files |= {name: out.with_name(f"{out.stem}.{name}{out.suffix}") for name in names if stems}
    with claimed(*files.values()):
        check_files(*files.values(), force=force)
        samples = {"dry": mix_of(patch)}
        if "noise" in files:
            parts = stems_of(patch, samples["dry"])
            samples |= {"harmonic": parts.harmonic, "noise": parts.noise}
        sounds = {name: Audio(part.numpy(), patch.timebase.sample_rate) for name, part in samples.items()}
        sounds["mix"] = sounds["dry"] if rack is None else through(rack, sounds["dry"], on_note=on_note)
        if sample_rate is not None:
            wanted = {*files, "mix"}
            sounds = {name: resample(sound, sample_rate) for name, sound in sounds.items() if name in wanted}
        for name, path in files.items():
            for note in audio.write(path, sounds[name], subtype):
                if on_note is not None:
                    on_note(note)
    return sounds["mix"]


def _rack(effects: Rack | str | Path) -> Rack:
    return effects if isinstance(effects, Rack) else load_rack(effects)
