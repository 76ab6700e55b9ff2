"""CREPE's first layer on overlapping frames: what neighbouring frames share is computed once.

The layer slides 512 taps in steps of 4 samples over a frame of 1024, padded by 254 zeros on either side, and
frames follow each other every 160 samples, which is 40 steps. So there are 40 new positions a frame on one
common grid, and a position differs between frames only by where the frame cuts the taps off and by the
frame's own mean and deviation. A window of taps is split where frames begin and end; the sums of the products
up to each split, and from each split on, are what the frames need: each tap meets each sample once instead of
6.4 times.

With a window starting at sample ``160 k + 4 r - 254`` (block ``k``, residue ``r`` below 40), frames begin at
samples 0 and -160 and end at 64, 224 and 384, relative to ``160 k``.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float

from ddsp_match.analysis.crepe_plain import HOP, STD_FLOOR, WINDOW
from ddsp_match.analysis.crepe_weights import ConvolutionLayer
from ddsp_match.core.device import has_float64
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


class FirstLayer:
    """The first layer, up to and including its pooling, for many consecutive frames.

    What it returns still lacks the division by each frame's deviation (the relu lets it wait until there are
    fewer channels), and its whole positions lack an addend that is the same in all of them: it is returned as
    one more row, and `completion` is the matrix that adds it.

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
        """Rows of half the positions, and the factor (one over the deviation) still missing from each frame.

        Args:
            samples: Sound at 16 kHz from the first sample of the first frame to the last one of the last.
            frames: Number of frames, 160 samples apart.
            scratch: Memory for what lies between, and for the rows.
        """
        exact = samples if has_float64(samples.device) else samples.cpu()
        cut = exact.unfold(0, WINDOW, HOP)[:frames].double()
        deviation = cut.std(1).clamp_min(STD_FLOOR).float()
        # A frame's correction at a position is these two times `corrections` there.
        moments = torch.stack((cut.mean(1).float(), deviation), 1).to(samples.device)
        deviation = moments[:, 1]

        blocks = frames + EXTRA_BLOCKS
        missing = PAD + blocks * HOP + TAPS - samples.shape[0]
        padded = torch.nn.functional.pad(samples, (PAD, max(0, missing)))

        rows = scratch.take("rows", POSITIONS // 2 + 1, frames, self.channels)
        whole = scratch.take("whole", STEPS // 2, blocks, self.channels)
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
        """Sums of taps times samples over a span of samples of each block, for the residues from low on."""
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
        """Corrects, pools and rectifies cut-off positions, whose frame began `shift` blocks earlier."""
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
        """Spreads what frames share: relu(y + c) is max(y, -c) + c, and c goes in the last row."""
        frames = rows.shape[1]
        common = torch.mm(moments, self.corrections[FIRST_WHOLE], out=rows[-1])
        floor = -common
        for shift in range(FIRST_WHOLE // STEPS, -(-LAST_WHOLE // STEPS)):
            low, high = max(0, FIRST_WHOLE - STEPS * shift), min(STEPS, LAST_WHOLE - STEPS * shift)
            first = low + STEPS * shift
            target = rows[first // 2 : (first + high - low) // 2]
            torch.maximum(whole[low // 2 : high // 2, shift : shift + frames], floor, out=target)
