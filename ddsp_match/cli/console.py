"""A process without a proper console: closed streams, ones that cannot write every name, no home, no folder."""

from __future__ import annotations

import atexit
import io
import os
import sys
from pathlib import Path

from ddsp_match.core.files import run_adrift

_CACHES = {"MPLCONFIGDIR": "matplotlib"}  # that are kept below the home


def settle() -> None:
    """Makes the rest of the program independent of it."""
    _open_streams()
    # Threads that spin while they wait make a busy machine many times slower; read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["MPLBACKEND"] = "agg"  # pictures go to files; a notebook's value may name what is not installed here
    if not _has_home():
        for variable in _CACHES:
            if variable not in os.environ:
                os.environ[variable] = str(temporary_folder())
    try:
        os.getcwd()
    except FileNotFoundError:
        run_adrift(temporary_folder())


def temporary_folder() -> Path:
    """A new folder that goes when the process ends."""
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="ddsp-match-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def discard_output() -> None:
    """Gives the streams whose reader has gone, or whose disk is full, somewhere to go: Python flushes them at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_streams() -> None:
    # Else the next file that is opened would be standard output to every library that writes there.
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding, or a name that is no text
            stream.reconfigure(errors="backslashreplace")


def _has_home() -> bool:
    home = os.path.expanduser("~")
    return os.path.isabs(home) and os.access(home, os.R_OK | os.W_OK | os.X_OK)
