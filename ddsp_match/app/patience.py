"""How long the server waits for those who ask, and how many it answers at once."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ddsp_match.app.answers import Refusal, failed

HEAD_S = 10.0  # loopback delivers at once; who sends no whole head for so long has gone away
AT_ONCE, MOST_WAITING, WAIT_S = 64, 1000, 60.0  # answers under way, requests that wait for one to end, and how long
ENDLESS = "/api/events"  # a stream for each open page, which ends with the page


class Protocol(H11Protocol):
    """uvicorn's HTTP, which hangs up where the head of a request does not come.

    uvicorn itself waits for it for ever. All that ask are this machine, so that a limit for each of them would be one
    for all: it is the waiting that has to end.
    """

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
        """It is over."""
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(HEAD_S, self._hang_up)

    def _hang_up(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


class Turnstile:
    """Lets so many requests in at once; the others wait, and are refused only where they are too many.

    Args:
        app: What answers.
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
            await failed(refusal)(scope, receive, send)

    async def _entered(self) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        if self._waiting >= MOST_WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), WAIT_S)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True
