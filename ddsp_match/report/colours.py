"""Colour tables for the pictures: 256 entries each, even in perceived lightness."""

from __future__ import annotations

from functools import cache

import numpy as np

# Anchors as (lightness, chroma, hue in degrees) in the Oklch space. Lightness rises linearly along the
# sequential table, so equal steps in dB look like equal steps in brightness, in grey print as well.
_SEQUENTIAL = [
    (0.13, 0.03, 285.0),
    (0.28, 0.11, 292.0),
    (0.43, 0.17, 325.0),
    (0.58, 0.19, 372.0),
    (0.72, 0.16, 402.0),
    (0.85, 0.13, 437.0),
    (0.98, 0.06, 465.0),
]
_DIVERGING = [
    (0.80, 0.11, 230.0),
    (0.55, 0.13, 245.0),
    (0.22, 0.01, 270.0),
    (0.58, 0.14, 400.0),
    (0.84, 0.14, 430.0),
]

_OKLAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _table(anchors: list[tuple[float, float, float]]) -> np.ndarray:
    """Interpolates Oklch anchors to 256 sRGB colours (Ottosson 2020, "A perceptual color space")."""
    at = np.linspace(0, len(anchors) - 1, 256)
    lightness, chroma, hue_deg = (
        np.interp(at, range(len(anchors)), part) for part in zip(*anchors, strict=True)
    )
    hue = np.deg2rad(hue_deg)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    linear = ((lab @ _OKLAB_TO_LMS.T) ** 3) @ _LMS_TO_RGB.T
    linear = linear.clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (srgb * 255).round().astype(np.uint8)


@cache
def sequential() -> np.ndarray:
    """Dark to light, for levels: ``(256, 3)`` uint8."""
    return _table(_SEQUENTIAL)


@cache
def diverging() -> np.ndarray:
    """Blue through near-black to orange, for differences: ``(256, 3)`` uint8."""
    return _table(_DIVERGING)
