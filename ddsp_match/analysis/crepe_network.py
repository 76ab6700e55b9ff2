"""The CREPE network, exactly and fast: the same activations as `crepe_plain` in a fraction of the time.

**The first layer** slides 512 taps in steps of 4 samples over a frame of 1024, padded by 254 zeros on either side, and
frames follow each other every 160 samples, which is 40 steps. So there are 40 new positions a frame on one common
grid, and a position differs between frames only by where the frame truncates the taps and by the frame's own mean and
deviation. A window of taps is split where frames begin and end; the frames need the sums of the products up to each
split, and from each split on: each tap meets each sample once instead of 6.4 times. With a window starting at sample
``160 k + 4 r - 254`` (block ``k``, residue ``r`` below 40), frames begin at samples 0 and -160 and end at 64, 224 and
384, relative to ``160 k``.

**Layers 2 to 6** are convolved in the frequency domain. A layer takes `positions` columns of channels, zero-padded on
both sides, under 64 taps. Neighbouring taps share their zeros circularly, so a transform of
``positions + min(32, positions)`` points is long enough, and each of its bins is one complex matrix product over the
channels. Transforms are matrix products themselves (`real_dft`): at these lengths that is as fast as an FFT and leaves
every intermediate in the order that the next step reads.

Source: Kim et al., "CREPE: A Convolutional Representation for Pitch Estimation", ICASSP 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float

from ddsp_match.analysis.crepe_plain import HOP, STD_FLOOR, WINDOW
from ddsp_match.analysis.crepe_weights import ConvolutionLayer, CrepeWeights, load_weights
from ddsp_match.core.device import has_float64, memory_free
from ddsp_match.dsp.real_dft import analysis_matrix, synthesis_matrix
from ddsp_match.dsp.scratch import Scratch

TAPS, STRIDE, PAD = 512, 4, 254
STEPS = HOP // STRIDE
POSITIONS = WINDOW // STRIDE
SPLITS = (  # residues from, to; samples where frames begin inside their windows; samples where frames end
    (0, 16, (-160, 0), (64, 224)),
    (16, 24, (-160, 0), (224,)),
    (24, 32, (0,), (224,)),
    (32, 40, (0,), (224, 384)),
)
FIRST_WHOLE, LAST_WHOLE = 64, 192  # positions whose taps all lie inside the frame
MARGIN = HOP
EXTRA_BLOCKS = 6  # a frame's last positions belong to the sixth block after its first
TAPS_BEFORE = 31  # of 64, in layers 2 to 6
FRAMES_AT_ONCE = 84  # on the CPU: bounds the intermediates of the full model to about 0.2 GB, and is kind to its caches
# On a GPU: enough to keep it busy (not measured on one), within a quarter of the memory it has left.
MOST_FRAMES, BYTES_A_FRAME, SHARE_OF_MEMORY = 4096, 2_500_000, 0.25
CPU = torch.device("cpu")


class FirstLayer:
    """The first layer, up to and including its pooling, for many consecutive frames.

    The result still lacks the division by each frame's deviation (the relu lets it wait until there are fewer
    channels), and its whole positions lack an addend that is the same in all of them: one more row holds it, and
    `completion` is the matrix that adds it.

    Args:
        layer: The layer's numbers, on the CPU.
        device: Where to work.
    """

    def __init__(self, layer: ConvolutionLayer, device: torch.device) -> None:
        if bool((layer.gain < 0).any()):
            raise ValueError("a first layer with negative gains needs minima, which are not implemented")
        kernel = layer.kernel[:, 0].T.contiguous()
        self.channels = kernel.shape[1]
        # Latest tap first, and zeros beyond both ends for the residues that reach less far than others.
        self.kernel = torch.nn.functional.pad(kernel.flip(0), (0, 0, MARGIN, MARGIN))
        # How a frame's mean and deviation enter each position: minus its taps' sum, and the bias.
        sums = torch.cat((kernel.new_zeros(1, self.channels), kernel.double().cumsum(0)))
        starts = STRIDE * torch.arange(POSITIONS) - PAD
        inside = sums[(WINDOW - starts).clamp(max=TAPS)] - sums[(-starts).clamp(min=0)]
        bias = layer.bias.expand(POSITIONS, -1)
        self.corrections = torch.stack((-inside.float(), bias), 1)
        self.completion = torch.zeros(POSITIONS // 2, POSITIONS // 2 + 1)
        self.completion[:, :-1].fill_diagonal_(1.0)
        self.completion[FIRST_WHOLE // 2 : LAST_WHOLE // 2, -1] = 1.0
        # Built on the CPU, for its float64; the completion stays, to be multiplied into the next layer's matrix.
        self.kernel, self.corrections = self.kernel.to(device), self.corrections.to(device)

    def __call__(
        self, samples: Float[torch.Tensor, " n"], frames: int, scratch: Scratch
    ) -> tuple[Float[torch.Tensor, "rows frames channels"], Float[torch.Tensor, "frames 1"]]:
        """Return rows of half the positions, and the factor (one over the deviation) still missing from each frame.

        Args:
            samples: Sound at 16 kHz from the first sample of the first frame to the last one of the last.
            frames: Number of frames, 160 samples apart.
            scratch: Memory for the intermediates and the rows.
        """
        exact = samples if has_float64(samples.device) else samples.cpu()
        framed = exact.unfold(0, WINDOW, HOP)[:frames].double()
        deviation = framed.std(1).clamp_min(STD_FLOOR).float()
        # A frame's correction at a position is these two times `corrections` there.
        moments = torch.stack((framed.mean(1).float(), deviation), 1).to(samples.device)
        deviation = moments[:, 1]

        # Positions 40 s and on of frame f lie in block f + s: every frame is a slice of the same blocks.
        blocks = frames + EXTRA_BLOCKS
        missing = PAD + blocks * HOP + TAPS - samples.shape[0]
        padded = torch.nn.functional.pad(samples, (PAD, max(0, missing)))

        rows = scratch.take("rows", POSITIONS // 2 + 1, frames, self.channels)
        whole = scratch.take("whole", STEPS // 2, blocks, self.channels)
        # Frames that end at a split need the sums up to it (prefix), frames that begin there the sums from it (suffix).
        for low, high, begins, ends in SPLITS:
            edges = (STRIDE * low - PAD, *begins, *ends, STRIDE * (high - 1) - PAD + TAPS)
            parts = []
            for index, span in enumerate(pairwise(edges)):
                part = scratch.take(f"part {index}", high - low, blocks, self.channels)
                parts.append(self._products(padded, part, low, span))
            prefix, suffix = parts[0], parts[-1]
            for index, part in enumerate(parts[1:], 1):
                if index > len(begins):
                    shift = (WINDOW - edges[index]) // HOP
                    self._place(rows, prefix, moments, low + STEPS * shift, shift, scratch)
                prefix += part
            # The complete sums serve every frame around the whole window: pooled once, copied afterwards.
            torch.maximum(prefix[0::2], prefix[1::2], out=whole[low // 2 : high // 2])
            for index in range(len(parts) - 1, 0, -1):
                if index < len(parts) - 1:
                    suffix += parts[index]
                if index <= len(begins):
                    shift = -edges[index] // HOP
                    self._place(rows, suffix, moments, low + STEPS * shift, shift, scratch)
        self._place_whole(rows, whole, moments)
        return rows, (1.0 / deviation)[:, None]

    def _products(
        self, padded: torch.Tensor, out: torch.Tensor, low: int, span: tuple[int, int]
    ) -> Float[torch.Tensor, "residues blocks channels"]:
        """Sum taps times samples over a span of samples of each block, for the residues from low on."""
        start, end = span
        residues, blocks, _ = out.shape
        pieces = padded[PAD + start :].unfold(0, end - start, HOP)[:blocks].flip(1)
        first_row = MARGIN + TAPS - end + STRIDE * low - PAD
        taps = self.kernel[first_row:].as_strided(
            (residues, end - start, self.channels),
            (STRIDE * self.channels, self.channels, 1),
            first_row * self.channels,
        )
        return torch.bmm(pieces.expand(residues, -1, -1), taps, out=out)

    def _place(
        self,
        rows: torch.Tensor,
        sums: torch.Tensor,
        moments: torch.Tensor,
        position: int,
        shift: int,
        scratch: Scratch,
    ) -> None:
        """Correct, pool and rectify truncated positions, whose frame began `shift` blocks earlier."""
        residues, frames = sums.shape[0], rows.shape[1]
        corrected = torch.baddbmm(
            sums[:, shift : shift + frames],
            moments.expand(residues, -1, -1),
            self.corrections[position : position + residues],
            out=scratch.take("corrected", residues, frames, self.channels),
        )
        target = rows[position // 2 : (position + residues) // 2]
        torch.maximum(corrected[0::2], corrected[1::2], out=target).clamp_min_(0)

    def _place_whole(self, rows: torch.Tensor, whole: torch.Tensor, moments: torch.Tensor) -> None:
        """Copy the whole positions to every frame: relu(y + c) is max(y, -c) + c, and c goes in the last row."""
        frames = rows.shape[1]
        common = torch.mm(moments, self.corrections[FIRST_WHOLE], out=rows[-1])
        floor = -common
        for shift in range(FIRST_WHOLE // STEPS, -(-LAST_WHOLE // STEPS)):
            low, high = max(0, FIRST_WHOLE - STEPS * shift), min(STEPS, LAST_WHOLE - STEPS * shift)
            first = low + STEPS * shift
            target = rows[first // 2 : (first + high - low) // 2]
            torch.maximum(whole[low // 2 : high // 2, shift : shift + frames], floor, out=target)


def pooled_relu(
    x: Float[torch.Tensor, "positions frames channels"], negative: Bool[torch.Tensor, " channels"] | None
) -> Float[torch.Tensor, "half frames channels"]:
    """Apply relu and max-pooling by two, before a gain that the next layer has folded into its kernel.

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
        before: The layer before, whose gain and offset are still to be applied to the input.
        positions: Columns of the input.
        input_rows: Matrix ``(positions, rows)`` from the input to the columns, where the input is not the columns
            themselves.
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
        reaching = slice(max(0, TAPS_BEFORE - reach), min(taps, TAPS_BEFORE + reach + 1))
        kernel = (layer.kernel[:, :, reaching] * before.gain[:, None]).reshape(n_out * n_in, -1)
        # The network correlates: its taps run the other way, which conjugates the spectrum.
        matrix = analysis_matrix(kernel.shape[1], size, reaching.start - TAPS_BEFORE)
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
        """Convolve, add the bias, rectify and pool.

        Args:
            x: Input, before its gain and offset.
            scratch: Memory for the intermediates.
            scale: Factor still missing from each frame of the input.
        """
        rows, frames, channels = x.shape
        bins, _, double = self.spectrum.shape
        n_out = double // 2
        spectrum = scratch.take("spectrum", 2 * bins, frames * channels)
        torch.mm(self.forward_dft, x.reshape(rows, -1), out=spectrum)
        # A complex product a bin as one real product of twice the width; its four parts are combined below.
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


class CrepeNetwork:
    """CREPE with its kernels transformed once, ready to run on any number of sounds.

    The same layers serve every device: they take a thirteenth of the multiplications of plain convolutions (the tiny
    model's a fifth; counted), and all of them are matrix products. Float32 throughout.

    Args:
        weights: The numbers, on the CPU.
        device: Where to work.
        frames_together: Frames of several sounds that run as one batch; by default one sound at a time on the CPU,
            and on a GPU as many frames as its memory allows.
    """

    @torch.inference_mode()
    def __init__(
        self, weights: CrepeWeights, device: torch.device = CPU, frames_together: int | None = None
    ) -> None:
        first, *rest = weights.layers
        self.device = device
        self._frames_together = frames_together
        self.scratch = Scratch(device)
        self.first = FirstLayer(first, device)
        self.rest, before, positions = [], first, POSITIONS // 2
        for layer in rest:
            rows = self.first.completion if before is first else None
            self.rest.append(SpectralConvolution(layer, before, positions, rows, device))
            before, positions = layer, positions // 2
        # The last layer's gain and offset go into the classifier, whose features are (position, channel).
        bins, channels = weights.classifier.shape[0], before.gain.shape[0]
        classifier = weights.classifier.view(bins, positions, channels)
        self.classifier = (classifier * before.gain).flatten(1).T.contiguous().to(device)
        self.classifier_bias = (weights.classifier_bias + (classifier @ before.offset).sum(1)).to(device)

    def activations(
        self,
        samples: Float[torch.Tensor, " n"],
        progress: Callable[[int, int], None] | None = None,
    ) -> Float[torch.Tensor, "frames bins"]:
        """Return one row of activations every 160 samples, the first centred on sample zero; on the CPU.

        Args:
            samples: Sound at 16 kHz.
            progress: Called with the frames done and their total, every hundred or so.
        """
        return self.activations_of([samples], progress=progress)[0]

    @torch.inference_mode()
    def activations_of(
        self,
        sounds: Sequence[Float[torch.Tensor, " n"]],
        wanted: Sequence[np.ndarray] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Float[torch.Tensor, "frames bins"]]:
        """Return the activations of many sounds, for each as if it were alone.

        On a GPU the frames of several sounds run together; on the CPU one sound follows the other, to the same bits.

        Args:
            sounds: Sounds at 16 kHz, on the CPU.
            wanted: ``(frames,)`` bool for each sound: frames to run; the rows of others are zero. By default all.
            progress: Called with the frames done and their total, every hundred or so.
        """
        padded = [torch.nn.functional.pad(sound, (WINDOW // 2, WINDOW // 2)) for sound in sounds]
        frames = [1 + (sound.shape[0] - WINDOW) // HOP for sound in padded]
        masks = [np.ones(n, dtype=bool) for n in frames] if wanted is None else wanted
        results = [torch.zeros(n, self.classifier.shape[1]) for n in frames]
        done, total = 0, sum(int(mask.sum()) for mask in masks)
        for group in self._groups(masks):
            rows = self._together([padded[i][a * HOP : (b - 1) * HOP + WINDOW] for i, a, b in group])
            for (i, a, b), part in zip(group, rows, strict=True):
                results[i][a:b] = part
                done += b - a
            if progress is not None:
                progress(done, total)
        return results

    def _groups(self, masks: Sequence[np.ndarray]) -> Iterator[list[tuple[int, int, int]]]:
        """Group stretches of frames (sound, first, one past the last) that run together."""
        alone = self._frames_together is None and self.device.type == "cpu"
        most = self._frames_together or FRAMES_AT_ONCE
        if self._frames_together is None and not alone:
            affordable = int(SHARE_OF_MEMORY * memory_free(self.device) / BYTES_A_FRAME)
            most = min(max(affordable, FRAMES_AT_ONCE), MOST_FRAMES)
        group: list[tuple[int, int, int]] = []
        size = 0
        for i, mask in enumerate(masks):
            edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
            for start, stop in zip(edges[0::2], edges[1::2], strict=True):
                chunks = -(-(stop - start) // most)
                for chunk in range(chunks):
                    a = start + chunk * (stop - start) // chunks
                    b = start + (chunk + 1) * (stop - start) // chunks
                    if group and (alone or size + b - a + EXTRA_BLOCKS > most):
                        yield group
                        group, size = [], 0
                    group.append((i, a, b))
                    size += b - a + EXTRA_BLOCKS
        if group:
            yield group

    def _together(self, pieces: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the activations of pieces of sound, run as one long sound; on the CPU.

        Each piece begins on the grid of the frames; the few frames that lie across two pieces are dropped.
        """
        starts, room = [], 0
        for piece in pieces:
            starts.append(room)
            room += -(-piece.shape[0] // HOP)
        joined = torch.zeros(room * HOP if len(pieces) > 1 else pieces[0].shape[0])
        for start, piece in zip(starts, pieces, strict=True):
            joined[start * HOP : start * HOP + piece.shape[0]] = piece
        counts = [1 + (piece.shape[0] - WINDOW) // HOP for piece in pieces]
        rows = self._chunk(joined.to(self.device), starts[-1] + counts[-1]).cpu()
        return [rows[start : start + count] for start, count in zip(starts, counts, strict=True)]

    def _chunk(self, samples: torch.Tensor, frames: int) -> torch.Tensor:
        # On a GPU torch keeps freed memory itself, and others may need it between two calls.
        scratch = self.scratch if self.device.type == "cpu" else Scratch(self.device)
        x, scale = self.first(samples, frames, scratch)
        for layer in self.rest:
            x = layer(x, scratch, scale)
            scale = None
        features = x.transpose(0, 1).flatten(1)
        return torch.addmm(self.classifier_bias, features, self.classifier).sigmoid_()


@lru_cache(maxsize=2)
def crepe_network(model: str = "full", device: torch.device = CPU) -> CrepeNetwork:
    """Return the network ``full`` or ``tiny`` on a device, built at its first use and kept."""
    return CrepeNetwork(load_weights(model), device)
