"""How the command ends: exit codes, and a Ctrl-C before it has begun."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from ddsp_match.cli.exits import exit_failed


@pytest.mark.parametrize(("number", "code"), [(0, 0), (1, 101), (99, 199), (100, 200), (4096, 200)])
def test_so_many_failed(number, code):
    assert exit_failed(number) == code


def test_ctrl_c_while_the_command_is_being_loaded():
    """Whichever module is imported at that moment, there is a word and no traceback."""
    code = (
        "import signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'ddsp_match.cli.parser':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "from ddsp_match import cli\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.exit(cli.main(['--help']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "ddsp-match: interrupted, nothing written\n")
