"""Sweeps by Hydra's launchers in other processes: what they write, what they say, how they end. Each is a real fit."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from tests.waiting import HANG_S, wait_for

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["f0=constant", "f0.hz=440", "quality=draft", "synth.noise=false"]
TINY = [*QUICK, "optimizer.steps=2"]
ENDLESS = [*QUICK, "optimizer.patience=100000"]
# A Slurm of one machine: sbatch runs the script of an array task after task, srun runs what follows its options.
SLURM = {
    "sbatch": """
import re, os, subprocess, sys
with open(sys.argv[-1]) as file:  # it is moved away as soon as the number of the job is known
    script = file.read()
last = int(re.search(r"--array=0-(\\d+)", script)[1])
nothing = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
for task in range(last + 1):
    env = {**os.environ, "SLURM_JOB_ID": "42", "SLURM_ARRAY_JOB_ID": "42", "SLURM_ARRAY_TASK_ID": str(task)}
    env |= {"SLURM_JOB_NODELIST": "localhost", "SLURM_JOB_NUM_NODES": "1", "SLURM_NTASKS": "1"}
    env |= {"SLURM_NODEID": "0", "SLURM_LOCALID": "0", "SLURM_PROCID": "0"}
    subprocess.Popen(["bash", "-c", script], env=env, **nothing)
print("Submitted batch job 42")
""",
    "srun": """
import os, sys
words = sys.argv[1:]
while words[0].startswith("--"):
    words = words[1:] if words[0] == "--unbuffered" else words[2:]
os.execv(words[0], words)
""",
    "sacct": "print('JobID|State|NodeList'); [print(f'42_{task}|RUNNING|localhost') for task in range(9)]",
    "scancel": "",
}


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(f"hydra_plugins.{package}") is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed; try: make test")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    seconds = np.arange(4800) / 16_000
    soundfile.write("a tone.wav", 0.3 * np.sin(2 * np.pi * 440 * seconds), 16_000)
    return tmp_path


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ddsp_match", *words]


def environment(**changed: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE", **changed}


def run(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("fit", *words), env=environment(**changed), capture_output=True, text=True, timeout=HANG_S, check=False
    )


def rows_of(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def check_sweep(done: subprocess.CompletedProcess[str], sweep: Path) -> None:
    """A sweep over seed=1,x,2: two runs and a failed one."""
    assert done.returncode == 2, done.stdout + done.stderr
    rows = rows_of(sweep)
    assert sorted(row["seed"] for row in rows[:2]) == ["1", "2"] and rows[2]["seed"] == "x"
    assert all(0 < float(row["best_loss"]) < 10 and float(row["seconds"]) > 0 for row in rows[:2])
    assert "seed: found 'x'; needed: a whole number" in rows[2]["error"]
    for row in rows[:2]:
        assert {"match.wav", "target.wav", "metrics.json"} <= {path.name for path in Path(row["path"]).iterdir()}
    assert "seed=1/match.wav" in (sweep / "sweep.html").read_text().replace("%3D", "=")
    assert not (sweep / ".rows").exists() and not (sweep / "seed=x").exists()
    assert "Traceback" not in done.stderr and "seed=x  failed: seed: found 'x'" in done.stderr
    assert f"page: {sweep / 'sweep.html'}" in done.stdout


LAUNCHERS = [
    pytest.param("joblib", marks=needs("hydra_joblib_launcher")),
    pytest.param("submitit_local", marks=needs("hydra_submitit_launcher")),
    pytest.param("ray", marks=needs("hydra_ray_launcher")),
]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_runs_the_jobs_elsewhere_and_the_table_is_whole(folder, launcher):
    done = run("a tone.wav", "-m", f"hydra/launcher={launcher}", "seed=1,x,2", *TINY)
    check_sweep(done, Path("outputs/a tone-sweep"))


@pytest.mark.slow
@needs("hydra_submitit_launcher")
def test_slurm_is_handed_the_jobs(folder):
    (folder / "bin").mkdir()
    for name, text in SLURM.items():
        (folder / "bin" / name).write_text(f"#!{sys.executable}\n{text}")
        (folder / "bin" / name).chmod(0o755)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = run("a tone.wav", "-m", "hydra/launcher=submitit_slurm", "seed=1,x,2", *TINY, "-o", "far", PATH=path)
    check_sweep(done, Path("far"))
    scripts = [path.read_text() for path in Path("far/.submitit").rglob("*.sh")]
    assert any("#SBATCH --array=0-2" in script for script in scripts)


@pytest.mark.slow
@needs("hydra_optuna_sweeper")
@needs("hydra_joblib_launcher")
def test_optuna_has_its_trials_run_elsewhere(folder):
    words = ["hydra/sweeper=optuna", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.n_jobs=2"]
    space = ["hydra.sweeper.n_trials=4", "optimizer.lr=interval(-0.1,0.2)"]
    done = run("a tone.wav", "-m", *words, *space, *TINY, "-o", "drawn")
    assert Path("drawn/sweep.csv").is_file(), done.stderr
    rows = rows_of(Path("drawn"))
    assert sorted(row["run"] for row in rows) == ["0", "1", "2", "3"]
    failed = [row for row in rows if row["error"]]
    assert done.returncode == (2 if failed else 0) and len(failed) < 4
    assert all(float(row["optimizer.lr"]) <= 0 for row in failed)
    best = yaml.safe_load(Path("drawn/optimization_results.yaml").read_text())
    assert best["best_value"] == float(rows[0]["best_loss"])
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr


@pytest.mark.slow
@needs("hydra_joblib_launcher")
def test_what_would_meet_every_job_elsewhere_ends_the_sweep(folder):
    Path("silence.wav").write_bytes(b"no sound at all")
    done = run("silence.wav", "-m", "hydra/launcher=joblib", "seed=1,2,3", *TINY)
    assert done.returncode == 2 and "silence.wav: found" in done.stderr and "Traceback" not in done.stderr
    assert "a bug of ours" not in done.stderr and not list(Path("outputs").glob("*"))


@pytest.mark.slow
@needs("hydra_joblib_launcher")
def test_a_job_that_is_killed_leaves_the_rows_of_those_that_ended(folder):
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "optimizer.steps=2,100000"]
    sweep = Path("outputs/a tone-sweep")
    with started("a tone.wav", "-m", *words, *ENDLESS) as process:
        wait_for(lambda: ended(sweep, 0) is True and ended(sweep, 1) is False)
        for worker in workers_of(process.pid):
            os.kill(worker, signal.SIGKILL)
        out, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 2 and "Traceback" not in err
    rows = rows_of(sweep)
    assert [row["optimizer.steps"] for row in rows] == ["2", "100000"]
    assert not rows[0]["error"] and "killed" in rows[1]["error"]
    assert "the sweep ended before its time: hydra/launcher=joblib: found TerminatedWorkerError" in out


@pytest.mark.slow
@needs("hydra_joblib_launcher")
def test_ctrl_c_keeps_the_best_so_far_of_jobs_elsewhere(folder):
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2,3,4", "optimizer.steps=100000"]
    sweep = Path("outputs/a tone-sweep")
    with started("a tone.wav", "-m", *words, *ENDLESS) as process:
        wait_for(lambda: ended(sweep, 0) is False and ended(sweep, 1) is False)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process gets it
        _, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, err
    rows = rows_of(sweep)
    assert len(rows) == 2 and {row["stop_reason"] for row in rows} == {"interrupted"}
    assert all((Path(row["path"]) / "match.wav").is_file() for row in rows)
    assert "stopping with the best so far" in err and "Traceback" not in err


@needs("hydra_joblib_launcher")
@pytest.mark.slow
def test_jobs_side_by_side_do_not_take_each_other_s_cores(folder):
    Path("jobs.py").write_text(
        "import os\n"
        "from ddsp_match import config\n"
        "def job(build, out, words, number):\n"
        "    import torch\n"
        "    (out / 'threads').write_text(f'{torch.get_num_threads()} {os.getpid()}')\n"
        "    return 0.0\n"
        "if __name__ == '__main__':\n"
        "    for name in ('joblib', 'submitit_local'):\n"
        "        words = [f'hydra/launcher={name}', 'seed=1,2']\n"
        "        config.run_sweep(words, job, program='x', words=[f'hydra.sweep.dir={name}'])\n"
    )
    free = {key: value for key, value in environment().items() if not key.endswith("_NUM_THREADS")}
    subprocess.run([sys.executable, "jobs.py"], env=free, check=True, timeout=HANG_S)
    for name in ("joblib", "submitit_local"):
        said = [path.read_text().split() for path in Path(name).glob("*/threads")]
        assert [threads for threads, _ in said] == ["1", "1"] and str(os.getpid()) not in {pid for _, pid in said}


@contextlib.contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A fit that is going on, which is gone with all its workers when the block ends."""
    process = subprocess.Popen(
        command("fit", *words),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def ended(sweep: Path, number: int) -> bool | None:
    """Whether a job has ended; None before it has begun."""
    path = sweep / ".rows" / f"{number}.json"
    return json.loads(path.read_text())["ended"] if path.exists() else None


def workers_of(pid: int) -> list[int]:
    """Loky's workers among the children of a process."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"popen_loky_posix" in words:
            found.append(int(child))
    return found
