"""Layers 2 to 6 of CREPE, convolved in the frequency domain: the same result for a fraction of the products.

A layer sees `positions` columns of channels, zero-padded on both sides, under 64 taps. Neighbouring taps
share their zeros circularly, so a transform of ``positions + min(32, positions)`` points is long enough, and
each of its bins is one complex matrix product over the channels. Transforms are matrix products themselves
(`real_dft`): at these lengths that is as fast as an FFT and leaves every intermediate in the order its reader
needs.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float

from ddsp_match.analysis.crepe_weights import ConvolutionLayer
from ddsp_match.dsp.real_dft import analysis_matrix, synthesis_matrix
from ddsp_match.dsp.scratch import Scratch

TAPS_BEFORE = 31
CPU = torch.device("cpu")


def pooled_relu(
    x: Float[torch.Tensor, "positions frames channels"], negative: Bool[torch.Tensor, " channels"] | None
) -> Float[torch.Tensor, "half frames channels"]:
    """Relu and max-pooling by two, before a gain that the next layer has folded into its kernel.

    The maximum commutes with the relu and with a positive gain; under a negative one it turns into a minimum.

    Args:
        x: Before the relu.
        negative: Channels whose gain is negative; None for none at all.
    """
    even, odd = x[0::2], x[1::2]
    largest = torch.maximum(even, odd)
    if negative is not None:
        largest = torch.where(negative, torch.minimum(even, odd), largest)
    return largest.clamp_min_(0)


class SpectralConvolution:
    """One layer, up to and including its pooling; its predecessor's batch normalisation folded in.

    Args:
        layer: The layer's numbers.
        before: The layer before, whose gain and offset are still to be applied to what comes in.
        positions: Columns that come in.
        input_rows: Matrix ``(positions, rows)`` from what comes in to the columns, where what comes in is
            not the columns themselves.
        device: Where to work; the numbers given are on the CPU.
    """

    def __init__(
        self,
        layer: ConvolutionLayer,
        before: ConvolutionLayer,
        positions: int,
        input_rows: Float[torch.Tensor, "positions rows"] | None = None,
        device: torch.device = CPU,
    ) -> None:
        size = positions + min(TAPS_BEFORE + 1, positions)
        n_out, n_in, taps = layer.kernel.shape
        negative = layer.gain < 0
        # Asked once: to ask a GPU in each call would wait for it each time.
        self.negative = negative.to(device) if bool(negative.any()) else None
        forward_dft = analysis_matrix(positions, size)
        if input_rows is not None:
            forward_dft = forward_dft @ input_rows
        self.forward_dft = forward_dft.to(device)
        self.inverse_dft = synthesis_matrix(positions, size).to(device)

        # Taps that reach no column would fold back onto others: a layer of 16 positions sees ±15 only.
        reach = positions - 1
        seen = slice(max(0, TAPS_BEFORE - reach), min(taps, TAPS_BEFORE + reach + 1))
        kernel = (layer.kernel[:, :, seen] * before.gain[:, None]).reshape(n_out * n_in, -1)
        # The network correlates: its taps run the other way, which conjugates the spectrum.
        matrix = analysis_matrix(kernel.shape[1], size, seen.start - TAPS_BEFORE)
        matrix[1::2] *= -1
        # (bins, in, real and imaginary of every out): the right side of one product per bin.
        self.spectrum = (matrix @ kernel.T).view(-1, 2 * n_out, n_in).transpose(1, 2).to(device)

        # The predecessor's offset is zero outside the columns, so its share differs near the ends.
        padding = (TAPS_BEFORE, taps - TAPS_BEFORE - 1)
        inside = torch.nn.functional.pad(torch.ones(positions), padding).unfold(0, taps, 1)
        tap_sums = torch.matmul(before.offset, layer.kernel)
        self.constant = (inside @ tap_sums.T + layer.bias)[:, None].to(device)

    def __call__(
        self,
        x: Float[torch.Tensor, "rows frames channels"],
        scratch: Scratch,
        scale: Float[torch.Tensor, "frames 1"] | None = None,
    ) -> Float[torch.Tensor, "half frames out"]:
        """Convolves, adds the bias, rectifies and pools.

        Args:
            x: What comes in, before its gain and offset.
            scratch: Memory for what lies between.
            scale: Factor still missing from each frame of what comes in.
        """
        rows, frames, channels = x.shape
        bins, _, double = self.spectrum.shape
        n_out = double // 2
        spectrum = scratch.take("spectrum", 2 * bins, frames * channels)
        torch.mm(self.forward_dft, x.reshape(rows, -1), out=spectrum)
        product = scratch.take("product", bins, 2 * frames, double)
        torch.bmm(spectrum.view(bins, 2 * frames, channels), self.spectrum, out=product)
        real, imaginary = product.view(bins, 2, frames, 2, n_out).unbind(1)
        result = scratch.take("result", bins, 2, frames, n_out)
        torch.sub(real[:, :, 0], imaginary[:, :, 1], out=result[:, 0])
        torch.add(real[:, :, 1], imaginary[:, :, 0], out=result[:, 1])
        y = scratch.take("convolved", self.inverse_dft.shape[0], frames * n_out)
        y = torch.mm(self.inverse_dft, result.view(2 * bins, -1), out=y).view(-1, frames, n_out)
        if scale is not None:
            y *= scale
        y += self.constant
        return pooled_relu(y, self.negative)
