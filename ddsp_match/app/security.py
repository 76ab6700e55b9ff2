"""Access control: only pages that this server has sent, under its own host name, may send requests."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ddsp_match.app.responses import Refusal, error_response

OWN_HEADER = "x-ddsp-match"
HOSTS = ("127.0.0.1", "localhost")
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
# A report holds its script within itself. In a sandbox it is of no origin, and so can ask this server for nothing.
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; frame-ancestors 'self'"
)
_SAFE = ("GET", "HEAD")


class SameOrigin:
    """Refuses what does not come from the app's own pages, and puts the safety headers on every answer.

    A page elsewhere may point its own name at this address (DNS rebinding): the Host header gives it away. It may post
    to it (CSRF): the Origin gives it away, and the header that no form can send.

    Args:
        app: What is guarded.
        port: The port it answers on.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{host}:{port}" for host in HOSTS} | (set(HOSTS) if port == 80 else set())
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_safety(message.get("headers", []))
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(refusal)(scope, receive, headed)
            return
        await self.app(scope, receive, headed)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if not _one_of(headers.get("host", []), self.hosts):
            own = " or ".join(sorted(self.hosts))
            return Refusal(421, "another host name", own, "the address it printed")
        origin, site = headers.get("origin", []), headers.get("sec-fetch-site", [])
        if origin and not _one_of(origin, self.origins):
            return Refusal(403, "a request from another page", "one from the app itself", "the address it printed")
        from_elsewhere = bool(site) and not _one_of(site, ("same-origin", "none"))
        opens_a_page = headers.get("sec-fetch-mode") == ["navigate"] and scope["path"] == "/"
        if from_elsewhere and not opens_a_page:
            return Refusal(403, "a request from another page", "one from the app itself", "the address it printed")
        if scope["method"] not in _SAFE:
            ours = bool(origin) or site == ["same-origin"]
            if not ours or headers.get(OWN_HEADER) != ["1"]:
                return Refusal(403, "a request that no page of the app sends", f"its Origin and {OWN_HEADER}: 1")
        return None


def _one_of(values: Sequence[str], allowed: Sequence[str] | set[str]) -> bool:
    return len(values) == 1 and values[0].lower() in allowed


def _with_safety(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and those that every answer has."""
    there = {name.lower() for name, _ in headers}
    every = {
        b"content-security-policy": POLICY.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
        b"x-frame-options": b"SAMEORIGIN",
        b"permissions-policy": b"microphone=(self), midi=(self), camera=(), geolocation=()",
        b"cache-control": b"no-cache",
    }
    return [*headers, *((name, value) for name, value in every.items() if name not in there)]
