"""Compiled loops of the refinement of f0; imported on first use, for numba takes a while."""

from __future__ import annotations

import math

import numba
import numpy as np

A0, A1, A2, A3 = 0.35875, 0.48829, 0.14128, 0.01168  # Blackman-Harris: a harmonic's neighbours are 92 dB down


@numba.njit(cache=True, nogil=True)
def carriers(f0_hz, hop, sample_rate, widest_octaves, out):
    """Writes ``exp(-2j pi h phase)`` of harmonics h from 1, real and imaginary part ``(harmonics, 2, samples)``.

    Between frames f0 is interpolated in octaves, but the nearer one where two notes meet; the ends are held.
    """
    frames, n = len(f0_hz), out.shape[2]
    octaves = np.log2(f0_hz)
    phase = 0.0
    for i in range(n):
        here = i / hop
        lower = min(int(here), frames - 1)
        upper = min(lower + 1, frames - 1)
        share = here - lower if upper > lower else 0.0
        if abs(octaves[upper] - octaves[lower]) > widest_octaves:
            share = 1.0 if share >= 0.5 else 0.0
        phase += 2.0 ** (octaves[lower] + share * (octaves[upper] - octaves[lower])) / sample_rate
        phase -= math.floor(phase)
        real, imaginary = math.cos(2 * math.pi * phase), -math.sin(2 * math.pi * phase)
        x, y = real, imaginary
        for h in range(out.shape[0]):
            out[h, 0, i], out[h, 1, i] = x, y
            x, y = x * real - y * imaginary, x * imaginary + y * real


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def demodulate(samples, carrier, centres, radii, sums, balance):
    """The sound under each frame's window, and under the window's derivative, times each carrier.

    Args:
        samples: ``(n,)`` float32.
        carrier: From `carriers`.
        centres: ``(frames,)`` samples.
        radii: ``(frames,)`` half the windows' lengths in samples.
        sums: Out: ``(frames, harmonics, 4)``: real and imaginary part under the window, then under its derivative
            with respect to the position in the window, -1 to 1.
        balance: Out: ``(frames,)``: where the energy under the window is centred, -1 to 1.
    """
    harmonics, n = carrier.shape[0], len(samples)
    widest = 2 * int(radii.max()) + 3
    windowed, sloped = np.empty(widest, np.float32), np.empty(widest, np.float32)
    for frame in range(len(centres)):
        centre, radius = centres[frame], radii[frame]
        first = max(centre - int(radius), 0)
        count = min(centre + int(radius), n - 1) + 1 - first
        # cos and sin of pi times the position, turned on from sample to sample.
        angle, turn = math.pi * (first - centre) / radius, math.pi / radius
        cosine, sine, along, across = math.cos(angle), math.sin(angle), math.cos(turn), math.sin(turn)
        energy = moment = 0.0
        for i in range(count):
            # Multiple angles as powers of one cosine.
            shape = (A0 - A2) + cosine * ((A1 - 3 * A3) + cosine * (2 * A2 + cosine * 4 * A3))
            slope = -math.pi * sine * ((A1 - 3 * A3) + cosine * (4 * A2 + cosine * 12 * A3))
            value = samples[first + i]
            windowed[i], sloped[i] = value * shape, value * slope
            power = (value * shape) ** 2
            energy += power
            moment += power * (first + i - centre)
            cosine, sine = cosine * along - sine * across, sine * along + cosine * across
        balance[frame] = moment / radius / max(energy, 1e-30)
        for h in range(harmonics):
            real, imaginary = carrier[h, 0, first : first + count], carrier[h, 1, first : first + count]
            a = b = c = d = np.float32(0.0)
            for i in range(count):
                a += windowed[i] * real[i]
                b += windowed[i] * imaginary[i]
                c += sloped[i] * real[i]
                d += sloped[i] * imaginary[i]
            sums[frame, h, 0], sums[frame, h, 1], sums[frame, h, 2], sums[frame, h, 3] = a, b, c, d
