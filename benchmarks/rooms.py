"""RT60 of real rooms, from a dry sound and the same sound in the room.

    python -m benchmarks.rooms [--data FOLDER] [--only living_room_1] [--save]

Sounds of the project and noise are convolved with measured impulse responses and written in 16 bits; the RT60 in each
octave is then read from what the processors make of the pair, and compared with that of the impulse response itself.
An octave counts where the room's decay can be read over 20 dB and more and is not 30 dB below the strongest octave, and
where the dry sound is not 50 dB below its own strongest.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import soxr

from benchmarks.common import ROOT, arguments, save
from ddsp_match.analysis.decay import Decay, rt60
from ddsp_match.dsp.octave_bands import octave_centres, octave_weights
from ddsp_match.effects.convolution_reverb import ConvolutionReverb
from ddsp_match.effects.parametric_reverb import ParametricReverb

ROOMS = ("living_room_1", "impulse_response_0", "ir_sportscentre_omni")
SOUNDS = ("noise", "violin-phrase", "piano-c4", "guitar-e3", "oboe-phrase", "snare")
RATE = 24_000
BANDS_HZ = octave_centres(7)
QUIET_ROOM_DB, QUIET_SOUND_DB, LEAST_SPAN_DB = -30.0, -50.0, 20.0


def room(path: Path) -> tuple[np.ndarray, int]:
    """An impulse response from just before its direct sound on, at no more than `RATE`."""
    ir, rate = soundfile.read(path, always_2d=True)
    ir = ir[:, 0]
    if rate > RATE:
        ir, rate = soxr.resample(ir, rate, RATE, quality="VHQ"), RATE
    first = int(np.argmax(np.abs(ir) > 0.1 * np.abs(ir).max()))
    return ir[max(first - rate // 1000, 0) :] / np.abs(ir).max(), rate


def sound(name: str, rate: int) -> np.ndarray:
    """A dry sound of 3 s at most."""
    if name == "noise":
        return 0.2 * np.random.default_rng(0).standard_normal(3 * rate)
    samples, own = soundfile.read(ROOT / f"data/{name}.flac", always_2d=True)
    return soxr.resample(samples.mean(1), own, rate, quality="VHQ")[: 3 * rate]


def pair(dry: np.ndarray, ir: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """A dry and a wet sound as a recording would hold them, with as much of the end as matters."""
    wet = scipy.signal.fftconvolve(dry, ir)
    wet = wet[: len(dry) + min(len(ir), 4 * rate)]
    wet = np.round(wet * (0.7 / np.abs(wet).max()) * 32768) / 32768
    return np.pad(dry, (0, len(wet) - len(dry)))[None], wet[None]


def octave_levels_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """Energy of a sound in each octave, the strongest at 0."""
    power = np.square(np.abs(np.fft.rfft(samples)))
    shares = np.square(octave_weights(np.fft.rfftfreq(len(samples), 1 / rate), BANDS_HZ, closed=True))
    energy = shares @ power
    return 10 * np.log10(np.maximum(energy / energy.max(), 1e-20))


def compare(dry: np.ndarray, ir: np.ndarray, rate: int, truth: Decay) -> dict:
    x, y = pair(dry, ir, rate)
    taps = min(len(ir), x.shape[1])
    start = time.perf_counter()
    convolution = ConvolutionReverb(taps=taps)
    estimate = np.asarray(convolution.guesses(x, y, rate)[0]["ir"]).copy()
    seconds = time.perf_counter() - start
    built = x[0] + scipy.signal.fftconvolve(x[0], estimate)[: x.shape[1]]
    esr = float(np.square(built - y[0]).sum() / np.square(y[0]).sum())
    estimate[0] += 1.0
    learned = rt60(estimate, rate, truth.bands_hz).rt60_s
    reverb = ParametricReverb(bands=len(truth.bands_hz))
    knobs = np.asarray(reverb.guesses(x, y, rate)[0]["rt60_s"])
    output = octave_levels_db(dry, rate)[: len(truth.bands_hz)] > QUIET_SOUND_DB
    counts = output & truth.valid & (truth.level_db > QUIET_ROOM_DB) & (truth.span_db >= LEAST_SPAN_DB)
    return {
        "counts": counts.tolist(),
        "convolution": [round(float(v), 4) for v in learned / truth.rt60_s - 1],
        "reverb": [round(float(v), 4) for v in knobs / truth.rt60_s - 1],
        "esr": esr,
        "seconds": round(seconds, 1),
    }


def summarise(figures: dict, kind: str) -> dict[str, float]:
    """Count the octaves whose decay is right."""
    errors = np.abs(
        [
            error
            for each in figures.values()
            for result in each["sounds"].values()
            for error, counts in zip(result[kind], result["counts"], strict=True)
            if counts
        ]
    )
    errors = np.where(np.isfinite(errors), errors, 1.0)
    return {
        "bands": len(errors),
        "within_10_percent": float((errors <= 0.1).mean()),
        "within_5_percent": float((errors <= 0.05).mean()),
        "median": float(np.median(errors)),
        "worst": float(errors.max()),
    }


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--only", help="one room")
    parser.add_argument("--save", action="store_true", help="keep the figures for results.md")
    options = parser.parse_args()
    figures: dict = {}
    for name in [options.only] if options.only else ROOMS:
        ir, rate = room(options.data / f"ir/{name}.wav")
        truth = rt60(ir, rate)
        figures[name] = {"bands_hz": truth.bands_hz.tolist(), "rt60_s": truth.rt60_s.round(4).tolist(), "sounds": {}}
        print(f"{name}, {rate} Hz: RT60 " + " ".join(f"{value:.3f}" for value in truth.rt60_s), flush=True)
        for each in SOUNDS:
            result = compare(sound(each, rate), ir, rate, truth)
            figures[name]["sounds"][each] = result
            for kind in ("convolution", "reverb"):
                cells = [
                    f"{100 * error:+.1f}{'' if counts else '*'}"
                    for error, counts in zip(result[kind], result["counts"], strict=True)
                ]
                print(f"  {each:14s} {kind:12s} " + " ".join(f"{cell:>8s}" for cell in cells), flush=True)
            print(f"  {'':14s} ESR {result['esr']:.1e}, {result['seconds']} s", flush=True)
    summary = {kind: summarise(figures, kind) for kind in ("convolution", "reverb")}
    for kind, result in summary.items():
        print(kind, result)
    if options.save:
        kinds = ("convolution", "reverb")
        by_room = {name: {kind: summarise({name: each}, kind) for kind in kinds} for name, each in figures.items()}
        save("rooms", {"rooms": figures, "by_room": by_room, "summary": summary})


if __name__ == "__main__":
    main()
