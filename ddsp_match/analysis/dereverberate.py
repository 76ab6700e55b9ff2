"""Dereverberate a sound by spectral subtraction from the decay of its power, then by least squares.

In each frequency band the power of the reverberation is a leaky sum over the dry sound's: it decays with the room and
is fed by what is dry (Polack's model; Lebart et al. 2001, "A new method based on spectral subtraction for speech
dereverberation", and Habets 2007 with the direct-to-reverberant ratio). Run along the wet sound it gives the share
of reverberation in each frame, which is subtracted.

Such a dry sound, convolved with the room, does not give the recording: phases and the room's own peaks and notches
are missing. Least squares recovers them, where the direct sound is strong enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from jaxtyping import Complex, Float

from ddsp_match.analysis.blind_decay import SIXTY_DB, BlindDecay

LEVELS_DB = np.arange(-18.0, 12.5, 1.5)  # of the reverberation over the direct sound, in the steady state
# Before any fall is looked at: as much reverberation as direct sound where rt60 is 0.8 s, and with the decay time more,
# as in a room of a given size. What a single fall says is off by some 6 dB, neighbouring octaves differ by 3.
EVEN_S, PRIOR_DB, FALL_DB, BETWEEN_DB = 0.8, 5.0, 6.0, 3.0
WINDOW_S = 0.064
DOUBTFUL = 0.5  # where less than this share is direct sound, more is taken: in a tail all of it is reverberation
FLOOR = 0.01
FIRST = 6  # frames of a fall that tell the level; later ones tell of errors of the decay time
PIECE = 1000  # frames whose spectra are held at a time
SMOOTH = 3  # frames and bins over which gains are averaged, against musical noise
# Conjugate gradients towards the dry sound that gives the recording again. Our noise is not the true room's:
# further rounds take the true tail for source (20 rounds: the dry sound is farther from the truth than the recording).
ROUNDS = 3
SOLVED = 10**-2.0  # of the energy: where more than this is left after them, the tail is not ours, and the guess stands


def reverberation_db(decay: BlindDecay) -> Float[np.ndarray, " bands"]:
    """Power of the reverberation over that of the direct sound, in dB, octave by octave.

    While the sound falls freely there is reverberation and nothing else: the level is the one that makes as much of
    it as there is. Falls that are the instrument's own rather than the room's have little to say.
    """
    n = len(decay.bands_hz)
    prior = 10 * np.log10(decay.rt60_s / EVEN_S)
    weight, pull = np.diag(np.full(n, PRIOR_DB**-2.0)), prior * PRIOR_DB**-2.0
    for band, centre in enumerate(decay.bands_hz):
        if band:
            pair = np.array([-1.0, 1.0])
            both = slice(band - 1, band + 1)
            weight[both, both] += np.outer(pair, pair) * BETWEEN_DB**-2.0
            pull[both] += pair * (prior[band] - prior[band - 1]) * BETWEEN_DB**-2.0
        if not decay.falls[band]:
            continue
        envelope = decay.powers.octave(centre).sum(0)
        late = late_power(envelope, decay.rt60_s[band], 10 ** (LEVELS_DB[:, None] / 10), decay.powers.hop_s)
        for fall, free in zip(decay.falls[band], decay.free[band], strict=True):
            here = slice(fall.first, min(fall.first + FIRST, fall.last + 1))
            excess = np.log((late[:, here] + 1e-20) / (envelope[here] + 1e-20)).mean(1)
            enough = np.flatnonzero(excess > 0)
            level_db = LEVELS_DB[enough[0]] if len(enough) else LEVELS_DB[-1]
            weight[band, band] += free * FALL_DB**-2.0
            pull[band] += free * level_db * FALL_DB**-2.0
    return np.clip(np.linalg.solve(weight, pull), LEVELS_DB[0], LEVELS_DB[-1])


def late_power(
    wet: Float[np.ndarray, "*rows frames"],
    rt60_s: Float[np.ndarray, "*rows"] | float,
    ratio: Float[np.ndarray, "*rows 1"] | float,
    hop_s: float,
) -> Float[np.ndarray, "*rows frames"]:
    """The part of a wet power that is reverberation of the frames before.

    Args:
        wet: Power of direct sound and reverberation.
        rt60_s: Decay time.
        ratio: Power of the reverberation over the direct sound's when both are steady.
        hop_s: Between frames.
    """
    keep = np.exp(-SIXTY_DB * hop_s / np.asarray(rt60_s))
    feed = np.asarray(ratio) * np.expand_dims((1 - keep) / keep, -1)
    shape = np.broadcast_shapes(wet.shape[:-1], np.shape(keep), feed.shape[:-1])
    late, now = np.zeros((*shape, wet.shape[-1])), np.zeros(shape)
    feed = np.broadcast_to(feed[..., 0], shape)
    for frame in range(wet.shape[-1]):
        # Late power of this frame depends on earlier frames alone; the direct part of this one feeds the next.
        late[..., frame] = now
        now = keep * (now + feed * np.maximum(wet[..., frame] - now, 0.0))
    return late


def dereverberated(
    samples: Float[np.ndarray, "channels samples"],
    sample_rate: int,
    bands_hz: Float[np.ndarray, " bands"],
    rt60_s: Float[np.ndarray, " bands"],
    level_db: Float[np.ndarray, " bands"],
    response: Float[np.ndarray, "channels taps"] | None = None,
) -> Float[np.ndarray, "channels samples"]:
    """The sound less the reverberation that its own past explains; the direct sound keeps its level and phase.

    With the room's impulse response, level and phase are those that give the sound again in that room.

    Args:
        samples: The wet sound.
        sample_rate: In Hz.
        bands_hz: Octaves in which the room is known.
        rt60_s: Its decay times.
        level_db: Its reverberation over the direct sound.
        response: The room's impulse response, direct sound included.
    """
    hop = max(1, round(WINDOW_S * sample_rate / 4))
    size = 4 * hop
    wet = np.concatenate([np.square(np.abs(spectra)).sum(0) for spectra, _ in _frames(samples, hop)]).T
    octaves = np.log(np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1.0))
    times = np.exp(np.interp(octaves, np.log(bands_hz), np.log(rt60_s)))
    ratio = 10 ** (np.interp(octaves, np.log(bands_hz), level_db)[:, None] / 10)
    late = late_power(wet, times, ratio, hop / sample_rate)
    wet, late = (scipy.ndimage.uniform_filter(x, SMOOTH, mode="nearest") for x in (wet, late))
    direct = np.clip(1 - late / (wet + 1e-20), 0.0, 1.0)
    gain = np.maximum(np.sqrt(direct * _rise(direct / DOUBTFUL)), FLOOR).T.astype(samples.dtype)
    dry = _weighted(samples, gain, hop)
    if response is None:
        return dry
    return _solved(samples, dry, response, lambda sound: _weighted(sound, gain * gain, hop))


def _solved(
    wet: Float[np.ndarray, "channels samples"],
    dry: Float[np.ndarray, "channels samples"],
    response: Float[np.ndarray, "channels taps"],
    prior: Callable[[np.ndarray], np.ndarray],
) -> Float[np.ndarray, "channels samples"]:
    """A dry sound moved to where it gives the wet one in the room, or as it was where it does not get there.

    Args:
        wet: The recording.
        dry: What the dry sound is guessed to be.
        response: From one to the other.
        prior: Weighs a change by how likely it is.
    """
    n, response = wet.shape[1], response.astype(wet.dtype)

    def convolved(sound: np.ndarray) -> np.ndarray:
        return scipy.signal.oaconvolve(sound, response, axes=1)[:, :n]

    def slope(error: np.ndarray) -> np.ndarray:
        return prior(scipy.signal.oaconvolve(error, response[:, ::-1], axes=1)[:, -n:])

    # The prior is the preconditioner: bins that are mostly reverberation hardly change.
    solved, residual = dry, wet - convolved(dry)
    descent = direction = slope(residual)
    for _ in range(ROUNDS):
        change = prior(direction)
        image = convolved(change)
        energy, steepness = float(np.square(image).sum()), float(np.square(descent).sum())
        if energy <= 0.0:
            break
        solved, residual = solved + (steepness / energy) * change, residual - (steepness / energy) * image
        descent = slope(residual)
        direction = descent + (float(np.square(descent).sum()) / steepness) * direction
    return solved if float(np.square(residual).sum()) <= SOLVED * float(np.square(wet).sum()) else dry


def _weighted(
    samples: Float[np.ndarray, "channels samples"], gain: Float[np.ndarray, "frames bins"], hop: int
) -> Float[np.ndarray, "channels samples"]:
    """The sound with a gain for each frame and bin."""
    size, n = 4 * hop, samples.shape[1]
    total = np.zeros((len(samples), n + 2 * size + -n % hop), samples.dtype)
    for spectra, first in _frames(samples, hop):
        # Hann windows, squared and a quarter of their length apart, add up to 1.5.
        parts = scipy.fft.irfft(spectra * gain[first : first + spectra.shape[1]], size)
        out = np.asarray(parts) * (_hann(samples, hop) / 1.5)
        for frame in range(out.shape[1]):
            here = (first + frame) * hop
            total[:, here : here + size] += out[:, frame]
    return total[:, size : size + n]


def _frames(
    samples: Float[np.ndarray, "channels samples"], hop: int
) -> Iterator[tuple[Complex[np.ndarray, "channels frames bins"], int]]:
    """Spectra of windows that overlap by three quarters, and the number of the first frame.

    Some frames at a time, made anew for each use rather than kept: those of a long sound would take gigabytes.
    """
    size, n = 4 * hop, samples.shape[1]
    padded = np.pad(samples, ((0, 0), (size, size + -n % hop)))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    for first in range(0, blocks.shape[1], PIECE):
        yield np.asarray(scipy.fft.rfft(blocks[:, first : first + PIECE] * _hann(samples, hop))), first


def _hann(samples: np.ndarray, hop: int) -> np.ndarray:
    return (0.5 - 0.5 * np.cos(np.pi / 2 * np.arange(4 * hop) / hop)).astype(samples.dtype)


def _rise(share: np.ndarray) -> np.ndarray:
    """From 0 to 1, smoothly."""
    share = np.minimum(share, 1.0)
    return share * share * (3 - 2 * share)
