"""Measure held notes: a seam where they loop, and a level that wanders.

    python -m benchmarks.held_note [KEY=VALUE ...] --save       some minutes
    python -m benchmarks.held_note --limit 2 quality=draft      only some sounds

- seam: 8 s of a note from 2 s of its recording, by `Instrument.note` (what `ddsp-match render --midi` plays) and by the
  samples of `ddsp-match export --to sfz`, looped as a sampler does. The spectral flux around the moments at which
  the loop is left, over that elsewhere in the held stretch: 1 is no seam.
- level: a key held for 6 s on a phrase, at the pitch of its best note and five semitones to either side. The level
  over 100 ms from when the loop begins until the key is let go, and how far it strays from its median.
"""

from __future__ import annotations

import re
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT, Fit, arguments, fits_of, save, some, with_settings
from ddsp_match.core.audio import Audio, read, write
from ddsp_match.edits.instrument import USUAL_VELOCITY, Instrument
from ddsp_match.edits.tones import best_of
from ddsp_match.exports.sfz import export_sfz
from ddsp_match.patch import Patch
from ddsp_match.tasks.render import render

NOTES = ("choir-a3", "clarinet-d4", "flute-e5", "organ-c3", "saxophone-c4", "trombone-f3", "trumpet-a4", "cello-g2")
RECORDED_S, LONG_S, HELD_S = 2.0, 8.0, 6.0
FADE_S = 0.02  # where the recording is cut off
KEYS = (0, -5, 5)  # semitones from the phrase's best note
NEAR_S = 0.05  # of a seam
LEVEL_S = 0.1
FAINTEST = 1e-3  # a flux this small counts as none: -60 dB of the spectrum


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--limit", type=int, help="only so many notes and phrases")
    options = with_settings(parser)
    shared = options.data / "phrases"
    phrases = [shared / "sax-phrase.wav", ROOT / "data/violin-phrase.flac", shared / "singing-female.wav"]
    missing = [path for path in phrases if not path.is_file()]
    if missing:
        raise SystemExit(f"{missing[0]}: not found; needed: a phrase; try --data")
    with tempfile.TemporaryDirectory() as name:
        clips = []
        for note in some(NOTES, options.limit):
            clips.append(Path(name) / f"{note}.wav")
            write(clips[-1], beginning(read(ROOT / "data" / f"{note}.flac")[0]))
        seams = [row for clip, fit in fits_of(clips, options.settings).items() for row in seam_rows(clip.stem, fit)]
    phrases = some(phrases, options.limit)
    levels = [row for clip, fit in fits_of(phrases, options.settings).items() for row in level_rows(clip.stem, fit)]
    figures = {"seams": seams, "levels": levels}
    for row in [*seams, *levels]:
        print(row)
    for line in rows_of(figures):
        print(line)
    if options.save:
        save("held_note", figures)


def beginning(sound: Audio) -> Audio:
    """Its first two seconds."""
    samples = sound.samples[:, : round(RECORDED_S * sound.sample_rate)].copy()
    fade = round(FADE_S * sound.sample_rate)
    samples[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return Audio(samples, sound.sample_rate)


def seam_rows(name: str, fit: Fit) -> list[dict]:
    """The seam of a note by each way to hold it; nothing for one that dies away by itself."""
    instrument = Instrument.of([fit.patch])
    tone = best_of(instrument.tones)
    if tone.loop is None:
        return [{"note": name, "by": "key", "loop_s": 0.0, "ratio": None}]
    first, end = (frame / tone.timebase.frame_rate for frame in tone.loop)
    sound = render(instrument.note(tone.pitch, USUAL_VELOCITY, LONG_S))
    samples, rate, start, stop = sfz_sample(fit.patch, tone.key())
    rounds = int(np.ceil(LONG_S * rate / (stop - start)))
    looped = Audio(np.concatenate([samples[:stop], *[samples[start:stop]] * rounds])[None], rate)
    return [
        {"note": name, "by": by, "loop_s": round(b - a, 2), "ratio": round(flux_ratio(sound, a, b, LONG_S), 3)}
        for by, sound, a, b in (("key", sound, first, end), ("sfz", looped, start / rate, stop / rate))
    ]


def sfz_sample(patch: Patch, key: int) -> tuple[np.ndarray, int, int, int]:
    """The sample of a key, its rate, and the first sample of its loop and the one behind its last."""
    with tempfile.TemporaryDirectory() as name:
        files = export_sfz(patch, Path(name), keys=[key], velocities=1)
        sound = read(files[1])[0]
        start, end = (int(re.findall(rf"loop_{word}=(\d+)", files[0].read_text())[0]) for word in ("start", "end"))
    return sound.mono(), sound.sample_rate, start, end + 1


def level_rows(name: str, fit: Fit) -> list[dict]:
    """How far the level of a held key strays, for each of some keys."""
    instrument = Instrument.of([fit.patch])
    best = best_of(instrument.tones)
    rows = []
    for semitones in KEYS:
        tone = instrument.tone_at(best.pitch + semitones)
        begin_s = 0.0 if tone.loop is None else tone.loop[0] / tone.timebase.frame_rate
        sound = render(instrument.note(best.pitch + semitones, USUAL_VELOCITY, HELD_S))
        stray_db = level_stray_db(sound, begin_s, HELD_S)
        rows.append({"phrase": name, "semitones": semitones, "begin_s": round(begin_s, 2), "db": round(stray_db, 2)})
    return rows


def flux_ratio(sound: Audio, first_s: float, end_s: float, until_s: float) -> float:
    """Mean spectral flux near the seams of a loop over that elsewhere, from the loop's beginning to a time.

    Args:
        sound: What plays up to `end_s`, and then again and again from `first_s`.
        first_s: Where the loop begins.
        end_s: Where it ends for the first time: the first seam.
        until_s: Where the key is let go.
    """
    flux, times = spectral_flux(sound)
    seams = np.arange(end_s, until_s - NEAR_S, end_s - first_s)
    near = (np.abs(times[:, None] - seams) <= NEAR_S).any(1)
    held = (times > first_s) & (times < until_s - NEAR_S)
    return float(np.maximum(flux[held & near].mean(), FAINTEST) / np.maximum(flux[held & ~near].mean(), FAINTEST))


def spectral_flux(sound: Audio) -> tuple[np.ndarray, np.ndarray]:
    """By how much the magnitude spectrum changes from frame to frame, as a share of it, and when, in seconds."""
    size = 2 ** round(np.log2(0.043 * sound.sample_rate))
    hop = size // 4
    frames = np.lib.stride_tricks.sliding_window_view(sound.mono(), size)[::hop]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(size)))
    whole = np.maximum(spectra[1:].sum(1) + spectra[:-1].sum(1), 1e-9)
    times = ((np.arange(len(spectra) - 1) + 0.5) * hop + size / 2) / sound.sample_rate
    return np.abs(np.diff(spectra, axis=0)).sum(1) / whole, times


def level_stray_db(sound: Audio, begin_s: float, until_s: float) -> float:
    """How far the level over 100 ms strays from its median between two times, at most."""
    width = round(LEVEL_S * sound.sample_rate)
    held = sound.mono()[round(begin_s * sound.sample_rate) : round(until_s * sound.sample_rate)].astype(float)
    power = np.square(held[: len(held) // width * width].reshape(-1, width)).mean(1)
    level_db = 10 * np.log10(np.maximum(power, 1e-12))
    return float(np.abs(level_db - np.median(level_db)).max())


def rows_of(stored: dict) -> list[str]:
    """The figures as the rows of a table."""
    rows = []
    for by, words in (("key", "by `render --midi`"), ("sfz", "by the samples of an SFZ")):
        ratios = _ratios(row for row in stored["seams"] if row["by"] == by)
        if ratios:
            rows.append(
                f"| 8 s of {len(ratios)} notes from 2 s of their recordings, {words}: spectral flux at the loop "
                f"against elsewhere, median and largest | **{statistics.median(ratios):.2f}×**, {max(ratios):.2f}× "
                "| 1.2× | 1.05× |"
            )
    for phrase in dict.fromkeys(row["phrase"] for row in stored["levels"]):
        strays = [row["db"] for row in stored["levels"] if row["phrase"] == phrase]
        rows.append(
            f"| a key held for 6 s on {phrase}, {len(strays)} keys: level within the sustain, farthest from its "
            f"median | **±{max(strays):.1f}** dB | ±3 dB | ±1 dB |"
        )
    return rows


def _ratios(rows: Iterable[dict]) -> list[float]:
    return [row["ratio"] for row in rows if row["ratio"] is not None]


if __name__ == "__main__":
    main()
