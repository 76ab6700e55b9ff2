"""The loss of a fit: a weighted sum of distances to one target, each with the target's side computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float

from ddsp_match.core.settings import LossSettings
from ddsp_match.dsp.loudness_weighting import a_weighting_power
from ddsp_match.dsp.rows import Rows, before
from ddsp_match.dsp.spectra import OVERLAP, frame_count, magnitudes, mel_filters, stft
from ddsp_match.losses.spectral import MultiResolutionSTFT, sizes_for

Distance = Callable[[Float[torch.Tensor, "batch samples"]], torch.Tensor]
Numbers = Sequence[int] | None
MEL_BANDS = 80
STEADY_BANDS, STEADY_RANGE = 64, 1e-6  # of power below the loudest band: -60 dB
LOUDNESS_FLOOR = 1e-10  # -100 dB of power


class _Mean:
    """Mean of each sound's values, ``(sounds,)``, or of the only one's, ``()``.

    Args:
        target: The batch.
        owners: Sound of each row; None: all rows are one sound's, and the mean is one number.
        lengths: Samples of each row; None: none is padded.
    """

    def __init__(self, target: Float[torch.Tensor, "batch samples"], owners: Numbers, lengths: Numbers) -> None:
        self.rows = Rows(target.shape[0], target.shape[1], owners, lengths, target.device)
        self._several = owners is not None

    def count(self, target: torch.Tensor, size: int = 0, numbers: int = 1) -> Float[torch.Tensor, " sounds"]:
        """Samples of each sound, or with a window's `size` its frames, times `numbers`."""
        lengths = self.rows.lengths
        return torch.tensor(self.rows.counts([numbers * (frame_count(n, size) if size else n) for n in lengths])).to(
            target
        )

    def __call__(self, values: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        """The mean of values ``(batch, …)`` that are zero wherever a row would not have them alone."""
        mean = self.rows.summed(values.flatten(1).sum(1)) / count
        return mean if self._several else mean[0]


class MelDistance:
    """Mean absolute difference of log mel spectra, over three window lengths.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        sizes: FFT sizes in samples; short ones get as many bands as they have room for.
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sample_rate: int,
        sizes: list[int],
        owners: Numbers = None,
        lengths: Numbers = None,
    ) -> None:
        self._mean = _Mean(target, owners, lengths)
        self._sides = []
        for size in sizes:
            window = torch.hann_window(size, device=target.device, dtype=target.dtype)
            filters = mel_filters(min(MEL_BANDS, size // 16), size, sample_rate).to(target)
            count = self._mean.count(target, size, len(filters))
            self._sides.append((window, filters, self._log_mel(target, window, filters), count))

    def _log_mel(self, x: torch.Tensor, window: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
        return (magnitudes(x, window, self._mean.rows.ends) @ filters.T).clamp(min=1e-5).log()

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The distance, in nepers: one number, or ``(sounds,)`` where owners were given."""
        parts = [self._mean((self._log_mel(match, w, f) - side).abs(), count) for w, f, side, count in self._sides]
        return torch.stack(parts).mean(0)


class LoudnessDistance:
    """Mean absolute difference of A-weighted frame loudness, in units of 10 dB so that it weighs like the others.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        size: Window in samples.
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sample_rate: int,
        size: int,
        owners: Numbers = None,
        lengths: Numbers = None,
    ) -> None:
        self._mean = _Mean(target, owners, lengths)
        self._count = self._mean.count(target, size)
        self._window = torch.hann_window(size, device=target.device, dtype=target.dtype)
        bins = torch.arange(size // 2 + 1, device=target.device) * (sample_rate / size)
        self._gain = a_weighting_power(bins).to(target)
        self._side = self._loudness(target)

    def _loudness(self, x: torch.Tensor) -> torch.Tensor:
        power = torch.view_as_real(stft(x, self._window, self._mean.rows.ends)).square().sum(-1) @ self._gain
        return torch.log10(power / self._window.square().sum() / len(self._gain) + LOUDNESS_FLOOR)

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The distance, in bels: one number, or ``(sounds,)`` where owners were given."""
        return self._mean((self._loudness(match) - self._side).abs(), self._count)


class SteadyMelDistance:
    """Mean absolute difference of log mel powers averaged over 100 ms: what noise does by chance does not count.

    The mean magnitude distance of two draws of noise is least where one is 2.3 dB too quiet; this one where both have
    the same power.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sample_rate: int,
        owners: Numbers = None,
        lengths: Numbers = None,
    ) -> None:
        self._mean = _Mean(target, owners, lengths)
        size = 2 ** round(math.log2(0.043 * sample_rate))
        self._window = torch.hann_window(size, device=target.device, dtype=target.dtype)
        self._filters = mel_filters(STEADY_BANDS, size, sample_rate, 40.0).to(target)
        self._hop = size // OVERLAP
        self._frames = max(1, round(0.1 * sample_rate / self._hop))
        self._floor = target.new_zeros(())
        power = self._power(target)
        rows = power.amax((1, 2), keepdim=True)
        if owners is not None:
            places = torch.tensor(owners, device=target.device)
            loudest = target.new_zeros(max(owners) + 1).scatter_reduce_(
                0, places, rows.flatten(), "amax"
            )
            rows = loudest[places].view(-1, 1, 1)
        self._floor = STEADY_RANGE * (rows if owners is not None else rows.amax()) + 1e-12
        self._side = (power + self._floor).log()
        self._count = self._mean.count(target, size, len(self._filters))

    def _power(self, x: torch.Tensor) -> torch.Tensor:
        spectra = torch.view_as_real(stft(x, self._window, self._mean.rows.ends)).square().sum(-1)
        power, ends = (spectra @ self._filters.T).mT, self._mean.rows.ends
        if ends is None:
            return self._averaged(power)
        own = before(1 + ends.div(self._hop, rounding_mode="floor"), power.shape[2]).unsqueeze(1).to(power)
        return own * self._averaged(power) / self._averaged(own).clamp(min=1e-6)

    def _averaged(self, power: torch.Tensor) -> torch.Tensor:
        n = self._frames
        return torch.nn.functional.avg_pool1d(power, n, 1, n // 2, count_include_pad=False)[..., : power.shape[2]]

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The distance, in nepers: one number, or ``(sounds,)`` where owners were given."""
        return self._mean(((self._power(match) + self._floor).log() - self._side).abs() / 2, self._count)


class WaveformDistance:
    """Mean absolute difference of samples over the target's mean absolute sample.

    Args:
        target: The signals that are to be matched.
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding.
    """

    def __init__(
        self, target: Float[torch.Tensor, "batch samples"], owners: Numbers = None, lengths: Numbers = None
    ) -> None:
        self._mean = _Mean(target, owners, lengths)
        self._count = self._mean.count(target)
        self._target = self._mean.rows.kept(target)
        self._scale = self._mean(self._target.abs(), self._count).clamp(min=1e-5)

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The distance, 1 for silence against any target: one number, or ``(sounds,)`` where owners were given."""
        return self._mean((self._mean.rows.kept(match) - self._target).abs(), self._count) / self._scale


class TotalLoss:
    """The weighted sum the settings ask for.

    Sounds that are matched together are independent: the loss of each, and its gradient, is what it would be alone.

    Args:
        target: The signals that are to be matched.
        sample_rate: In Hz.
        settings: Weights and FFT sizes.
        workers: Threads that may share the work.
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding, which nothing heeds.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sample_rate: int,
        settings: LossSettings,
        workers: int = 1,
        *,
        owners: Numbers = None,
        lengths: Numbers = None,
    ) -> None:
        sizes = settings.fft_sizes or sizes_for(sample_rate)
        self._shape = () if owners is None else (max(owners) + 1,)
        whose: dict[str, Any] = {"owners": owners, "lengths": lengths}
        self._parts: list[tuple[float, Distance]] = []
        if settings.linear or settings.log or settings.convergence:
            weights = {"linear": settings.linear, "log": settings.log, "convergence": settings.convergence}
            self._parts.append((1.0, MultiResolutionSTFT(target, sizes, **weights, workers=workers, **whose)))
        if settings.mel:
            self._parts.append((settings.mel, MelDistance(target, sample_rate, sizes[:3], **whose)))
        if settings.loudness:
            middle = sizes[min(1, len(sizes) - 1)]
            self._parts.append((settings.loudness, LoudnessDistance(target, sample_rate, middle, **whose)))
        if settings.steady:
            self._parts.append((settings.steady, SteadyMelDistance(target, sample_rate, **whose)))
        if settings.waveform:
            self._parts.append((settings.waveform, WaveformDistance(target, **whose)))

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The loss, differentiable with respect to `match`, 0 for the target itself: one number, or ``(sounds,)``."""
        total = match.new_zeros(self._shape)
        for weight, distance in self._parts:
            total = total + weight * distance(match)
        return total
