"""``ddsp-match data``: the list of sets, and one of them from a server to a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.datasets import published
from tests.datasets.web import ARCHIVE, NAMES, Reply, serving, tiny
from tests.waiting import HANG_S, wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def known(monkeypatch):
    """Makes the tiny set one of ours, served from an address."""

    def add(url: str, **changes) -> None:
        monkeypatch.setitem(
            published.SETS, "tiny", tiny(url, size_bytes=len(ARCHIVE), licence="CC BY 4.0", by="Us", **changes)
        )

    return add


def test_the_list_says_how_large_whose_and_what_is_here(capsys, tmp_path, known):
    known("http://127.0.0.1:9/")
    assert cli.main(["data"]) == 0
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("nsynth-test"))
    assert line.split() == "nsynth-test 4,096 349.5 MB 541.1 MB CC BY 4.0 no".split()
    assert "289,205" in printed and "23.8 GB" in printed and "1.1 GB" in printed and "305" not in printed
    assert "https://magenta.tensorflow.org/datasets/nsynth" in printed
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nsynth-valid.jsonwav.tar.gz.part").write_bytes(b"x" * 1_234_567)
    (tmp_path / "data" / "nsynth-train" / "audio").mkdir(parents=True)
    with serving() as web:
        known(web.url)
        assert cli.main(["data", "tiny", "-q"]) == 0
    capsys.readouterr()
    assert cli.main(["data"]) == 0
    states = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert states["tiny"].endswith("  data/tiny/")
    assert states["nsynth-valid"].endswith("  1.2 MB of 1.1 GB downloaded")
    assert states["nsynth-train"].endswith("  data/nsynth-train/ is incomplete: 0 of 289,205 clips")


def test_a_set_is_fetched_and_the_next_command_named(capsys, known):
    with serving() as web:
        known(web.url)
        assert cli.main(["data", "tiny"]) == 0
        captured = capsys.readouterr()
        lines = captured.out.splitlines()
        assert lines[0] == f"fetched and checked: {len(NAMES)} clips"
        assert "audio:   data/tiny/audio/" in lines and "licence: CC BY 4.0" in captured.out
        assert lines[-1] == "next:    ddsp-match fit data/tiny/audio dataset=nsynth limit=20"
        assert "download: " in captured.err and "unpack: " in captured.err and "100%" in captured.err
        assert cli.main(["data", "tiny", "-o", "data"]) == 0
        again = capsys.readouterr()
        assert again.out.startswith("already here: 6 clips (--force") and again.err == ""
        assert lines[-1] in again.out
        assert cli.main(["data", "tiny", "--force", "--keep-archive", "--quiet"]) == 0
        captured = capsys.readouterr()
        assert "archive: data/tiny.jsonwav.tar.gz" in captured.out and captured.err == ""
    assert len(web.requests) == 2


def test_every_flag_reaches_the_task(capsys, known):
    known("http://127.0.0.1:9/", md5="0" * 32)
    with serving(Reply(status=404)) as web:
        assert cli.main(["data", "tiny", "--url", web.url, "--timeout", "5", "-o", "there", "-q"]) == 2
    assert f"{web.url}: found the answer 404" in capsys.readouterr().err
    Path("mine.tar.gz").write_bytes(ARCHIVE)
    assert cli.main(["data", "tiny", "--archive", "mine.tar.gz", "-o", "there", "-q"]) == 2
    error = capsys.readouterr().err
    assert "mine.tar.gz: found the MD5" in error and "try: another file with --archive" in error
    assert cli.main(["data", "tiny", "--archive", "mine.tar.gz", "-o", "there", "-q", "--sha256", "1" * 64]) == 2
    assert "SHA256" in capsys.readouterr().err
    known("http://127.0.0.1:9/")
    assert cli.main(["data", "tiny", "--archive", "mine.tar.gz", "-o", "there", "-q"]) == 0
    assert Path("there", "tiny", "audio", f"{NAMES[0]}.wav").is_file()


def test_the_errors_say_what_to_try(capsys, known):
    assert cli.main(["data", "nsynth-tset"]) == 2
    assert (
        "needed: one of nsynth-test, nsynth-valid, nsynth-train; try: ddsp-match data nsynth-test"
        in capsys.readouterr().err
    )
    with serving(Reply(status=404)) as web:
        known(web.url, other_url="https://mirror.example/tiny.tar.gz")
        assert cli.main(["data", "tiny"]) == 2
    error = capsys.readouterr().err
    assert f"{web.url}: found the answer 404" in error and "--url https://mirror.example/tiny.tar.gz" in error
    assert "ddsp-match data tiny --archive FILE" in error and "Traceback" not in error
    Path("data", "tiny").mkdir(parents=True)
    Path("data", "tiny", "notes.txt").write_text("mine")
    assert cli.main(["data", "tiny", "--force"]) == 2
    assert "notes.txt" in capsys.readouterr().err
    for words in (["--sha256", "abc"], ["--url", "http://a", "--archive", "b"], ["--timeout", "0"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["data", "tiny", *words])
        assert ended.value.code == 2


def test_ctrl_c_says_that_the_next_command_goes_on(tmp_path):
    code = "\n".join(
        [
            "import sys",
            "from ddsp_match import cli",
            "from ddsp_match.datasets import published as sets",
            "from tests.datasets.web import tiny",
            "sets.SETS['tiny'] = tiny(sys.argv[1])",
            "sys.exit(cli.main(['data', 'tiny', '-o', sys.argv[2]]))",
        ]
    )
    part = tmp_path / "tiny.jsonwav.tar.gz.part"
    with serving(Reply(stalls_after=131072)) as web:
        process = subprocess.Popen(
            [sys.executable, "-c", code, web.url, str(tmp_path)],
            cwd=ROOT,
            env=os.environ | {"no_proxy": "*"},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        wait_for(lambda: part.exists() and part.stat().st_size >= 65536)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=HANG_S)
    assert process.returncode == 130
    assert "ddsp-match: interrupted; the same command goes on from " in error
    assert "Traceback" not in error


def test_the_list_and_the_help_come_without_torch():
    code = "import sys; from ddsp_match import cli; cli.main(['data']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
