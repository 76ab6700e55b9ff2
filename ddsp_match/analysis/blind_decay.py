"""Estimate the RT60 of a room, octave by octave, from a sound that was recorded in it.

Nothing dies away faster in a room than the room itself. Wherever the sound falls freely (a note ends, a drum was hit)
the fall is either the room's or slower, the instrument's own. Each fall gives a likelihood over all decay times (Ratnam
et al. 2003, "Blind estimation of reverberation time", with the power of every frequency as an exponential variable
rather than the samples as Gaussian ones), and the room is the decay time that many falls share and few undercut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from jaxtyping import Float

SIXTY_DB = 6 * math.log(10)  # a power of exp(-SIXTY_DB t / rt60)
TIMES_S = np.geomspace(0.08, 12.0, 101)  # the decay times that are considered
STEP = math.log(TIMES_S[1] / TIMES_S[0])
# Between the partials of a note lies what its end stirs up over all frequencies, 60 dB down and more: these sidelobes
# are at -92 dB, so that it counts as many decays as there are bins and not as many as there are partials.
WINDOW, WINDOW_S, HOP_S, WINDOW_BINS = "blackmanharris", 0.1, 0.008, 3
LONGEST_S = 60.0  # of the sound; enough falls for any room
# Parts of a fall, in dB below its start: late ones first, for there the direct sound and the instrument are gone.
PARTS_DB = ((20, 40), (15, 35), (15, 28), (10, 25), (5, 20), (5, 15), (3, 25))
FREE = 0.3  # share of the falls that are the room's own
UNDERCUT = 0.05  # how much rarer than a slower fall a faster one is: beats, and notes that cover one another
WITHIN = 0.08  # by how much (in log rt60) the decay times of one octave differ
BETWEEN = 0.15  # and those of neighbouring octaves
TYPICAL_S, TYPICAL_SPREAD = 0.6, 1.25


@dataclass(frozen=True)
class Powers:
    """Power over time and frequency, channels together.

    Attributes:
        power: Of each bin and frame.
        hz: Of the bins.
        hop_s: Between frames.
    """

    power: Float[np.ndarray, "bins frames"]
    hz: Float[np.ndarray, " bins"]
    hop_s: float

    def octave(self, centre_hz: float) -> Float[np.ndarray, "inside frames"]:
        """The bins of an octave; where it has less than three, the nearest three."""
        top = min(centre_hz * 2**0.5, 0.94 * self.hz[-1])
        inside = (self.hz >= centre_hz / 2**0.5) & (self.hz < top)
        if inside.sum() < 3:
            return self.power[np.argsort(np.abs(self.hz - centre_hz), kind="stable")[:3]]
        return self.power[inside]


@dataclass(frozen=True)
class Fall:
    """A stretch where an octave falls.

    Attributes:
        first: Its first frame.
        last: Its last.
        density: Probability density of its decay time over log `TIMES_S`.
    """

    first: int
    last: int
    density: Float[np.ndarray, " times"]


@dataclass(frozen=True)
class BlindDecay:
    """Estimate of a room's decay from the falls of a sound.

    Attributes:
        bands_hz: Centres of octaves.
        rt60_s: Decay time of each.
        spread: Standard deviation of its logarithm: 0.1 is 10 %.
        falls: The falls of each octave.
        free: Probability of each fall that it is the room's own.
        powers: The spectrogram they were read from.
    """

    bands_hz: Float[np.ndarray, " bands"]
    rt60_s: Float[np.ndarray, " bands"]
    spread: Float[np.ndarray, " bands"]
    falls: list[list[Fall]]
    free: list[list[float]]
    powers: Powers


def blind_decay(
    samples: Float[np.ndarray, "channels samples"], sample_rate: int, bands_hz: Float[np.ndarray, " bands"]
) -> BlindDecay:
    """Estimate the decay of a room from a sound.

    Args:
        samples: The sound.
        sample_rate: In Hz.
        bands_hz: Centres of octaves, ascending; those above half the sample rate follow their neighbours.
    """
    powers = powers_of(samples[:, : round(LONGEST_S * sample_rate)], sample_rate)
    inside = [centre < sample_rate / 2 for centre in bands_hz]
    falls = [_falls(powers.octave(centre), powers.hop_s) if here else []
             for centre, here in zip(bands_hz, inside, strict=True)]  # fmt: skip
    likelihood = np.array([sum((_log_likelihood(fall.density) for fall in row), np.zeros(len(TIMES_S)))
                           for row in falls])  # fmt: skip
    belief = _smoothed(likelihood)
    mean = belief @ np.log(TIMES_S)
    spread = np.sqrt(np.maximum(belief @ np.square(np.log(TIMES_S)) - mean**2, 0.0))
    free = [[_freedom(fall.density, log_s) for fall in row] for row, log_s in zip(falls, mean, strict=True)]
    return BlindDecay(np.asarray(bands_hz, dtype=np.float64), _as_read(np.exp(mean)), spread, falls, free, powers)


def powers_of(samples: Float[np.ndarray, "channels samples"], sample_rate: int) -> Powers:
    """The power spectrogram that falls are read from."""
    size = 2 * round(WINDOW_S * sample_rate / 2)
    hop = max(1, round(HOP_S * sample_rate))
    window = np.asarray(scipy.signal.get_window(WINDOW, size), dtype=np.float32)
    total = None
    for channel in samples:
        padded = np.pad(channel.astype(np.float32), (size // 2, size // 2))
        blocks = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
        power = np.square(np.abs(np.asarray(scipy.fft.rfft(blocks * window, axis=1)))).astype(np.float64)
        total = power if total is None else total + power
    assert total is not None  # a sound has a channel
    hz = np.fft.rfftfreq(size, 1 / sample_rate)
    return Powers(total.T / float(np.square(window).sum()), hz, hop / sample_rate)


def _falls(power: Float[np.ndarray, "bins frames"], hop_s: float) -> list[Fall]:
    floor = power.max() * 1e-10 + 1e-15
    level_db = 10 * np.log10(_moving_mean(power, 5) + floor)
    quiet_db = 10 * np.log10(_moving_mean(power, 12).min(1) + floor)
    whole_db = 10 * np.log10(_moving_mean(power.mean(0, keepdims=True), 5) + floor)
    falls = []
    # All bins alike, or the strongest alone; quick falls, or slow ones under whatever flickers.
    for envelope in (level_db.mean(0, keepdims=True), whole_db):
        for frames, least_db, shortest_s, above_db in ((5, 9.0, 0.05, 8.0), (25, 4.0, 0.35, 4.0)):
            smooth_db = _moving_mean(envelope, frames)[0]
            for top, end in _descents(smooth_db, least_db=8.0 if frames == 5 else 5.0):
                part = _part(smooth_db[top : end + 1])
                if part is None:
                    continue
                first, last = top + part[0], top + part[1]
                drop_db, lasts_s = smooth_db[first] - smooth_db[last], (last - first) * hop_s
                if drop_db < least_db or lasts_s < shortest_s:
                    continue
                start_db = level_db[:, first]
                audible = (start_db > quiet_db + above_db) & (start_db > start_db.max() - 70)
                if audible.any():
                    # Neighbouring bins and frames are correlated, and a single tone decays in few independent steps.
                    count = max(1.0, audible.sum() / WINDOW_BINS) * max(1.0, min(lasts_s / 0.03, drop_db / 4))
                    falls.append(Fall(first, last, _density(power[audible, first : last + 1], hop_s, count)))
    return falls


def _descents(level_db: np.ndarray, least_db: float, rise_db: float = 3.0) -> list[tuple[int, int]]:
    """Stretches from a summit down to where the level rises again by `rise_db`, or the sound ends."""
    descents, here, n = [], 0, len(level_db)
    while here < n - 2:
        top = here
        while top < n - 1 and level_db[top + 1] >= level_db[top]:
            top += 1
        low, ahead = top, top
        while ahead < n - 1:
            ahead += 1
            if level_db[ahead] > level_db[top]:
                top = low = ahead
            if level_db[ahead] < level_db[low]:
                low = ahead
            if level_db[ahead] > level_db[low] + rise_db:
                break
        if level_db[top] - level_db[low] >= least_db:
            descents.append((top, low))
        here = max(low, here + 1)
    return descents


def _part(descent_db: np.ndarray) -> tuple[int, int] | None:
    """Return the latest part of a descent that is long enough and ends 5 dB above its floor."""
    below_db = descent_db[0] - descent_db
    for high, low in PARTS_DB:
        if below_db.max() >= low + 5 or (high <= 5 and below_db.max() > high + 4):
            at_low = below_db >= low
            return int(np.argmax(below_db >= high)), int(np.argmax(at_low)) if at_low.any() else len(below_db) - 1
    return None


def _density(power: Float[np.ndarray, "bins frames"], hop_s: float, count: float) -> Float[np.ndarray, " times"]:
    """Posterior of the decay time: each bin an exponential variable, its mean a decay from a level of its own."""
    before_s = (np.arange(power.shape[1]) - (power.shape[1] - 1)) * hop_s
    speed = SIXTY_DB / TIMES_S[:, None]
    # The level of each bin is profiled out: at each decay time its best value is the mean power over the decay.
    level = np.exp(speed * before_s) @ power.T / power.shape[1]
    curve = -np.log(level + 1e-300).mean(1) + speed[:, 0] * before_s.mean()
    density = _blur(WITHIN) @ np.exp(count * (curve - curve.max()))
    return density / (density.sum() * STEP)


def _log_likelihood(density: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of the room's decay times, given a fall: the room's own or slower, seldom faster."""
    slower = np.cumsum(density[::-1])[::-1] * STEP
    other = (slower + UNDERCUT * (1 - slower)) / (STEP * (len(TIMES_S) - 1))
    return np.log(FREE * density + (1 - FREE) * other)


def _freedom(density: np.ndarray, log_s: float) -> float:
    own = FREE * float(np.interp(log_s, np.log(TIMES_S), density))
    return own / (own + (1 - FREE) / (STEP * (len(TIMES_S) - 1)))


def _smoothed(likelihood: Float[np.ndarray, "bands times"]) -> Float[np.ndarray, "bands times"]:
    """Belief about each octave when neighbours differ little: forwards and backwards along a Markov chain."""
    own = np.exp(likelihood - likelihood.max(1, keepdims=True))
    prior = np.exp(-0.5 * (np.log(TIMES_S / TYPICAL_S) / TYPICAL_SPREAD) ** 2)
    step = _blur(BETWEEN)
    ahead, back = [prior * own[0]], [np.ones(len(TIMES_S))]
    for row in own[1:]:
        message = (ahead[-1] @ step) * row
        ahead.append(message / message.sum())
    for row in own[:0:-1]:
        message = step @ (back[-1] * row)
        back.append(message / message.sum())
    belief = np.stack(ahead) * np.stack(back[::-1])
    return belief / belief.sum(1, keepdims=True)


def _as_read(rt60_s: Float[np.ndarray, " bands"]) -> Float[np.ndarray, " bands"]:
    """Decay times as ISO 3382 reads them off whole octaves, whose slowest third outlasts the others."""
    octave = np.arange(len(rt60_s))
    thirds_s = np.exp([np.interp(octave + step / 3, octave, np.log(rt60_s)) for step in (-1, 0, 1)])
    times_s = []
    for parts_s in thirds_s.T:
        after_s = np.linspace(0.0, parts_s.max(), 400)
        energy = (parts_s * np.exp(-SIXTY_DB * after_s[:, None] / parts_s)).sum(1)
        energy_db = 10 * np.log10(energy / energy[0])
        t30 = (energy_db <= -5) & (energy_db >= -35)
        times_s.append(-60 / np.polyfit(after_s[t30], energy_db[t30], 1)[0])
    return np.array(times_s)


def _blur(width: float) -> Float[np.ndarray, "times times"]:
    away = np.arange(len(TIMES_S)) * STEP
    kernel = np.exp(-0.5 * ((away[:, None] - away) / width) ** 2)
    return kernel / kernel.sum(1, keepdims=True)


def _moving_mean(rows: Float[np.ndarray, "rows frames"], frames: int) -> Float[np.ndarray, "rows frames"]:
    padded = np.pad(rows, ((0, 0), (frames // 2 + 1, frames - 1 - frames // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1)
    return (sums[:, frames:] - sums[:, :-frames]) / frames
