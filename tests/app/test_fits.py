"""Fits: the queue, what is told of it, cancelling, and the end of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import ddsp_match
from ddsp_match.app.limits import Limits
from ddsp_match.core.audio import read
from ddsp_match.core.errors import SoundError
from tests.app.serving import Served, tree, wav


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    limits = Limits(n_waiting=2)
    with Served(tmp_path_factory.mktemp("fits") / "outputs", limits, fit=ddsp_match.fit) as served:
        yield served


def unending() -> tuple[Callable[..., None], threading.Event, list[str]]:
    """A fit that goes on until it is told to stop, whether it has begun, and the folders it has written."""
    begun, told = threading.Event(), []

    def fit(_, *, out, name, on_stage, on_step, on_best, on_pitch, stop, **more):
        from ddsp_match.fitting.live import Best

        on_stage("f0")
        on_pitch(1, 2)
        on_stage("optimise")
        on_best(Best(_silence(), 16000, 0, 1.0))
        step = 0
        while not stop():
            begun.set()
            on_step(step, 10, 1.0, 1.0)
            step += 1
            threading.Event().wait(0.01)
        told.append(out.name)
        _write(out, name)

    return fit, begun, told


def _silence():
    import torch

    return torch.zeros(1, 1600)


def _write(folder, name):
    import json

    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"verdict": "so-so", "sound": name, "metrics": {}}))
    (folder / f"{name}.patch.safetensors").write_bytes(b"")


@pytest.mark.slow
def test_a_dropped_sound_is_fitted_heard_meanwhile_and_written(served):
    sound = served.drop(wav(0.5), "../my tone.wav").json["id"]
    events = served.events()
    assert [next(events)[0] for _ in range(3)] == ["jobs", "sounds", "hello"]
    job = served.fit(sound)
    told = []
    for event, data in events:
        told.append(event)
        if event == "best":
            assert served.get(data["url"]).body[:4] == b"RIFF"
        if event in ("done", "failed"):
            assert event == "done" and data["job"] == job["id"]
            break
    assert told.index("stage") < told.index("best") < told.index("done") and "step" in told
    ended = served.ended(job["id"])
    assert ended["state"] == "done" and ended["losses"][0][1] >= ended["best"] > 0
    assert ended["step"] == ended["steps"] == 15 and ended["version"] >= 1
    folder = served.app.services.runs.outputs / "_.._my tone"
    assert {"match.wav", "report.html", "_.._my tone.patch.safetensors"} <= tree(folder)
    # What was heard last is close to what was written: a fit, not a guess of silence.
    best = read_wav(served.get(f"/api/fits/{job['id']}/best.wav").body, folder.parent.parent / "best.wav")
    match = read(folder / "match.wav")[0].samples
    assert np.square(best - match).sum() < 0.1 * np.square(match).sum()
    run = served.get(f"/api/runs/{ended['run']}").json
    assert run["name"] == "../my tone" and run["sound"] == sound and run["files"][0] == "target.wav"
    # f0 was heard by the fit, and is not heard again.
    assert served.app.services.sounds.get(sound).analysis is not None
    f0 = served.get(f"/api/sounds/{sound}/f0.json").json
    assert f0["pitch_hz"] == pytest.approx(220, rel=0.005) and len(f0["f0_hz"]) == len(f0["times_s"]) == 51


def read_wav(body, path):
    path.write_bytes(body)
    return read(path)[0].samples


def test_one_fit_at_a_time_and_the_others_wait_their_turn(served):
    served.app.services.worker.fit, begun, told = unending()
    sound = served.drop(wav(0.2), "same").json["id"]
    first, second, third = (served.fit(sound)["id"] for _ in range(3))
    assert begun.wait(5)
    assert [served.job(job)["position"] for job in (first, second, third)] == [0, 1, 2]
    assert served.ask("POST", f"/api/fits/{second}/cancel").json["job"]["state"] == "cancelled"
    assert [served.job(job)["position"] for job in (first, second, third)] == [0, None, 1]
    begun.clear()
    assert served.ask("POST", f"/api/fits/{first}/cancel").json["job"]["state"] in ("stopping", "done")
    assert served.ended(first)["run"]
    assert begun.wait(5) and served.job(third)["state"] == "running"
    served.ask("POST", f"/api/fits/{third}/cancel")
    assert served.ended(third)["state"] == "done"
    assert told == ["same", "same-2"]
    assert served.ask("DELETE", f"/api/sounds/{sound}").status == 204


def test_cancelled_before_anything_was_heard_leaves_nothing(served):
    listening = threading.Event()

    def fit(*_, on_stage, on_pitch, **__):
        on_stage("f0")
        for done in range(1000):
            listening.set()
            on_pitch(done, 1000)
            threading.Event().wait(0.01)

    served.app.services.worker.fit = fit
    before = tree(served.app.services.runs.outputs)
    job = served.fit(served.drop(wav(0.2)).json["id"])["id"]
    assert listening.wait(5)
    served.ask("POST", f"/api/fits/{job}/cancel")
    ended = served.ended(job)
    assert ended["state"] == "cancelled" and ended["run"] is None
    assert tree(served.app.services.runs.outputs) == before


@pytest.mark.parametrize(
    ("problem", "found"),
    [
        (SoundError("a hum", needed="a tune"), "a hum"),
        (OSError(28, "No space left on device"), "a disk that is full"),
        (MemoryError(), "too little memory"),
        (KeyError("x"), "a bug of ours: KeyError: 'x'"),
    ],
)
def test_a_fit_that_fails_says_why_and_the_next_one_runs(served, problem, found):
    def fit(*_, **__):
        raise problem

    served.app.services.worker.fit = fit
    sound = served.drop(wav(0.2)).json["id"]
    for _ in range(2):
        job = served.ended(served.fit(sound)["id"])
        assert job["state"] == "failed" and job["error"]["found"] == found


def test_bad_orders_are_refused_in_words(served):
    sound = served.drop(wav(0.2)).json["id"]
    for order in (
        {"sound": "nothing"},
        {"sound": ["x"]},
        {"sound": sound, "settings": {"quality": "perfect"}},
        {"sound": sound, "settings": {"quality": ["draft"]}},
        {"sound": sound, "settings": {"effects": "[exec]"}},
        {"sound": sound, "settings": {"effects": ["reverb"]}},
        {"sound": sound, "settings": 3},
    ):
        reply = served.ask("POST", "/api/fits", order)
        assert reply.status in (400, 404) and reply.error["needed"], order
    for body in (b"", b"[]", b"{", b'"x"', b"[" * 100_000, b"\xff", b'{"a":' * 50_000):
        assert served.ask("POST", "/api/fits", body).status == 400
    assert served.ask("POST", "/api/fits", b'{"a": "' + bytes(2**21) + b'"}').status == 413
    assert served.ask("POST", "/api/fits/none/cancel").status == 404


def test_a_queue_that_is_full_says_so(served):
    served.app.services.worker.fit, begun, _ = unending()
    sound = served.drop(wav(0.2), "many").json["id"]
    running = served.fit(sound)["id"]
    assert begun.wait(5)
    waiting = [served.fit(sound)["id"] for _ in range(2)]
    assert served.ask("POST", "/api/fits", {"sound": sound}).status == 429
    for job in [*waiting, running]:
        served.ask("POST", f"/api/fits/{job}/cancel")
    served.ended(running)


def test_the_server_ends_with_the_best_so_far_of_a_running_fit_kept(tmp_path):
    fit, begun, told = unending()
    with Served(tmp_path / "outputs", fit=fit) as served:
        sound = served.drop(wav(0.2), "kept").json["id"]
        served.fit(sound)
        served.fit(sound)
        events = served.events()
        assert next(events)[0] == "jobs" and begun.wait(5)
        scratch = served.app.services.scratch
    assert served.kept is True and told == ["kept"]
    assert not scratch.exists() and (tmp_path / "outputs" / "kept" / "metrics.json").exists()


def test_a_page_that_reads_too_slowly_is_told_everything_anew():
    import asyncio

    from ddsp_match.app.events import MAX_WAITING, EventStream

    async def told():
        events = EventStream(lambda: [("jobs", {"jobs": []})])
        events.open()
        stream = events.stream()
        assert (await anext(stream)).startswith("retry")
        assert "event: jobs" in await anext(stream)
        for number in range(MAX_WAITING + 1):
            events.tell("step", {"step": number})
        await asyncio.sleep(0)
        first = await anext(stream)
        events.close()
        return first, [part async for part in stream]

    first, rest = asyncio.run(told())
    assert "event: jobs" in first and rest == []


def test_numbers_that_json_cannot_hold_are_told_as_null():
    from ddsp_match.app.responses import plain

    assert plain({"a": [float("nan"), 1.0, (float("inf"),)]}) == {"a": [None, 1.0, [None]]}
