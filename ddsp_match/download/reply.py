"""What a server says of a file, and the note of it that a broken download leaves behind."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        url: The address that was asked for.
        size_bytes: Its length, where the server says one.
        etag: Its version, or "".
        modified: When it changed last, as the server writes it, or "".
        md5: Its MD5 in hex, where the server sends one (``Content-MD5``, or Google's ``x-goog-hash``).
        kind: Its ``Content-Type``.
    """

    url: str
    size_bytes: int | None = None
    etag: str = ""
    modified: str = ""
    md5: str = ""
    kind: str = ""

    @property
    def validator(self) -> str:
        """What ``If-Range`` may name: a strong ETag, or else a date (RFC 9110, 13.1.5); "" where there is neither."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def may_be(self, other: Remote) -> bool:
        """Say whether two answers may speak of one version of one file; a 206 need not repeat all of a 200."""
        pairs = (
            (self.size_bytes, other.size_bytes),
            (self.etag, other.etag),
            (self.modified, other.modified),
            (self.md5, other.md5),
        )
        return all(mine == its for mine, its in pairs if mine and its)


def remote_of(url: str, status: int, headers: Message) -> Remote:
    """Read the headers of a 200 or 206."""
    span = content_range(headers) if status == 206 else None
    length = headers.get("Content-Length", "")
    size = span[1] if span else int(length) if re.fullmatch(r"\d+", length) else None
    return Remote(
        url=url,
        size_bytes=size,
        etag=headers.get("ETag", ""),
        modified=headers.get("Last-Modified", ""),
        md5=_md5(headers),
        kind=headers.get("Content-Type", ""),
    )


def content_range(headers: Message) -> tuple[int, int | None] | None:
    """Return where the part begins and how long the whole is, or None where the server does not say.

    ``bytes */100``, which comes with a 416, begins at the end.
    """
    match = re.fullmatch(r"bytes\s+(?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match is None:
        return None
    total = None if match[2] == "*" else int(match[2])
    return int(match[1]) if match[1] is not None else total or 0, total


def _md5(headers: Message) -> str:
    values = [value for line in headers.get_all("x-goog-hash", []) for value in line.split(",")]
    encoded = [value.strip().removeprefix("md5=") for value in values if value.strip().startswith("md5=")]
    for value in [*encoded, headers.get("Content-MD5", "")]:
        with contextlib.suppress(binascii.Error, ValueError):
            digest = base64.b64decode(value, validate=True)
            if len(digest) == 16:
                return digest.hex()
    return ""


def note_of(part: Path) -> Path:
    """Return the file beside an unfinished download that says what it is a part of."""
    return part.with_name(f"{part.name}.json")


def write_note(part: Path, remote: Remote) -> None:
    """Write down what the bytes of `part` belong to, before there are any."""
    note = note_of(part)
    fresh = note.with_name(f"{note.name}.new")
    fresh.write_text(json.dumps(asdict(remote)), encoding="utf-8")
    os.replace(fresh, note)


def read_note(part: Path) -> Remote | None:
    """Return what the bytes of `part` belong to; None where that is not known."""
    try:
        return Remote(**json.loads(note_of(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def discard(part: Path) -> None:
    """Remove an unfinished download: first the bytes, then what is said of them."""
    part.unlink(missing_ok=True)
    note_of(part).unlink(missing_ok=True)
