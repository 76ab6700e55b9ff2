"""Names of sounds: unique, and safe as relative paths on every system."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
MAX_BYTES = 180  # of one part: file names hold 255, and suffixes come after it


def safe(name: str) -> str:
    """A name as a relative path that every system can make folders of, with ``/`` between its parts."""
    parts = [_safe_part(part) for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    return "/".join(parts) or "sound"


def unique(names: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """Names that differ from one another, also where case does not count, and none of which lies below another.

    Args:
        names: As `safe` makes them.
        suffixes: Of the sounds' files, ``.wav``: what tells two sounds of one name apart, before numbers do.

    Returns:
        As many names, in the same order; those that were unique stay as they are.
    """
    keys = [name.casefold() for name in names]
    counts = Counter(keys)
    folders = {str(parent).casefold() for name in set(names) for parent in PurePosixPath(name).parents}
    used = folders | {key for key, count in counts.items() if count == 1}
    numbers: Counter[str] = Counter()
    unique = []
    for name, key, suffix in zip(names, keys, suffixes, strict=True):
        if counts[key] > 1 or key in folders:
            candidate = f"{name}{suffix.lower()}"
            while candidate.casefold() in used:
                numbers[key] += 1
                candidate = f"{name}-{numbers[key] + 1}"
            name = candidate
            used.add(name.casefold())
        unique.append(name)
    return unique


def _safe_part(part: str) -> str:
    part = _UNSAFE.sub("_", part).rstrip(" .") or "_"
    if part.startswith(".") or _RESERVED.match(part):  # a dot hides scratch folders
        part = f"_{part}"
    encoded = part.encode("utf-8")
    if len(encoded) > MAX_BYTES:
        mark = hashlib.sha1(encoded).hexdigest()[:8]
        part = f"{encoded[: MAX_BYTES - 9].decode('utf-8', 'ignore')}-{mark}"
    return part
