"""Compare notes that are played at another pitch with the real notes that the instrument has there.

    python -m benchmarks.play_truth [KEY=VALUE ...] --save       every set: some ten minutes
    python -m benchmarks.play_truth --only saxophone --pairs 10  so many pairs of one set
    python -m benchmarks.play_truth model=exact --no-peers       without librosa and Rubber Band

A note is fitted, transposed by `ddsp_match.edit` to another note of its instrument, played with noise that the fit has
not seen, and compared with the recording of that other note, its level set to that of the recording. Beside it stand
the same recording shifted by librosa and, where the command `rubberband` is installed, by Rubber Band's finer engine
with formants kept.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import torch

from benchmarks.common import RESULTS, arguments, fits_of, means_of, played, save, scores_of, some, with_settings
from ddsp_match.core.audio import Audio, read, write
from ddsp_match.tasks.edit import edit

# Farthest of two notes in semitones, and so many pairs, evenly spread, unless --pairs says otherwise.
FARTHEST = {"guitars": 12, "voice": 7, "saxophone": 7}
PAIRS = {"guitars": None, "voice": 24, "saxophone": 64}
FIGURES = ("mos", "mel", "steady", "mrstft")


@dataclass(frozen=True)
class Note:
    """A recording of one note: the instrument (and dynamic) that it belongs to, and its MIDI number."""

    clip: Path
    instrument: str
    midi: int


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", choices=tuple(FARTHEST))
    parser.add_argument("--pairs", type=int, help="so many pairs of a set, evenly spread")
    parser.add_argument("--no-peers", action="store_true", help="without librosa and Rubber Band")
    options = with_settings(parser)
    path = RESULTS / "play_truth.json"
    stored = json.loads(path.read_text())["sets"] if path.exists() else {}
    for name, notes in notes_of(options.data).items():
        if options.only not in (None, name):
            continue
        chosen = some(pairs_of(notes, FARTHEST[name]), options.pairs or PAIRS[name])
        if not chosen:
            raise SystemExit(f"{options.data}: no notes of the {name}; needed: nsynth and instruments; try --data")
        peers = {} if options.no_peers else peers_here()
        methods = measured(chosen, options.settings, peers, options.reference / "score.py")
        stored[name] = stored.get(name, {}) | methods
        for line in rows_of({name: methods}):
            print(line, flush=True)
        if options.save:
            save("play_truth", {"sets": stored})


def notes_of(data: Path) -> dict[str, list[Note]]:
    """The notes of each set: NSynth's guitars and voice, and a saxophone at two dynamics."""
    clips = sorted((data / "nsynth").glob("*.wav"))
    return {
        "guitars": [nsynth_note(clip) for clip in clips if clip.name.startswith("guitar")],
        "voice": [nsynth_note(clip) for clip in clips if clip.name.startswith("vocal_acoustic")],
        "saxophone": saxophone(data),
    }


def nsynth_note(clip: Path) -> Note:
    instrument, midi, _ = clip.stem.rsplit("-", 2)
    return Note(clip, instrument, int(midi))


def saxophone(data: Path) -> list[Note]:
    """Its 64 notes. Those names are an octave below what sounds."""
    notes = []
    for clip in sorted((data / "instruments/saxophone/train").glob("*.flac")):
        name, dynamic = clip.stem.split("_")[:2]
        notes.append(Note(clip, f"saxophone {dynamic}", int(librosa.note_to_midi(name.capitalize())) + 12))
    return sorted(notes, key=lambda note: (note.instrument, note.midi))


def pairs_of(notes: Sequence[Note], farthest: int) -> list[tuple[Note, Note]]:
    """Two notes of one instrument, both ways."""
    return [
        (a, b)
        for a, b in itertools.permutations(notes, 2)
        if a.instrument == b.instrument and 0 < abs(a.midi - b.midi) <= farthest
    ]


def measured(
    pairs: Sequence[tuple[Note, Note]],
    settings: Sequence[str],
    peers: dict[str, Callable[[Audio, int], Audio]],
    scorer: Path,
) -> dict[str, list[dict]]:
    """Rows of figures for each method."""
    fits = fits_of(sorted({a.clip for a, _ in pairs}), settings)

    def transposed(note: Note, semitones: int) -> Audio:
        return played(edit(fits[note.clip].patch, [{"edit": "transpose", "semitones": semitones}]))

    def by_peer(shift: Callable[[Audio, int], Audio]) -> Callable[[Note, int], Audio]:
        return lambda note, semitones: shift(read(note.clip)[0], semitones)

    methods = {" ".join(["ddsp-match", *settings]): transposed, **{name: by_peer(f) for name, f in peers.items()}}
    result = {}
    for name, play in methods.items():
        sounds = [like(play(a, b.midi - a.midi), read(b.clip)[0]) for a, b in pairs]
        result[name] = [
            {"from": a.clip.stem, "to": b.clip.stem, "semitones": b.midi - a.midi, **score}
            for (a, b), score in zip(pairs, scores_of(sounds, scorer), strict=True)
        ]
    return result


def like(sound: Audio, target: Audio) -> tuple[Audio, Audio]:
    """The target and the sound, both as long as the shorter and at the level of the target, in mono."""
    rate = target.sample_rate
    n = min(target.n_samples, sound.n_samples)
    a, b = target.mono()[:n].astype(float), sound.mono()[:n].astype(float)
    b *= np.sqrt(np.square(a).mean() / max(float(np.square(b).mean()), 1e-20))
    return tuple(Audio(x[None].astype(np.float32), rate) for x in (a, b))  # pyright: ignore[reportReturnType]


def peers_here() -> dict[str, Callable[[Audio, int], Audio]]:
    """The pitch shifters that are installed."""
    if shutil.which("rubberband") is None:
        print("rubberband: not found; left out; try your system's package rubberband-cli")
        return {"librosa": by_librosa}
    return {"librosa": by_librosa, "Rubber Band": by_rubberband}


def by_librosa(sound: Audio, semitones: int) -> Audio:
    shifted = librosa.effects.pitch_shift(sound.samples, sr=sound.sample_rate, n_steps=semitones)
    return Audio(shifted, sound.sample_rate)


def by_rubberband(sound: Audio, semitones: int) -> Audio:
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "in.wav", Path(name) / "out.wav"
        write(source, sound)
        command = ["rubberband", "--quiet", "--fine", "--formant", "--pitch", str(semitones), source, out]
        subprocess.run(command, check=True, capture_output=True)
        return read(out)[0]


def rows_of(sets: dict[str, dict[str, list[dict]]]) -> list[str]:
    """A row for each set and method."""
    rows = ["| notes | played by | pairs | mos | mel, dB | steady, dB | mrstft |", "|---|---|---|---|---|---|---|"]
    for name, methods in sets.items():
        for method, own in methods.items():
            means = means_of(own, FIGURES)
            rows.append(
                f"| {name} | {method} | {len(own)} | **{means['mos']:.2f}** | **{means['mel']:.2f}** "
                f"| {means['steady']:.2f} | {means['mrstft']:.2f} |"
            )
    return rows


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
