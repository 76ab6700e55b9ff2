"""The addresses of effects that were identified between a dry and a wet sound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ddsp_match.app.overrides import effect_overrides
from ddsp_match.app.pictures import axes, spectrogram
from ddsp_match.app.queue import Job
from ddsp_match.app.responses import Refusal, file_response, in_thread, json_body, json_response
from ddsp_match.app.result_routes import in_renderer, report_of
from ddsp_match.app.results import SUFFIX, Result
from ddsp_match.app.services import Services

SOUNDS = ("dry", "wet", "output", "difference")
_FACTS = "matched esr esr_unseen esr_gain latency_samples polarity sample_rate seconds notes stop_reason".split()


class EffectRoutes:
    """The endpoints below ``/api/effects``.

    Args:
        services: The parts of the server.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    def table(self) -> list[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
        """Methods, addresses and endpoints."""
        return [
            ("POST", "/api/effects", self.add),
            ("GET", "/api/effects", self.listed),
            ("GET", "/api/effects/{effect}", self.facts),
            ("DELETE", "/api/effects/{effect}", self.remove),
            ("GET", "/api/effects/{effect}/report.html", self.report),
            ("GET", "/api/effects/{effect}/patch", self.patch),
            ("GET", "/api/effects/{effect}/spectrogram.png", self.picture),
            ("GET", "/api/effects/{effect}/{part}.wav", self.wav),
        ]

    async def add(self, request: Request) -> Response:
        """Orders the identification of the effects between two sounds."""
        order = await json_body(request)
        dry, wet = (self.services.sounds.get(order.get(name)) for name in ("dry", "wet"))
        if dry is wet:
            raise Refusal(400, "one sound as both dry and wet", "the sound before the effects and the one after them")
        settings = {"effects": order.get("effects")}
        await in_thread(effect_overrides, settings)
        job = Job(wet, settings, dry)
        self.services.queue.add(job)
        return json_response({"job": self.services.queue.facts(job)}, 201)

    async def listed(self, _: Request) -> Response:
        """List all effects, the newest first."""
        return json_response(
            {"effects": await in_thread(lambda: [_short(one) for one in self.services.effects.listed()])}
        )

    async def facts(self, request: Request) -> Response:
        """One effect in figures and words."""
        result = await self._named(request)
        return json_response(await in_thread(_facts, result))

    async def remove(self, request: Request) -> Response:
        """Deletes an effect."""
        await in_thread(self.services.effects.remove, await self._named(request))
        self.services.events.tell("effects", {})
        return Response(status_code=204)

    async def report(self, request: Request) -> Response:
        """The page that the identification has written."""
        return report_of(await self._named(request))

    async def patch(self, request: Request) -> Response:
        """The chain with its knobs as a file."""
        result = await self._named(request)
        return file_response(result.patch, "application/octet-stream", name=f"{result.folder.name}{SUFFIX}")

    async def picture(self, request: Request) -> Response:
        """The spectrogram of one of its sounds, on the scale of the wet one."""
        result = await self._named(request)
        part, dark = request.query_params.get("which", "output"), "dark" in request.query_params
        _sound(result, part)
        # What is left may be nothing at all, which no sound file of ours may be read as.
        paths = [_sound(result, name) for name in ("wet", "output" if part == "difference" else part)]

        def draw(to: Path) -> None:
            from ddsp_match.core.audio import Audio, read

            wet, shown = (read(path)[0] for path in paths)
            if part == "difference":
                shown = Audio(wet.samples - shown.samples, wet.sample_rate)
            to.write_bytes(spectrogram(shown, dark=dark, like=wet))

        key = ("effect", result.id, result.when, part, dark)
        return file_response(
            await in_renderer(self.services, self.services.renderer.file, key, ".png", draw), "image/png"
        )

    async def wav(self, request: Request) -> Response:
        """One of its sounds."""
        result, part = await self._named(request), request.path_params["part"]
        name = f"{result.folder.name}-{part}.wav" if "download" in request.query_params else ""
        return file_response(_sound(result, part), "audio/wav", name=name)

    async def _named(self, request: Request) -> Result:
        return await in_thread(self.services.effects.get, request.path_params["effect"])


def _sound(result: Result, part: str) -> Path:
    if part not in SOUNDS:
        raise Refusal(404, "no sound of that name", f"one of {', '.join(SOUNDS)}")
    path = result.folder / f"{part}.wav"
    if not path.is_file() or path.is_symlink():
        raise Refusal(404, f"an effect without its {part} sound", "one that has it")
    return path


def _short(result: Result) -> dict[str, Any]:
    chain = result.metrics.get("effects")
    return {
        "id": result.id,
        "name": result.name,
        "folder": result.label,
        "when": result.when,
        "verdict": str(result.metrics.get("verdict", "")),
        "level": str(result.metrics.get("level", "")),
        "effects": chain if isinstance(chain, list) else [],
    }


def _facts(result: Result) -> dict[str, Any]:
    from ddsp_match.core.audio.headers import header

    metrics = result.metrics
    ambiguous = metrics.get("ambiguous") or []
    knobs = metrics.get("knobs")
    head = header(result.folder / "output.wav")
    return {
        **_short(result),
        **{name: metrics.get(name) for name in _FACTS},
        "knobs": [
            {"name": name, **knob, "ambiguous": any(name in one for one in ambiguous)}
            for name, knob in (knobs.items() if isinstance(knobs, dict) else ())
        ],
        "files": [f"{part}.wav" for part in SOUNDS if (result.folder / f"{part}.wav").is_file()],
        "has_report": (result.folder / "report.html").is_file(),
        "picture": axes(head.n_samples, head.sample_rate) if head else None,
    }
