"""Whether a file is, byte for byte, the one that was promised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from ddsp_match.download.problems import FetchError

PIECE_BYTES = 1 << 20


def checksums(path: Path, on_bytes: Callable[[int, int | None], None] | None = None) -> dict[str, str]:
    """Return the MD5 and SHA-256 of a file, in hex.

    Args:
        path: The file.
        on_bytes: Called with the number of bytes read, and of all.
    """
    total, done = path.stat().st_size, 0
    # MD5 finds damage, which is what the servers' own sums are for; SHA-256 is what the user's promise is checked by.
    digests = {"md5": hashlib.md5(usedforsecurity=False), "sha256": hashlib.sha256()}
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            for digest in digests.values():
                digest.update(piece)
            done += len(piece)
            if on_bytes is not None:
                on_bytes(done, total)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def check(
    path: Path, found: Mapping[str, str], *, hint: str, size_bytes: int | None = None, **needed: str
) -> list[str]:
    """Compares a file with what was promised of it.

    Args:
        path: The file, for the error.
        found: Its sums by name.
        hint: What the user can try.
        size_bytes: Its length, if promised.
        **needed: Promised sums by name; "" for those that are not.

    Returns:
        What was compared: ``["length", "md5"]``.

    Raises:
        FetchError: Something differs.
    """
    size = path.stat().st_size
    if size_bytes is not None and size != size_bytes:
        raise FetchError(f"{size:,} bytes", where=path, needed=f"{size_bytes:,} bytes", hint=hint)
    for name, value in needed.items():
        if value and found[name] != value.lower():
            raise FetchError(f"the {name.upper()} {found[name]}", where=path, needed=value.lower(), hint=hint)
    return [*(["length"] if size_bytes is not None else []), *(name for name, value in needed.items() if value)]
