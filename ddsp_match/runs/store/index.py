"""The index of a run: one SQLite file with a row a sound.

SQLite because it is one file, needs nothing installed, adds a row in one transaction that survives kill -9, and every
tool reads it (Parquet cannot add a row; it is written at the end or as many files). The sounds' own ``entry.json`` hold
the same but for failures and the run's settings: users query the index, and it lists 10,000 sounds in 0.3 s, the
files in 0.5 to 0.7 s (cached; on a network disk the files take long). It keeps a **rollback journal**,
not WAL: WAL needs memory that all readers and the writer share, which a network disk does not have, and a read-only
disk cannot be read from at all while a ``-wal`` file lies there. There is one writer, whose transactions are one row
long, so that readers hardly ever wait; rows lost at a power cut are made again from the sounds' ``entry.json``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ddsp_match.core.errors import MANY, OUT, OutputError
from ddsp_match.runs.store.as_json import dumps, entry_of, from_utf8, utf8
from ddsp_match.runs.store.entry import Entry

T = TypeVar("T")
INDEX_NAME, JOURNAL = "index.sqlite", "index.sqlite-journal"
_NEEDED = "the index of a run over many sounds"
WAIT_S = 60.0  # for a reader of a long index, or a writer of a row
_TEXTS = ("name", "source", "status", "family", "reason", "folder", "finished_at")
_JSON = ("files", "metrics", "seconds", "facts")
_COLUMNS = (*_TEXTS, "attempts", *_JSON)
_TABLES = (
    "CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE sounds (name TEXT PRIMARY KEY, source TEXT NOT NULL, status TEXT NOT NULL, family TEXT NOT NULL, "
    "reason TEXT NOT NULL, folder TEXT NOT NULL, finished_at TEXT NOT NULL, attempts INTEGER NOT NULL, "
    "files TEXT NOT NULL, metrics TEXT NOT NULL, seconds TEXT NOT NULL, facts TEXT NOT NULL)",
)


class Index:
    """The index, open for writing; made if it is not there.

    Args:
        folder: The run folder, whose lock the process holds.

    Raises:
        OutputError: It cannot be written, or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / INDEX_NAME
        with _in_our_words(self._path):
            self._base = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)
            self._base.execute("PRAGMA synchronous = FULL")  # on the disk when a transaction ends
            if not _has_tables(self._base):
                with self._transaction():
                    for text in _TABLES:
                        self._base.execute(text)

    def run(self) -> dict[str, str]:
        """The facts about the run, by key."""
        with _in_our_words(self._path):
            return run_in(self._base)

    def note(self, values: Mapping[str, str]) -> None:
        """Write down what is known of the run."""
        with _in_our_words(self._path), self._transaction():
            rows = [(key, utf8(value)) for key, value in values.items()]
            self._base.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)

    def put(self, entries: Iterable[Entry]) -> None:
        """Enter sounds, all of them or none; a row of that name is replaced."""
        marks = ", ".join("?" * len(_COLUMNS))
        with _in_our_words(self._path), self._transaction():
            rows = map(_row, entries)
            self._base.executemany(f"INSERT OR REPLACE INTO sounds ({', '.join(_COLUMNS)}) VALUES ({marks})", rows)

    def drop(self, names: Iterable[str]) -> None:
        """Take sounds out."""
        with _in_our_words(self._path), self._transaction():
            self._base.executemany("DELETE FROM sounds WHERE name = ?", [(name,) for name in names])

    def entries(self) -> Iterator[Entry]:
        """All rows, one after the other, in the order of their names."""
        with _in_our_words(self._path):
            yield from entries_in(self._base)

    def done(self) -> set[str]:
        """Names of the sounds that were finished."""
        with _in_our_words(self._path):
            return done_in(self._base)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:  # a full disk may have ended it already
                self._base.execute("ROLLBACK")
            raise


def read(folder: Path, what: Callable[[sqlite3.Connection], T], nothing: T) -> T:
    """Read an index without a lock on the run: also while it is written, and on a read-only disk.

    Args:
        folder: The run folder.
        what: Takes what is wanted from the index: `run_in`, `entries_in`, `done_in`.
        nothing: The answer of a run that was killed before it had an index.

    Returns:
        What `what` returned.

    Raises:
        OutputError: There is no index, or it cannot be read.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        raise OutputError(
            "no index of a run over many sounds" if folder.exists() else "no such folder",
            where=folder,
            needed=f"the folder of such a run, with {INDEX_NAME} in it",
            cures=[MANY],
        )

    def taken(base: sqlite3.Connection) -> T:
        with contextlib.closing(base):
            return what(base) if _has_tables(base) else nothing

    with _in_our_words(path):
        try:
            return taken(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT_S))
        except sqlite3.OperationalError:
            # A run was killed in the middle of a row, and only who may write can take that back: do it in a copy.
            with tempfile.TemporaryDirectory() as scratch:
                for name in (INDEX_NAME, JOURNAL):
                    if (folder / name).is_file():
                        shutil.copyfile(folder / name, Path(scratch) / name)
                return taken(sqlite3.connect(Path(scratch) / INDEX_NAME))


def check_ours(folder: Path) -> None:
    """Refuse a database of that name with other tables in it; a damaged or an empty one may become ours.

    Raises:
        OutputError: It is of something else.
    """
    path = folder / INDEX_NAME
    with contextlib.suppress(sqlite3.DatabaseError):
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            foreign = not _has_tables(base) and base.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
        if foreign:
            raise OutputError("tables of something else", where=path, needed=_NEEDED, cures=[OUT])


def run_in(base: sqlite3.Connection) -> dict[str, str]:
    """The facts about the run, by key."""
    return dict(base.execute("SELECT key, value FROM run"))


def done_in(base: sqlite3.Connection) -> set[str]:
    """Names of the sounds that were finished."""
    return {name for (name,) in base.execute("SELECT name FROM sounds WHERE status = 'done'")}


def entries_in(base: sqlite3.Connection) -> Iterator[Entry]:
    """All rows, in the order of their names."""
    for row in base.execute(f"SELECT {', '.join(_COLUMNS)} FROM sounds ORDER BY name"):
        values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
        values |= {name: json.loads(values[name]) for name in _JSON}
        values["source"] = from_utf8(values["source"])
        yield entry_of(values)


def _has_tables(base: sqlite3.Connection) -> bool:
    names = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {"run", "sounds"} <= names


def _row(entry: Entry) -> list[Any]:
    texts = [utf8(getattr(entry, name)) for name in _TEXTS]
    return [*texts, entry.attempts, *(dumps(getattr(entry, name)) for name in _JSON)]


@contextlib.contextmanager
def _in_our_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: Exception) -> OutputError:
    message = str(error).lower()
    if "not a database" in message or "malformed" in message or "no such column" in message:
        found = f"a damaged index ({message}); the sounds' own folders are whole"
        return OutputError(found, where=path, needed=_NEEDED, cures=[OUT])
    needed = "a place that can be written to, with room for the results"
    return OutputError(message, where=path, needed=needed, hint="making room", cures=[OUT])
