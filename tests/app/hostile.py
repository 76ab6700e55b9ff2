"""Words that a server must not take at their word."""

from __future__ import annotations

from typing import Any

NAMES = (
    "../../../etc/cron.d/x", "..\\..\\windows\\x.wav", "/etc/passwd", "a/../../b", "~root", "$(touch x)", "`id`",
    "con", "nul.wav", "\x00", "a\x00.wav", "\r\nSet-Cookie: a=b", ".", "..", " ", "-rf", "--force",
    "<script>alert(1)</script>", "\u202e\u0000", "é" * 300, "x" * 4000, "%2e%2e%2f", "file:///etc/passwd", "|ls",
    "a;b", "name.wav/", "\ud83d\ude00", "metrics.json", ".hidden",
)  # fmt: skip
STEPS = (
    "..", ".", "", "%2e%2e", "..%2f..", "..%5c", "%00", "etc", "passwd", "static", "web", "api", "runs", "sounds",
    "fits", "edits", "export", "sfz", "index.html", "voice.py", "match.wav", "x" * 300, "é", "%ff", "%", "~", "*",
    "events", "state", "cancel", "level",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, -1e308, 2**70, "", "x", "..", "\x00", "reverb", "best", [], {}, [[]], {"a": {}},
    "\ud800", 0.1, "1e9",
)  # fmt: skip
