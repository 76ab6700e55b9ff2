"""Noise magnitudes as one byte each: code 0 is silence, code c is (c / 2 - 121) dB, so -120.5 to +6.5 dB."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8

NOISE_STEP_DB, NOISE_BASE_DB = 0.5, -121.0


def encode_noise(magnitude: Float[torch.Tensor, "*shape"]) -> UInt8[torch.Tensor, "*shape"]:
    """Linear magnitudes to bytes, half a dB a step."""
    db = 20 * torch.log10(magnitude.clamp(min=1e-12))
    return ((db - NOISE_BASE_DB) / NOISE_STEP_DB).round().clamp(0, 255).to(torch.uint8)


def decode_noise(code: UInt8[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """Bytes to linear magnitudes."""
    table = 10 ** ((torch.arange(256, dtype=torch.float64) * NOISE_STEP_DB + NOISE_BASE_DB) / 20)
    table[0] = 0.0
    return table.float()[code.long()]
