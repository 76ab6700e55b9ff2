"""NSynth: the names of its sounds say instrument family and pitch; ``examples.json`` says the same at length."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ddsp_match.core.errors import SoundError
from ddsp_match.datasets.folder import listing_of
from ddsp_match.datasets.item import Item, Listing
from ddsp_match.datasets.scanning import FolderContents, scan, shortened

EXAMPLES, AUDIO = "examples.json", "audio"
# family_source_instrument-pitch-velocity, as in synth_lead_synthetic_012-045-100
_NAME = re.compile(r"(?P<family>[a-z]+(?:_[a-z]+)*)_(?:acoustic|electronic|synthetic)_\d{3}-(?P<pitch>\d{3})-\d{3}")


def is_nsynth(source: Path) -> bool:
    """Say whether a folder is NSynth's or its ``audio``: by ``examples.json``, or else by the names."""
    if _examples_path(source) is not None:
        return True
    places = [place for place in (source / AUDIO, source) if place.is_dir()]
    for place in places:
        with os.scandir(place) as listing:
            names = [entry.name for entry in listing if entry.name.lower().endswith(".wav")]
        if names and all(_NAME.fullmatch(name[:-4]) for name in names):
            return True
    return False


def nsynth_listing(source: Path, limit: int | None = None) -> Listing:
    """NSynth's sounds with their families and MIDI pitches.

    Args:
        source: ``nsynth-test`` or ``nsynth-test/audio``, or any folder of sounds with NSynth's names.
        limit: Most sounds, the first by name; None: all.

    Raises:
        SoundError: No sound there is NSynth's.
    """
    place = source / AUDIO if (source / AUDIO).is_dir() else source
    contents = scan(place)
    examples, notes = _examples(_examples_path(source))
    facts = {name: _facts(os.path.splitext(os.path.basename(name))[0], examples) for name in contents.sounds}
    strangers = [name for name, fact in facts.items() if fact is None]
    if len(strangers) == len(contents.sounds):
        raise SoundError(
            f"{len(strangers)} sounds, none with a name of NSynth's ({shortened(strangers[:1])})",
            where=place,
            needed="names such as guitar_acoustic_010-060-100.wav",
            hint="dataset=folder",
        )
    if strangers:
        notes.append(f"{len(strangers)} sounds are not NSynth's and are left out: {shortened(strangers)}")
    known = [name for name in contents.sounds if facts[name] is not None]
    if examples and len(known) < len(examples):
        notes.append(f"{EXAMPLES} names {len(examples)} sounds, of which {len(known)} are here")
    listing = listing_of(place, FolderContents(known, contents.others, contents.runs, contents.twice), limit)
    items = []
    for item, name in zip(listing.items, known, strict=False):
        family, pitch = facts[name] or ("", None)
        items.append(Item(item.name, item.path, family, pitch))
    return Listing(items, [*notes, *listing.notes])


def _examples_path(source: Path) -> Path | None:
    places = [source, source.resolve().parent] if source.name == AUDIO or source.resolve().name == AUDIO else [source]
    return next((place / EXAMPLES for place in places if (place / EXAMPLES).is_file()), None)


def _examples(path: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Read the facts in ``examples.json`` by name; the names of the sounds suffice where it is damaged."""
    if path is None:
        return {}, []
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(contents, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        return {}, [f"{path} cannot be read ({error}); families and pitches come from the names"]
    return contents, []


def _facts(stem: str, examples: dict[str, Any]) -> tuple[str, float | None] | None:
    """Family and MIDI pitch of a sound; None of one that is not NSynth's."""
    fact = examples.get(stem)
    if isinstance(fact, dict) and isinstance(fact.get("instrument_family_str"), str):
        pitch = fact.get("pitch")
        return fact["instrument_family_str"], float(pitch) if isinstance(pitch, int | float) else None
    matched = _NAME.fullmatch(stem)
    return (matched["family"], float(matched["pitch"])) if matched else None
