"""Compare two sounds segment by segment: spectra, minimum phase, and the share that linear filters explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float

RIDGE = 1e-3  # of the mean power at a frequency


def segment_spectra(
    samples: Float[np.ndarray, "channels n"], size: int, hop: int
) -> Complex[np.ndarray, "channels segments bins"]:
    """Hann-windowed spectra of the segments that lie inside the sound whole.

    Args:
        samples: At least `size` long.
        size: Of a segment, in samples.
        hop: From one segment to the next.
    """
    window = np.hanning(size + 2)[1:-1]
    segments = np.lib.stride_tricks.sliding_window_view(samples, size, axis=1)[:, ::hop]
    return np.fft.rfft(segments * window, axis=-1)


def minimum_phase(magnitude: Float[np.ndarray, " bins"]) -> Complex[np.ndarray, " bins"]:
    """The minimum-phase response of that magnitude: the folded cepstrum.

    Source: Oppenheim and Schafer, Discrete-Time Signal Processing, section 13.5 (complex cepstrum).

    Args:
        magnitude: Above 0, at the bins of an even real FFT.
    """
    cepstrum = np.fft.irfft(np.log(magnitude))
    half = len(cepstrum) // 2
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    return np.exp(np.fft.rfft(cepstrum))


def interpolated_peak(values: Float[np.ndarray, " n"], index: int) -> float:
    """Return the vertex of the parabola through a peak and its neighbours, in samples."""
    if not 0 < index < len(values) - 1:
        return float(index)
    before, peak, after = values[index - 1 : index + 2]
    bend = before - 2 * peak + after
    return float(index) if bend >= 0 else index + float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


def segment_size(samples: int, sample_rate: int) -> int:
    """Size of the segments for sounds of that length: a power of two up to 85 ms, a twelfth of them at most."""
    return max(32, 1 << int(np.log2(min(0.085 * sample_rate, samples / 12))))


def explained_share(
    inputs: Sequence[Float[np.ndarray, "channels n"]], output: Float[np.ndarray, "channels n"], size: int
) -> float:
    """Return the share of the output's energy that filters of the inputs, as short as a segment, make together.

    Coherence without its bias from few segments: the filters are solved for on one half of the segments and judged
    on the other, and the other way round. Below 0 where they do harm; 0 for sounds that are too short.

    Args:
        inputs: One or more sounds.
        output: As long as they.
        size: Of the segments.
    """
    if output.shape[1] < 4 * size:
        return 0.0
    spectra = np.stack([segment_spectra(one, size, size // 2) for one in inputs], -1)
    wanted = segment_spectra(output, size, size // 2)
    # Groups of four: three that belong together, and one that overlaps with the next group and is left out.
    place = np.arange(wanted.shape[1])
    group, inside = place // 4 % 2, place % 4 < 3
    residual = total = 0.0
    for side in (0, 1):
        fitted, judged = np.flatnonzero((group == side) & inside), np.flatnonzero((group != side) & inside)
        if not len(fitted) or not len(judged):
            continue
        for a, b in zip(spectra, wanted, strict=True):
            x, y = a[fitted].transpose(1, 0, 2), b[fitted].T[..., None]  # (bins, segments, inputs), (bins, segments, 1)
            # Every bin is a small least-squares problem of its own over the segments.
            gram = x.conj().transpose(0, 2, 1) @ x
            level = np.trace(gram, axis1=1, axis2=2).real / len(inputs)
            ridge = RIDGE * level + 1e-12 * level.max() + 1e-300
            taps = np.linalg.solve(gram + ridge[:, None, None] * np.eye(len(inputs)), x.conj().transpose(0, 2, 1) @ y)
            rest = b[judged].T - (a[judged].transpose(1, 0, 2) @ taps)[..., 0]
            residual += float(np.square(np.abs(rest)).sum())
            total += float(np.square(np.abs(b[judged])).sum())
    return 1 - residual / total if total > 0 else 0.0
