"""Measure the stems against mixtures whose parts are known.

    python -m benchmarks.stem_truth [KEY=VALUE ...] --save          32 mixtures: some minutes
    python -m benchmarks.stem_truth --tones 2                       only 8 of them
    python -m benchmarks.stem_truth --sms ~/sms/bin/python --save   beside sms-tools, too

Each mixture is a tone and a noise at 0, -10, -20 or -30 dB of it, 3 s at 16 kHz. Half of the tones are made (several
f0, vibrato, decays), half are the harmonics of a recorded note and nothing between them; half of the noises are
made, half are the breath and the bow of a recorded note without its tone. The noise stem is judged by its level and
by its levels in 12 bands on the ERB scale, the harmonic stem by mrstft and mel. librosa's HPSS stands beside, and
sms-tools' harmonic plus stochastic model where --sms names a Python that has it (it needs numpy below 2:
`python -m venv ~/sms && ~/sms/bin/pip install sms-tools`).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import librosa
import numpy as np
from scipy.ndimage import median_filter

from benchmarks.common import RESULTS, arguments, fits_of, means_of, save, scores_of, some, with_settings
from ddsp_match.core.audio import Audio, read, write
from ddsp_match.edits.stems import stems_of
from ddsp_match.patch.playing import with_unseen_noise

Stems = tuple[np.ndarray, np.ndarray]  # harmonic, noise
RATE, SECONDS = 16_000, 3.0
N = round(RATE * SECONDS)
LEVELS_DB = (0, -10, -20, -30)
PEAK = 0.5
BANDS, LOWEST_HZ = 12, 50.0
BAND_RANGE_DB = 60.0  # below the loudest band a level counts as this far below
RECORDED_TONES = ("reed_acoustic_011-045-050", "brass_acoustic_062-048-127", "string_acoustic_018-048-127",
                  "vocal_acoustic_000-069-127")  # fmt: skip
RECORDED_NOISES = ("flute_acoustic_028-048-127", "string_acoustic_080-048-127")  # breath and bow
# f0 in Hz, vibrato in cents, decay in dB a second, tilt of the spectrum in dB an octave
MADE_TONES = ((110.0, 0.0, 6.0, -6.0), (233.0, 35.0, 0.0, -9.0), (440.0, 0.0, 15.0, -12.0), (659.0, 50.0, 3.0, -8.0))
FRAME, HOP = 4096, 512  # of the spectra that tone and noise are taken from notes by: 4 Hz a bin
NEAR_HZ = 12.0  # half the width of a harmonic in them
BETWEEN_HZ = 130.0  # a stretch this wide has more noise than tone in it
# The parameters are those of sms-tools' own example, but for the rate and the f0 that is looked for.
SMS = """
import sys, numpy as np
from scipy.signal import get_window
from smstools.models import hpsModel
source, out, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
window = get_window("blackman", 1201)
_, tone, noise = hpsModel.hpsModel(np.load(source).astype(float), rate, window, 2048, 128, -100, 100, 60, 800, 7,
                                   0.01, 0.02, 512, 0.2)
np.save(out, np.stack([tone, noise]))
"""


@dataclass(frozen=True)
class Mixture:
    """A tone, a noise, and the level of the noise in dB of the tone's."""

    name: str
    level_db: float
    tone: np.ndarray
    noise: np.ndarray

    @property
    def sound(self) -> np.ndarray:
        """Both together."""
        return self.tone + self.noise


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--tones", type=int, help="only so many of the tones, each at every level of noise")
    parser.add_argument("--sms", type=Path, help="a Python that has sms-tools")
    options = with_settings(parser)
    made = mixtures(options.data / "nsynth", options.tones)
    separations = {
        " ".join(["ddsp-match", *options.settings]): fitted(made, options.settings),
        "librosa HPSS": [librosa.effects.hpss(one.sound) for one in made],
    }
    if options.sms:
        separations["sms-tools"] = [by_sms(one.sound, options.sms) for one in made]
    methods = {
        name: [row_of(one, noise, score) for one, (_, noise), score in zip(made, stems, tone_scores, strict=True)]
        for name, stems in separations.items()
        for tone_scores in [scores_of(tones_of(made, stems), options.reference / "score.py")]
    }
    for line in rows_of({"methods": methods}):
        print(line)
    if options.save:
        path = RESULTS / "stem_truth.json"
        stored = json.loads(path.read_text())["methods"] if path.exists() else {}
        save("stem_truth", {"methods": stored | methods})


def tones_of(made: list[Mixture], stems: list[Stems]) -> list[tuple[Audio, Audio]]:
    """The tone of each mixture and the harmonic stem that was found for it."""
    return [(sound(one.tone), sound(tone)) for one, (tone, _) in zip(made, stems, strict=True)]


def mixtures(notes: Path, limit: int | None = None) -> list[Mixture]:
    """Every tone at every level; each tone meets every noise, and each level has all noises equally often."""
    rng = np.random.default_rng(12)
    tones = [(f"{values[0]:g} Hz", made_tone(*values, rng)) for values in MADE_TONES]
    tones += [(name, harmonics_of(note(notes, name))) for name in RECORDED_TONES]
    noises: list[tuple[str, Callable[[], np.ndarray]]] = [
        ("hiss", partial(made_noise, rng, -3.0, None)),
        ("wind", partial(made_noise, rng, -6.0, 1800.0)),
        *((name, partial(noise_of, note(notes, name), rng)) for name in RECORDED_NOISES),
    ]
    result = []
    for i, (tone_name, tone) in enumerate(some(tones, limit)):
        for j, level_db in enumerate(LEVELS_DB):
            noise_name, draw = noises[(i + j) % len(noises)]
            result.append(mixture(f"{tone_name} and {noise_name}", tone, draw(), level_db))
    return result


def mixture(name: str, tone: np.ndarray, noise: np.ndarray, level_db: float) -> Mixture:
    """Both at such levels that the noise lies `level_db` above the tone and the sum peaks at a half."""
    noise = noise * np.sqrt(np.square(tone).mean() / np.square(noise).mean()) * 10 ** (level_db / 20)
    gain = PEAK / np.abs(tone + noise).max()
    return Mixture(name, level_db, (gain * tone).astype(np.float32), (gain * noise).astype(np.float32))


def made_tone(f0_hz: float, cents: float, decay_db_s: float, tilt_db: float, rng: np.random.Generator) -> np.ndarray:
    """Harmonics on a tilted spectrum with one formant; higher ones die away faster."""
    t = np.arange(N) / RATE
    vibrato = 2 ** (cents / 1200 * np.sin(2 * np.pi * 5.5 * t) * np.clip(t - 0.3, 0, 1))
    cycles = np.cumsum(f0_hz * vibrato) / RATE
    out = np.zeros(N)
    for k in range(1, int(0.95 * RATE / 2 / (f0_hz * 2 ** (cents / 1200))) + 1):
        formant_db = 12 * np.exp(-(((k * f0_hz - 1200) / 500) ** 2))
        level_db = tilt_db * np.log2(k) + formant_db + rng.normal(0, 2) - decay_db_s * (1 + 0.1 * k) * t
        out += 10 ** (level_db / 20) * np.cos(2 * np.pi * (k * cycles + rng.random()))
    return out * edges()


def made_noise(rng: np.random.Generator, tilt_db: float, centre_hz: float | None) -> np.ndarray:
    """White noise on a tilted spectrum, with a resonance or none, that swells and fades a little."""
    hz = np.fft.rfftfreq(N, 1 / RATE)
    level_db = tilt_db * np.log2(np.maximum(hz, 100.0) / 100)
    if centre_hz:
        level_db += 18 * np.exp(-((np.log2(np.maximum(hz, 20.0) / centre_hz) / 0.5) ** 2))
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(N)) * 10 ** (level_db / 20), N)
    return shaped * 10 ** (3 * np.sin(2 * np.pi * (0.7 * np.arange(N) / RATE + rng.random())) / 20) * edges()


def edges() -> np.ndarray:
    """Rises in 50 ms and falls in 100 ms."""
    t = np.arange(N) / RATE
    return np.minimum(np.clip(t / 0.05, 0, 1), np.clip((SECONDS - t) / 0.1, 0, 1))


def note(notes: Path, name: str) -> tuple[np.ndarray, float]:
    """The beginning of an NSynth note, and the pitch of its name in Hz."""
    path = notes / f"{name}.wav"
    if not path.is_file():
        raise SystemExit(f"{path}: not found; needed: NSynth clips; try --data")
    return read(path)[0].mono()[:N].astype(float), float(librosa.midi_to_hz(int(name.split("-")[-2])))


def harmonics_of(recorded: tuple[np.ndarray, float]) -> np.ndarray:
    """What lies within some Hz of the harmonics of a note, in a spectrum of narrow bands."""
    samples, hz = recorded
    f0_hz = librosa.yin(samples, fmin=hz * 0.84, fmax=hz * 1.19, sr=RATE, frame_length=FRAME, hop_length=HOP)
    spectrum = librosa.stft(samples, n_fft=FRAME, hop_length=HOP)
    bins = np.fft.rfftfreq(FRAME, 1 / RATE)[:, None]
    off = np.abs(bins - f0_hz * np.maximum(1, np.round(bins / f0_hz)))
    return librosa.istft(spectrum * np.clip(2 - off / NEAR_HZ, 0, 1), hop_length=HOP, length=N) * edges()


def noise_of(recorded: tuple[np.ndarray, float], rng: np.random.Generator) -> np.ndarray:
    """A note without its tone: what stands out of the median over frequency is lowered to it, at random phases."""
    spectrum = librosa.stft(recorded[0], n_fft=FRAME // 2, hop_length=HOP // 2)
    magnitude = np.abs(spectrum)
    floor = median_filter(magnitude, (round(BETWEEN_HZ * FRAME / 2 / RATE) | 1, 1))
    stands_out = magnitude > 2 * floor
    other = floor * np.exp(2j * np.pi * rng.random(floor.shape))
    return librosa.istft(np.where(stands_out, other, spectrum), hop_length=HOP // 2, length=N) * edges()


def fitted(made: list[Mixture], settings: list[str]) -> list[Stems]:
    """The stems of each mixture's patch, the noise one that its fit has not seen."""
    with tempfile.TemporaryDirectory() as name:
        clips = [Path(name) / f"mixture-{number:02d}.wav" for number in range(len(made))]
        for clip, one in zip(clips, made, strict=True):
            write(clip, sound(one.sound))
        stems = [stems_of(with_unseen_noise(fit.patch)) for fit in fits_of(clips, settings).values()]
    return [(one.harmonic[0].numpy(), one.noise[0].numpy()) for one in stems]


def by_sms(samples: np.ndarray, python: Path) -> Stems:
    """The stems of sms-tools' harmonic plus stochastic model."""
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "in.npy", Path(name) / "out.npy"
        np.save(source, samples)
        subprocess.run([python, "-c", SMS, source, out, str(RATE)], check=True)
        stems = np.load(out)[:, :N]
    tone, noise = np.pad(stems, ((0, 0), (0, N - stems.shape[1]))).astype(np.float32)
    return tone, noise


def sound(samples: np.ndarray) -> Audio:
    return Audio(samples[None].astype(np.float32), RATE)


def row_of(one: Mixture, noise: np.ndarray, score: dict[str, float]) -> dict:
    level_db, bands_db = noise_errors(one.noise, noise)
    return {
        "mixture": one.name, "noise_db": one.level_db, "level": round(level_db, 2), "bands": round(bands_db, 2),
        **{key: score[key] for key in ("mrstft", "mel")},
    }  # fmt: skip


def noise_errors(true: np.ndarray, stem: np.ndarray) -> tuple[float, float]:
    """By how much the stem is too loud, and its mean error over 12 bands, both in dB."""
    ours, theirs = (10 * np.log10(np.maximum(band_powers(x), 1e-20)) for x in (stem, true))
    floor = theirs.max() - BAND_RANGE_DB
    bands_db = np.abs(np.maximum(ours, floor) - np.maximum(theirs, floor)).mean()
    level_db = 10 * np.log10(max(float(np.square(stem).mean()), 1e-20) / float(np.square(true).mean()))
    return level_db, float(bands_db)


def band_powers(samples: np.ndarray) -> np.ndarray:
    """Power in each of 12 bands of one width on the ERB scale (Glasberg and Moore 1990), from 50 Hz up."""
    edges_erb = np.linspace(*(21.4 * np.log10(1 + 0.00437 * hz) for hz in (LOWEST_HZ, RATE / 2)), BANDS + 1)
    edges_hz = (10 ** (edges_erb / 21.4) - 1) / 0.00437
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    band = np.searchsorted(edges_hz, np.fft.rfftfreq(len(samples), 1 / RATE), side="right") - 1
    return np.array([power[band == number].sum() for number in range(BANDS)])


def rows_of(stored: dict) -> list[str]:
    """A table of means by the level of the noise, a column for each method."""
    methods = stored["methods"]
    rows = [
        "| noise, dB of the tone | | " + " | ".join(methods) + " | at least | aim |",
        "|---|---|" + "---|" * (len(methods) + 2),
    ]
    for level_db in LEVELS_DB:
        at = [[row for row in own if row["noise_db"] == level_db] for own in methods.values()]
        if not all(at):
            continue
        levels = [
            f"**{statistics.median(row['level'] for row in own):+.1f}** "
            f"({min(row['level'] for row in own):+.1f} to {max(row['level'] for row in own):+.1f})"
            for own in at
        ]
        means = [means_of(own, ("bands", "mrstft", "mel")) for own in at]
        bands = [f"**{mean['bands']:.1f}**" for mean in means]
        tones = [f"{mean['mrstft']:.2f} / {mean['mel']:.2f}" for mean in means]
        aims = " | 3 | 1.5 |" if level_db >= -20 else " | | |"
        rows += [
            f"| {level_db} ({len(at[0])}) | level of the noise stem, dB off: median, range | {' | '.join(levels)} "
            "| ±1.5 | ±0.5 |",
            f"| | its 12 bands, dB off | {' | '.join(bands)}{aims}",
            f"| | harmonic stem, mrstft / mel | {' | '.join(tones)} | | |",
        ]
    return rows


if __name__ == "__main__":
    main()
