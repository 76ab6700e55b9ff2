"""A page with the instrument in it: one file that plays from the disk, in any browser."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import torch

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.notes import note_words
from ddsp_match.edits.curves import band_power, decibels, partial_hz, partial_power
from ddsp_match.edits.instrument import Instrument
from ddsp_match.edits.stems import separated_controls
from ddsp_match.exports.web import PAGE_SCRIPTS, script, worklet_source
from ddsp_match.exports.web.voice import voices
from ddsp_match.patch import Patch

FAINT_DB, BETWEEN_DB = 60.0, 40.0  # below the strongest: a harmonic, or a partial between, that no picture shows
MOST_HARMONICS, NOISE_POINTS, OUTLINE_POINTS = 160, 120, 200  # in the pictures
SOUNDING_DB = 40.0  # below the loudest frame: a frame that it leaves out
EDITS = {"stretch": "stretched", "transpose": "transposed", "freeze": "frozen", "hold": "held"}
OWN_SCRIPTS = ("page_knobs.js", "page_picture.js", "page.js")


def export_html(patch: Patch | Instrument, out: Path, *, on_note: OnNote | None = None) -> list[Path]:
    """Writes a self-contained page that plays a patch from the computer keyboard, mouse, touch and MIDI.

    Args:
        patch: Mono or stereo; of an instrument the page shows the first patch, and its keys play all notes.
        out: The page to write.
        on_note: Told of effects that a page cannot play.

    Returns:
        What was written.

    Raises:
        ConfigError: More than two channels.
    """
    first = patch.patches[0] if isinstance(patch, Instrument) else patch
    name = Path(str(first.provenance.get("sound") or "")).stem or out.stem
    page = instrument_page(voices(patch, name, on_note=on_note), facts_of(first, name))
    out.write_text(page, encoding="utf-8")
    return [out]


def facts_of(patch: Patch, name: str) -> dict[str, Any]:
    """Collect what the page shows: the name, a line of facts, and the pictures' numbers."""
    timebase = patch.timebase
    apart = separated_controls(patch)
    level = decibels((partial_power(apart, timebase).sum(1) + band_power(apart).sum(1)).mean(0))
    heard = level > level.max() - SOUNDING_DB
    words = [
        f"{patch.seconds:.3g} s",
        f"{timebase.sample_rate / 1000:g} kHz",
        "stereo" if patch.channels > 1 else "mono",
    ]
    words += [] if patch.effects is None else ["with its room"]
    words += [EDITS.get(str(edit.get("edit")), str(edit.get("edit"))) for edit in patch.provenance.get("edits", [])]
    return {
        "name": name,
        "root": note_words(patch.pitch_hz),
        "words": list(dict.fromkeys(words)),
        "nyquist_hz": timebase.nyquist_hz,
        "harmonics": _harmonics(apart, timebase, heard),
        "noise": _noise(apart, timebase, heard),
        "outline": _outline(level),
    }


def _harmonics(controls: Controls, timebase: Timebase, heard: torch.Tensor) -> list[list[float]]:
    """Frequency in Hz and level in dB of the partials that stand out, averaged over what is heard, lowest first."""
    power = partial_power(controls, timebase).mean(0)[:, heard].mean(1)
    hz = partial_hz(controls)[0][:, heard].median(1).values
    level = decibels(power)
    faint = torch.full_like(level, BETWEEN_DB)
    faint[controls.divisions - 1 :: controls.divisions] = FAINT_DB
    shown = torch.nonzero(level > level.max() - faint).flatten()
    strong = shown[level[shown].topk(min(MOST_HARMONICS, len(shown))).indices].sort().values
    return [[round(float(hz[k]), 1), round(float(level[k]), 1)] for k in strong]


def _noise(controls: Controls, timebase: Timebase, heard: torch.Tensor) -> list[list[float]]:
    """Frequency in Hz and level in dB of the noise in a third of an octave, along a logarithmic axis."""
    power = band_power(controls).mean(0)[:, heard].mean(1)
    if len(power) < 2:
        return []
    width_hz = timebase.nyquist_hz / (len(power) - 1)
    density = power / width_hz
    density[[0, -1]] *= 2  # their bands are half as wide
    low, high = math.log(40.0), math.log(timebase.nyquist_hz)
    points = []
    for step in range(NOISE_POINTS):
        hz = math.exp(low + (high - low) * step / (NOISE_POINTS - 1))
        at = min(hz / width_hz, len(power) - 1.001)
        here = float(torch.lerp(density[int(at)], density[int(at) + 1], at - int(at)))
        points.append([round(hz, 1), round(float(decibels(torch.tensor(here * hz * 0.2316))), 1)])
    return points


def _outline(level_db: torch.Tensor) -> list[float]:
    """The level over time as heights from 0 to 1, 60 dB high."""
    count = min(OUTLINE_POINTS, len(level_db))
    peaks = [float(part.max()) for part in level_db.tensor_split(count)]
    return [round(max(0.0, 1 + (value - max(peaks)) / 60), 3) for value in peaks]


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
