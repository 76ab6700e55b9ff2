"""The errors a user can cause, each of which says what was found, what is needed and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

OUT, FORCE = "out", "force"  # arguments of the verbs that cure a place that cannot be written to
F0_CSV, F0_HZ = "f0_csv", "f0_hz"  # settings that tell the f0
# other verbs: a list of effects, a fit with a room, effects on any sound, a run over many sounds
EFFECTS, ROOM, PROCESS, MANY = "effects", "room", "process", "many"
IN_PYTHON = {
    OUT: "another out",
    FORCE: "force=True to replace it",
    F0_CSV: "f0.source=csv with f0.path=f0.csv",
    F0_HZ: "f0.source=constant with f0.hz=220",
    EFFECTS: "ddsp_match.effects.registry.processors(), which lists them",
    ROOM: "fit(sound, settings=FitSettings(effects=['reverb']))",
    PROCESS: "process(sound, patch), which runs any sound through them",
    MANY: "fit_many(sounds, out=folder), which makes one",
}


class MatchError(Exception):
    """A problem in what the user gave: a sound, a patch, a setting, a place to write.

    The message reads ``where: found; needed; try``. Nothing of ours raises a bare built-in exception
    for such a problem, so the command line can print the message and exit with `exit_code`.

    Args:
        found: What was found, as a clause: ``"0 frames of sound"``.
        where: The file, folder or setting concerned, first in the message.
        needed: What is needed instead, as a clause.
        hint: What the user can try, as a clause.
        cures: Arguments that would help, `OUT`, `FORCE` …: each way in words them as it takes them.
    """

    exit_code = 2

    def __init__(
        self, found: str, *, where: object = None, needed: str = "", hint: str = "", cures: Sequence[str] = ()
    ) -> None:
        self.found, self.where, self.needed, self.hint, self.cures = found, where, needed, hint, tuple(cures)
        super().__init__(self.text())

    def text(self, words: Mapping[str, str] = IN_PYTHON) -> str:
        """The message.

        Args:
            words: How `cures` are worded; what is missing is left out.
        """
        head = f"{self.where}: " if self.where is not None else ""
        parts = [f"found {self.found}" if self.where is not None else self.found]
        parts += [f"needed: {self.needed}"] if self.needed else []
        remedy = self.remedy(words)
        parts += [f"try: {remedy}"] if remedy else []
        return head + "; ".join(parts)

    def remedy(self, words: Mapping[str, str] = IN_PYTHON) -> str:
        """The hint and the cures."""
        ways = [self.hint, *(words.get(cure, "") for cure in self.cures)]
        return ", or ".join(way for way in ways if way)


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


class Taken(OutputError):
    """A place that holds something, or that another process is writing to: another name will do."""
