"""Worker processes: what they are told, how they end, and what is lost when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines import EngineError
from ddsp_match.runs.engines.machine import thread_environment
from ddsp_match.runs.engines.processes import Processes
from tests.runs.engines import jobs
from tests.waiting import HANG_S, wait_for


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def test_every_job_comes_back_once(processes):
    with processes() as engine:
        found = list(engine.run(jobs.square, range(200)))
    assert sorted((one.job, one.result) for one in found) == [(n, n * n) for n in range(200)]
    assert {(one.error, one.attempts) for one in found} == {("", 1)}


def test_results_come_as_they_finish_and_workers_are_as_many_as_jobs(processes, tmp_path):
    later, there, before = tmp_path / "later", tmp_path, set(jobs.children())
    with processes(workers=5) as engine:
        results = engine.run(jobs.until_there, [later, there])
        assert next(results).job == there
        assert len(set(jobs.children()) - before) == 2
        later.touch()
        assert next(results).job == later


def test_jobs_are_drawn_when_a_worker_is_free(processes):
    drawn = []
    with processes() as engine:
        back = 0
        for _ in engine.run(jobs.square, (drawn.append(n) or n for n in range(30))):
            back += 1
            assert len(drawn) <= back + 2 * engine.workers
    assert back == 30


def test_workers_go_on_while_the_caller_looks_at_a_result(processes, tmp_path):
    with processes(workers=1) as engine:
        results = engine.run(jobs.touch, [tmp_path / "a", tmp_path / "b"])
        next(results)
        wait_for((tmp_path / "b").exists)


def test_workers_stay_for_the_next_run_and_end_with_the_engine(processes):
    with processes(workers=1) as engine:
        first, second = ([one.result[0] for one in engine.run(jobs.who, [0, 1])] for _ in range(2))
        assert first == second and alive(first[0])
    assert gone(first)


def test_workers_that_were_asked_to_stop_are_not_used_again(processes):
    with processes(workers=1) as engine:
        run = engine.run(jobs.who, range(9), lambda: bool(seen))
        seen: list[int] = []
        seen += [next(run).result[0]]
        list(run)
        assert next(engine.run(jobs.who, [0])).result[0] not in seen


def test_threads_are_capped_before_anything_is_loaded(processes, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "13")
    with processes(threads=3) as engine:
        _, environment = next(engine.run(jobs.who, [0])).result
    assert {environment[name] for name in thread_environment(1) if name != "OMP_WAIT_POLICY"} == {"3"}
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["OMP_NUM_THREADS"] == "13"


@pytest.mark.slow
def test_torch_is_capped(processes, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with processes(workers=1, threads=1) as engine:
        found = [one.result for one in engine.run(jobs.threads_of_torch, range(2))]
    assert [threads for threads, _ in found] == [1, 1]
    assert found[0][1] == found[1][1]  # one worker, which keeps what it has loaded


def test_each_worker_has_a_gpu_of_its_own(processes, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    with processes(workers=None, device="cuda") as engine:
        assert engine.workers == 2
        results = engine.run(jobs.gpu_when_there, [tmp_path / "later", tmp_path])
        first = next(results).result
        (tmp_path / "later").touch()
        assert sorted([first, next(results).result]) == ["2", "5"]
    with processes(workers=1, device="cpu") as engine:
        assert next(engine.run(jobs.who, [0])).result[1]["CUDA_VISIBLE_DEVICES"] == "2,5"


def test_errors_become_texts(processes):
    with processes() as engine:
        found = {one.job: one for one in engine.run(jobs.raises, ["ours", "value", "bare", "exit", "odd"])}
    assert {job: one.error for job, one in found.items()} == {
        "ours": "a.wav: found 0 frames of sound; needed: at least one",
        "value": "ValueError: too large",
        "bare": "KeyError",
        "exit": "SystemExit: 3",
        "odd": "_Odd: (its message cannot be read)",
    }
    assert {one.attempts for one in found.values()} == {1}  # what failed once fails again
    assert found["ours"].traceback == "" and "in raises" in found["value"].traceback


def test_what_cannot_be_pickled_is_an_error_of_its_job(processes):
    with processes(workers=1) as engine:
        (answer,) = engine.run(jobs.lock, [1])
        assert answer.error.startswith("the result cannot be sent back: TypeError: cannot pickle")
        (answer,) = engine.run(jobs.reluctant, [1])
        assert answer.error == "the result could not be read: ValueError: not again"
        given, unread, refused = 3, jobs.Reluctant(), open(os.devnull)
        with refused:
            found = {one.job: one.error for one in engine.run(jobs.who, [refused, given, unread])}
        assert found[given] == ""
        assert found[unread] == "the job could not be read by the worker: ValueError: not again"
        assert found[refused].startswith("the job cannot be sent to a worker: TypeError")
        with pytest.raises(TypeError, match="function of a module"):
            engine.run(lambda job: job, [1])


def test_only_the_job_of_a_dead_worker_is_done_again(processes, tmp_path):
    given = [(number, tmp_path / "marker" if number == 3 else None) for number in range(12)]
    with processes() as engine:
        found = list(engine.run(jobs.die_once, given))
    assert sorted(one.result for one in found) == list(range(12))
    assert {one.job[0]: one.attempts for one in found if one.attempts > 1} == {3: 2}


@pytest.mark.parametrize(("retries", "times"), [(0, "once"), (2, "3 times")])
def test_a_job_that_kills_its_workers_is_given_up(processes, retries, times):
    with processes(retries=retries) as engine:
        found = {one.job: one for one in engine.run(jobs.die, range(6))}
    assert found[2].error == f"its worker died {times}: killed by SIGKILL, as the system does where memory runs out"
    assert found[2].attempts == retries + 1 and found[2].result is None
    assert {job: one.result for job, one in found.items() if job != 2} == {0: 0, 1: 1, 3: 3, 4: 4, 5: 5}


def test_the_last_output_of_a_worker_is_part_of_the_reason(processes, tmp_path):
    with processes(retries=0) as engine:
        (found,) = engine.run(jobs.die_once, [(1, tmp_path / "marker")])
    assert found.error.endswith("(its last output: about to die)")


def test_an_idle_worker_that_dies_is_replaced(processes):
    with processes(workers=1) as engine:
        results = engine.run(jobs.who, iter([0, 1]))
        first = next(results).result[0]
        os.kill(first, signal.SIGKILL)
        # job 1 was under way or not; a death that is not its own fault costs it an attempt at most
        assert next(results).error == ""


def let_start(folder: Path, number: int, monkeypatch) -> Path:
    """Have so many interpreters start from now on, and others die at once; returns the file that counts the starts."""
    code = f"""
        import os
        with open({str(folder / "starts")!r}, "ab") as file:
            file.write(b"x")
            file.flush()
            if os.fstat(file.fileno()).st_size > {number}:
                os.write(2, b"no room")
                os._exit(1)
    """
    (folder / "sitecustomize.py").write_text(textwrap.dedent(code))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "starts"


def test_workers_that_die_at_start_are_an_error_and_no_endless_loop(processes, monkeypatch, tmp_path):
    let_start(tmp_path, 0, monkeypatch)
    with processes(retries=2) as engine, pytest.raises(EngineError, match=r"before they could begin.*no room"):
        list(engine.run(jobs.square, range(1000)))


def test_a_function_that_cannot_be_imported_is_an_error(processes, tmp_path, monkeypatch):
    lines = ["import os", "if 'REFUSE' in os.environ:", "    raise ImportError('not on this node')"]
    (tmp_path / "only_here.py").write_text("\n".join([*lines, "def work(job):", "    return job"]))
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore

    with processes() as engine:
        assert [one.result for one in engine.run(only_here.work, [1])] == [1]
    monkeypatch.setenv("REFUSE", "1")
    with processes() as engine:
        with pytest.raises(EngineError, match="ImportError: not on this node"):
            list(engine.run(only_here.work, range(100)))


def test_those_that_start_go_on_where_more_do_not_fit(processes, monkeypatch, tmp_path):
    starts = let_start(tmp_path, 1, monkeypatch)
    with processes(workers=3) as engine:
        assert len(list(engine.run(jobs.square, range(40)))) == 40
    assert starts.stat().st_size < 8


def stopped_in_the_second_job(engine, function, folder):
    """Results of a run that is stopped while its second job runs, which began when the first came back."""
    drawn, begun = [], folder / "begun"
    given = (drawn.append(job) or job for job in (None, begun, begun, begun))
    results = [one.result for one in engine.run(function, given, begun.exists)]
    assert len(drawn) == 2
    return results


def test_when_asked_to_stop_the_running_job_ends_and_no_other_begins(processes, tmp_path):
    with processes(workers=1) as engine:
        assert stopped_in_the_second_job(engine, jobs.until_asked, tmp_path) == ["not asked", "asked"]


def test_a_job_that_does_not_listen_is_cut_off(tmp_path):
    with Processes(EngineSettings(workers=1), threads=1, device="cpu", grace_s=0.3) as engine:
        assert stopped_in_the_second_job(engine, jobs.deaf, tmp_path) == [True]


def test_a_job_that_was_interrupted_has_not_failed(processes, tmp_path):
    with processes(workers=1) as engine:
        assert stopped_in_the_second_job(engine, jobs.fails_when_asked, tmp_path) == [None]


def test_stop_is_asked_again_and_again_while_a_job_runs(processes, tmp_path):
    asked, there = [], tmp_path / "there"
    with processes(workers=1) as engine:
        results = engine.run(jobs.until_there, [there], lambda: asked.append(1) or (len(asked) == 5 and there.touch()))
        assert [one.result for one in results] == [there]


def test_ctrl_c_is_the_parents_to_hear(processes):
    with processes(workers=1) as engine:
        assert [one.result for one in engine.run(jobs.ignores_ctrl_c, [1])] == [True]


def test_leaving_in_the_middle_leaves_no_process(processes, tmp_path):
    before = set(jobs.children())
    with processes() as engine:
        results = engine.run(jobs.until_there, [tmp_path] + [tmp_path / "never"] * 5)
        next(results)
        pids = list(set(jobs.children()) - before)
        assert pids and all(alive(pid) for pid in pids)
    assert gone(pids)


def test_a_talkative_job_does_not_fill_the_disk(processes):
    with processes(workers=1) as engine:
        sizes = [one.result for one in engine.run(jobs.spill, [Path()] * 3)]
    assert sizes == [3 << 20] * 3


SCRIPT = """
    import os, sys
    from ddsp_match.runs.engines import engine_of
    from ddsp_match.core.settings.many import EngineSettings
    from tests.runs.engines import jobs

    print("begun", flush=True)  # a worker that ran this again would print it again, and start workers
    with engine_of(EngineSettings(workers=2), threads=1, device="cpu") as engine:
        {body}
"""


def script(tmp_path: Path, body: str) -> subprocess.Popen[str]:
    """A user's script without ``if __name__ == "__main__"``, in a terminal of its own as far as signals go."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT).format(body=body))
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )


def test_a_script_is_not_run_again_in_its_workers(tmp_path):
    with script(tmp_path, "print(*(one.result for one in engine.run(jobs.what_main, range(4))))") as running:
        said, _ = running.communicate(timeout=HANG_S)
    assert said.splitlines() == ["begun", "None None None None"]


@pytest.mark.parametrize("idle", [False, True], ids=["at work", "idle"])
def test_workers_end_when_their_parent_is_killed(tmp_path, idle):
    files = f"[{str(tmp_path)!r}] * 2" if idle else f"[{str(tmp_path)!r}] * 2 + ['never'] * 2"
    body = (
        f"results = engine.run(jobs.until_there, map(jobs.Path, {files})); next(results); next(results); "
        "print(*jobs.children(), flush=True); "
        "import signal; signal.pause()"
    )
    with script(tmp_path, body) as running:
        assert running.stdout.readline() == "begun\n"
        pids = [int(pid) for pid in running.stdout.readline().split()]
        assert len(pids) >= 1 and all(alive(pid) for pid in pids)
        running.kill()
        wait_for(lambda: gone(pids))


def test_ctrl_c_in_the_terminal_ends_everything_without_a_word_from_the_workers(tmp_path):
    body = "print('at work', flush=True); list(engine.run(jobs.until_there, [jobs.Path('never')] * 4))"
    with script(tmp_path, body) as running:
        assert [running.stdout.readline(), running.stdout.readline()] == ["begun\n", "at work\n"]
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=HANG_S)
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    members = [
        path.name
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and alive(int(path.name)) and os.getpgid(int(path.name)) == running.pid
    ]
    assert members == []
