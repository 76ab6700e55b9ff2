"""The addresses of past runs: listening, looking, editing, exporting."""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from ddsp_match.app.pictures import axes, spectrogram
from ddsp_match.app.renderer import PARTS
from ddsp_match.app.responses import Refusal, file_response, in_thread, json_body, json_response, plain
from ddsp_match.app.results import SOUNDS, SUFFIX, Result
from ddsp_match.app.security import REPORT_POLICY
from ddsp_match.app.services import Services
from ddsp_match.report.next_steps import next_steps

MAX_EDITS = 64
SHOWN_SETTINGS = ("optimizer.steps", "effects", "f0.source", "f0.hz", "f0.min_hz", "f0.max_hz")


async def in_renderer(services: Services, work: Callable[..., Any], *args: Any) -> Any:
    """Do a piece of work in the renderer's thread, one at a time."""
    return await asyncio.get_running_loop().run_in_executor(services.renderer.pool, functools.partial(work, *args))


class ResultRoutes:
    """The endpoints below ``/api/runs``.

    Args:
        services: The parts of the server.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    def table(self) -> list[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
        """Methods, addresses and endpoints."""
        return [
            ("GET", "/api/runs", self.listed),
            ("GET", "/api/runs/{run}", self.facts),
            ("DELETE", "/api/runs/{run}", self.remove),
            ("GET", "/api/compare", self.compare),
            ("GET", "/api/runs/{run}/spectrogram.png", self.picture),
            ("GET", "/api/runs/{run}/f0.json", self.f0),
            ("GET", "/api/runs/{run}/level", self.level),
            ("GET", "/api/runs/{run}/voice.json", self.voice),
            ("GET", "/api/runs/{run}/report.html", self.report),
            ("GET", "/api/runs/{run}/patch", self.patch),
            ("GET", "/api/runs/{run}/export/{kind}", self.export),
            ("POST", "/api/runs/{run}/edits", self.edit),
            ("GET", "/api/runs/{run}/{part}.wav", self.wav),
        ]

    async def listed(self, _: Request) -> Response:
        """List all runs, the newest first."""
        return json_response(
            {"runs": await in_thread(lambda: [self.services.short(run) for run in self.services.runs.listed()])}
        )

    async def facts(self, request: Request) -> Response:
        """One run in figures and words."""
        run, edit = await self._named(request)
        return json_response(await in_renderer(self.services, self._facts, run, edit))

    async def remove(self, request: Request) -> Response:
        """Deletes a run."""
        run, _ = await self._named(request)
        await in_thread(self.services.runs.remove, run)
        self.services.events.tell("runs", {})
        return Response(status_code=204)

    async def compare(self, request: Request) -> Response:
        """Two runs beside each other."""
        a, b = [await in_thread(self.services.runs.get, request.query_params.get(name, "")) for name in ("a", "b")]
        return json_response(await in_renderer(self.services, self._compared, a, b))

    async def wav(self, request: Request) -> Response:
        """A sound of a run."""
        run, edit = await self._named(request)
        part = request.path_params["part"]
        if part not in PARTS:
            raise Refusal(404, "no sound of that name", f"one of {', '.join(PARTS)}")
        path = run.folder / f"{part}.wav"
        # What the fit itself wrote is sent as it is; its stems are made anew, with the breath where it belongs.
        if edit is not None or part not in ("target", "match") or not path.is_file() or path.is_symlink():
            path = await in_renderer(self.services, self._wav, run, edit, part)
        name = f"{_file_name(run, edit)}-{part}.wav" if "download" in request.query_params else ""
        return file_response(path, "audio/wav", name=name)

    async def picture(self, request: Request) -> Response:
        """The spectrogram of a sound of a run."""
        run, edit = await self._named(request)
        part, dark = request.query_params.get("which", "match"), "dark" in request.query_params
        if part not in PARTS:
            raise Refusal(404, "no sound of that name", f"one of {', '.join(PARTS)}")

        def draw(path: Path) -> None:
            like = self.services.renderer.sound(run, "target" if (run.folder / "target.wav").is_file() else "match")
            path.write_bytes(spectrogram(self.services.renderer.sound(run, part, edit), dark=dark, like=like))

        key = ("picture", run.id, run.when, edit, part, dark)
        return file_response(
            await in_renderer(self.services, self.services.renderer.file, key, ".png", draw), "image/png"
        )

    async def f0(self, request: Request) -> Response:
        """f0 and level over time."""
        run, edit = await self._named(request)

        def table() -> dict[str, Any]:
            from ddsp_match.app.stems import of_patch

            return of_patch(self.services.renderer.patch(run, edit))

        return json_response(await in_renderer(self.services, table))

    async def level(self, request: Request) -> Response:
        """Return the gains that make target and match equally loud; the parts of the match keep their level in it."""
        run, edit = await self._named(request)

        def table() -> dict[str, Any]:
            from ddsp_match.report.level import gains_db, loudness_lufs

            parts = [part for part in SOUNDS if part != "target" or (run.folder / "target.wav").is_file()]
            sounds = {part: self.services.renderer.sound(run, part, edit) for part in parts}
            lufs = {part: loudness_lufs(sound) for part, sound in sounds.items()}
            as_heard = {part: lufs["target" if part == "target" else "match"] for part in parts}
            gains = gains_db(sounds, as_heard, "target" if "target" in sounds else "match", parts)
            peaks = {part: float(abs(sound.samples).max(initial=0.0)) for part, sound in sounds.items()}
            return {"gains_db": gains, "lufs": lufs, "peaks": peaks, "peak": max(peaks.values())}

        return json_response(await in_renderer(self.services, table))

    async def voice(self, request: Request) -> Response:
        """Return the instrument that the keyboard plays."""
        run, edit = await self._named(request)

        def write(path: Path) -> None:
            from ddsp_match.exports.web.voice import voices

            instrument = voices(self.services.renderer.patch(run, edit), run.name)["keys"]
            path.write_text(json.dumps(plain(instrument)), encoding="utf-8")

        key = ("voice", run.id, run.when, edit)
        return file_response(
            await in_renderer(self.services, self.services.renderer.file, key, ".json", write), "application/json"
        )

    async def report(self, request: Request) -> Response:
        """The page that the fit has written."""
        run, _ = await self._named(request)
        return report_of(run)

    async def patch(self, request: Request) -> Response:
        """The patch as a file."""
        run, edit = await self._named(request)
        path = run.patch
        if edit is not None:

            def write(path: Path) -> None:
                self.services.renderer.patch(run, edit).save(path)

            path = await in_renderer(
                self.services, self.services.renderer.file, ("file", run.id, run.when, edit), SUFFIX, write
            )
        return file_response(path, "application/octet-stream", name=f"{_file_name(run, edit)}{SUFFIX}")

    async def export(self, request: Request) -> Response:
        """The run as another program takes it."""
        from ddsp_match.app import exports

        run, edit = await self._named(request)
        kind = request.path_params["kind"]
        options = exports.options_of(kind, {k: v for k, v in request.query_params.items() if k != "edit"})
        name = _file_name(run, edit)
        folder = self.services.scratch / "exports" / secrets.token_urlsafe(9)

        def write() -> Path:
            try:
                return exports.write(self.services.renderer.patch(run, edit), kind, name, options, folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

        path = await in_renderer(self.services, write)
        response = file_response(path, "application/octet-stream", name=path.name)
        response.background = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        return response

    async def edit(self, request: Request) -> Response:
        """Apply edits."""
        run, _ = await self._named(request)
        order = await json_body(request)
        edits = order.get("edits")
        if not isinstance(edits, list) or len(edits) > MAX_EDITS:
            raise Refusal(400, "no list of edits", f'{{"edits": […]}}, at most {MAX_EDITS}')

        def work() -> dict[str, Any]:
            token, patch = self.services.renderer.edited(run, edits)
            before = self.services.renderer.patch(run)
            return {
                "edit": token,
                "run": run.id,
                "edits": patch.provenance.get("edits", []),
                "seconds": patch.seconds,
                "n_samples": patch.n_samples,
                "same": patch is before or patch.provenance.get("edits") == before.provenance.get("edits"),
            }

        return json_response(await in_renderer(self.services, work), 201)

    async def _named(self, request: Request) -> tuple[Result, str | None]:
        """The run and the edit that a request names."""
        run = await in_thread(self.services.runs.get, request.path_params["run"])
        edit = request.query_params.get("edit") or None
        self.services.renderer.check(run, edit)
        return run, edit

    def _wav(self, run: Result, edit: str | None, part: str) -> Path:
        def write(path: Path) -> None:
            from ddsp_match.core.audio import write

            write(path, self.services.renderer.sound(run, part, edit), "FLOAT")

        return self.services.renderer.file(("wav", run.id, run.when, edit, part), ".wav", write)

    def _compared(self, a: Result, b: Result) -> dict[str, Any]:
        import numpy as np

        from ddsp_match.app.comparison import differences, metrics_of_two
        from ddsp_match.report.level import gains_db, loudness_lufs

        sounds = {"target": self.services.renderer.sound(a, "target")}
        sounds |= {name: self.services.renderer.sound(run, "match") for name, run in (("a", a), ("b", b))}
        other = self.services.renderer.sound(b, "target")
        lufs = {name: loudness_lufs(sound) for name, sound in sounds.items()}
        return {
            "a": self.services.short(a),
            "b": self.services.short(b),
            "same_sound": np.array_equal(sounds["target"].samples, other.samples),
            "metrics": metrics_of_two(a.metrics.get("metrics", {}), b.metrics.get("metrics", {})),
            "settings": differences(a.settings(), b.settings()),
            "gains_db": gains_db(sounds, lufs, "target", ("a", "b")),
        }

    def _facts(self, run: Result, edit: str | None) -> dict[str, Any]:
        from ddsp_match.app.stems import shares

        patch = self.services.renderer.patch(run, edit)
        metrics, rate = run.metrics, patch.timebase.sample_rate
        has = [part for part in PARTS if part not in ("target", "difference") or (run.folder / "target.wav").is_file()]
        return {
            **self.services.short(run),
            "verdict_of": "match" if edit is None else "unedited",
            "seconds": patch.seconds,
            "n_samples": patch.n_samples,
            "metrics": {**metrics.get("metrics", {}), **shares(self.services.renderer.sounds(run, edit))},
            "notes": metrics.get("notes", []),
            "stop_reason": metrics.get("stop_reason", ""),
            "steps": metrics.get("steps", 0),
            "fit_seconds": metrics.get("seconds", {}),
            "follows_pitch": patch.follows_pitch,
            "sample_rate": rate,
            "channels": patch.channels,
            "has_effects": patch.effects is not None,
            "has_report": (run.folder / "report.html").is_file(),
            "edits": patch.provenance.get("edits", []),
            "pitch_hz": patch.pitch_hz,
            "patch": metrics.get("patch", {}),
            # The page plays already: the rest of what one can do with the file, as the terminal and the report say it.
            "next_steps": [asdict(step) for step in next_steps(_as_typed(run.patch), patch.follows_pitch)[1:]],
            "settings": {key: value for key, value in run.settings().items() if key in SHOWN_SETTINGS},
            "files": [f"{part}.wav" for part in has],
            "losses": run.losses(),
            "picture": axes(patch.n_samples, rate),
        }


def _as_typed(path: Path) -> Path:
    """A file as one types it in the folder that the app was started in."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def report_of(run: Result) -> Response:
    """The page in the folder of a run, in its sandbox.

    Raises:
        Refusal: There is none.
    """
    path = run.folder / "report.html"
    if not path.is_file() or path.is_symlink():
        raise Refusal(404, "a run without a report", "one that has one")
    response = file_response(path, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


def _file_name(run: Result, edit: str | None) -> str:
    """Return the name of a download, without its suffix."""
    return f"{run.folder.name}-edited" if edit is not None else run.folder.name
