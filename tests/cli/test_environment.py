"""The command in the environments that notebooks, containers, Windows and clusters bring: it works in each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.core.files.test_claims import holder

ROOT = Path(__file__).resolve().parents[2]
RATE = 8000
WORDS = ["--f0", "220", "--quiet"]


@pytest.fixture
def sound(tmp_path) -> Path:
    soundfile.write(tmp_path / "tone.wav", 0.2 * np.sin(2 * np.pi * 220 * np.arange(RATE // 5) / RATE), RATE)
    return tmp_path / "tone.wav"


def command(
    *words: object, prelude: str = "", variables: dict[str, str | None] | None = None, cwd: Path = ROOT, **more
) -> subprocess.CompletedProcess:
    """The command in a process of its own, after a few lines of Python that spoil something."""
    changed = {"PYTHONPATH": str(ROOT), **(variables or {})}
    env = {name: value for name, value in {**os.environ, **changed}.items() if value is not None}
    code = f"{prelude}\nimport sys\nfrom ddsp_match.cli import main\nsys.exit(main())"
    line = [sys.executable, "-c", code, *map(os.fsencode, map(str, words))]
    return subprocess.run(line, cwd=cwd, env=env, check=False, **{"capture_output": True, **more})


def analysed(sound: Path, out: Path, **more) -> subprocess.CompletedProcess:
    done = command("analyze", sound, *WORDS, "-o", out, **more)
    assert done.returncode == 0, done.stderr
    assert (out / "features.csv").stat().st_size > 100 and (out / "features.png").is_file()
    return done


def test_a_notebook_s_way_to_show_pictures_is_not_asked(sound):
    analysed(sound, sound.parent / "out", variables={"MPLBACKEND": "module://not_installed"})


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("name", "variables", "said"),
    [
        (os.fsdecode(b"x\xff"), {}, b"\\udcff"),
        ("é", ASCII, b"\\udcc3\\udca9"),
        ("音", {"PYTHONIOENCODING": "cp1252"}, b"\\u97f3"),
    ],
)
def test_a_name_that_the_console_cannot_hold_is_escaped(sound, name, variables, said):
    sound = sound.rename(sound.with_name(f"{name}.wav"))
    done = analysed(sound, sound.with_name(f"{name}-out"), variables=variables)
    assert said in done.stdout


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_streams_may_be_closed(sound, closed):
    prelude = "import os, sys\n" + "".join(f"os.close({number}); " for number in closed)
    prelude += "".join(f"\nsys.{('stdin', 'stdout', 'stderr')[number]} = None" for number in closed)
    analysed(sound, sound.parent / "out", prelude=prelude)


def test_a_full_disk_behind_standard_output_is_said(sound):
    with open("/dev/full", "wb") as full:
        done = command("effects", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2 and b"no space left" in done.stderr and done.stderr.count(b"\n") == 1


def test_the_working_folder_may_be_gone(sound):
    gone = str(sound.parent / "gone")
    prelude = f"import os; os.mkdir({gone!r}); os.chdir({gone!r}); os.rmdir({gone!r})"
    analysed(sound, sound.parent / "out", prelude=prelude)
    done = command("analyze", sound, *WORDS, prelude=prelude)
    assert done.returncode == 2 and b"a working folder that has been removed" in done.stderr


# Root reads everything, unless it gives that up.
POWERLESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs another user's folder")
def test_a_home_that_is_another_user_s_is_not_needed(sound):
    home = sound.parent / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 12345, -1)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    out = sound.parent / "out"
    line = [*POWERLESS, sys.executable, "-m", "ddsp_match", "analyze", str(sound), *WORDS, "-o", str(out)]
    done = subprocess.run(line, cwd=ROOT, env=env, check=False, capture_output=True)
    assert done.returncode == 0 and done.stderr == b""


def test_a_sound_through_a_pipe(sound):
    done = command("analyze", "-", *WORDS, "-o", sound.parent / "out", input=sound.read_bytes())
    assert done.returncode == 0 and (sound.parent / "out" / "features.csv").is_file(), done.stderr


def test_a_patch_through_a_pipe_is_read_as_one(sound):
    done = command("render", "-", "-o", sound.parent / "out.wav", input=b"no patch")
    assert done.returncode == 2 and b"no readable safetensors" in done.stderr


def test_of_two_runs_into_one_folder_the_second_is_refused(sound):
    out = sound.parent / "out"
    process = holder(out)
    done = command("analyze", sound, *WORDS, "-o", out)
    assert done.returncode == 2 and b"another run is writing there" in done.stderr and b"another -o" in done.stderr
    process.communicate("done\n")
