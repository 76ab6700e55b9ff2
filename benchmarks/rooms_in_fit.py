"""Source and room together: dry sounds put into known rooms, and fitted with effects=[reverb].

    python -m benchmarks.rooms_in_fit                       every bundled sound in every room: an hour
    python -m benchmarks.rooms_in_fit --heard --save        without the gradient descent, which does not move the room
    python -m benchmarks.rooms_in_fit --only oboe --steps 100 --verbose

The rooms are the impulse responses of the folder (ir/*.wav), with the direct sound normalised, and two made of noise
with decay times of 0.3 to 0.5 s and 1 to 2 s. A second of silence (--after) follows each sound before it is put into
the room, and what rings longer is cut. Compared are the decay times of the octaves that have energy (of the sound,
within 30 dB of its strongest; of the room, as ISO 3382 asks) and the distances to the true dry sound of the dry stem
and of the wet sound. A decay cannot be heard where the instrument itself dies away more slowly than the room does: the
octaves where it does not (the dry sound's own falls are at most 0.8 times as long) are counted a second time on their
own.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import torch

import ddsp_match
from benchmarks.common import ROOT, arguments, save
from ddsp_match.analysis.blind_decay import SIXTY_DB, blind_decay, powers_of
from ddsp_match.analysis.decay import rt60
from ddsp_match.core.audio import Audio, read, resample
from ddsp_match.core.settings import FitSettings
from ddsp_match.dsp.octave_bands import band_noise, octave_centres
from ddsp_match.effects.build import build
from ddsp_match.fitting.room import estimate_room
from ddsp_match.losses.metrics import mel_distances_db, multi_resolution
from ddsp_match.losses.spectral import sizes_for

BANDS_HZ = octave_centres(7)
RATE = 22_050  # sounds at a higher rate are taken down to it
ENERGY_DB, FASTER = 30.0, 0.8
MADE = {"made, short": np.linspace(0.5, 0.3, 8), "made, long": np.linspace(2.0, 1.0, 8)}


@dataclass
class Outcome:
    """One sound in one room."""

    sound: str
    room: str
    bands_hz: list[float]
    true_s: list[float]
    found_s: list[float]
    audible: list[bool]
    wet: tuple[float, float]
    dry: tuple[float, float]
    seconds: float


@functools.cache
def rooms(folder: Path, sample_rate: int) -> dict[str, np.ndarray]:
    """Impulse responses, their largest sample 1 and at the start."""
    estimate = {}
    for path in sorted(folder.glob("*.wav")):
        sound = read(path)[0]
        ir = resample(Audio(sound.mono()[None], sound.sample_rate), sample_rate).samples[0].astype(np.float64)
        peak = int(np.abs(ir).argmax())
        estimate[path.stem] = ir[max(0, peak - sample_rate // 2000) :] / ir[peak]
    t = np.arange(3 * sample_rate) / sample_rate
    for seed, (name, times) in enumerate(MADE.items()):
        envelope = np.exp(-SIXTY_DB / 2 * t / times[:, None]) * np.sqrt(SIXTY_DB / times[:, None])
        noise = band_noise(8, 125.0, len(t), sample_rate, 1000 + seed, torch.float64).numpy()
        ir = (noise * envelope).sum(0)
        ir[0] = 1.0
        estimate[name] = ir
    return estimate


def one(dry: np.ndarray, ir: np.ndarray, sample_rate: int, steps: int, names: tuple[str, str]) -> Outcome:
    """Puts a sound into a room and takes it out again."""
    wet = scipy.signal.fftconvolve(dry, ir)[: len(dry)].astype(np.float32)
    truth = rt60(ir, sample_rate, BANDS_HZ)
    levels = [10 * np.log10(powers_of(dry[None], sample_rate).octave(hz).sum() + 1e-20) for hz in BANDS_HZ]
    energetic = truth.valid & (np.array(levels) > max(levels) - ENERGY_DB) & (1.4 * BANDS_HZ < sample_rate / 2)
    began = time.perf_counter()
    if steps:
        settings = FitSettings(effects=["reverb"])
        settings.optimizer.steps = steps
        result = ddsp_match.fit(Audio(wet[None], sample_rate), settings=settings)
        assert result.dry is not None and result.patch.effects is not None
        found_s, stem = result.patch.effects.knobs["reverb.rt60_s"], result.dry.samples[0]
    else:
        output = estimate_room(*build(["reverb"]), wet[None], sample_rate)
        assert output.dry is not None
        found_s, stem = np.asarray(output.values["reverb.rt60_s"]), output.dry[0]
    seconds = time.perf_counter() - began
    own_s = blind_decay(dry[None], sample_rate, BANDS_HZ).rt60_s
    return Outcome(
        *names,
        BANDS_HZ[energetic].tolist(),
        truth.rt60_s[energetic].tolist(),
        found_s[: len(BANDS_HZ)][energetic].tolist(),
        (own_s < FASTER * truth.rt60_s)[energetic].tolist(),
        distances(dry, wet, sample_rate),
        distances(dry, stem, sample_rate),
        seconds,
    )


def distances(target: np.ndarray, sound: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Multi-resolution and mel distance, as the scorer has them."""
    a, b = (torch.from_numpy(np.asarray(x, dtype=np.float32))[None] for x in (target, sound))
    return multi_resolution(a, b, sizes_for(sample_rate)), mel_distances_db(a, b, sample_rate)["mel_db"]


def summary(outcomes: list[Outcome]) -> dict[str, object]:
    """Errors and distances of several outcomes."""
    estimate = np.concatenate([o.found_s for o in outcomes])
    true = np.concatenate([o.true_s for o in outcomes])
    audible = np.concatenate([o.audible for o in outcomes]).astype(bool)
    error = np.abs(estimate / true - 1)
    output = error[audible] if audible.any() else np.array([np.nan])
    ratio = np.array([[d / w for d, w in zip(o.dry, o.wet, strict=True)] for o in outcomes])
    return {
        "octaves": len(error),
        "median_error": round(float(np.median(error)), 3),
        "within_10_percent": round(float((error <= 0.1).mean()), 3),
        "within_20_percent": round(float((error <= 0.2).mean()), 3),
        "audible_octaves": int(audible.sum()),
        "audible_median_error": round(float(np.median(output)), 3),
        "audible_within_10_percent": round(float((output <= 0.1).mean()), 3),
        "audible_within_20_percent": round(float((output <= 0.2).mean()), 3),
        "mrstft_dry_over_wet": round(float(ratio[:, 0].mean()), 3),
        "mel_dry_over_wet": round(float(ratio[:, 1].mean()), 3),
        "sounds": len(outcomes),
        "nearer_by_mrstft": int((ratio[:, 0] < 1).sum()),
        "nearer_by_mel": int((ratio[:, 1] < 1).sum()),
        "mean_seconds": round(float(np.mean([o.seconds for o in outcomes])), 2),
    }


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--sounds", type=Path, nargs="*", help="sound files; by default those of data/")
    parser.add_argument("--only", default="", help="only sounds whose name holds this")
    parser.add_argument("--after", type=float, default=1.0, help="silence after each sound, in s")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--heard", action="store_true", help="no gradient descent: what is heard before it")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    for path in options.sounds or sorted((ROOT / "data").glob("*.flac")):
        if options.only not in path.stem:
            continue
        sound = read(path)[0]
        rate = min(sound.sample_rate, RATE)
        mono = resample(Audio(sound.mono()[None], sound.sample_rate), rate).samples[0]
        dry = np.pad(mono, (0, round(options.after * rate))).astype(np.float64)
        for room, ir in rooms(options.data / "ir", rate).items():
            outcome = one(dry, ir, rate, 0 if options.heard else options.steps, (path.stem, room))
            outcomes.append(outcome)
            if options.verbose:
                triples = zip(outcome.bands_hz, outcome.found_s, outcome.true_s, outcome.audible, strict=True)
                times = " ".join(f"{hz:g}:{f:.2f}/{t:.2f}{'' if a else '*'}" for hz, f, t, a in triples)
                near = "mrstft {:.2f}, mel {:.1f}".format(*outcome.dry)
                far = "wet {:.2f}, {:.1f}".format(*outcome.wet)
                print(f"{path.stem:16.16} {room:16.16} {near} ({far})  found/true {times}", flush=True)
    figures = {
        room: summary([o for o in outcomes if o.room == room]) for room in dict.fromkeys(o.room for o in outcomes)
    }
    for room, row in figures.items():
        print(room, row)
    if options.save:
        steps = 0 if options.heard else options.steps
        save("rooms_in_fit", {"steps": steps, "after_s": options.after, "rooms": figures})


if __name__ == "__main__":
    main()
