"""``ddsp-match data``: which data sets there are, and one of them to this disk."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any

from ddsp_match.cli.exits import EXIT_INTERRUPTED
from ddsp_match.cli.values import PROGRAM
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files.refusal import in_words
from ddsp_match.datasets.fetch import Here, fetch, look
from ddsp_match.datasets.published import SETS, DataSet


def data(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    if arguments.name is None:
        print(_table(arguments.output))
        return 0
    if arguments.name not in SETS:
        near = difflib.get_close_matches(arguments.name, SETS, n=1)
        raise ConfigError(
            "no data set of that name",
            where=arguments.name,
            needed=f"one of {', '.join(SETS)}",
            hint=f"ddsp-match data {near[0]}" if near else "ddsp-match data, which lists them",
        )
    data_set, progress = SETS[arguments.name], _Progress(quiet=arguments.quiet)
    before = look(data_set, arguments.output).whole and not arguments.force
    try:
        with progress:
            here = fetch(
                data_set,
                below=arguments.output,
                url=arguments.url,
                archive=arguments.archive,
                sha256=arguments.sha256 or "",
                force=arguments.force,
                keep_archive=arguments.keep_archive,
                timeout_s=arguments.timeout,
                on_stage=progress.on_stage,
                on_bytes=progress.on_bytes,
            )
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted; {_left(data_set, arguments.output)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    done = "already here" if before else "fetched and checked"
    print(f"{done}: {here.clips:,} clips" + (" (--force fetches them again)" if before else ""))
    if here.archive.is_file():
        print(f"archive: {here.archive}")
    print(f"audio:   {here.audio}/")
    if data_set.licence:
        print(f"licence: {data_set.licence}, {data_set.licence_url} — name {data_set.by}")
    print(f"next:    {PROGRAM} fit {here.audio} dataset=nsynth limit=20")
    return 0


def _table(below: Path) -> str:
    rows = [("NAME", "CLIPS", "DOWNLOAD", "UNPACKED", "LICENCE", "HERE")]
    for data_set in SETS.values():
        size = in_words(data_set.size_bytes) if data_set.size_bytes is not None else "?"
        unpacked = in_words(data_set.unpacked_bytes)
        here = _state(data_set, look(data_set, below))
        rows.append((data_set.name, f"{data_set.clips:,}", size, unpacked, data_set.licence, here))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    page = {data_set.page: data_set.by for data_set in SETS.values()}
    lines += ["", *(f"NSynth: {url} ({by})" for url, by in page.items()), f"fetch one: {PROGRAM} data nsynth-test"]
    return "\n".join(lines)


def _state(data_set: DataSet, here: Here) -> str:
    if here.whole:
        return f"{here.folder}/"
    if here.fault:
        return f"{here.folder}/ is incomplete: {here.fault}"
    if here.downloaded_bytes:
        of = f" of {in_words(data_set.size_bytes)}" if data_set.size_bytes is not None else ""
        return f"{in_words(here.downloaded_bytes)}{of} downloaded"
    return "no"


def _left(data_set: DataSet, below: Path) -> str:
    done = look(data_set, below).downloaded_bytes
    return f"the same command goes on from {in_words(done)}" if done else "nothing written"


class _Progress:
    """Stages and bytes on stderr.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._stage = ""

    def on_stage(self, stage: str) -> None:
        """Show that a stage begins."""
        self._close()
        self._stage = stage

    def on_bytes(self, done: int, total: int | None) -> None:
        """Show how far the stage has come."""
        if self._quiet:
            return
        if self._bar is None:
            from tqdm import tqdm

            # A log file wants a line now and then, a terminal a smooth bar.
            interval_s = 0.1 if sys.stderr.isatty() else 10.0
            options: dict[str, Any] = {"unit": "B", "unit_scale": True, "mininterval": interval_s}
            self._bar = tqdm(desc=self._stage, initial=done, total=total, file=sys.stderr, **options)
        if done < self._bar.n:  # from the beginning again
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
