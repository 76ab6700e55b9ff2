"""The errors a user can cause, each of which says what was found, what is needed and what to try."""

from __future__ import annotations


class MatchError(Exception):
    """A problem in what the user gave: a sound, a patch, a setting, a place to write.

    The message reads ``where: found; needed; try``. Nothing of ours raises a bare built-in exception
    for such a problem, so the command line can print the message and exit with `exit_code`.

    Args:
        found: What was found, as a clause: ``"0 frames of sound"``.
        where: The file, folder or setting concerned, first in the message.
        needed: What is needed instead, as a clause.
        hint: What the user can try, as a clause.
    """

    exit_code = 2

    def __init__(self, found: str, *, where: object = None, needed: str = "", hint: str = "") -> None:
        self.found, self.where, self.needed, self.hint = found, where, needed, hint
        head = f"{where}: " if where is not None else ""
        parts = [f"found {found}" if where is not None else found]
        parts += [f"needed: {needed}"] if needed else []
        parts += [f"try: {hint}"] if hint else []
        super().__init__(head + "; ".join(parts))


class SoundError(MatchError):
    """A sound file, or samples, that cannot be matched."""


class PitchError(MatchError):
    """An f0 source that does not fit the sound (a CSV that ends early, a constant above Nyquist)."""


class PatchError(MatchError):
    """A patch file that cannot be read or belongs to another format version."""


class ConfigError(MatchError):
    """A setting that does not exist, has the wrong type, or lies out of range."""


class OutputError(MatchError):
    """A place that cannot be written to: it exists already, is full, or is read-only."""
