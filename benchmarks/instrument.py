"""Predict 56 notes of a saxophone from 8 of them.

    python -m benchmarks.instrument [KEY=VALUE ...] --save    some ten minutes
    python -m benchmarks.instrument --notes 6 quality=draft   only so many of the other notes

Four pitches at two dynamics are fitted and make an instrument; its `note` is played at the pitch of each other note,
as strong as the instrument's own notes of that dynamic are around there, with noise that no fit has seen. Each is
compared with its recording, whose level it is given. Beside it stands the nearest of the eight recordings of that
dynamic, shifted by Rubber Band with formants kept, or by librosa where the command `rubberband` is missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.common import RESULTS, arguments, fits_of, played, save, scores_of, some, with_settings
from benchmarks.play_truth import Note, like, peers_here, rows_of, saxophone
from ddsp_match.core.audio import Audio, read
from ddsp_match.edits.instrument import DB_PER_DECADE, USUAL_VELOCITY, Instrument
from ddsp_match.edits.tones import best_of, tones
from ddsp_match.patch import Patch

PITCHES = 4


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--notes", type=int, help="so many of the other notes, evenly spread")
    options = with_settings(parser)
    notes = saxophone(options.data)
    if not notes:
        raise SystemExit(f"{options.data}/instruments/saxophone: no notes; needed: 64 of them; try --data")
    learned, others = split(notes)
    others = some(others, options.notes)
    fits = fits_of([note.clip for note in learned], options.settings)
    patches = {note: fits[note.clip].patch for note in learned}
    peer, shift = list(peers_here().items())[-1]
    recordings = [read(note.clip)[0] for note in others]
    nearest = [near(learned, note) for note in others]
    methods = {
        " ".join(["ddsp-match", *options.settings]): predicted(patches, others, recordings),
        f"the nearest recording by {peer}": [
            shift(read(one.clip)[0], note.midi - one.midi) for one, note in zip(nearest, others, strict=True)
        ],
    }
    rows = {}
    for name, sounds in methods.items():
        pairs = [like(sound, target) for sound, target in zip(sounds, recordings, strict=True)]
        scores = scores_of(pairs, options.reference / "score.py")
        rows[name] = [{"note": note.clip.stem, **score} for note, score in zip(others, scores, strict=True)]
    for line in rows_of({"saxophone": rows}):
        print(line)
    if options.save:
        path = RESULTS / "instrument.json"
        stored = json.loads(path.read_text())["methods"] if path.exists() else {}
        save("instrument", {"methods": stored | rows})


def split(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """The notes that are learned, at pitches evenly spread over the range, and all others."""
    pitches = sorted({note.midi for note in notes})
    chosen = {pitches[(2 * number + 1) * len(pitches) // (2 * PITCHES)] for number in range(PITCHES)}
    return [note for note in notes if note.midi in chosen], [note for note in notes if note.midi not in chosen]


def near(learned: Sequence[Note], note: Note) -> Note:
    """The learned note of the same dynamic that is nearest in pitch."""
    same = [one for one in learned if one.instrument == note.instrument]
    return min(same, key=lambda one: abs(one.midi - note.midi))


def predicted(patches: dict[Note, Patch], others: Sequence[Note], recordings: Sequence[Audio]) -> list[Audio]:
    """What the instrument made of the patches plays for each other note, as long as its recording."""
    instrument = Instrument.of(list(patches.values()))
    levels_db = {note: best_of(tones(patch)).level_db for note, patch in patches.items()}
    sounds = []
    for note, recording in zip(others, recordings, strict=True):
        same = sorted((one for one in patches if one.instrument == note.instrument), key=lambda one: one.midi)
        level_db = np.interp(note.midi, [one.midi for one in same], [levels_db[one] for one in same])
        velocity = USUAL_VELOCITY * 10 ** ((level_db - instrument.loudest_db) / DB_PER_DECADE)
        sounds.append(played(instrument.note(note.midi, float(velocity), recording.seconds)))
    return sounds


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
