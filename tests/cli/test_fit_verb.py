"""``fit`` on the command line: what it runs, where it writes, what it says, and how it ends."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli import parser, words
from ddsp_match.cli.progress import Interrupt
from ddsp_match.core.errors import ConfigError, OutputError, PatchError, PitchError, SoundError
from ddsp_match.effects.rack import Rack


def run(*argv: str) -> int:
    return cli.main(["fit", "-q", *argv])


# What reaches the task


def test_overrides_flags_and_the_sound_come_in_any_order(fake_fit):
    assert (
        run(
            "synth.n_harmonics=60", "--budget", "2m", "sound.wav", "-o", "here", "optimizer.lr=0.02", "seed=3"
        )
        == 0
    )
    (call,) = fake_fit.calls
    assert call.audio == Path("sound.wav")
    assert call.out == Path("here")
    assert (call.settings.synth.n_harmonics, call.settings.optimizer.lr, call.settings.seed) == (60, 0.02, 3)
    assert call.settings.optimizer.budget_s == 120
    assert call.force is False


def test_the_command_is_handed_on_as_it_can_be_typed_again(fake_fit):
    Path("my sound.wav").write_text("a sound")
    run("my sound.wav", "loss=mel")
    assert fake_fit.calls[0].command == "ddsp-match fit -q 'my sound.wav' loss=mel"


@pytest.mark.parametrize(
    ("flags", "source", "hz", "path"),
    [
        (["--f0", "220"], "constant", 220, None),
        (["--f0", "220.5Hz"], "constant", 220.5, None),
        (["--midi", "69"], "constant", 440, None),
        (["--midi", "60"], "constant", pytest.approx(261.6256, abs=1e-4), None),
        (["--f0-csv", "it's, f0.csv"], "csv", None, "it's, f0.csv"),
        ([], "crepe", None, None),
    ],
)
def test_f0_flags_become_settings(fake_fit, flags, source, hz, path):
    assert run("sound.wav", *flags) == 0
    f0 = fake_fit.calls[0].settings.f0
    assert (f0.source, f0.hz, f0.path) == (source, hz, path)


@pytest.mark.parametrize(
    ("text", "seconds"), [("20s", 20), ("90", 90), ("2m", 120), ("1.5min", 90), ("0.5h", 1800), (".5", 0.5)]
)
def test_budgets(text, seconds):
    assert parser.seconds(text) == seconds


@pytest.mark.parametrize(
    "flags", [["--budget", "0"], ["--budget", "soon"], ["--midi", "128"], ["--f0", "-3"]]
)
def test_a_flag_with_a_bad_value_ends_with_2_and_says_what_is_needed(fake_fit, capsys, flags):
    with pytest.raises(SystemExit) as ended:
        run("sound.wav", *flags)
    assert ended.value.code == 2
    assert f"error: argument {flags[0]}: " in capsys.readouterr().err
    assert fake_fit.calls == []


def test_two_sources_of_f0_are_refused(fake_fit, capsys):
    with pytest.raises(SystemExit):
        run("sound.wav", "--f0", "220", "--midi", "60")
    assert "not allowed with" in capsys.readouterr().err
    assert run("sound.wav", "f0=tiny", "--f0", "220") == 2
    assert "f0=tiny beside a flag that means f0=constant; needed: one of the two" in capsys.readouterr().err
    assert fake_fit.calls == []


def test_a_sound_whose_name_looks_like_a_setting(fake_fit):
    Path("seed=3").write_text("a sound")
    assert run("seed=3") == 0
    assert fake_fit.calls[0].audio == Path("seed=3")
    with pytest.raises(SoundError):
        words.one_sound(words.split(["seed=4"])[0], "fit")
    assert words.split(["./seed=4", "seed=4"]) == ([Path("seed=4")], ["seed=4"])


# Where it writes


def test_the_default_run_directory_is_the_first_that_is_free(fake_fit):
    for _ in range(3):
        assert run("sound.wav") == 0
    assert [str(call.out) for call in fake_fit.calls] == [
        "outputs/sound",
        "outputs/sound-2",
        "outputs/sound-3",
    ]
    assert run("sound.wav", "--force") == 0
    assert (str(fake_fit.calls[-1].out), fake_fit.calls[-1].force) == ("outputs/sound", True)


def test_a_run_directory_that_exists_is_not_overwritten_without_force(fake_fit, capsys):
    Path("mine").mkdir()
    assert run("sound.wav", "-o", "mine") == 0  # empty: nothing to lose
    before = len(fake_fit.calls)
    assert run("sound.wav", "-o", "mine") == 2
    assert "mine: found a folder with files in it" in (message := capsys.readouterr().err) and "--force" in message
    assert len(fake_fit.calls) == before
    assert run("sound.wav", "-o", "mine", "--force") == 0


def test_a_file_is_no_run_directory(fake_fit, capsys):
    assert run("sound.wav", "-o", "sound.wav", "--force") == 2
    assert "sound.wav: found a file of that name; needed: a folder" in capsys.readouterr().err


def test_force_replaces_runs_only(fake_fit, capsys):
    Path("precious").mkdir()
    Path("precious/thesis.tex").write_text("years of work")
    assert run("sound.wav", "-o", "precious", "--force") == 2
    assert "precious: found files that no run of ddsp-match has written" in capsys.readouterr().err
    assert run("sound.wav", "-o", "run") == 0
    Path("run/target.wav").write_text("the only copy")
    assert run("run/target.wav", "-o", "run", "--force") == 2
    assert run("sound.wav", "-o", ".", "--force") == 2
    assert len(fake_fit.calls) == 1


def test_hydra_s_own_way_to_name_the_run_directory_works(fake_fit):
    assert run("sound.wav", "hydra.run.dir=there") == 0
    assert fake_fit.calls[0].out == Path("there")


def test_a_single_run_leaves_nothing_of_hydra_s_behind(fake_fit):
    run("sound.wav")
    left = {str(path) for path in Path().rglob("*")}
    assert left == {
        "sound.wav",
        "outputs",
        "outputs/sound",
        "outputs/sound/match.wav",
        "outputs/sound/report.html",
    }


def test_bad_input_leaves_nothing_behind(fake_fit, capsys):
    assert run("nowhere.wav") == 2
    assert run("nowhere.wav", "-m", "seed=1,2,3") == 2
    assert run("sound.wav", "synth.n_harmonics=0") == 2
    assert run() == 2
    assert [str(path) for path in Path().rglob("*") if path.name != "outputs"] == ["sound.wav"]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4 and all(line.startswith("ddsp-match: ") for line in errors)


# What it says


def test_the_outcome_is_said(fake_fit, capsys):
    assert run("sound.wav") == 0
    said = capsys.readouterr()
    for text in (
        "Good match: the same sound.",
        "note: the sound clips",
        "stopped: all steps done (loss 1.0000, 3.0 s)",
        "written: outputs/sound/match.wav, report.html",
        "report:  outputs/sound/report.html",
    ):
        assert text in said.out
    assert said.err == ""


def test_the_effects_that_were_found_are_said(fake_fit, capsys):
    fake_fit.rack = Rack.of(["gain"], 16_000, {"gain.gain_db": -3.25})
    assert run("sound.wav", "effects=[gain]") == 0
    assert fake_fit.calls[0].settings.effects == ["gain"]
    assert "effects:\n  gain.gain_db  -3.25 dB\n" in capsys.readouterr().out


def test_progress_shows_stages_and_loss_on_stderr(fake_fit, capsys):
    assert cli.main(["fit", "sound.wav", "optimizer.steps=5"]) == 0
    said = capsys.readouterr()
    assert "f0\n" in said.err
    assert "100/100" in said.err and "optimise\n" in said.err
    assert "5/5" in said.err and "loss 1.0000, best 1.0000" in said.err
    assert "5/5" not in said.out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["sound.wav", "synth.n_harmonic=3"], "synth.n_harmonics"),
        (["sound.wav", "loss=mell"], "loss: found 'mell'"),
        (["sound.wav", "--forse"], "--forse, which is no option; try: --force"),
        (["sound.wav", "other.wav"], "2 sound files (sound.wav, other.wav)"),
        (["sound.wav", "seed", "=", "3"], "KEY=VALUE without spaces"),
        (["sound.wav", "seed=1,2"], "--multirun"),
        (["sound.wav", "--config-dir", "nowhere"], "nowhere: found no such folder"),
        ([], "fit: found no sound file"),
    ],
)
def test_what_is_wrong_with_the_words_is_said(fake_fit, capsys, argv, message):
    assert run(*argv) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == "" and "Traceback" not in said.err
    assert fake_fit.calls == []


@pytest.mark.parametrize(
    "error",
    [SoundError("x"), PitchError("x"), PatchError("x"), ConfigError("x"), OutputError("x")],
    ids=lambda e: type(e).__name__,
)
def test_errors_of_ours_end_with_2_and_no_traceback(fake_fit, capsys, error):
    fake_fit.raises = error
    assert run("sound.wav") == 2
    assert capsys.readouterr().err == "ddsp-match: x\n"


@pytest.mark.parametrize(
    ("number", "needed"),
    [(errno.ENOSPC, "free space"), (errno.EACCES, "permission"), (errno.EROFS, "written to")],
)
def test_a_full_or_locked_disk_ends_with_2(fake_fit, capsys, number, needed):
    fake_fit.raises = OSError(number, os.strerror(number), "outputs/sound/match.wav")
    assert run("sound.wav") == 2
    message = capsys.readouterr().err
    assert message.startswith(f"ddsp-match: outputs/sound/match.wav: found {os.strerror(number).lower()}; needed: ")
    assert needed in message and message.count("\n") == 1


def test_a_bug_ends_with_1_and_one_line_unless_asked(fake_fit, capsys, monkeypatch):
    fake_fit.raises = RuntimeError("shapes")
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    assert run("sound.wav") == 1
    message = capsys.readouterr().err
    assert "RuntimeError: shapes" in message and "report it" in message and message.count("\n") == 1
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    with pytest.raises(RuntimeError, match="shapes"):
        run("sound.wav")


# Ctrl-C


def test_the_first_ctrl_c_ends_the_fit_with_what_it_has(fake_fit, capsys):
    fake_fit.during_step = lambda: signal.raise_signal(signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    assert run("sound.wav") == 0
    said = capsys.readouterr()
    assert "stopped: stopped by Ctrl-C" in said.out
    assert "Ctrl-C again" in said.err
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_ctrl_c_quits(fake_fit, capsys):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    fake_fit.during_step = twice
    assert run("sound.wav") == 130
    assert "interrupted, nothing written" in capsys.readouterr().err
    assert not Path("outputs").exists()


def test_stop_is_not_wanted_before_ctrl_c():
    with Interrupt() as interrupt:
        assert interrupt.wanted() is False
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wanted() is True
