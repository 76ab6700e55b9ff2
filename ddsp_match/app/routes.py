"""The addresses of the server and what answers there."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ddsp_match.app.effect_routes import EffectRoutes
from ddsp_match.app.overrides import fit_overrides
from ddsp_match.app.pictures import spectrogram
from ddsp_match.app.queue import Job
from ddsp_match.app.responses import (
    Refusal,
    body_chunks,
    error_response,
    error_status,
    file_response,
    in_thread,
    json_body,
    json_response,
)
from ddsp_match.app.result_routes import ResultRoutes
from ddsp_match.app.results import Result, plain_name
from ddsp_match.app.services import Services
from ddsp_match.app.sounds import Sound
from ddsp_match.app.worker import write_best

KINDS = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
    ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png", ".ico": "image/x-icon",
    ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8",
    ".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
}  # fmt: skip
DECODED = "decoded from {form} by the browser, which resamples: the file's own rate may be another"
_ROOMS = {"static": "ddsp_match.app", "web": "ddsp_match.exports.web", "report": "ddsp_match.report"}
Endpoint = Callable[[Request], Awaitable[Response]]


class Routes:
    """The endpoints of the server, by method and address.

    Args:
        services: The parts of the server.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    def application(self) -> Starlette:
        """Return the server's application, without the check of origins."""
        runs = ResultRoutes(self.services)
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/", self.index),
            ("GET", "/api/state", self.state),
            ("GET", "/api/events", self.events),
            ("POST", "/api/sounds", self.add_sound),
            ("PATCH", "/api/sounds/{sound}", self.rename_sound),
            ("DELETE", "/api/sounds/{sound}", self.remove_sound),
            ("POST", "/api/sounds/{sound}/trim", self.trim_sound),
            ("GET", "/api/sounds/{sound}/sound.wav", self.sound_wav),
            ("GET", "/api/sounds/{sound}/spectrogram.png", self.sound_picture),
            ("GET", "/api/sounds/{sound}/f0.json", self.sound_f0),
            ("POST", "/api/fits", self.add_fit),
            ("POST", "/api/fits/{job}/cancel", self.cancel_fit),
            ("GET", "/api/fits/{job}/best.wav", self.best_wav),
            *runs.table(),
            *EffectRoutes(self.services).table(),
            ("GET", "/{room:str}/{path:path}", self.static),
        ]
        routes = [Route(path, answering_errors(endpoint), methods=[method]) for method, path, endpoint in table]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such, Exception: _bug})
        app.router.redirect_slashes = False
        app.state.limits = self.services.limits
        return app

    async def index(self, _: Request) -> Response:
        """The app."""
        return _packaged("ddsp_match.app", "static/index.html")

    async def static(self, request: Request) -> Response:
        """A file of the app, of the synthesizer in the browser, or of the reports' drawings."""
        room, path = request.path_params["room"], request.path_params["path"]
        if room not in _ROOMS:
            raise Refusal(404, "no such address", "one of the app's")
        return _packaged(_ROOMS[room], f"static/{path}" if room == "static" else path)

    async def state(self, _: Request) -> Response:
        """Return all that a page needs to begin."""
        return json_response(await in_thread(self.services.state))

    async def events(self, request: Request) -> Response:
        """Stream the events."""
        headers = {"Cache-Control": "no-store"}
        if request.method == "HEAD":
            return Response(headers=headers, media_type="text/event-stream")
        return StreamingResponse(self.services.events.stream(), media_type="text/event-stream", headers=headers)

    async def add_sound(self, request: Request) -> Response:
        """Takes a sound in."""
        length = request.headers.get("content-length", "")
        n_bytes = int(length) if length.isascii() and length.isdecimal() else None
        name, decoded = (request.query_params.get(key, "")[:1000] for key in ("name", "decoded"))
        notes = [DECODED.format(form=decoded.removeprefix(".").upper()[:8])] if decoded else []
        sound = await self.services.sounds.add(name, body_chunks(request), n_bytes, notes)
        return json_response(self.services.facts_of(sound), 201)

    async def rename_sound(self, request: Request) -> Response:
        """Calls a sound otherwise."""
        sound, order = self._sound(request), await json_body(request)
        await in_thread(self.services.sounds.rename, sound, order.get("name"))
        return json_response(self.services.facts_of(sound))

    async def trim_sound(self, request: Request) -> Response:
        """Makes a piece of a sound a sound of its own."""
        sound, order = self._sound(request), await json_body(request)
        ends = [order.get(key) for key in ("start_s", "end_s")]
        if any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
            raise Refusal(400, "a piece without its ends", '{"start_s": 0.5, "end_s": 2.0}')
        return json_response(self.services.facts_of(await in_thread(self.services.sounds.trimmed, sound, *ends)), 201)

    async def remove_sound(self, request: Request) -> Response:
        """Forgets a sound."""
        await in_thread(self.services.sounds.remove, self._sound(request))
        return Response(status_code=204)

    async def sound_wav(self, request: Request) -> Response:
        """The samples of a sound."""
        sound = self._sound(request)
        name = f"{plain_name(sound.name)}.wav" if "download" in request.query_params else ""
        return file_response(sound.wav, "audio/wav", name=name, lasting=True)

    async def sound_picture(self, request: Request) -> Response:
        """Return its spectrogram."""
        sound, dark = self._sound(request), "dark" in request.query_params

        def draw(path: Path) -> None:
            from ddsp_match.core.audio import read

            path.write_bytes(spectrogram(read(sound.wav)[0], dark=dark))

        make = functools.partial(self.services.renderer.file, ("picture", sound.id, dark), ".png", draw)
        return file_response(await in_thread(make), "image/png", lasting=True)

    async def sound_f0(self, request: Request) -> Response:
        """Return its f0 and loudness."""
        sound = self._sound(request)

        def table() -> dict[str, Any]:
            from ddsp_match.app.stems import of_features
            from ddsp_match.core.audio import MAX_FIT_RATE
            from ddsp_match.core.timebase import Timebase

            features, _ = self.services.sounds.analyse(sound)
            return of_features(features, Timebase.at(min(sound.sample_rate, MAX_FIT_RATE)))

        # In a thread of its own: it may have to wait for a fit, and the bench must not.
        return json_response(await in_thread(table))

    async def add_fit(self, request: Request) -> Response:
        """Orders a fit."""
        order = await json_body(request)
        settings = order.get("settings", {})
        if not isinstance(settings, dict):
            raise Refusal(400, "settings that are no object", '{"quality": "default"}')
        fit_overrides(settings)
        if order.get("run") is not None:
            run = await in_thread(self.services.runs.get, order["run"])
            sound = self.services.sounds.of_run(run.label) or await in_thread(self._sound_of, run)
        else:
            sound = self.services.sounds.get(order.get("sound"))
        job = Job(sound, settings)
        self.services.queue.add(job)
        return json_response({"job": self.services.queue.facts(job)}, 201)

    async def cancel_fit(self, request: Request) -> Response:
        """Calls a fit off."""
        job = self.services.queue.get(request.path_params["job"])
        self.services.queue.cancel(job)
        return json_response({"job": self.services.queue.facts(job)})

    async def best_wav(self, request: Request) -> Response:
        """The best sound so far."""
        job = self.services.queue.get(request.path_params["job"])
        path = await in_thread(write_best, job, self.services.scratch)
        if path is None:
            raise Refusal(404, "nothing to hear yet", "a first guess", "again in a moment")
        name = f"{plain_name(job.sound.name)}-so-far.wav" if "download" in request.query_params else ""
        return file_response(path, "audio/wav", name=name)

    def _sound(self, request: Request) -> Sound:
        return self.services.sounds.get(request.path_params["sound"])

    def _sound_of(self, run: Result) -> Sound:
        """The target of a run, kept as a sound again."""
        sound = self.services.sounds.keep(run.name, self.services.renderer.sound(run, "target"), [])
        self.services.sounds.note_run(sound, run.label)
        return sound


def answering_errors(endpoint: Endpoint) -> Endpoint:
    """Wrap an endpoint so that its errors become responses."""

    @functools.wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException:
            raise
        except Exception as error:
            if error_status(error) == 500:
                logging.getLogger("ddsp_match.app").exception("a request failed")
            return error_response(error)

    return answered


def _packaged(package: str, path: str) -> Response:
    """A file of the package, if the address names one: no hidden one, no program, and nothing outside."""
    parts = path.split("/")
    suffix = Path(parts[-1]).suffix
    if suffix not in KINDS or any(not part or part.startswith(".") or "\\" in part for part in parts):
        raise Refusal(404, "no such file", "one of the app's")
    file = files(package).joinpath(*parts)
    if not file.is_file():
        raise Refusal(404, "no such file", "one of the app's")
    return Response(file.read_bytes(), media_type=KINDS[suffix])


async def _no_such(_: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "no such address", 405: "no such method at this address"}
    return error_response(Refusal(status, words.get(status, "a request that cannot be answered"), "one of the app's"))


async def _bug(_: Request, error: Exception) -> JSONResponse:
    return error_response(error)
