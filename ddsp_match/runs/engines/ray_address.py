"""Does a Ray cluster answer at this address? Asked before it is joined.

Ray itself tries for minutes, prints, and may end the whole process when nobody answers. So another process joins
first, and is given a limited time.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

from ddsp_match.core.errors import ConfigError

_CONNECT_S = 4.0
_JOIN_S = 16.0
# Ray tries once a second, 20 times by itself; then it says what was wrong, which should be within our time.
_TRIES = 8
_JOIN = (
    "import logging, sys;"
    "sys.path[:] = sys.argv[2:];"
    "import ray;"
    "quiet = {} if '://' in sys.argv[1] else {'configure_logging': False, 'logging_level': logging.ERROR};"
    "ray.init(address=sys.argv[1], log_to_driver=False, **quiet)"
)


def check_answers(address: str) -> None:
    """Make sure that a Ray cluster answers, within about twenty seconds.

    Args:
        address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        ConfigError: It is no address, or nothing, or something else, answers there.
    """
    where = f"engine.address={address}"
    hint = "`ray status` on that machine; engine.address=null starts a Ray here"
    target = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    if target != "auto":
        place = re.fullmatch(r"(?:ray://)?(?:\[([^\]]+)\]|([^:/\[\]]+)):(\d{1,5})", target)
        if place is None or int(place[3]) > 65535:
            raise ConfigError(repr(target), where=where, needed="auto, HOST:PORT or ray://HOST:PORT")
        try:
            socket.create_connection((place[1] or place[2], int(place[3])), timeout=_CONNECT_S).close()
        except OSError as error:
            raise ConfigError(
                f"nothing that answers ({error.strerror or error})", where=where, needed="a running Ray", hint=hint
            ) from error
    try:
        done = subprocess.run(
            [sys.executable, "-c", _JOIN, address, *sys.path],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_JOIN_S,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "RAY_NUM_REDIS_GET_RETRIES": str(_TRIES)},
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"no answer within {_JOIN_S:.0f} s", where=where, needed="a running Ray", hint=hint
        ) from error
    if done.returncode:
        if "AuthenticationError" in done.stderr:
            raise ConfigError(
                "a Ray cluster that asks for a token",
                where=where,
                needed="its token, as Ray itself wants it",
                hint="RAY_AUTH_MODE=token in the environment, and the token in RAY_AUTH_TOKEN or in Ray's own file",
            )
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        found = f"no Ray that can be joined ({said[-1][:300]})"
        raise ConfigError(found, where=where, needed="a running Ray", hint=hint)
