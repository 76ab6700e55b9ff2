"""Sounds that were dropped into the app: read, checked, and kept on disk until they are deleted.

Each lies in a folder of its own, with its samples and a JSON file. A folder gets its name when all of it is written, so
that a server that is killed leaves nothing half.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.app.limits import Limits
from ddsp_match.app.responses import Refusal, in_thread
from ddsp_match.app.storage import read_json, write_json

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio
    from ddsp_match.tasks.fit import Analysis

MAX_BYTES = 4 << 30  # of all sounds; older ones are forgotten
MAX_LABEL = 120
_WAV, _FACTS, _PART = "sound.wav", "sound.json", ".part"


@dataclass
class Sound:
    """A sound that waits to be fitted.

    Attributes:
        id: What a page calls it.
        name: What it is called; a label, never a path.
        folder: Where its files are.
        seconds: Its length.
        sample_rate: In Hz.
        channels: 1 or 2.
        notes: What the user should know of it.
        created: Unix time in seconds.
        runs: Folders of its runs, below the outputs, the oldest first.
        analysis: Its f0 and loudness, once known.
        analysis_lock: Held while they are analysed.
        needed: How many fits wait for it.
    """

    id: str
    name: str
    folder: Path
    seconds: float
    sample_rate: int
    channels: int
    notes: list[str]
    created: float
    runs: list[str] = field(default_factory=list)
    analysis: Analysis | None = None
    analysis_lock: threading.Lock = field(default_factory=threading.Lock)
    needed: int = 0

    @property
    def wav(self) -> Path:
        """Its samples, decoded."""
        return self.folder / _WAV

    @property
    def n_bytes(self) -> int:
        """Of these samples."""
        return round(self.seconds * self.sample_rate) * self.channels * 4

    def stored(self) -> dict[str, Any]:
        """Return what is stored of it."""
        return {name: getattr(self, name) for name in _KEPT}

    def facts(self) -> dict[str, Any]:
        """Return its facts for pages."""
        from ddsp_match.app.pictures import axes

        return {
            "id": self.id,
            **self.stored(),
            "picture": axes(round(self.seconds * self.sample_rate), self.sample_rate),
        }


_KEPT = ("name", "seconds", "sample_rate", "channels", "notes", "created", "runs")


class Sounds:
    """The sounds of one server.

    Args:
        folder: To keep them in; those that lie there already are taken up.
        limits: Of one sound.
        changed: Told when there is another, or one is called otherwise.
    """

    def __init__(self, folder: Path, limits: Limits, changed: Callable[[], None] = lambda: None) -> None:
        self.folder, self.limits, self._changed = folder, limits, changed
        self._lock, self._one_analysis = threading.Lock(), threading.Lock()
        for part in folder.glob(f"*{_PART}"):
            shutil.rmtree(part, ignore_errors=True)
        loaded = [sound for path in folder.glob(f"*/{_FACTS}") if (sound := _loaded(path)) is not None]
        self._sounds = {sound.id: sound for sound in sorted(loaded, key=lambda sound: sound.created)}

    def get(self, sound_id: object) -> Sound:
        """The sound of that id.

        Raises:
            Refusal: There is none.
        """
        sound = self._sounds.get(sound_id) if isinstance(sound_id, str) else None
        if sound is None:
            raise Refusal(404, "no sound of that id", "one that is kept", "dropping it again")
        return sound

    def listed(self) -> list[Sound]:
        """The newest first."""
        with self._lock:
            return list(reversed(self._sounds.values()))

    async def add(self, name: str, body: AsyncIterator[bytes], length: int | None, notes: Sequence[str] = ()) -> Sound:
        """Takes an upload in as it comes, and reads it.

        Args:
            name: What the user calls it.
            body: The bytes.
            length: How many were announced.
            notes: What the user should know beside what the file tells.

        Raises:
            Refusal: It is too large, or does not come to its end.
            SoundError: It is no sound that can be matched.
        """
        if length is not None and length > self.limits.n_bytes:
            raise self._too_large(length)
        part = self._part()
        try:
            upload, size = part / "upload", 0
            with upload.open("wb") as file:
                async for chunk in body:
                    size += len(chunk)
                    if size > self.limits.n_bytes:
                        raise self._too_large(size)
                    file.write(chunk)
            if size == 0:
                raise Refusal(400, "an empty file", "a sound", "another file")
            return await in_thread(self._read, label(name), part, notes)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def trimmed(self, sound: Sound, start_s: float, end_s: float) -> Sound:
        """A piece of a sound as a sound of its own; the whole one stays.

        Args:
            sound: The whole one.
            start_s: Where the piece begins, in seconds.
            end_s: Where it ends.

        Raises:
            Refusal: There is no such piece.
            SoundError: It cannot be matched: it is silent, or too short.
        """
        from ddsp_match.core.audio import from_array, read

        if not 0 <= start_s < end_s:
            raise Refusal(400, f"a piece from {start_s:g} to {end_s:g} s", f"one within 0 to {sound.seconds:.2f} s")
        whole = read(sound.wav)[0]
        first, last = (round(second * whole.sample_rate) for second in (start_s, min(end_s, sound.seconds)))
        piece, _ = from_array(whole.samples[:, first:last], whole.sample_rate)
        return self.keep(f"{sound.name[: MAX_LABEL - 20]} {start_s:.2f}–{end_s:.2f} s", piece, sound.notes)

    def keep(self, name: str, audio: Audio, notes: Sequence[str]) -> Sound:
        """Keeps a sound that is read already."""
        part = self._part()
        try:
            return self._keep(name, part, audio, notes)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def rename(self, sound: Sound, name: object) -> None:
        """Rename a sound.

        Raises:
            Refusal: That is no name.
        """
        shown = _visible(name) if isinstance(name, str) else ""
        if not shown:
            raise Refusal(400, "no name", "a name of at least one letter")
        sound.name = shown
        self._write(sound)

    def note_run(self, sound: Sound, run: str) -> None:
        """Notes that a folder below the outputs is a run of a sound."""
        sound.runs.append(run)
        self._write(sound)

    def of_run(self, run: str) -> Sound | None:
        """The sound that a run is of, where it is still kept."""
        with self._lock:
            return next((sound for sound in reversed(self._sounds.values()) if run in sound.runs), None)

    def remove(self, sound: Sound) -> None:
        """Forgets a sound.

        Raises:
            Refusal: A fit needs it.
        """
        with self._lock:
            if sound.needed:
                raise Refusal(409, "a sound that a fit needs", "the end of the fit", "cancelling it")
            self._forget(sound)
        self._changed()

    def analyse(self, sound: Sound) -> Analysis:
        """Return its f0 and loudness, analysed now if they are not known."""
        with sound.analysis_lock, self._one_analysis:
            if sound.analysis is None:
                from ddsp_match import config
                from ddsp_match.analysis.analyse import analyse
                from ddsp_match.core.audio import at_fit_rate, read
                from ddsp_match.core.timebase import Timebase

                target, _ = at_fit_rate(read(sound.wav)[0])
                sound.analysis = analyse(target, Timebase.at(target.sample_rate), config.build().f0)
            return sound.analysis

    def _forget(self, sound: Sound) -> None:
        self._sounds.pop(sound.id, None)
        gone = sound.folder.with_name(f"{sound.id}{_PART}")  # at once, so that a kill leaves no sound without its WAV
        with contextlib.suppress(OSError):
            sound.folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _write(self, sound: Sound) -> None:
        write_json(sound.folder / _FACTS, sound.stored())
        self._changed()

    def _part(self) -> Path:
        part = self.folder / f"{secrets.token_urlsafe(9)}{_PART}"
        part.mkdir(parents=True)
        return part

    def _too_large(self, size: int) -> Refusal:
        most = self.limits.n_bytes / 2**20
        return Refusal(413, f"{size / 2**20:.1f} MB or more", f"at most {most:g} MB", "a shorter piece, or FLAC")

    def _read(self, name: str, part: Path, notes: Sequence[str]) -> Sound:
        from ddsp_match.core.audio import read
        from ddsp_match.core.audio.headers import header

        upload = part / "upload"
        head = header(upload)  # before anything of that length is decoded
        if head is not None:
            self._check_length(head.n_samples / head.sample_rate)
        audio, more = read(upload)
        self._check_length(audio.seconds)
        upload.unlink()
        return self._keep(name, part, audio, [*notes, *more])

    def _keep(self, name: str, part: Path, audio: Audio, notes: Sequence[str]) -> Sound:
        from ddsp_match.core.audio import write

        folder = part.with_suffix("")
        write(part / _WAV, audio, "FLOAT")
        sound = Sound(
            folder.name, name, folder, audio.seconds, audio.sample_rate, audio.channels, list(notes), time.time()
        )
        write_json(part / _FACTS, sound.stored())
        with self._lock:
            part.replace(folder)
            self._sounds[sound.id] = sound
            for old in [one for one in self._sounds.values() if not one.needed and one is not sound]:
                if (
                    len(self._sounds) > self.limits.n_sounds
                    or sum(one.n_bytes for one in self._sounds.values()) > MAX_BYTES
                ):
                    self._forget(old)
        self._changed()
        return sound

    def _check_length(self, seconds: float) -> None:
        if seconds > self.limits.seconds:
            raise Refusal(
                413, f"{seconds:.1f} s of sound", f"at most {self.limits.seconds:g} s", "a shorter piece of it"
            )


def _loaded(path: Path) -> Sound | None:
    """The sound whose JSON file that is, if all of it is there."""
    facts, folder = read_json(path), path.parent
    if not isinstance(facts, dict) or not set(_KEPT) <= set(facts) or not (folder / _WAV).is_file():
        return None
    return Sound(folder.name, folder=folder, **{name: facts[name] for name in _KEPT})


def label(name: str) -> str:
    """Return the label of a sound: the name of its file without the suffix. No path: a slash in it is a slash."""
    from ddsp_match.core.audio.headers import suffixes

    stem, dot, suffix = name.rpartition(".")
    return _visible(stem if f"{dot}{suffix}".lower() in suffixes() else name) or "sound"


def _visible(name: str) -> str:
    """A name in one line, without what cannot be seen."""
    return " ".join("".join(c for c in name if c.isspace() or unicodedata.category(c)[0] != "C").split())[:MAX_LABEL]
