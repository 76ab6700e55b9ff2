"""Sounds that were dropped into the app: read, checked, and kept until the server ends."""

from __future__ import annotations

import secrets
import shutil
import threading
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ddsp_match.app.answers import Refusal, worked

if TYPE_CHECKING:
    from ddsp_match.tasks.fit import Heard

MOST_SOUNDS = 64  # older ones are forgotten
MOST_LABEL = 120
_WAV = "sound.wav"


@dataclass(frozen=True)
class Limits:
    """How much a sound may be.

    Attributes:
        n_bytes: Of a file.
        seconds: Of sound.
    """

    n_bytes: int = 50 << 20
    seconds: float = 120.0


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
        picture: The axes of its spectrogram.
        heard: Its f0 and loudness, once known.
        hearing: Held by whoever is finding that out.
        needed: How many fits wait for it.
    """

    id: str
    name: str
    folder: Path
    seconds: float
    sample_rate: int
    channels: int
    notes: list[str]
    picture: dict[str, Any]
    heard: Heard | None = None
    hearing: threading.Lock = field(default_factory=threading.Lock)
    needed: int = 0

    @property
    def wav(self) -> Path:
        """Its samples, decoded."""
        return self.folder / _WAV

    def facts(self) -> dict[str, Any]:
        """What a page is told of it."""
        names = ("id", "name", "seconds", "sample_rate", "channels", "notes", "picture")
        return {name: getattr(self, name) for name in names}


class Sounds:
    """All of them.

    Args:
        folder: Of this server, to keep them in.
        limits: Of one sound.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self._sounds: dict[str, Sound] = {}
        self._lock, self._one_ear = threading.Lock(), threading.Lock()

    def get(self, sound_id: object) -> Sound:
        """The sound of that id.

        Raises:
            Refusal: There is none.
        """
        sound = self._sounds.get(sound_id) if isinstance(sound_id, str) else None
        if sound is None:
            raise Refusal(404, "no sound of that id", "one dropped since the server started", "dropping it again")
        return sound

    def listed(self) -> list[dict[str, Any]]:
        """What pages are told of them, the newest first."""
        with self._lock:
            return [sound.facts() for sound in reversed(self._sounds.values())]

    async def add(self, name: str, body: AsyncIterator[bytes], length: int | None) -> Sound:
        """Takes an upload in as it comes, and reads it.

        Args:
            name: What the user calls it.
            body: The bytes.
            length: How many were announced.

        Raises:
            Refusal: It is too large, or does not come to its end.
            SoundError: It is no sound that can be matched.
        """
        if length is not None and length > self.limits.n_bytes:
            raise self._too_large(length)
        token = secrets.token_urlsafe(9)
        folder = self.folder / token
        try:
            folder.mkdir(parents=True)
            upload = folder / "upload"
            size = 0
            with upload.open("wb") as file:
                async for chunk in body:
                    size += len(chunk)
                    if size > self.limits.n_bytes:
                        raise self._too_large(size)
                    file.write(chunk)
            if size == 0:
                raise Refusal(400, "an empty file", "a sound", "another file")
            sound = await worked(self._read, token, label(name), folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._sounds[token] = sound
            idle = [one for one in self._sounds.values() if not one.needed and one is not sound]
            for old in idle[: max(0, len(self._sounds) - MOST_SOUNDS)]:
                self._forget(old)
        return sound

    def remove(self, sound: Sound) -> None:
        """Forgets a sound.

        Raises:
            Refusal: A fit needs it.
        """
        with self._lock:
            if sound.needed:
                raise Refusal(409, "a sound that a fit needs", "the end of the fit", "cancelling it")
            self._forget(sound)

    def hear(self, sound: Sound) -> Heard:
        """Its f0 and loudness, found out now if nobody has before."""
        with sound.hearing, self._one_ear:
            if sound.heard is None:
                from ddsp_match import config
                from ddsp_match.analysis.analyse import analyse
                from ddsp_match.audio import at_fit_rate, read
                from ddsp_match.timebase import Timebase

                target, _ = at_fit_rate(read(sound.wav)[0])
                sound.heard = analyse(target, Timebase.at(target.sample_rate), config.build().f0)
            return sound.heard

    def _forget(self, sound: Sound) -> None:
        self._sounds.pop(sound.id, None)
        shutil.rmtree(sound.folder, ignore_errors=True)

    def _too_large(self, size: int) -> Refusal:
        most = self.limits.n_bytes / 2**20
        return Refusal(413, f"{size / 2**20:.1f} MB or more", f"at most {most:g} MB", "a shorter piece, or FLAC")

    def _read(self, token: str, name: str, folder: Path) -> Sound:
        from ddsp_match.app.pictures import axes
        from ddsp_match.audio import read, write
        from ddsp_match.audio.headers import header

        upload = folder / "upload"
        head = header(upload)  # before anything of that length is decoded
        if head is not None:
            self._check_length(head.n_samples / head.sample_rate)
        audio, notes = read(upload)
        self._check_length(audio.seconds)
        write(folder / _WAV, audio, "FLOAT")
        upload.unlink()
        picture = axes(audio.n_samples, audio.sample_rate)
        return Sound(token, name, folder, audio.seconds, audio.sample_rate, audio.channels, notes, picture)

    def _check_length(self, seconds: float) -> None:
        if seconds > self.limits.seconds:
            raise Refusal(
                413, f"{seconds:.1f} s of sound", f"at most {self.limits.seconds:g} s", "a shorter piece of it"
            )


def label(name: str) -> str:
    """What a sound is called: the name of a file without its folders, its suffix and what cannot be seen."""
    from ddsp_match.audio.headers import SUFFIXES

    path = PurePosixPath(name.replace("\\", "/").replace("\0", ""))
    stem = path.stem if path.suffix.lower() in SUFFIXES else path.name
    seen = "".join(c for c in stem if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split())[:MOST_LABEL] or "sound"
