"""The synthesizer: controls in physical units to audio."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import WaveformReader, read_waveforms, running_phase
from ddsp_match.dsp.noise import filtered_noise, fir_response, noise_fft_size, noise_spectra, white_noise
from ddsp_match.dsp.scaling import phasors


@dataclass(frozen=True)
class Stems:
    """The parts of the synthesizer's output."""

    harmonic: Float[torch.Tensor, "batch samples"]
    noise: Float[torch.Tensor, "batch samples"]

    @property
    def mix(self) -> Float[torch.Tensor, "batch samples"]:
        """The parts together."""
        return self.harmonic + self.noise


def noise_bands_for(sample_rate: int) -> int:
    """Noise bands for a rate: about 62 Hz apart, 129 at 16 kHz."""
    return 16 * round(sample_rate / 2000) + 1


def complex_amplitudes(controls: Controls) -> Complex[torch.Tensor, "batch partials frames"]:
    """Amplitude and phase of every partial as one complex number."""
    if controls.phases is None:
        amplitude = controls.partial_amplitudes
        return torch.complex(amplitude, torch.zeros_like(amplitude))
    return phasors(controls.amplitude, controls.distribution, controls.phases)


class HarmonicNoiseSynth:
    """Harmonics and filtered noise along one fixed f0, fast to play again and again with other amplitudes.

    ``y[n] = A[n] sum_k a_k[n] sin(k phi[n] + phi_k) + noise``, after Engel et al. 2020, "DDSP: Differentiable Digital
    Signal Processing", and Serra and Smith 1990. Controls are interpolated linearly from the frame rate, harmonics as
    complex amplitudes.

    Args:
        base_hz: What all partials are multiples of, in Hz: f0, or f0 over the divisions of the controls to come;
            signals that all share it share its tables on the CPU. It is on the device to play on.
        timebase: Frame grid.
        n_samples: Samples to play.
        n_partials: Number of partials of the controls to come.
        noise: White noise to filter, on the same device, or None for no noise. It may be longer than what is played:
            then there is a choice of where it begins.
        n_bands: Number of noise bands of the controls to come.
        phase: Running phase in cycles at each sample; by default that of `base_hz` from its first frame.
    """

    def __init__(
        self,
        base_hz: Float[torch.Tensor, "batch frames"],
        timebase: Timebase,
        n_samples: int,
        n_partials: int,
        noise: Float[torch.Tensor, "batch samples"] | None = None,
        n_bands: int = 0,
        phase: Float[torch.Tensor, "batch samples"] | None = None,
    ) -> None:
        self.hop, self.n_samples = timebase.hop, n_samples
        frames = base_hz.shape[1]
        if phase is None:
            phase = running_phase(base_hz, timebase.hop, timebase.sample_rate, n_samples)
        # A GPU is not asked: the answer would be waited for, and tables are read faster than that.
        if len(phase) > 1 and phase.device.type == "cpu" and bool((phase == phase[:1]).all()):
            phase = phase[:1]
        self._reader = WaveformReader(phase, frames, self.hop, n_partials, device=base_hz.device)
        self._spectra = None
        if noise is not None and n_bands:
            size = noise_fft_size(n_bands, self.hop)
            self._frames, spare = frames, max(0, noise.shape[1] - n_samples) // self.hop
            self._spectra = noise_spectra(noise, frames + spare, self.hop, size)
            self._response = fir_response(n_bands, size).to(noise)

    def harmonics(
        self, amplitudes: Complex[torch.Tensor, "batch partials frames"]
    ) -> Float[torch.Tensor, "batch samples"]:
        """The harmonic part alone, from complex amplitudes."""
        return self._reader(amplitudes)

    def adjoint(
        self, samples: Float[torch.Tensor, "batch samples"]
    ) -> Complex[torch.Tensor, "batch partials frames"]:
        """The adjoint of `harmonics`."""
        return self._reader.adjoint(samples)

    def __call__(self, controls: Controls, noise_from: int = 0) -> Stems:
        """Plays the controls (their f0 must be the one given before), differentiably.

        Args:
            controls: What to play.
            noise_from: Frame of the white noise at which it begins.
        """
        harmonic = self.harmonics(complex_amplitudes(controls))
        if self._spectra is None:
            return Stems(harmonic, torch.zeros_like(harmonic))
        spectra = self._spectra[:, noise_from : noise_from + self._frames].contiguous()
        noise = filtered_noise(spectra, controls.noise, self._response, self.hop, self.n_samples)
        return Stems(harmonic, noise)


def play(controls: Controls, timebase: Timebase, n_samples: int, noise_seed: int, chunk_s: float = 10.0) -> Stems:
    """Plays controls once, in bounded memory, the same samples every time.

    Args:
        controls: What to play, with ``timebase.frames(n_samples)`` frames.
        timebase: Frame grid.
        n_samples: Samples to play.
        noise_seed: Seed of the white noise.
        chunk_s: Seconds worked on at a time; changes no sample.

    Returns:
        The stems, outside autograd.
    """
    if controls.n_frames != timebase.frames(n_samples):
        raise ValueError(f"{n_samples} samples need {timebase.frames(n_samples)} frames, not {controls.n_frames}")
    with torch.inference_mode():
        batch, hop = controls.f0_hz.shape[0], timebase.hop
        noise = white_noise(batch, n_samples, noise_seed).to(controls.f0_hz.device) if controls.n_bands else None
        harmonic, hiss = torch.zeros(2, batch, n_samples, device=controls.f0_hz.device)
        step = max(1, timebase.frame_at(chunk_s))
        base_hz = controls.base_hz
        together = bool((base_hz == base_hz[:1]).all())
        rows = [slice(0, batch)] if together else [slice(row, row + 1) for row in range(batch)]
        phase = running_phase(base_hz[: len(rows)], hop, timebase.sample_rate, n_samples)
        partials = torch.arange(1, controls.n_partials + 1, device=base_hz.device).view(1, -1, 1)
        # Whatever made the controls, a partial at or above Nyquist would come back as an alias.
        audible = base_hz.unsqueeze(1) * partials < timebase.nyquist_hz
        amplitudes = complex_amplitudes(controls) * audible
        if noise is not None:
            size = noise_fft_size(controls.n_bands, hop)
            response = fir_response(controls.n_bands, size).to(noise)
            reach = size // hop  # frames whose ringing can be heard in a chunk that does not hold them
        for first in range(0, controls.n_frames - 1, step):
            last = min(first + step, controls.n_frames - 1)
            a = timebase.centre(first)
            b = n_samples if last == controls.n_frames - 1 else timebase.centre(last)
            for row, signals in enumerate(rows):
                chunk = amplitudes[signals, :, first : last + 1]
                harmonic[signals, a:b] = read_waveforms(phase[row, a:b], chunk, hop)
            if noise is not None:
                early, late = max(0, first - reach), min(controls.n_frames, last + 1 + reach)
                start, stop = timebase.centre(early), timebase.centre(late - 1) + hop
                # A triangle reaches one hop before its frame's centre, so one more frame leads the chunk.
                lead = min(hop, start)
                part = noise[:, start - lead : stop]
                spectra = noise_spectra(part, late - early + (lead > 0), hop, size)[:, int(lead > 0) :]
                sound = filtered_noise(spectra, controls.noise[:, :, early:late], response, hop, stop - start)
                hiss[:, a:b] = sound[:, a - start : b - start]
    return Stems(harmonic, hiss)
