"""PNG files from palette indices.

Pillow takes half as long again for a picture (31 ms against 20 ms for 1200 by 400), and a page has up to ten of them.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """An indexed-colour PNG.

    Args:
        indices: ``(height, width)`` uint8, the top row first.
        palette: ``(256, 3)`` uint8.

    Returns:
        The file's bytes.

    Raises:
        ValueError: If the indices are no two-dimensional uint8 array or the picture is empty.
    """
    if indices.ndim != 2 or indices.dtype != np.uint8 or indices.size == 0:
        raise ValueError(f"indices must be a non-empty 2-D uint8 array, got {indices.dtype} {indices.shape}")
    height, width = indices.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row opens with its filter: 0, none
    rows[:, 1:] = indices
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", palette.astype(np.uint8).tobytes())
        + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + _chunk(b"IEND", b"")
    )


def data_uri(indices: np.ndarray, palette: np.ndarray) -> str:
    """The same as a ``data:`` address that stands in an ``<img>``."""
    return "data:image/png;base64," + base64.b64encode(encode(indices, palette)).decode("ascii")
