"""Track the f0 of a sound: from the source that the settings name, checked, refined and without gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import soxr
import torch
from scipy.signal import butter, sosfilt

from ddsp_match.analysis.contour import (
    QUIETEST_DB,
    RANGE_DB,
    SHORTEST_VOICED_FRAMES,
    at_times,
    filled,
    runs,
    voiced_frames,
)
from ddsp_match.analysis.crepe_network import crepe_network
from ddsp_match.analysis.crepe_plain import WINDOW
from ddsp_match.analysis.f0_file import f0_at, read_f0_file
from ddsp_match.analysis.loudness import a_weighted_loudness
from ddsp_match.analysis.pitch_grid import PitchGrid, decode
from ddsp_match.analysis.pitch_judge import JudgedPitch, describe_changes, judge
from ddsp_match.analysis.pyin import pyin_activations
from ddsp_match.analysis.refine_f0 import refine_f0
from ddsp_match.analysis.spectral_evidence import Spectrum, score_spectrum
from ddsp_match.core.errors import PitchError
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase

RATE, HOP, FRAME_RATE_HZ = 16000, 160, 100.0  # pitch is found on CREPE's own grid and moved to the timebase
DISAGREEMENT_OCTAVES = 80 / 1200
SPECTRUM_FRAMES = 10
SILENCE_DB = -150.0
FAINT_SHARE = 0.6  # of the threshold, for a sound without a single frame above it: a faint pitch is still one
CPU = torch.device("cpu")
LEAD_FRAMES = 25  # around frames that may be voiced; with 10 nothing changed either
# CREPE knows no pitch above 1975 Hz, and what moves there smears in the judge's spectra. Where this share of the
# A-weighted power lies above the border, no lower pitch is left to be mistaken for a higher one: there the sound is
# tracked again, slowed down.
HIGH_HZ, HIGH_SHARE_DB, SLOWED = 1750.0, -0.5, 4
HIGHPASS = butter(6, HIGH_HZ, "highpass", fs=RATE, output="sos")
OnFrames = Callable[[int, int], None] | None
SURE = 0.5  # activation from which a change of the network's own pitch is reported


@dataclass(frozen=True)
class PitchTrack:
    """The f0 of a sound, frame by frame.

    Attributes:
        f0_hz: ``(frames,)``, positive everywhere: interpolated where the sound is unvoiced.
        periodicity: ``(frames,)``, 0 to 1.
        voiced: ``(frames,)`` bool: f0 was tracked rather than interpolated.
        doubt: ``(frames,)`` bool: voiced, but the network and the spectrum disagree on f0.
        changes: Changes of the source's pitch and their reasons, in words.
        pitched: False where there is no pitch at all: f0 is then a constant that means nothing.
    """

    f0_hz: np.ndarray
    periodicity: np.ndarray
    voiced: np.ndarray
    doubt: np.ndarray
    changes: list[str] = field(default_factory=list)
    pitched: bool = True


def track(
    samples: np.ndarray,
    timebase: Timebase,
    settings: F0Settings,
    progress: Callable[[int, int], None] | None = None,
) -> PitchTrack:
    """Track the f0 of a sound.

    Args:
        samples: ``(n,)`` float32, one channel, finite.
        timebase: The sample rate, and the frames at which f0 is wanted.
        settings: The source of f0 and how far it is trusted.
        progress: Called with the frames done and their total.

    Raises:
        PitchError: The given f0 does not fit the sound.
    """
    return tracks([samples], timebase, settings, progress)[0]


def tracks(
    sounds: Sequence[np.ndarray],
    timebase: Timebase,
    settings: F0Settings,
    progress: Callable[[int, int], None] | None = None,
    *,
    device: torch.device = CPU,
    workers: int = 1,
) -> list[PitchTrack]:
    """Track the f0 of many sounds of one rate, of each as `track` does it alone.

    On a GPU the network runs the frames of all sounds together, and differs from the CPU's by rounding.

    Args:
        sounds: ``(n,)`` float32 each, one channel, finite.
        timebase: The sample rate, and the frames at which f0 is wanted.
        settings: The source of f0 and how far it is trusted.
        progress: Called with the frames done and their total, over all sounds.
        device: Where the network runs; all else runs on the CPU.
        workers: Threads that share the rest.

    Raises:
        PitchError: The given f0 does not fit one of the sounds.
    """
    counts = [timebase.frames(len(samples)) for samples in sounds]
    if settings.source == "constant":
        return [_constant(settings, timebase, count) for count in counts]
    with ThreadPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        each = map if pool is None else pool.map
        inputs = list(each(lambda samples: _at_network_rate(samples, timebase.sample_rate), sounds))
        if settings.source == "csv":
            seconds = [len(samples) / timebase.sample_rate for samples in sounds]
            coarse = each(lambda x, s: _from_file(x, settings, s), inputs, seconds)
        else:
            grid = _grid(timebase, settings)

            def tracked(sounds: Sequence[np.ndarray], grid: PitchGrid, on_frames: OnFrames = None) -> list[PitchTrack]:
                spectra = list(each(lambda x: score_spectrum(x, RATE, HOP, 1 + len(x) // HOP, grid), sounds))
                activations = _activations(sounds, spectra, grid, settings, device, on_frames)
                return list(each(lambda x, a, s: _from_sound(x, a, s, grid, settings), sounds, activations, spectra))

            coarse = tracked(inputs, grid, progress)
            pieces = [(i, piece) for i, samples in enumerate(inputs) for piece in _high_pieces(samples)]
            if pieces and grid.hz[-1] > HIGH_HZ:
                # With pitches down to two octaves below `HIGH_HZ`, so that a lower one can win.
                low = PitchGrid.between(max(grid.hz[0], HIGH_HZ / 4) / SLOWED, grid.hz[-1] / SLOWED)
                slow = tracked([piece.slow for _, piece in pieces], low)
                for (i, piece), track in zip(pieces, slow, strict=True):
                    coarse[i] = _with_piece(coarse[i], piece, track)
        return [_on_frames(pitch, timebase, count) for pitch, count in zip(coarse, counts, strict=True)]


def _on_frames(coarse: PitchTrack, timebase: Timebase, n_frames: int) -> PitchTrack:
    """Resample from the network's frames to the timebase's, which may lie a little closer or wider."""
    positions = np.asarray(timebase.times(n_frames)) * FRAME_RATE_HZ
    nearest = np.clip(np.round(positions).astype(int), 0, len(coarse.f0_hz) - 1)
    return PitchTrack(
        f0_hz=at_times(coarse.f0_hz, positions),
        periodicity=np.interp(positions, np.arange(len(coarse.f0_hz)), coarse.periodicity),
        voiced=coarse.voiced[nearest],
        doubt=coarse.doubt[nearest],
        changes=coarse.changes,
        pitched=coarse.pitched,
    )


def _at_network_rate(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float32)
    samples = samples - np.float32(samples.mean(dtype=np.float64))
    if sample_rate != RATE:
        samples = soxr.resample(samples, sample_rate, RATE)
    return np.ascontiguousarray(samples)


def _constant(settings: F0Settings, timebase: Timebase, n_frames: int) -> PitchTrack:
    hz = settings.hz
    if hz is None or not 0 < hz < timebase.nyquist_hz:
        raise PitchError(
            f"a constant f0 of {hz} Hz",
            where="f0.hz",
            needed=f"more than 0 and less than {timebase.nyquist_hz:g} Hz, half the sound's sample rate",
        )
    yes = np.ones(n_frames, dtype=bool)
    return PitchTrack(np.full(n_frames, float(hz)), np.ones(n_frames), yes, ~yes)


def _from_file(samples: np.ndarray, settings: F0Settings, seconds: float) -> PitchTrack:
    if settings.path is None:
        raise PitchError("no file", where="f0.path", needed="a CSV file of time in s and f0 in Hz")
    times_s, given_hz = read_f0_file(settings.path, seconds)
    nyquist_hz = RATE / 2
    if given_hz.max() >= nyquist_hz:
        raise PitchError(
            f"an f0 of {given_hz.max():g} Hz", where=settings.path, needed=f"less than {nyquist_hz:g} Hz"
        )
    n = 1 + len(samples) // HOP
    f0_hz, voiced = f0_at(times_s, given_hz, np.arange(n) / FRAME_RATE_HZ)
    return _finished(samples, f0_hz, voiced.astype(float), voiced, np.zeros(n, dtype=bool), [], settings)


def _grid(timebase: Timebase, settings: F0Settings) -> PitchGrid:
    highest_hz = min(settings.max_hz, 0.45 * min(timebase.sample_rate, RATE))
    if settings.min_hz >= highest_hz:
        raise PitchError(
            f"a lowest f0 of {settings.min_hz:g} Hz",
            where="f0.min_hz",
            needed=f"less than {highest_hz:g} Hz for a sound at {timebase.sample_rate} Hz",
        )
    return PitchGrid.between(settings.min_hz, highest_hz)


def _activations(
    inputs: Sequence[np.ndarray],
    spectra: Sequence[Spectrum],
    grid: PitchGrid,
    settings: F0Settings,
    device: torch.device,
    progress: Callable[[int, int], None] | None,
) -> list[np.ndarray]:
    if settings.source == "pyin":
        return [pyin_activations(samples, RATE, HOP, grid) for samples in inputs]
    network = crepe_network(settings.model, device)
    wanted = [frames_to_run(samples, spectrum.level_db) for samples, spectrum in zip(inputs, spectra, strict=True)]
    activations = network.activations_of([torch.from_numpy(samples) for samples in inputs], wanted, progress)
    return [grid.place(rows.numpy()) for rows in activations]


def frames_to_run(samples: np.ndarray, level_db: np.ndarray) -> np.ndarray:
    """Mask the frames that the network must run: those that may be voiced, and `LEAD_FRAMES` around them.

    Too quiet a frame is never voiced, and one of silence has nothing in it; an activation of zero there leaves the
    path through the others free. A fifth of the frames of 88 notes of four seconds is left out, and no f0 changes.
    """
    audible = level_db > max(level_db.max(initial=-np.inf) - RANGE_DB, QUIETEST_DB)
    near = np.convolve(audible, np.ones(2 * LEAD_FRAMES + 1))[LEAD_FRAMES : LEAD_FRAMES + len(audible)] > 0.5
    changes = np.concatenate(([0], np.cumsum(np.diff(samples) != 0)))
    centres = np.arange(len(audible)) * HOP
    first, last = np.maximum(centres - WINDOW // 2, 0), np.minimum(centres + WINDOW // 2, len(samples)) - 1
    # A frame that reaches over an end of the sound is cut off there, and by that alone not constant.
    truncated = (centres < WINDOW // 2) | (centres + WINDOW // 2 > len(samples))
    return near & (truncated | (changes[last] > changes[first]))


def _from_sound(
    samples: np.ndarray, activations: np.ndarray, spectrum: Spectrum, grid: PitchGrid, settings: F0Settings
) -> PitchTrack:
    own = decode(activations, grid.first_bin)
    judged = JudgedPitch(
        own.f0_hz, own.periodicity, np.zeros_like(own.periodicity), np.zeros(len(own.f0_hz), bool)
    )
    if settings.octave_check:
        judged = judge(activations, spectrum, grid)
    # Digital silence has no pitch, whatever the network's activation for zeros.
    sounding = spectrum.level_db > SILENCE_DB
    periodicity = np.where(sounding, np.maximum(judged.network, judged.spectrum), 0.0)
    # The network is sure in a few frames; a spectrum without it needs as long as a spectrum's own window.
    for threshold in (settings.voiced_threshold, FAINT_SHARE * settings.voiced_threshold):
        voiced = voiced_frames(judged.network, spectrum.level_db, threshold)
        voiced |= voiced_frames(periodicity, spectrum.level_db, threshold, SPECTRUM_FRAMES)
        if voiced.any():
            break
    differs = np.abs(np.log2(judged.f0_hz / own.f0_hz)) > DISAGREEMENT_OCTAVES
    doubt = voiced & (judged.rival | (differs & (own.periodicity > SURE)))
    changes = describe_changes(own, judged, voiced & differs, settings)
    return _finished(samples, judged.f0_hz, periodicity, voiced, doubt, changes, settings)


@dataclass(frozen=True)
class _Piece:
    """A stretch of a sound in which nothing is left of a pitch below `HIGH_HZ`.

    Attributes:
        first: The first frame of the stretch.
        high: ``(frames,)`` bool: where nothing lower is left; the others lead up to these and away from them.
        slow: Its samples as if it were played `SLOWED` times as slowly, and two octaves lower.
    """

    first: int
    high: np.ndarray
    slow: np.ndarray


def _high_pieces(samples: np.ndarray) -> Iterator[_Piece]:
    """Find the stretches of a sound in which nothing is left of a pitch below `HIGH_HZ`."""
    n_frames = 1 + len(samples) // HOP
    both = np.stack((samples, sosfilt(HIGHPASS, samples)))
    level_db, above_db = a_weighted_loudness(both, Timebase(RATE, HOP))[:, :n_frames].numpy()
    high = (above_db - level_db > HIGH_SHARE_DB) & (level_db > max(level_db.max() - RANGE_DB, QUIETEST_DB))
    near = np.convolve(high, np.ones(2 * LEAD_FRAMES + 1))[LEAD_FRAMES : LEAD_FRAMES + len(high)] > 0.5
    for start, stop in runs(near):
        if high[start:stop].sum() >= SHORTEST_VOICED_FRAMES:
            slow = soxr.resample(samples[start * HOP : (stop - 1) * HOP + 1], RATE, SLOWED * RATE)
            yield _Piece(start, high[start:stop], np.ascontiguousarray(slow))


def _with_piece(whole: PitchTrack, piece: _Piece, slow: PitchTrack) -> PitchTrack:
    """Replace the pitch of a sound by that of a slowed piece of it, where that one is high."""
    n = len(piece.high)
    f0_hz, periodicity, voiced, doubt = (
        values[::SLOWED][:n] for values in (SLOWED * slow.f0_hz, slow.periodicity, slow.voiced, slow.doubt)
    )
    replaced = piece.high & voiced & (f0_hz > HIGH_HZ)
    merged = [whole.f0_hz.copy(), whole.periodicity.copy(), whole.voiced.copy(), whole.doubt.copy()]
    for target, source in zip(merged, (f0_hz, periodicity, voiced, doubt), strict=True):
        target[piece.first : piece.first + n][replaced] = source[replaced]
    f0_hz, periodicity, voiced, doubt = merged
    return PitchTrack(filled(f0_hz, voiced), periodicity, voiced, doubt, whole.changes, bool(voiced.any()))


def _finished(
    samples: np.ndarray,
    f0_hz: np.ndarray,
    periodicity: np.ndarray,
    voiced: np.ndarray,
    doubt: np.ndarray,
    changes: list[str],
    settings: F0Settings,
) -> PitchTrack:
    """Fill the gaps, refine the voiced frames, and fill the gaps again."""
    f0_hz = filled(f0_hz, voiced)
    if settings.refine and settings.refine_cents > 0 and voiced.any():
        f0_hz = filled(refine_f0(samples, RATE, HOP, f0_hz, voiced, settings.refine_cents), voiced)
    return PitchTrack(f0_hz, np.clip(periodicity, 0.0, 1.0), voiced, doubt, changes, bool(voiced.any()))
