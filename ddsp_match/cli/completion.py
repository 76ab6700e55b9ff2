"""Shell completion: ours for verbs, options and sounds, Hydra's for groups, options of groups and keys."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

from ddsp_match import config
from ddsp_match.cli.parser import build_parser, verbs_of
from ddsp_match.cli.values import PROGRAM
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import EffectSettings, FitSettings, Settings

_VERBS = (
    "fit", "render", "analyze", "effect", "process", "score", "compare", "data", "effects", "edit", "morph",
    "instrument", "export", "app",
)  # fmt: skip
_PROCESSOR = re.compile(r'^    name(?:: ClassVar\[str\])? = "(\w+)"', re.MULTILINE)


def complete(request: str) -> int:
    """Answer ``install=SHELL``, ``uninstall=SHELL`` or, asked by the shell with COMP_LINE, ``query=SHELL``.

    Raises:
        ConfigError: Another request.
    """
    action, _, shell = request.partition("=")
    if action not in ("install", "uninstall", "query") or shell not in ("bash", "zsh", "fish"):
        raise ConfigError(
            repr(request), where="--shell-completion", needed="install= or uninstall= and bash | zsh | fish"
        )
    if action == "query":
        print(" ".join(candidates(os.environ.get("COMP_LINE", ""), shell)))
    else:
        config.print_settings(["--shell-completion", request], program=PROGRAM)
    return 0


def candidates(line: str, shell: str = "bash") -> list[str]:
    """Return the words that could stand at the end of a command line.

    Args:
        line: The line so far, with the program's name; a space at its end asks for the next word.
        shell: Whose syntax the line has.
    """
    words = line.split()[1:]
    word = "" if not words or line.endswith(" ") else words.pop()
    if not words:
        return [verb for verb in (*_VERBS, "--help", "--version") if verb.startswith(word)]
    verb, words = words[0], words[1:]
    if word.startswith("-"):
        return [flag for flag in _flags(verb) if flag.startswith(word)]
    if verb == "effects":
        return [name for name in processor_names() if name.startswith(word)]
    if word.startswith("effects=[") and verb in ("fit", "effect"):
        before, separator, name = re.fullmatch(r"(.*?)([\[,:{]?)(\w*)", word, re.DOTALL).groups()  # pyright: ignore
        return [f"{before}{separator}{other}" for other in processor_names() if other.startswith(name)]
    completions = [] if "=" in word else _files(word)
    if verb in ("fit", "analyze", "effect"):
        overrides = [other for other in words if config.is_override(other)]
        multirun = ["--multirun"] if {"-m", "--multirun"} & set(words) else []
        kind = EffectSettings if verb == "effect" else FitSettings
        completions += _ask_hydra(" ".join([PROGRAM, *multirun, *overrides, word]), shell, kind)
    return sorted(completions)


def processor_names() -> list[str]:
    """Return the names of all effects, read from their files: importing them would take seconds a key press."""
    folder = Path(__file__).resolve().parents[1] / "effects"
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    return sorted({name for text in texts for name in _PROCESSOR.findall(text)})


def _ask_hydra(line: str, shell: str, kind: type[Settings] = FitSettings) -> list[str]:
    """Hydra's own completion of a line without verb, sound and flags of ours."""
    before = os.environ.get("COMP_LINE")
    os.environ["COMP_LINE"] = line
    answer = io.StringIO()
    try:
        with contextlib.redirect_stdout(answer):
            config.print_settings(["--shell-completion", f"query={shell}"], program=PROGRAM, kind=kind)
    finally:
        os.environ.pop("COMP_LINE") if before is None else os.environ.update(COMP_LINE=before)
    # What options share is no option, the folder of an effect's settings no group, and a chain has no keys.
    hidden = ("effect=", "effect/", "effects.")
    return [word for word in answer.getvalue().split() if "=_" not in word and not word.startswith(hidden)]


def _flags(verb: str) -> list[str]:
    parser = verbs_of(build_parser()).get(verb)
    flags = parser._option_string_actions if parser is not None else ()
    return sorted(flag for flag in flags if flag.startswith("--"))


def _files(word: str) -> list[str]:
    parent, _, name = word.rpartition("/")
    folder = Path(f"{parent}/" if word.startswith("/") or parent else ".")
    if not folder.is_dir():
        return []
    prefix = f"{parent}/" if "/" in word else ""
    shown = [path for path in folder.iterdir() if path.name.startswith(name) and path.name[0] != "."]
    return [f"{prefix}{path.name}" + ("/" if path.is_dir() else "") for path in shown]
