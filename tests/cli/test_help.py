"""Help, settings and completion."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli import completion
from ddsp_match.cli.parser import build_parser, verbs_of
from ddsp_match.config import groups, setting_keys


def test_cfg_prints_the_settings_without_a_sound(fake_fit, capsys):
    assert cli.main(["fit", "--cfg", "job", "loss=mel", "--package", "optimizer"]) == 0
    assert "lr: " in capsys.readouterr().out
    assert cli.main(["fit", "--cfg", "job", "seed=3"]) == 0
    printed = capsys.readouterr().out
    assert "seed: 3" in printed and "hydra:" not in printed
    assert cli.main(["fit", "--cfg", "hydra"]) == 0
    assert "sweeper:" in capsys.readouterr().out
    assert cli.main(["fit", "--cfg", "job", "los=mel"]) == 2
    assert fake_fit.calls == [] and not Path("outputs").exists()


def test_hydra_s_help_and_info_answer(fake_fit, capsys):
    assert cli.main(["fit", "--info", "searchpath"]) == 0
    with pytest.raises(SystemExit) as ended:
        cli.main(["fit", "--hydra-help"])
    assert ended.value.code == 0
    assert "hydra/launcher" in capsys.readouterr().out


def test_the_help_of_fit_names_every_group_option_and_setting(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["fit", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name, options in groups().items():
        assert f"  {name:<12}{' | '.join(options)}\n" in text
    for key in setting_keys():
        assert f"  {key} " in text
    assert "--multirun" in text and "Ctrl-C" in text


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_the_help_teaches_by_example(capsys, argv):
    if argv:
        with pytest.raises(SystemExit):
            cli.main(argv)
    else:
        assert cli.main(argv) == 0
    text = capsys.readouterr().out
    assert "ddsp-match fit sound.wav" in text and "render" in text and "analyze" in text


@pytest.mark.parametrize("argv", [["--help"], ["fit", "--help"], ["render", "--help"], ["--version"]])
def test_help_answers_without_importing_anything_heavy(argv):
    heavy = {"torch", "numpy", "scipy", "hydra", "omegaconf", "librosa", "matplotlib", "tqdm"}
    code = (
        "import sys\nfrom ddsp_match.cli import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        f"print('heavy:', sorted({heavy!r} & set(sys.modules)))"
    )
    began = time.process_time(), os.times().children_user
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
    assert os.times().children_user - began[1] < 0.5


VERBS = "fit render analyze effect process score compare data effects edit morph instrument export app".split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ddsp-match ", [*VERBS, "--help", "--version"]),
        ("ddsp-match re", ["render"]),
        ("ddsp-match fit sound.wav loss=m", ["loss=mel", "loss=mrstft"]),
        ("ddsp-match fit sound.wav --force synth.n_", ["synth.n_harmonics="]),
        ("ddsp-match fit so", ["sound.wav"]),
        ("ddsp-match fit --mul", ["--multirun"]),
        ("ddsp-match render --st", ["--stems"]),
        ("ddsp-match render so", ["sound.wav"]),
    ],
)
def test_completion(fake_fit, monkeypatch, capsys, line, expected):
    monkeypatch.setenv("COMP_LINE", line)
    assert cli.main(["-sc", "query=bash"]) == 0
    assert capsys.readouterr().out.split() == expected


def test_completion_hides_what_options_share(fake_fit):
    assert "loss=_common" not in completion.candidates("ddsp-match fit loss=")
    assert "loss=mel" in completion.candidates("ddsp-match fit loss=")


def test_completion_scripts_are_for_our_command(capsys):
    assert cli.main(["fit", "--shell-completion", "install=bash"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("hydra_bash_completion ddsp-match")
    assert cli.main(["-sc", "uninstall=bash"]) == 0
    assert cli.main(["-sc", "install=cmd"]) == 2


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("app", "effects")])
def test_every_verb_that_writes_has_the_same_flags(verb):
    flags = verbs_of(build_parser())[verb]._option_string_actions
    assert flags["-o"] is flags["--output"] and flags["-q"] is flags["--quiet"]
    assert ("--force" in flags) is (verb != "compare")  # which writes only to its own folder
