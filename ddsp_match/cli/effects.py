"""``ddsp-match effects``: every processor and its knobs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
from typing import TYPE_CHECKING, Any

from ddsp_match.cli.knobs import default, span

if TYPE_CHECKING:
    from ddsp_match.effects.processor import Processor

WIDTH = 110


def effects(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    from ddsp_match.effects.registry import processor, processors

    kinds = [processor(arguments.name)] if arguments.name else list(processors().values())
    parts = [_instance(kind) for kind in kinds]
    if arguments.json:
        facts = [_facts(part) for part in parts]
        print(json.dumps(facts[0] if arguments.name else facts, indent=2, ensure_ascii=False))
        return 0
    print("\n\n".join(_details(part) if arguments.name else _listed(part) for part in parts))
    if not arguments.name:
        print(f"\n{len(parts)} effects; `ddsp-match effects NAME` says more about one")
    return 0


def _instance(kind: type[Processor]) -> Processor:
    """A processor with its default options; of one that holds others, with a single branch that does nothing."""
    from ddsp_match.effects.chain import Serial

    return kind((Serial(()),)) if _holds_others(kind) else kind()  # pyright: ignore[reportCallIssue]


def _holds_others(kind: type[Processor]) -> bool:
    from ddsp_match.effects.chain import DryWet, Parallel

    return issubclass(kind, Parallel | DryWet)


def _listed(part: Processor) -> str:
    return "\n".join([f"{part.name}: {part.title}", *_knob_lines(part)])


def _details(part: Processor) -> str:
    lines = [f"{part.name}: {part.title}", "", *textwrap.wrap(part.equation, WIDTH, initial_indent="  ")]
    if part.source:
        lines += ["", *textwrap.wrap(f"source: {part.source}", WIDTH)]
    lines += ["", "knobs (neutral at their defaults):", *_knob_lines(part)]
    if _holds_others(type(part)):
        lines += ["", f"in a chain: effects='[{{{part.name}: [gain, [svf, clip]]}}]', a branch is a name or a list"]
    options = _options(part)
    if options:
        lines += ["", f"options (effects='[{{{part.name}: {{OPTION: VALUE}}}}]'), which fix the number of knobs:"]
        lines += [f"  {option['name']}  {option['type']}, default {option['default']}" for option in options]
    facts = (
        (part.linear, "linear in every setting, so that a frequency response says all"),
        (part.delays, "can make a sound late, so that latency is left to it"),
        (part.rate_bound, "its settings belong to the sample rate that they were found at"),
    )
    said = [text for holds, text in facts if holds and not _holds_others(type(part))]
    return "\n".join([*lines, *([""] if said else []), *said])


def _knob_lines(part: Processor) -> list[str]:
    rows = [
        [
            knob.name + (f" ({knob.size} in a row)" if knob.size else ""),
            span(knob),
            f"default {default(knob)}",
            knob.meaning,
        ]
        for knob in part.knobs
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]


def _options(part: Processor) -> list[dict[str, Any]]:
    if not dataclasses.is_dataclass(part) or _holds_others(type(part)):
        return []
    return [
        {"name": field.name, "type": str(field.type), "default": getattr(part, field.name)}
        for field in dataclasses.fields(part)
    ]


def _facts(part: Processor) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": part.title,
        "equation": part.equation,
        "source": part.source,
        "linear": part.linear,
        "delays": part.delays,
        "rate_bound": part.rate_bound,
        "options": _options(part),
        "knobs": [knob.as_data() for knob in part.knobs],
    }
