"""Ray: a real local one of two workers, one of which is killed; a cluster to join; addresses that do not answer."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines import engine_of
from ddsp_match.runs.engines.ray import check_answers, workers_of_cluster
from tests.runs.engines import jobs
from tests.waiting import HANG_S, wait_for

ray = pytest.importorskip("ray")

# Ray leaves sockets and the handles of its daemons to the garbage collector; nothing of ours is excused by it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def daemons(folder: str) -> list[str]:
    """Ray's processes whose command line names this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if folder in line:
            found.append(line[:100])
    return found


@pytest.mark.slow
def test_a_local_ray_of_two_workers_one_of_which_is_killed(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    settings = EngineSettings(name="ray", workers=2, retries=1)
    with engine_of(settings, threads=1, device="cpu") as engine:
        folder = engine._folder
        assert folder.exists() and daemons(str(folder))
        given = [("square", number) for number in range(12)]
        given[3:3] = [("die_once", (7, tmp_path / "marker")), ("raises", "ours"), ("raises", "value")]
        begun = tmp_path / "begun"
        given += [("die", 2), ("who", 0), ("until_asked", begun), ("until_asked", begun), ("until_asked", begun)]
        drawn, found = [], {}
        results = engine.run(
            jobs.mixed,
            (drawn.append(job) or job for job in given),
            lambda: len(found) == len(given) - 3 and begun.exists(),
        )
        for one in results:
            found[one.job] = one
            assert len(drawn) <= len(found) + 2 * engine.workers
    assert [found["square", number].result for number in range(12)] == [number**2 for number in range(12)]
    killed = found["die_once", (7, tmp_path / "marker")]
    assert killed.result == 7 and killed.attempts == 2
    assert found["raises", "ours"].error == "a.wav: found 0 frames of sound; needed: at least one"
    assert found["raises", "value"].error == "ValueError: too large"
    assert found["die", 2].error.startswith("its worker died 2 times: ") and found["die", 2].attempts == 2
    process, environment = found["who", 0].result
    assert process != os.getpid()
    assert environment["NUMBA_NUM_THREADS"] == "1" and environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert found["until_asked", begun].result == "asked"
    assert not ray.is_initialized()
    assert not folder.exists() and daemons(str(folder)) == []
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A cluster of one node with two CPUs, which asks for a token; returns its two addresses."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, client = one.getsockname()[1], other.getsockname()[1]
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    folder = Path(f"/tmp/ddsp-test-{secrets.token_hex(4)}")  # a short path: sockets lie in it
    with (tmp_path / "log").open("w") as log:
        head = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2"),
                *(f"--port={port}", f"--ray-client-server-port={client}", f"--temp-dir={folder}"),
                "--include-dashboard=false",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: "runtime started" in (tmp_path / "log").read_text() or head.poll() is not None)
            assert head.poll() is None, (tmp_path / "log").read_text()
            yield f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}"
        finally:
            head.terminate()
            head.wait(timeout=HANG_S)
            subprocess.run(["rm", "-rf", str(folder)], check=True)


JOIN = """
import os, sys
from ddsp_match.runs.engines import engine_of
from ddsp_match.core.settings.many import EngineSettings
from tests.runs.engines import jobs
for address in sys.argv[1:]:
    with engine_of(EngineSettings(name="ray", address=address), threads=None, device="cpu") as engine:
        print(engine.workers, *(one.result for one in engine.run(jobs.square, [3])))
"""


@pytest.mark.slow
def test_a_cluster_is_joined_and_left_running(cluster, monkeypatch):
    # in a process of its own: Ray remembers the token of the first cluster that a process has seen
    done = subprocess.run(
        [sys.executable, "-c", JOIN, cluster[0], *cluster], capture_output=True, text=True, timeout=HANG_S
    )
    assert done.stdout.splitlines() == ["2 9"] * 3, done.stderr  # as many workers as it has CPUs
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with pytest.raises(ConfigError, match="asks for a token"):
        check_answers(cluster[0])


@pytest.mark.parametrize(
    ("workers", "threads", "device", "holds", "expected", "needs"),
    [
        (None, None, "cpu", {"CPU": 96.0, "GPU": 4.0}, 96, {"num_cpus": 1}),
        (None, 4, "cpu", {"CPU": 90.0}, 22, {"num_cpus": 4}),
        (500, None, "cpu", {"CPU": 96.0}, 500, {"num_cpus": 1}),  # the cluster may grow
        (None, None, "auto", {"CPU": 96.0, "GPU": 4.0}, 4, {"num_cpus": 1, "num_gpus": 1}),
        (None, None, "auto", {"CPU": 96.0}, 96, {"num_cpus": 1}),
    ],
)
def test_as_many_workers_as_the_cluster_holds(workers, threads, device, holds, expected, needs):
    assert workers_of_cluster(holds, workers, threads, device) == (expected, threads or 1, needs)


def test_a_cluster_without_the_gpu_that_is_asked_for():
    with pytest.raises(ConfigError, match="device=cuda: found a Ray cluster without a GPU"):
        workers_of_cluster({"CPU": 4.0}, None, None, "cuda")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_where_nobody_listens(address):
    with pytest.raises(ConfigError, match=f"={address}: found nothing that answers .*; needed: .*; try: "):
        with engine_of(EngineSettings(name="ray", address=address), threads=None, device="cpu"):
            pass


@pytest.mark.parametrize("address", ["nonsense", "10.0.0.1", "http://10.0.0.1:6379", "10.0.0.1:66666", "a b:c:1"])
def test_what_is_no_address(address):
    with pytest.raises(ConfigError, match="needed: auto, HOST:PORT or ray://HOST:PORT"):
        check_answers(address)


def test_a_listener_that_never_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ConfigError, match="no answer within"):
            check_answers(f"127.0.0.1:{silent.getsockname()[1]}", join_s=1.5)


def test_auto_without_a_cluster(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no Ray that can be joined .*Could not find any running Ray"):
        check_answers("auto")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConfigError, match="nothing that answers"):
        check_answers("auto")
