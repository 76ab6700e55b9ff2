"""Makes listen/: a page of bundled sounds with their matches, stems and edits, to hear before installing anything.

::

    python docs/scripts/listening_page.py

Each sound is fitted with the default settings. The page and its OGG files need nothing but a browser.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

import ddsp_match
from ddsp_match.core.audio import Audio

DOCS = Path(__file__).resolve().parents[1]
PAGE, SOUNDS = DOCS / "listen" / "index.html", DOCS.parent / "data"
OGG_QUALITY = 0.4  # of libsndfile's 0 (large) to 1 (small): about 64 kbit/s, hard to tell from the FLAC


@dataclass(frozen=True)
class Edited:
    """An edit to be heard: its button in words, and the command's own options."""

    label: str
    edits: list[dict]


UP = Edited("Up a fifth", [{"edit": "transpose", "semitones": 7}])
DOWN = Edited("Down an octave", [{"edit": "transpose", "semitones": -12}])
SLOW = Edited("Twice as long", [{"edit": "stretch", "factor": 2}])
FLAT = Edited("Melody flattened", [{"edit": "f0_depth", "depth": 0}])
DARK = Edited("Darker, without noise", [{"edit": "brightness", "db_per_octave": -6}, {"edit": "noise", "db": -60}])
EXAMPLES = {
    "trumpet-a4": ("Trumpet", [UP, SLOW]),
    "clarinet-d4": ("Clarinet", [DOWN, DARK]),
    "violin-phrase": ("Violin, a phrase", [UP, FLAT]),
    "guitar-e3": ("Nylon-string guitar", [UP, SLOW]),
    "choir-a3": ("Choir", [DOWN, SLOW]),
    "snare": ("Snare drum", [SLOW]),
}


def main() -> None:
    """Fit the examples, write their sounds and the page."""
    PAGE.parent.mkdir(exist_ok=True)
    for old in PAGE.parent.glob("*.ogg"):
        old.unlink()
    PAGE.write_text(page([section(*example) for example in EXAMPLES.items()]), encoding="utf-8")


def section(name: str, described: tuple[str, list[Edited]]) -> str:
    """Fit one sound, write what is to be heard of it, and return its part of the page."""
    title, edits = described
    result = ddsp_match.fit(SOUNDS / f"{name}.flac")
    rows = [("Target", result.target), ("Match", result.match)]
    rows += [("Harmonic stem", result.stems["harmonic"]), ("Noise stem", result.stems["noise"])]
    rows += [(edited.label, ddsp_match.render(ddsp_match.edit(result.patch, edited.edits))) for edited in edits]
    # One gain for all: a stem is as loud here as it is in the match.
    gain = 0.9 / max(np.abs(sound.samples).max() for _, sound in rows)
    players = "\n".join(player(name, label, sound, gain) for label, sound in rows)
    apart_db, numbers = result.metrics["mel_steady_db"], result.patch.numbers_per_second()
    facts = f"{numbers:,.0f} numbers a second, {apart_db:.1f} dB from the sound in mel bands over 100 ms"
    return f"<section>\n<h2>{html.escape(title)}</h2>\n<p>{facts}</p>\n<dl>\n{players}\n</dl>\n</section>"


def player(name: str, label: str, sound: Audio, gain: float) -> str:
    """Write one OGG file, and return its line of the page."""
    path = PAGE.parent / f"{name}-{label.lower().replace(' ', '-').replace(',', '')}.ogg"
    rate = sound.sample_rate
    options = {"format": "OGG", "subtype": "VORBIS", "compression_level": OGG_QUALITY}
    soundfile.write(path, gain * sound.samples.T, rate, **options)
    label = html.escape(label)
    audio = f'<audio controls preload="none" src="{path.name}" aria-label="{html.escape(name)}: {label}"></audio>'
    return f"<div><dt>{label}</dt><dd>{audio}</dd></div>"


def page(sections: list[str]) -> str:
    """Return the whole page."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ddsp-match: listen</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
div {{ display: grid; grid-template-columns: 11rem 1fr; align-items: center; gap: .5rem; margin: .4rem 0; }}
dd {{ margin: 0; }}
audio {{ width: 100%; height: 2.25rem; }}
@media (max-width: 30rem) {{ div {{ grid-template-columns: 1fr; }} }}
</style>
</head>
<body>
<main>
<h1>ddsp-match: listen</h1>
<p>Recordings, the synthesizers that <code>ddsp-match fit</code> found for them with its default settings, their two
stems at the level they have in the match, and edits of the patch. Made by <code>docs/scripts/listening_page.py</code>;
the sounds and their licences are in <code>data/</code>.</p>
{chr(10).join(sections)}
</main>
</body>
</html>
"""


if __name__ == "__main__":
    main()
