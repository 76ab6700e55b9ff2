"""Write sound files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddsp_match.core.audio.reading import reason_of
from ddsp_match.core.audio.sound import Audio
from ddsp_match.core.errors import OUT, OutputError
from ddsp_match.core.files import encoded, new_file


def write(path: str | Path, audio: Audio, subtype: str | None = None) -> list[str]:
    """Writes a sound file, in the format that its suffix names, as a whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        audio: The sound.
        subtype: How libsndfile stores a sample: ``"FLOAT"``, ``"PCM_24"``, ``"PCM_16"`` …; None takes the
            first of float, 24 bits and the format's own default that the format can hold.

    Returns:
        Notes: that there are samples above full scale, which floating point keeps and all else clips.

    Raises:
        OutputError: The folder is missing or not writable, the disk is full, the format cannot hold the
            subtype or the sample rate.
    """
    import soundfile

    path = Path(path)
    kind = {"AIF": "AIFF", "AIFC": "AIFF"}.get(path.suffix[1:].upper(), path.suffix[1:].upper())
    if kind not in soundfile.available_formats() or kind == "RAW":
        raise OutputError(
            f"the suffix {path.suffix!r}", where=path, needed="a sound's", hint="a name in .wav"
        )
    choices = [subtype] if subtype else ["FLOAT", "PCM_24", soundfile.default_subtype(kind)]
    chosen = next((choice for choice in choices if soundfile.check_format(kind, choice)), None)
    if chosen is None:
        able = ", ".join(soundfile.available_subtypes(kind))
        raise OutputError(f"the subtype {subtype}", where=path, needed=f"one that {kind} can hold: {able}")
    samples = audio.samples
    notes = [f"{path.name}: {note}" for note in level_notes(samples, keeps=chosen in ("FLOAT", "DOUBLE"))]
    try:
        with new_file(path) as part:
            soundfile.write(encoded(part), samples.T, audio.sample_rate, subtype=chosen, format=kind)
            # Encoders flush their last block on closing, where libsndfile reports no failure.
            if soundfile.info(encoded(part)).frames != audio.n_samples:
                raise OSError(f"not all of its {audio.n_samples} frames were stored")
    except (ValueError, soundfile.SoundFileError) as error:
        problem, needed = f"it cannot be written ({reason_of(error)})", "a folder with room that you may write to"
        raise OutputError(problem, where=path, needed=needed, hint="making room", cures=[OUT]) from error
    return notes


def level_notes(samples: np.ndarray, *, keeps: bool) -> list[str]:
    """Return what a user should know of samples above full scale; nothing where there are none.

    Args:
        samples: Full scale at ±1.
        keeps: Whether the file holds floating point, which keeps them; all else clips them.
    """
    peak = float(np.abs(samples).max(initial=0))
    if peak <= 1:
        return []
    over = np.count_nonzero(np.abs(samples) > 1)
    fate = "are kept" if keeps else "were clipped"
    then = "most players clip them" if keeps else "floating point keeps them"
    return [f"{over} samples above full scale {fate} (peak {20 * np.log10(peak):+.1f} dB, {peak:.3g}); {then}"]
