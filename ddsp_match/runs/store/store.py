"""The folder of a run over many sounds: made, resumed, read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ddsp_match
from ddsp_match.core.errors import FORCE, OUT, OutputError
from ddsp_match.core.files import Lock, refusal, sync_folder
from ddsp_match.runs.store import index as indices
from ddsp_match.runs.store import sound_folder
from ddsp_match.runs.store.as_json import dumps, from_utf8
from ddsp_match.runs.store.entry import Entry
from ddsp_match.runs.store.index import INDEX_NAME, JOURNAL, Index

FORMAT_VERSION = 1
LOCK_NAME = "run.lock"  # stays when the lock is given back
# They choose the sounds and the workers, but do not change a sound's result: a run may be resumed with others.
FREE = ("dataset", "engine", "batch_size", "limit", "device", "threads")
# What a run writes, and --force takes away; the index last, so that the folder is ours until it is empty.
_OURS = ("scores.html", "scores.json", "scores.csv", "config.yaml", sound_folder.SOUNDS, JOURNAL, INDEX_NAME)


class Store:
    """A run's folder and index; `create_or_resume` opens it for writing, `read` for reading.

    Attributes:
        folder: The run folder.
        settings: What the sounds are fitted with, as nested dictionaries.
        source: What named the sounds.
        command: The command line that began the run.
        notes: What was found and mended on resuming.
    """

    def __init__(self, folder: Path, index: Index | None = None, lock: Lock | None = None) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {}
        self.source, self.command = "", ""
        self.notes: list[str] = []
        self._index, self._lock = index, lock

    @classmethod
    def create_or_resume(
        cls, folder: Path, *, command: str, settings: Mapping[str, Any], source: str, force: bool = False
    ) -> Store:
        """Open a folder for writing, and hold its lock until `close`.

        On resuming, finished sound folders that the index lacks (a kill came between the two) are entered, half
        written ones removed, and rows whose folder is gone dropped.

        Args:
            folder: A new or empty folder, or one of an earlier run with the same settings.
            command: The command line.
            settings: As nested dictionaries; those named in `FREE` may differ from the earlier run's, all of them where
                it finished no sound.
            source: What names the sounds: a folder or a file, absolute.
            force: Start an earlier run over: what it wrote is removed, anything else in the folder stays.

        Raises:
            OutputError: Other files lie there, the earlier run had other settings or other sounds, another
                process is writing there, or nothing can be written.
        """
        if folder.is_dir() and not is_run(folder) and not all(path.name == LOCK_NAME for path in folder.iterdir()):
            raise OutputError(
                "files that no run over many sounds has written",
                where=folder,
                needed="a new or empty folder, or an earlier run to go on with",
                cures=[OUT],
            )
        if Path(source).resolve().is_relative_to(folder.resolve()):
            needed = "a folder apart from the sounds'"
            raise OutputError("the sounds themselves", where=folder, needed=needed, cures=[OUT])
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refusal(folder, error) from error
        lock = Lock(folder / LOCK_NAME, folder)
        store = None
        try:
            indices.check_ours(folder)
            if force:
                _clear(folder)
            store = cls(folder, Index(folder), lock)
            store._begin(command, json.loads(dumps(settings)), source)
            store._mend()
        except BaseException:
            store.close() if store is not None else lock.release()
            raise
        return store

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Open a folder for reading, as it is at this moment; a run may be writing to it.

        Raises:
            OutputError: It is no folder of a run over many sounds.
        """
        store = cls(folder)
        store._take(indices.read(folder, indices.run_in, {}))
        return store

    def entries(self) -> list[Entry]:
        """All sounds that were finished or failed by now, in the order of their names."""
        if self._index is not None:
            return list(self._index.entries())
        return indices.read(self.folder, lambda base: list(indices.entries_in(base)), [])

    def each(self) -> Iterator[Entry]:
        """The same one after the other, for a run too large to be held in memory; nothing may be entered meanwhile."""
        return iter(self.entries()) if self._index is None else self._index.entries()

    def done(self) -> set[str]:
        """Names of the sounds that were finished."""
        return indices.read(self.folder, indices.done_in, set()) if self._index is None else self._index.done()

    def enter(self, entry: Entry) -> None:
        """Write down a sound, on the disk when this returns.

        Raises:
            OutputError: It cannot be written; the index stays as it was.
        """
        if self._index is None:
            raise RuntimeError("a store that was opened for reading")
        self._index.put([entry])

    def close(self) -> None:
        """Close the index and give the lock back."""
        if self._index is not None:
            self._index.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, run: Mapping[str, str]) -> None:
        version = run.get("format_version", str(FORMAT_VERSION))
        if version != str(FORMAT_VERSION):
            raise OutputError(
                f"an index of format {version}",
                where=self.folder,
                needed=f"format {FORMAT_VERSION}, which this version of ddsp-match reads",
                hint="the version of ddsp-match that wrote it",
            )
        self.settings = json.loads(run.get("settings", "{}"))
        self.source, self.command = from_utf8(run.get("source", "")), run.get("command", "")

    def _begin(self, command: str, settings: dict[str, Any], source: str) -> None:
        """Compare with the run that was begun here, and write down what is new."""
        assert self._index is not None
        run = self._index.run()
        self._take(run)
        refusal = self._refusal(settings, source) if run else None
        if refusal is not None:
            if next(sound_folder.folders(self.folder, set()), None) is not None:
                raise refusal
            # it ended before its first sound was finished: there is nothing that could be mixed up
            self._index.drop([entry.name for entry in self._index.entries()])
        now = datetime.now(UTC).isoformat("T", "seconds")
        began = {"format_version": str(FORMAT_VERSION), "created_at": now, "ddsp_match": ddsp_match.__version__}
        latest = {"command": command, "settings": dumps(settings), "source": source, "resumed_at": now}
        self._index.note(latest if run else began | latest)
        self.settings, self.source, self.command = settings, source, command

    def _refusal(self, settings: dict[str, Any], source: str) -> OutputError | None:
        """Return why the run that was begun here cannot be resumed; None where it can."""
        keys = _differing(self.settings, settings)
        if keys:
            found = f"a run with other settings ({', '.join(keys)})"
            needed = "the settings that it was begun with"
            return OutputError(found, where=self.folder, needed=needed, cures=[FORCE, OUT])
        if self.source != source and Path(self.source).exists():  # one that was moved is the same
            needed = f"the same sounds, not {source}"
            return OutputError(f"a run over {self.source}", where=self.folder, needed=needed, cures=[FORCE, OUT])
        return None

    def _mend(self) -> None:
        """Bring folders and index together after a kill."""
        assert self._index is not None
        for part in self.folder.glob(".*.part"):  # of config.yaml
            part.unlink(missing_ok=True)
        done = self.done()
        there = set(sound_folder.folders(self.folder, done))
        gone = sorted(done - there)
        adopted = [entry for name in sorted(there - done) if (entry := sound_folder.read_entry(self.folder, name))]
        if gone:
            self._index.drop(gone)
            self.notes.append(f"folders that are gone, whose sounds are fitted again: {len(gone)}")
        if adopted:
            self._index.put(adopted)


def is_run(folder: Path) -> bool:
    """Say whether a folder is that of a run over many sounds."""
    return (folder / INDEX_NAME).is_file()


def _clear(folder: Path) -> None:
    for name in _OURS:
        path = folder / name
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise refusal(path, error) from error
    sync_folder(folder)


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Keys that change what becomes of a sound and whose values differ."""
    one, other = _flat(before), _flat(now)
    keys = sorted(one.keys() | other.keys())
    return [key for key in keys if key.partition(".")[0] not in FREE and one.get(key) != other.get(key)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
