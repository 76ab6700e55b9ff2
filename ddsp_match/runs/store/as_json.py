"""Entries and settings as JSON that any tool reads, and back."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, fields
from typing import Any

from ddsp_match.runs.store.entry import Entry


def dumps(value: Any) -> str:
    """JSON in one line: what is not finite becomes null, numpy's numbers plain ones, a path text."""
    return json.dumps(_plain(value), ensure_ascii=True, allow_nan=False)


def entry_text(entry: Entry) -> str:
    """Return the content of ``entry.json``, indented to be read."""
    return json.dumps(_plain(asdict(entry)), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def entry_of(content: dict[str, Any]) -> Entry:
    """Return the entry that was written by any version; a metric that was null is NaN.

    Raises:
        TypeError: A field that an entry needs is missing.
    """
    known = {field.name for field in fields(Entry)}
    entry = Entry(**{key: value for key, value in content.items() if key in known})
    entry.metrics = {key: math.nan if value is None else value for key, value in entry.metrics.items()}
    return entry


def utf8(text: str) -> str:
    r"""A file's name as text that can be stored: bytes that are no UTF-8 (`os.fsdecode`) become ``\udcXX``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def from_utf8(text: str) -> str:
    """Return the name that `utf8` was given."""
    return re.sub(r"\\udc([0-9a-f]{2})", lambda match: chr(0xDC00 + int(match[1], 16)), text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "item"):  # a number of numpy's or torch's
        return _plain(value.item())
    return str(value)
