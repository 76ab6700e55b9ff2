"""The instrument as one HTML file that holds its voices, style and scripts, and needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from ddsp_match.exports.web.scripts import PAGE_SCRIPTS, script, worklet_source

OWN_SCRIPTS = ("page_knobs.js", "page_picture.js", "page.js")


def instrument_page(voices: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> str:
    """The page as one string of HTML. Nothing of what is given can become markup or script.

    Args:
        voices: From `voice.voice`: ``sound``, which is played as it is, and ``keys``, which the keyboard
            plays.
        facts: ``name``, ``root`` and ``words`` to read; ``nyquist_hz``, ``harmonics`` and ``noise`` (pairs of Hz and
            dB) and ``outline`` (heights from 0 to 1) to look at.
    """
    text = "\n".join(["'use strict';", *(script(name) for name in (*PAGE_SCRIPTS, *OWN_SCRIPTS))])
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    values = {
        "name": escape(str(facts["name"])),
        "root": escape(str(facts["root"])),
        "words": escape(" · ".join(str(word) for word in facts["words"])),
        "css": script("keyboard.css") + script("page.css"),
        "voices": _json(voices),
        "facts": _json(facts),
        "worklet": _json(worklet_source()),
        "script": text,
        "hash": f"sha256-{digest}",
    }
    # In one pass, so that no value is itself taken for a template.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: values[place[1]], script("page.html"))


def _json(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
