"""Renders of a run, made on request and cached: edited patches, sounds, stems, pictures."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ddsp_match.app.responses import Refusal
from ddsp_match.app.results import Result

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio
    from ddsp_match.patch import Patch
    from ddsp_match.tasks.edit import Edit

Value = TypeVar("Value")
PARTS = ("target", "match", "harmonic", "noise", "dry", "difference")
MAX_EDITS, MAX_BYTES, FEWEST = 2000, 1 << 29, 4


@dataclass(frozen=True)
class Edited:
    """The edits of a run that a page has asked for.

    Attributes:
        run: Its id.
        edits: In their order.
    """

    run: str
    edits: tuple[Edit, ...]


class Renderer:
    """Renders one thing at a time and caches the latest.

    Args:
        folder: Of this server, for files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = ThreadPoolExecutor(1, "renderer")
        self._edits: OrderedDict[str, Edited] = OrderedDict()
        self._cache: OrderedDict[tuple, tuple[Any, int]] = OrderedDict()
        self._files: OrderedDict[tuple, Path] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Start nothing more."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def edited(self, run: Result, edits: Sequence[Any]) -> tuple[str, Patch]:
        """Notes an edit of a run and makes its patch.

        Args:
            run: What is edited.
            edits: ``{"name": …, "values": {…}}``, in their order.

        Raises:
            ConfigError: There is no such edit, a value is none for it, or the sound would get too long.
        """
        checked = tuple(_edit(entry) for entry in edits)
        token = secrets.token_urlsafe(9)
        with self._lock:
            self._edits[token] = Edited(run.id, checked)
            while len(self._edits) > MAX_EDITS:
                self._edits.popitem(last=False)
        try:
            return token, self.patch(run, token)
        except BaseException:
            self._edits.pop(token, None)
            raise

    def check(self, run: Result, edit: str | None) -> None:
        """Refuses an edit that is none of this run.

        Raises:
            Refusal: It is not.
        """
        if edit is not None:
            self._edit_of(run, edit)

    def patch(self, run: Result, edit: str | None = None) -> Patch:
        """The patch of a run, edited or not."""

        def make() -> Patch:
            from ddsp_match.patch import load_patch

            if edit is None:
                return load_patch(run.patch)
            from ddsp_match.tasks.edit import edit as edit_patch

            return edit_patch(self.patch(run), list(self._edit_of(run, edit).edits))

        return self._cached(("patch", run.id, run.when, edit), make, lambda patch: 4 * _numbers(patch))

    def sound(self, run: Result, part: str, edit: str | None = None) -> Audio:
        """One of `PARTS`. Harmonic and noise stem are without effects; the residual within the partials is noise.

        Raises:
            Refusal: There is no such part.
        """
        if part == "target":
            return self._target(run)
        if part == "difference":
            return self._difference(run, edit)
        if part not in PARTS:
            raise Refusal(404, f"no sound called {part}", f"one of {', '.join(PARTS)}")
        return self.sounds(run, edit)[part]

    def file(self, key: tuple, suffix: str, make: Callable[[Path], None]) -> Path:
        """Return a file that is made once and kept while there is room."""
        with self._lock:
            path = self._files.get(key)
            if path is not None and path.exists():
                self._files.move_to_end(key)
                return path
        folder = self.folder / secrets.token_urlsafe(9)
        folder.mkdir(parents=True)
        path = folder / f"made{suffix}"
        try:
            make(path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._files[key] = path
            sizes = [one.stat().st_size if one.exists() else 0 for one in self._files.values()]
            while sum(sizes) > MAX_BYTES and len(sizes) > 8 * FEWEST:  # the last may be on their way to a page
                _, old = self._files.popitem(last=False)
                shutil.rmtree(old.parent, ignore_errors=True)
                sizes.pop(0)
        return path

    def _edit_of(self, run: Result, edit: str) -> Edited:
        edited = self._edits.get(edit)
        if edited is None or edited.run != run.id:
            raise Refusal(404, "no edit of that id", "one of this run, since the server started", "editing it again")
        return edited

    def _target(self, run: Result) -> Audio:
        from ddsp_match.core.audio import read

        path = run.folder / "target.wav"
        if not path.is_file():
            raise Refusal(404, "a run without its target", "one that kept it", "the match")
        return self._cached(("target", run.id, run.when), lambda: read(path)[0], _bytes)

    def _difference(self, run: Result, edit: str | None) -> Audio:
        from ddsp_match.core.audio import Audio

        target, match = self._target(run), self.sound(run, "match", edit)
        if edit is not None or target.samples.shape != match.samples.shape:
            raise Refusal(404, "an edited sound", "the match itself", "it without the edit")
        return Audio(target.samples - match.samples, target.sample_rate)

    def sounds(self, run: Result, edit: str | None = None) -> dict[str, Audio]:
        """Return the sounds of a run's patch, whole and in parts."""

        def make() -> dict[str, Audio]:
            from ddsp_match.app.stems import stems

            return stems(self.patch(run, edit))

        return self._cached(
            ("sounds", run.id, run.when, edit), make, lambda parts: sum(_bytes(audio) for audio in parts.values())
        )

    def _cached(self, key: tuple, make: Callable[[], Value], size: Callable[[Value], int]) -> Value:
        """Return the cached value of a key, made now if there is none."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key][0]
        value = make()
        with self._lock:
            self._cache[key] = (value, size(value))
            while len(self._cache) > FEWEST and sum(bytes_ for _, bytes_ in self._cache.values()) > MAX_BYTES:
                self._cache.popitem(last=False)
        return value


def _edit(entry: Any) -> Edit:
    from ddsp_match.tasks.edit import Edit

    values = entry.get("values", {}) if isinstance(entry, dict) else None
    if not isinstance(values, dict) or not isinstance(entry.get("name"), str):
        raise Refusal(400, "an edit without a name, or values that are no object", '{"name": …, "values": {…}}')
    return Edit(entry["name"], values)


def _numbers(patch: Patch) -> int:
    c = patch.controls
    return 2 * c.distribution.numel() + c.noise.numel()


def _bytes(audio: Audio) -> int:
    return audio.samples.nbytes
