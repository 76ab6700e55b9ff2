"""Words of a command line as shells and habits leave them, brought to the form that the parser knows.

Settings written as flags, ``--`` before names that begin with a dash, quotes that cmd.exe and PowerShell leave in.
"""

from __future__ import annotations

import difflib
import math
from argparse import Action
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ddsp_match import config
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import Settings
from ddsp_match.dsp.notes import hz_of, midi_number

_QUOTES = {"'": "'", '"': '"', "\u2018": "\u2019", "\u201c": "\u201d"}
_BRACKETS = {"[": "]", "{": "}"}


def normalised(words: Sequence[str], options: Mapping[str, Action], kind: type[Settings] | None) -> list[str]:
    """Return the words after a verb as argparse and Hydra can read them.

    Args:
        words: As the shell handed them over.
        options: The verb's own options, with their dashes.
        kind: The settings that the verb takes, if any.

    Returns:
        The words: a setting given as a flag (``--quality draft``) as ``quality=draft``, a file that begins with a
        dash with ``./`` before it, quotes around a word or a value gone.

    Raises:
        ConfigError: A setting without its value, or a word that the shell has split at a space or comma.
    """
    done: list[str] = []
    left = list(words)
    while left:
        word = _without_quotes(left.pop(0))
        if word == "--":
            done += [f"./{name}" if _dashed(name) else name for name in left]
            break
        before = options.get(done[-1]) if done else None
        is_value = before is not None and before.nargs != 0  # such as the -12 of --transpose -12
        if _dashed(word) and not is_value and word not in options and Path(word).is_file():
            word = f"./{word}"
        _check_whole(word, left)
        if kind is None:
            done.append(word)
        else:
            done.append(_read_value(_setting(word, left, options, kind) if _dashed(word) else word, kind))
        if done[-1].startswith("--") and done[-1].partition("=")[0] not in options:
            raise unknown_option(word, options, kind, left)
    return done


def unknown_option(
    word: str, options: Collection[str], kind: type[Settings] | None, rest: Sequence[str] = ()
) -> ConfigError:
    """The refusal of a flag that a verb lacks, with the option or the setting it may have meant.

    Args:
        word: The flag.
        options: The verb's own options.
        kind: The settings that the verb takes, if any.
        rest: The words behind it, of which the first may be its value.
    """
    name, equals, value = word.lstrip("-").partition("=")
    value = value if equals else "".join(rest[:1])
    long = [option for option in options if option.startswith("--")]
    near = difflib.get_close_matches(f"--{name}", long, n=2, cutoff=0.7)
    if kind is not None:
        keys = [*config.groups(kind=kind), *config.setting_keys(kind)]
        plain = name.replace("-", "_")
        named = [key for key in keys if key.rpartition(".")[2] == plain]
        named = named or difflib.get_close_matches(plain, keys, n=1, cutoff=0.75)
        near = [f"{key}={value or 'VALUE'}" for key in named] or near
    return ConfigError(f"{word}, which is no option", where="command line", hint=" or ".join(near) or "--help")


def _dashed(word: str) -> bool:
    return word.startswith("-") and len(word) > 1


def _without_quotes(word: str) -> str:
    quoted = len(word) > 2 and _QUOTES.get(word[0]) == word[-1] and not Path(word).exists()
    return word[1:-1] if quoted else word


def _check_whole(word: str, rest: Sequence[str]) -> None:
    """Refuse the first part of what a shell has split, with the whole in double quotes as the cure."""
    key, equals, value = word.partition("=")
    if not (equals and config.is_override(word)):
        key, equals, value = "", "", word
    end = _QUOTES.get(value[:1]) or (_BRACKETS.get(value[:1]) if equals else None)
    if end is None or _is_whole(value, end) or Path(word).exists():
        return
    parts = [value]
    for part in rest:
        parts.append(part)
        if _is_whole(" ".join(parts), end):
            break
    else:
        return
    # A list is split at commas by PowerShell, at the spaces behind them by others.
    together = " ".join(parts) if end in _QUOTES.values() else ",".join(part.rstrip(",") for part in parts)
    whole = f"{key}{equals}{together.strip(''.join(_QUOTES) + ''.join(_QUOTES.values()))}"
    raise ConfigError(
        f"{word}, the first of {len(parts)} words that belong together",
        where="command line",
        needed="double quotes around them (cmd.exe splits inside single quotes, PowerShell at commas)",
        hint=f'"{whole}"',
    )


def _is_whole(value: str, end: str) -> bool:
    if end in _QUOTES.values():
        return len(value) > 1 and value.endswith(end)
    return all(value.count(opened) == value.count(closed) for opened, closed in _BRACKETS.items())


def _read_value(word: str, kind: type[Settings]) -> str:
    """Take quotes off a value that is no text, where they can only be a shell's, and read notes as frequencies."""
    key, equals, value = word.partition("=")
    plain = key.lstrip("+")
    setting = config.setting_keys(kind).get(plain)
    text = setting is not None and setting.kind == "text" and not setting.choices
    known = setting is not None or plain in config.groups(kind=kind)
    if equals and known and not text and len(value) > 2 and _QUOTES.get(value[0]) == value[-1]:
        return f"{key}={value[1:-1]}"
    if equals and setting is not None and setting.unit == "Hz":
        return f"{key}={','.join(_in_hz(part) for part in value.split(','))}"  # several in a sweep
    return word


def _in_hz(text: str) -> str:
    hz = hz_of(midi_number(text)) if text[:1].isalpha() else math.nan
    return text if math.isnan(hz) else repr(hz)


def _setting(word: str, rest: list[str], options: Collection[str], kind: type[Settings]) -> str:
    """Return ``key=value`` for a setting given as a flag, taking its value from the words that follow."""
    flag, equals, value = word.partition("=")
    key = flag.lstrip("-")
    settings = config.setting_keys(kind)
    key = next((name for name in (key, key.replace("-", "_")) if name in settings), key)
    known = key in settings or key in config.groups(kind=kind) or key.startswith(("hydra.", "hydra/"))
    if flag in options or not known:
        return word
    setting = settings.get(key)
    if not equals:
        if rest and not (_dashed(rest[0]) and not rest[0][1:2].isdigit()):
            value = _without_quotes(rest.pop(0))
        else:
            needed = setting.allowed if setting else " | ".join(config.groups(kind=kind).get(key, ()))
            raise ConfigError(f"{word} without a value", where="command line", needed=needed, hint=f"{key}=VALUE")
    if setting is not None and setting.kind == "chain" and not value.startswith(("[", "{", "'", '"', "null")):
        value = f"[{value}]"
    return f"{key}={value}"
