"""What the engines are given to do in the tests: functions that a worker can import."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from ddsp_match.core.errors import SoundError
from ddsp_match.runs.engines import asked_to_stop
from tests.waiting import wait_for


def square(number: int) -> int:
    return number * number


def deaf(begun: Path | None) -> bool:
    """Makes the file and goes on for as long as a test may take, whatever it is asked; ends at once without a file."""
    if begun is not None:
        begun.touch()
        wait_for(lambda: False)
    return True


def touch(path: Path) -> Path:
    path.touch()
    return path


def until_there(path: Path) -> Path:
    """Goes on until somebody has made the file."""
    wait_for(path.exists)
    return path


def gpu_when_there(path: Path) -> str:
    """Goes on until somebody has made the file; says which GPU it sees."""
    return os.environ["CUDA_VISIBLE_DEVICES"] if until_there(path) else ""


def children() -> list[int]:
    """The processes that this one has started from its main thread, and that are not waited for yet."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def who(_: object) -> tuple[int, dict[str, str]]:
    """Which process works, and with which environment."""
    return os.getpid(), dict(os.environ)


def what_main(_: object) -> str | None:
    return getattr(sys.modules["__main__"], "__file__", None)


def ignores_ctrl_c(_: object) -> bool:
    os.kill(os.getpid(), signal.SIGINT)
    signal.sigtimedwait((), 0.1)  # time for it to arrive
    return True


def raises(kind: str) -> NoReturn:
    if kind == "ours":
        raise SoundError("0 frames of sound", where="a.wav", needed="at least one")
    if kind == "exit":
        sys.exit(3)
    if kind == "odd":
        raise _Odd(threading.Lock())
    raise {"value": ValueError("too large"), "bare": KeyError()}[kind]


class _Odd(Exception):
    """Neither it nor its argument can be pickled, and it has no text."""

    def __init__(self, lock) -> None:
        self.lock = lock

    def __str__(self) -> str:
        raise RuntimeError


def lock(_: object) -> object:
    """A result that cannot be pickled."""
    return threading.Lock()


class Reluctant:
    """Pickles well and cannot be read again."""

    def __reduce__(self):
        return (_refuse, ())


def _refuse() -> NoReturn:
    raise ValueError("not again")


def reluctant(_: object) -> Reluctant:
    return Reluctant()


def die_once(job: tuple[int, Path | None]) -> int:
    """Kills its process the first time it sees this marker."""
    number, marker = job
    if marker is not None and not marker.exists():
        marker.touch()
        print("about to die", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(job: int) -> int:
    """Job 2 always kills its process."""
    if job == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def until_asked(begun: Path | None) -> str:
    """Makes the file and goes on until it is asked to stop; ends at once without a file."""
    if begun is None:
        return "not asked"
    begun.touch()
    wait_for(asked_to_stop)
    return "asked"


def fails_when_asked(begun: Path | None) -> None:
    if until_asked(begun) == "asked":
        raise RuntimeError("interrupted")


def threads_of_torch(_: object) -> tuple[int, int]:
    import numpy as np  # noqa: F401
    import torch

    return torch.get_num_threads(), os.getpid()


def spill(path: Path) -> int:
    """Prints more than a log may hold; says how long the log is."""
    os.write(2, b"x" * (3 << 20))
    return os.fstat(2).st_size


def mixed(job: tuple[str, object]) -> object:
    """Any of the functions above, by its name."""
    name, argument = job
    return globals()[name](argument)
