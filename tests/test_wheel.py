"""The wheel, as a user gets it: built, installed in a fresh environment, and put to work.

Torch alone would take minutes to install again, so the fresh environment borrows the installed packages of
this one through a ``.pth`` file, written after the wheel's own installation. Borrowed folders come after the
environment's own, and a ``.pth`` file inside a borrowed folder is not read: a checkout installed here in
editable mode cannot stand in for the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import soundfile

from tests.compare import assert_close

ROOT = Path(__file__).resolve().parents[1]
SOUND = ROOT / "data" / "trumpet-a4.flac"

pytestmark = [pytest.mark.slow, pytest.mark.wheel]


def run(*command: object, cwd: Path) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_the_wheel_holds_everything_of_the_checkout_and_no_more(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = [path for path in (ROOT / "ddsp_match").rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in sources if "__pycache__" not in path.parts}
    wanted |= {f"ddsp_match/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert "ddsp_match/conf/quality/draft.yaml" in wanted
    assert held == wanted


def test_the_installed_package_is_the_wheel_s_and_brings_its_settings(environment, tmp_path):
    code = (
        "import ddsp_match; from ddsp_match import config; from ddsp_match.core.settings import FitSettings\n"
        "assert config.build() == FitSettings()\n"
        "print(ddsp_match.__file__); print(config.conf_dir())"
    )
    package, conf = run(environment / "bin" / "python", "-c", code, cwd=tmp_path).split()
    assert Path(package).is_relative_to(environment)
    assert Path(conf) == Path(package).parent / "conf"
    assert run(environment / "bin" / "ddsp-match", "--version", cwd=tmp_path).startswith("ddsp-match 0.")


def test_the_installed_command_fits_a_bundled_sound_and_plays_the_patch(environment, tmp_path):
    command = environment / "bin" / "ddsp-match"
    said = run(
        command, "fit", SOUND, "quality=draft", "f0=tiny", "threads=1", "-o", "match", "--quiet", cwd=tmp_path
    )
    assert "stopped: " in said and "report:  match/report.html" in said
    written = {path.name for path in (tmp_path / "match").iterdir()}
    wanted = {
        "match.wav",
        "harmonic.wav",
        "noise.wav",
        "target.wav",
        "loss.csv",
        "metrics.json",
        "report.html",
    }
    assert wanted <= written
    (patch,) = (tmp_path / "match").glob("*.patch.safetensors")
    run(command, "render", patch, "-o", "again.wav", cwd=tmp_path)
    # Samples, not bytes: libsndfile stamps float files with the time.
    again, match = (soundfile.read(tmp_path / name)[0] for name in ("again.wav", "match/match.wav"))
    assert_close(again, match, 0.0)
