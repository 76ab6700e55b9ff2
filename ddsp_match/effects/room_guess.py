"""A first guess of a room from a dry and a wet sound: decay times and levels of the response between them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ddsp_match.dsp.convolution import fast_length
from ddsp_match.dsp.decay import octave_decay
from ddsp_match.dsp.octave_bands import octave_centres, octave_weights
from ddsp_match.dsp.response_between import response_between

FIRST_S = 2.0  # of response looked at to see how long the room rings
LONGEST_S = 8.0  # what a room rings after that is error in everything before it
MOST_TAPS = 1 << 18
DIRECT_S = 0.0015  # the direct sound lasts this long
ARRIVES_S = 0.01  # and comes within this time
SHORTEST_S = 0.05  # no room is taken to ring for less
ENOUGH = 6.0  # times the typical decay time: less cuts off the floor that marks the end of a decay
SHORTER = 0.8  # of the taps: an end before that is worth another look
GRAIN_S, ABOVE = 0.01, 4.0  # energy in grains of this length ends where it is never again so far above the last
MARGIN = 1.1  # times the end: cut too early, every decay looks too short
OUTLIER = 3.0  # times the typical decay time
HIGH_HZ, LONGER = 2000.0, 1.5  # from here on, times the decay time of the octave below
ONSET = 0.15  # of the strongest moment: where the reverberation begins


def room_of(
    dry: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    sample_rate: int,
    bands: int,
    lowest_hz: float,
) -> tuple[dict[str, float | np.ndarray], Float[np.ndarray, " bands"], Float[np.ndarray, "channels taps"]] | None:
    """Settings of the parametric reverb like the room between two sounds, as read: some may lie out of range.

    Returns:
        The settings, whose decay times are those of what follows the direct sound; the decay times as ISO 3382 has
        them, with the direct sound, which are shorter where that is strong; and the response they were read from.
        None where there is nothing to tell from.
    """
    most = min(round(LONGEST_S * sample_rate), MOST_TAPS, dry.shape[1])
    taps = min(round(FIRST_S * sample_rate), most)
    if taps < 64 or not dry.any() or not wet.any():
        return None
    centres = octave_centres(bands, lowest_hz)
    ir = _responses(dry, wet, taps, 3)
    if not ir.any():
        return None
    # Behind the end of a short room there is only error, and fewer taps are estimated better; taps left out of a long
    # one end up as error in the rest.
    rings_s = max(float(np.median(_times(ir, sample_rate, centres))), SHORTEST_S)
    wanted = round(ENOUGH * rings_s * sample_rate)
    ir = _responses(dry, wet, int(np.clip(wanted, 64, most)), 4)
    # Where the response has sunk into its own error, more taps only add variance.
    end = _end_of(ir, sample_rate)
    if end < SHORTER * ir.shape[1]:
        ir = _responses(dry, wet, max(end, 64), 4)
    taps = ir.shape[1]
    direct = int(np.abs(ir[:, : max(1, round(ARRIVES_S * sample_rate))]).max(0).argmax())
    after = min(direct + max(1, round(DIRECT_S * sample_rate)), taps - 1)
    # The reverberation's own beginning lies among the direct sound where there is no predelay; a single tap that
    # stands far out is the direct sound alone.
    alone = ir[:, direct]
    beside = np.sqrt(np.square(ir[:, direct + 1 : after + 1]).mean())
    impulse = bool(np.abs(alone).min() > 8 * beside)
    tail = ir.copy()
    if impulse:
        tail[:, : direct + 1] = 0
        level = float(np.abs(alone).mean())
    else:
        tail[:, :after] = 0
        level = float(np.sqrt(np.square(ir[:, :after]).sum(1).mean()))
    energy = np.square(tail).mean(0)
    width = max(1, round(0.002 * sample_rate))
    smooth = np.convolve(energy, np.full(width, 1 / width))[: len(energy)]
    late_ms = 1000 * max(int(np.argmax(smooth > ONSET * smooth.max())) - width // 2, 0) / sample_rate
    room: dict[str, float | np.ndarray] = {
        "dry": level,
        "level": _levels(tail, sample_rate, centres),
        "rt60_s": _times(tail, sample_rate, centres),
        "predelay_ms": late_ms,
    }
    if len(ir) == 2:
        power = np.square(tail).sum(1)
        alike = float((tail[0] * tail[1]).sum() / max(np.sqrt(power[0] * power[1]), 1e-30))
        room["width"] = float(np.arccos(np.clip(alike, 0.0, 1.0)) / (np.pi / 2))
    return room, _times(ir, sample_rate, centres), ir


def _end_of(ir: np.ndarray, sample_rate: int) -> int:
    """Taps until a response sinks into what its last part is made of."""
    width = max(1, round(GRAIN_S * sample_rate))
    grains = ir.shape[1] // width
    if grains < 10:
        return ir.shape[1]
    energy = np.square(ir[:, : grains * width]).reshape(len(ir), grains, width).sum((0, 2))
    floor = float(np.median(energy[-max(2, grains // 5) :]))
    above = np.flatnonzero(energy > ABOVE * floor)
    return int((above[-1] + 2) * width * MARGIN) if len(above) else ir.shape[1]


def _responses(dry: np.ndarray, wet: np.ndarray, taps: int, rounds: int) -> np.ndarray:
    pairs = zip(dry, wet, strict=True)
    return np.stack([response_between(x[None], y[None], taps, rounds=rounds) for x, y in pairs])


def _times(ir: np.ndarray, sample_rate: int, centres: np.ndarray) -> np.ndarray:
    """Decay time of each band; those of bands that do not tell come from their neighbours."""
    times = np.full(len(centres), np.nan)
    for index, centre in enumerate(centres):
        decays = [octave_decay(channel, centre, sample_rate) for channel in ir]
        times_s = [each.rt60_s for each in decays if each is not None and np.isfinite(each.rt60_s)]
        if times_s:
            times[index] = np.mean(times_s)
    valid = np.isfinite(times)
    if valid.any():
        # No room has an octave that rings so much longer; a dry sound without energy there leaves error that does.
        valid &= np.nan_to_num(times) < OUTLIER * np.median(times[valid])
        # Nor one that rings longer than the octave below, high up where air and walls swallow more and more.
        for index in np.flatnonzero(valid & (centres >= HIGH_HZ)):
            below = np.flatnonzero(valid[:index])
            valid[index] = not len(below) or times[index] < LONGER * times[below[-1]]
        times = np.exp(np.interp(np.arange(len(times)), np.flatnonzero(valid), np.log(times[valid])))
    else:
        times = np.full(len(times), 0.5)
    return times


def _levels(tail: np.ndarray, sample_rate: int, centres: np.ndarray) -> np.ndarray:
    size = fast_length(2 * tail.shape[1])
    power = np.square(np.abs(np.fft.rfft(tail, size))).mean(0)
    share = np.square(octave_weights(np.arange(len(power)) * sample_rate / size, centres))
    return np.sqrt((share * power).sum(1) / np.maximum(share.sum(1), 1e-9))
