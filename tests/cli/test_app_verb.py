"""``ddsp-match app``: starting, ports, ending."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys

import pytest

from ddsp_match.cli import main
from tests.app.serving import told, wav


@pytest.fixture
def command(tmp_path):
    """Starts the command in a folder of its own; gives the process and its port."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    started = []

    def start(*words):
        process = subprocess.Popen(
            [sys.executable, "-m", "ddsp_match", "app", "--no-open", "--port", "0", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": os.getcwd()},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        started.append(process)
        line = process.stdout.readline()
        assert line.startswith("ddsp-match is at http://127.0.0.1:"), line
        return process, int(line.rpartition(":")[2].partition("/")[0])

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {"Origin": f"http://127.0.0.1:{port}", "X-Ddsp-Match": "1"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.slow
def test_it_serves_until_ctrl_c_and_keeps_a_running_fit_as_far_as_it_is(command, tmp_path):
    import json

    process, port = command("--outputs", "kept here")
    status, answer = ask(port, "POST", "/api/sounds?name=tone.wav", wav(2.0))
    assert status == 201
    order = {"sound": json.loads(answer)["id"], "settings": {"quality": "best"}}
    (job,) = [json.loads(ask(port, "POST", "/api/fits", json.dumps(order).encode())[1])["job"]]
    steps = (data["step"] for event, data in told(port) if event == "step" and data["job"] == job["id"])
    assert next(step for step in steps if step >= 3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and said.strip().startswith("stopping") and "Traceback" not in said
    written = json.loads((tmp_path / "kept here" / "tone" / "metrics.json").read_text())
    assert "interrupted" in written["stop_reason"] and 3 <= written["steps"] < 400
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.slow
def test_ctrl_c_at_once_ends_it_without_a_traceback(command, tmp_path):
    process, _ = command()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in said and not list((tmp_path / "tmp").iterdir())


def _started(app, on_start, _):
    app.socket.close()
    app.services.close(0)
    on_start()
    return True


def test_a_port_that_is_taken_is_said_and_another_one_tried_where_none_was_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--no-open", "--port", str(port)]) == 2
        said = capsys.readouterr().err
        assert f"port {port}" in said and "--port 0" in said
        monkeypatch.setattr("ddsp_match.app.server.PORT", port)
        monkeypatch.setattr("ddsp_match.app.server.App.serve", _started)
        opened = []
        monkeypatch.setattr("webbrowser.open", opened.append)
        assert main(["app"]) == 0
        out, err = capsys.readouterr()
        assert f"port {port} is taken" in err and f"127.0.0.1:{port}/" not in out
        assert opened == [out.split()[3]]


@pytest.mark.parametrize("words", ["--port -1", "--port 65536", "--port x", "--max-mb 0", "--max-seconds -1"])
def test_what_it_cannot_do_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["app", *words.split()])
    assert ended.value.code == 2 and capsys.readouterr().err
    assert main(["app", "--host", "0.0.0.0"]) == 2
    assert main(["app", "--max-seconds", "11m"]) == 2 and "600 s" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["app", "--no-open", "--port", "0", "--outputs", str(tmp_path / "file" / "outputs")]) == 2
    assert "--outputs" in capsys.readouterr().err
