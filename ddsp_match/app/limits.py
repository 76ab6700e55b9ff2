"""Limits of what the server takes, how long it waits, and how many requests it answers at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ddsp_match.app.responses import Refusal, error_response
from ddsp_match.core.audio.checks import MAX_SECONDS
from ddsp_match.core.errors import ConfigError

AT_ONCE, MAX_WAITING, WAIT_S = 64, 1000, 60.0  # answers under way, requests that wait for one to end, and how long
ENDLESS = "/api/events"  # a stream for each open page, which ends with the page


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Loopback delivers at once: a client that sends nothing for seconds has gone away.

    Attributes:
        n_bytes: Largest file of a sound.
        seconds: Longest sound.
        n_sounds: Sounds that are kept; older ones are forgotten.
        n_waiting: Jobs that wait in the queue.
        head_s: Longest wait for the head of a request.
        stall_s: Longest wait for the next part of a body.

    Raises:
        ConfigError: Sounds of that length cannot be fitted.
    """

    n_bytes: int = 256 << 20  # ten minutes of stereo at 48 kHz in 24 bits have 165
    seconds: float = MAX_SECONDS
    n_sounds: int = 64
    n_waiting: int = 20
    head_s: float = 10.0
    stall_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ConfigError(
                f"{self.seconds:g} s", where="--max-seconds", needed=f"at most {MAX_SECONDS:g} s, the longest fit"
            )


class HeadTimeout(H11Protocol):
    """uvicorn's HTTP, which hangs up where the head of a request does not come within `Limits.head_s`.

    uvicorn itself waits for it for ever. All that ask are this machine, so that a limit for each of them would be one
    for all: it is the waiting that has to end.
    """

    head_s = Limits.head_s
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A connection, of which nothing is known yet."""
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        """The connection may bring another request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(self.head_s, self._hang_up)

    def _hang_up(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


class ConcurrencyLimit:
    """Answer a limited number of requests at once; the others wait, and are refused only where they are too many.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["path"] == ENDLESS:
            await self.app(scope, receive, send)
        elif await self._entered():
            try:
                await self.app(scope, receive, send)
            finally:
                self._places.release()
        else:
            refusal = Refusal(503, "too many requests at once", "fewer", "it again in a minute")
            await error_response(refusal)(scope, receive, send)

    async def _entered(self) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        if self._waiting >= MAX_WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), WAIT_S)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True
