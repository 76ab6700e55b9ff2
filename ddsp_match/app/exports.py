"""What other programs take, as downloads: every kind of the command line's ``export``."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.app.responses import Refusal

if TYPE_CHECKING:
    from ddsp_match.patch import Patch


def _number(
    words: str, default: float | None, low: float, high: float, unit: str = "", step: float = 1
) -> dict[str, Any]:
    return {
        "words": words, "kind": "number", "default": default, "low": low, "high": high, "unit": unit, "step": step,
        "choices": None, "optional": True,
    }  # fmt: skip


def _choice(words: str, default: str, *choices: str) -> dict[str, Any]:
    return {"words": words, "kind": "choice", "default": default, "choices": list(choices), "optional": True}


def _switch(words: str, default: bool) -> dict[str, Any]:
    return {"words": words, "kind": "switch", "default": default, "choices": None, "optional": True}


# What a page may ask for, of the options that `tasks.export` knows.
OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("sfz", "keys"): _number("a sample for every so many keys", None, 1, 12, "keys"),
    ("sfz", "velocities"): _number("velocity layers", 2, 1, 8),
    ("sfz", "seconds"): _number("length of a sample without a loop, if not the sound's own", None, 0.5, 30, "s", 0.5),
    ("sfz", "loop"): _switch("hold notes by loops", True),
    ("sfz", "release_s"): _number("release, if not the sound's own", None, 0.01, 10, "s", 0.01),
    ("sfz", "bits"): _choice("bits a sample, 32: floating point", "24", "16", "24", "32"),
    ("sfz", "dry"): _switch("without the room", False),
    **{
        (kind, name): option
        for kind in ("wavetable", "wt")
        for name, option in {
            "frames": _number("frames at most", 256, 1, 256),
            "frame_size": _choice("samples a frame", "2048", "256", "512", "1024", "2048"),
            "keep_levels": _switch("keep the level of each frame", False),
            "bits": _choice("bits a sample", "32", "16", "32"),
        }.items()
    },
    ("midi", "tempo"): _number("tempo", 120, 4, 1000, "beats a minute"),
    ("midi", "bend_range"): _number("pitch bend range, if not as far as the pitch goes", None, 1, 24, "semitones"),
    ("csv", "every"): _number("one row for so many frames", 1, 1, 1000, "frames"),
}


def kinds() -> list[dict[str, Any]]:
    """Every kind of export, with its options, as a page shows them."""
    from ddsp_match.tasks.export import KINDS

    shown = []
    for name, kind in KINDS.items():
        options = [{"name": key, **OPTIONS[name, key]} for key in kind.options if (name, key) in OPTIONS]
        suffix = ".zip" if _is_zip(name) else kind.suffixes[0]
        facts = {"name": name, "words": kind.words, "suffix": suffix, "needs_pitch": kind.needs_pitch}
        shown.append({**facts, "options": options})
    return shown


def options_of(to: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The options in a request.

    Raises:
        Refusal: There is no such kind or option, or it has another value.
    """
    from ddsp_match.tasks.export import KINDS

    if to not in KINDS:
        raise Refusal(404, "no export of that kind", f"one of {', '.join(KINDS)}")
    found = {}
    for name, text in query.items():
        option = OPTIONS.get((to, name)) if name in KINDS[to].options else None
        if option is None:
            known = ", ".join(key for kind, key in OPTIONS if kind == to) or "none"
            raise Refusal(400, f"no option of that name for {to}", f"one of: {known}")
        found[name] = _value(name, text, option)
    return found


def write(patch: Patch, to: str, name: str, options: Mapping[str, Any], folder: Path) -> Path:
    """Exports a patch to a folder of its own; one file, or a ZIP of several.

    Args:
        patch: The patch.
        to: One of the kinds.
        name: What the files are called.
        options: Of that kind.
        folder: Empty, or not there yet.
    """
    from ddsp_match.tasks.export import KINDS, export

    folder.mkdir(parents=True, exist_ok=True)
    kind = KINDS[to]
    inner = folder / "files"
    inner.mkdir()
    made = export(patch, to, inner / f"{name}{kind.suffixes[0].removesuffix('/')}", **options)
    if not _is_zip(to):
        return made[0]
    whole = folder / f"{name}-{to}.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in made:
            archive.write(path, path.relative_to(inner).as_posix())
    return whole


def _is_zip(to: str) -> bool:
    from ddsp_match.tasks.export import KINDS

    return KINDS[to].is_folder or len(KINDS[to].suffixes) > 1


def _value(name: str, text: str, option: Mapping[str, Any]) -> Any:
    if option["kind"] == "choice":
        if text not in option["choices"]:
            raise Refusal(400, f"another value of {name}", f"one of {', '.join(option['choices'])}")
        return int(text)
    if option["kind"] == "switch":
        if text not in ("true", "false", "1", "0"):
            raise Refusal(400, f"another value of {name}", "true or false")
        return text in ("true", "1")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not option["low"] <= value <= option["high"]:
        needed = f"{option['low']:g} to {option['high']:g} {option['unit']}"
        raise Refusal(400, f"another value of {name}", needed.strip())
    return int(value) if option["step"] == 1 and value.is_integer() else value
