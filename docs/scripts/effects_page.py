"""Makes effects.md: tables from the processors' own ranges, a picture of each, and the loss over a delay's length.

::

    python docs/scripts/effects_page.py          # everything
    python docs/scripts/effects_page.py --text   # tables only, in a second

It writes below the mark of ``docs/effects.md``, and ``docs/pictures/effects/``. The same machine and packages give the
same files again.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

from ddsp_match.core.params import Parameter
from ddsp_match.effects.chain import DryWet, Parallel
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.registry import processors

DOCS = Path(__file__).resolve().parents[1]
PAGE, PICTURES = DOCS / "effects.md", DOCS / "pictures" / "effects"
FIGURES = PICTURES / "figures.json"
MARK = "<!-- What follows is written by effects_page.py from the processors' own ranges. -->"
FIGURE = re.compile(r"\*\*([^*\n]+)\*\*<!--([\w.]+)-->")


def main(words: list[str]) -> None:
    """Write the page, with the pictures unless only the text is wanted."""
    if "--text" in words:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    else:
        from effects_pictures import draw_all

        figures = draw_all(single(), PICTURES)
        FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


def page(by_hand: str, figures: dict[str, str]) -> str:
    """The whole page.

    Args:
        by_hand: The page as it is; what stands below the mark is made anew.
        figures: Measured numbers by name, put where the page asks for them; a KeyError where it asks for others.
    """
    if MARK not in by_hand:
        raise ValueError(f"the page has lost its mark: {MARK}")
    return f"{quoted(by_hand.split(MARK)[0], figures)}{MARK}\n\n{everything()}"


def quoted(text: str, figures: dict[str, str]) -> str:
    """A text with the figures that it quotes; a name that it asks for and nobody measured is a KeyError."""
    return FIGURE.sub(lambda m: f"**{figures[m[2]]}**<!--{m[2]}-->", text)


def single() -> dict[str, Processor]:
    """Every processor that is no combination of others, at its default options."""
    return {name: kind() for name, kind in processors().items() if name not in (Parallel.name, DryWet.name)}


def everything() -> str:
    """A list of all processors, and a section for each."""
    parts = single()
    rows = [
        f"| [`{name}`](#{name}) | {part.title} | {len(part.knobs)} | {kind(part)} |" for name, part in parts.items()
    ]
    table = "\n".join(["| name | what it does | knobs | kind |", "|---|---|---:|---|", *rows])
    return "\n\n".join([table, *(section(name, part) for name, part in parts.items())]) + "\n"


def section(name: str, part: Processor) -> str:
    """One processor: equation, picture, knobs, options."""
    picture = f"![{part.title}](pictures/effects/{name}.png)"
    pieces = [f"## {name}", f"{part.title[:1].upper()}{part.title[1:]}.", f"```text\n{part.equation}\n```"]
    pieces += [picture, knob_table(part.knobs)]
    if chosen := options(part):
        pieces.append(f"Options, with their defaults: {chosen}.")
    pieces.append(f"Kind: {kind(part)}." + (f" Source: {part.source}." if part.source else ""))
    return "\n\n".join(pieces)


def knob_table(knobs: tuple[Parameter, ...]) -> str:
    """Range, unit, default, curve and meaning of each knob."""
    lines = ["| knob | from | to | unit | default | curve | meaning |", "|---|---:|---:|---|---|---|---|"]
    for knob in knobs:
        name = f"`{knob.name}`" + (f" × {knob.size}" if knob.size else "")
        low, high = number(knob.low), number(knob.high)
        meaning = knob.meaning.replace("|", "\\|")
        lines.append(f"| {name} | {low} | {high} | {knob.unit} | {default(knob)} | {knob.curve} | {meaning} |")
    return "\n".join(lines)


def default(knob: Parameter) -> str:
    """The neutral value; of a row, all of it where it is short."""
    if not isinstance(knob.default, tuple):
        return number(knob.default)
    if len(set(knob.default)) == 1:
        return f"{number(knob.default[0])} each"
    if len(set(knob.default[1:])) == 1 and knob.size > 3:
        return f"{number(knob.default[0])}, then {number(knob.default[1])}"
    shown = ", ".join(number(value) for value in knob.default[:8])
    return shown + (", …" if knob.size > 8 else "")


def options(part: Processor) -> str:
    """What fixes the structure, as it stands in a chain: name and default of each."""
    if not dataclasses.is_dataclass(part):
        return ""
    return ", ".join(f"`{field.name}: {getattr(part, field.name)}`" for field in dataclasses.fields(part))


def kind(part: Processor) -> str:
    """In words: what a user of the processor has to know about it."""
    words = ["linear" if part.linear else "no single frequency response"]
    if part.delays:
        words.append("makes late copies")
    if part.stereo:
        words.append("mixes left and right")
    if part.rate_bound:
        words.append("bound to the sample rate it was set at")
    return ", ".join(words)


def number(value: float) -> str:
    """Short, with a true minus."""
    return f"{value:.4g}".replace("-", "−")


if __name__ == "__main__":
    main(sys.argv[1:])
