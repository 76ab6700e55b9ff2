"""The loss of a fit: a weighted sum of distances to one target, each with the target's side computed once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float

from ddsp_match.dsp.loudness_weighting import a_weighting_power
from ddsp_match.dsp.spectra import magnitudes, mel_filters, stft
from ddsp_match.losses.spectral import MultiResolutionSTFT, sizes_for
from ddsp_match.settings import LossSettings

Distance = Callable[[Float[torch.Tensor, "batch samples"]], Float[torch.Tensor, ""]]
MEL_BANDS = 80
LOUDNESS_FLOOR = 1e-10  # -100 dB of power


class MelDistance:
    """Mean absolute difference of log mel spectra, over three window lengths.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        sizes: FFT sizes in samples; short ones get as many bands as they have room for.
    """

    def __init__(self, target: Float[torch.Tensor, "batch samples"], sample_rate: int, sizes: list[int]) -> None:
        self._sides = []
        for size in sizes:
            window = torch.hann_window(size, device=target.device, dtype=target.dtype)
            filters = mel_filters(min(MEL_BANDS, size // 16), size, sample_rate).to(target)
            self._sides.append((window, filters, self._log_mel(target, window, filters)))

    @staticmethod
    def _log_mel(x: torch.Tensor, window: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
        return (magnitudes(x, window) @ filters.T).clamp(min=1e-5).log()

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The distance, in nepers."""
        parts = [(self._log_mel(match, w, f) - side).abs().mean() for w, f, side in self._sides]
        return torch.stack(parts).mean()


class LoudnessDistance:
    """Mean absolute difference of A-weighted frame loudness, in units of 10 dB so that it weighs like the others."""

    def __init__(self, target: Float[torch.Tensor, "batch samples"], sample_rate: int, size: int) -> None:
        self._window = torch.hann_window(size, device=target.device, dtype=target.dtype)
        bins = torch.arange(size // 2 + 1, device=target.device) * (sample_rate / size)
        self._gain = a_weighting_power(bins).to(target)
        self._side = self._loudness(target)

    def _loudness(self, x: torch.Tensor) -> torch.Tensor:
        power = torch.view_as_real(stft(x, self._window)).square().sum(-1) @ self._gain
        return torch.log10(power / self._window.square().sum() / len(self._gain) + LOUDNESS_FLOOR)

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The distance, in bels."""
        return (self._loudness(match) - self._side).abs().mean()


class WaveformDistance:
    """Mean absolute difference of samples over the target's mean absolute sample."""

    def __init__(self, target: Float[torch.Tensor, "batch samples"]) -> None:
        self._target = target
        self._scale = target.abs().mean().clamp(min=1e-5)

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The distance, 1 for silence against any target."""
        return (match - self._target).abs().mean() / self._scale


class TotalLoss:
    """The weighted sum the settings ask for.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        settings: Weights and FFT sizes.
        workers: Threads that may share the work.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sample_rate: int,
        settings: LossSettings,
        workers: int = 1,
    ) -> None:
        sizes = settings.fft_sizes or sizes_for(sample_rate)
        self._parts: list[tuple[float, Distance]] = []
        if settings.linear or settings.log or settings.convergence:
            weights = {"linear": settings.linear, "log": settings.log, "convergence": settings.convergence}
            self._parts.append((1.0, MultiResolutionSTFT(target, sizes, **weights, workers=workers)))
        if settings.mel:
            self._parts.append((settings.mel, MelDistance(target, sample_rate, sizes[:3])))
        if settings.loudness:
            middle = sizes[min(1, len(sizes) - 1)]
            self._parts.append((settings.loudness, LoudnessDistance(target, sample_rate, middle)))
        if settings.waveform:
            self._parts.append((settings.waveform, WaveformDistance(target)))

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The loss, differentiable with respect to `match`; 0 for the target itself."""
        total = match.new_zeros(())
        for weight, distance in self._parts:
            total = total + weight * distance(match)
        return total
