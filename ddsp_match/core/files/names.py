"""Names of files: as text that every encoding can carry, and short enough for the disk."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import cast

_LONGEST = 255  # bytes of a name where the system does not tell


def printable(text: str) -> str:
    r"""Text that UTF-8 can hold: bytes of a file's name that are no UTF-8 become ``\xff``.

    Under an ASCII locale Python takes every accent for such bytes: those that are UTF-8 after all become the accent.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, which no file's name has
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def name_of(path: str | Path) -> str:
    r"""The name of a sound from its file: without suffix, as text; bytes that are no UTF-8 become ``_``."""
    stem = Path(path).stem
    return os.fsencode(stem).decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "_")


def decoded(name: str) -> str:
    """Text as the name of a file: the same, but where the locale is no UTF-8."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def encoded(path: str | Path) -> str:
    """A path for libraries that take text for UTF-8, in which not every name is: its bytes, where names are bytes.

    Said to be text because soundfile's annotations do not know the bytes that it takes.
    """
    return str(path) if os.name == "nt" else cast("str", os.fsencode(path))


def fitted(stem: str, suffix: str, folder: Path) -> str:
    """The name of a file or folder, its stem shortened to what the disk takes.

    Args:
        stem: Text.
        suffix: What comes after it whole.
        folder: Where the file will lie.
    """
    room = _longest(folder) - len(suffix.encode())
    stem_bytes = stem.encode("utf-8", "surrogateescape")
    if len(stem_bytes) > room:
        import hashlib

        mark = "-" + hashlib.sha1(stem_bytes).hexdigest()[:8]  # what is cut off may be all that tells two apart
        cut = stem_bytes[: room - len(mark)].decode("utf-8", "surrogateescape")
        stem = re.sub("[\udc80-\udcff]{1,3}$", "", cut) + mark  # the first bytes of a character that was cut
    return decoded(stem + suffix)


def beside(path: Path, suffix: str) -> Path:
    """The hidden name beside a file or folder that work on it goes by."""
    return path.with_name(fitted("." + printable(path.name), "." + suffix, path.parent))


def _longest(folder: Path) -> int:
    """Most bytes of a name in a folder, or in the nearest one above it that exists."""
    for place in (folder, *folder.parents):
        try:
            return os.pathconf(place, "PC_NAME_MAX")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError):
            break
    return _LONGEST
