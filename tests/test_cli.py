"""The command line: what it runs, where it writes, what it says, and how it ends.

The tasks are played by stand-ins, so that these tests are about the command alone.
"""

from __future__ import annotations

import csv
import errno
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli import completion, parser, words
from ddsp_match.cli.progress import Interrupt
from ddsp_match.config import groups, setting_keys
from ddsp_match.errors import ConfigError, OutputError, PatchError, PitchError, SoundError


class FakeFit:
    """Stands in for the fit: takes its steps, writes two files, remembers how it was called."""

    def __init__(self):
        self.calls = []
        self.raises = None
        self.during_step = None
        self.best = lambda settings: 1 / (settings.synth.n_harmonics or 1)

    def __call__(
        self, audio, sample_rate=None, *, settings, out, command, on_stage, on_step, on_pitch, stop, force
    ):
        self.calls.append(types.SimpleNamespace(**{k: v for k, v in locals().items() if k != "self"}))
        if not Path(audio).is_file():
            raise SoundError("no file", where=audio, needed="a sound file")
        if self.raises:
            raise self.raises(settings) if callable(self.raises) else self.raises
        on_stage("f0")
        on_pitch(50, 100)
        on_pitch(100, 100)
        on_stage("optimise")
        reason = "all steps done"
        for step in range(settings.optimizer.steps):
            on_step(step + 1, settings.optimizer.steps, 1.0, 1.0)
            if self.during_step:
                self.during_step()
            if stop():
                reason = "stopped by Ctrl-C"
                break
        out.mkdir(parents=True, exist_ok=True)
        (out / "match.wav").write_text("sound")
        (out / "report.html").write_text("page")
        return types.SimpleNamespace(
            verdict=types.SimpleNamespace(text=lambda: "Good match: the same sound."),
            notes=["the sound clips"],
            stop_reason=reason,
            trace=types.SimpleNamespace(best=[2.0, self.best(settings)]),
            seconds={"f0": 1.0, "fit": 2.0},
            metrics={"mrstft": self.best(settings) * 2, "mel_db": 0.5},
        )


@pytest.fixture
def fake_fit(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sound.wav").write_text("a sound")
    fake = FakeFit()
    module = types.ModuleType("ddsp_match.tasks.fit")
    module.fit = fake
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.fit", module)
    return fake


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
    assert flags[0] in capsys.readouterr().err
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
    assert "mine: found files already there" in (message := capsys.readouterr().err) and "--force" in message
    assert len(fake_fit.calls) == before
    assert run("sound.wav", "-o", "mine", "--force") == 0


def test_a_file_is_no_run_directory(fake_fit, capsys):
    assert run("sound.wav", "-o", "sound.wav", "--force") == 2
    assert "sound.wav: found a file; needed: a folder" in capsys.readouterr().err


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
    assert message.startswith(f"ddsp-match: outputs/sound/match.wav: found {os.strerror(number)}; needed: ")
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


# Sweeps


def test_a_sweep_fits_every_combination_and_ranks_them(fake_fit, capsys):
    assert run("sound.wav", "--multirun", "synth.n_harmonics=20,80,40", "seed=1,2", "optimizer.steps=7") == 0
    combinations = [(call.settings.synth.n_harmonics, call.settings.seed) for call in fake_fit.calls]
    assert sorted(combinations) == [(20, 1), (20, 2), (40, 1), (40, 2), (80, 1), (80, 2)]
    assert {call.settings.optimizer.steps for call in fake_fit.calls} == {7}
    sweep = Path("outputs/sound-sweep")
    assert (sweep / "seed=1,synth.n_harmonics=80" / "match.wav").is_file()
    with (sweep / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["synth.n_harmonics"] for row in rows] == ["80", "80", "40", "40", "20", "20"]
    assert float(rows[0]["best_loss"]) == 1 / 80 and rows[0]["mel_db"] == "0.5"
    assert rows[0]["path"] == "outputs/sound-sweep/seed=1,synth.n_harmonics=80"
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["synth.n_harmonics", "seed", "best", "loss", "mrstft", "mel_db", "path"]
    assert table[1].startswith("80 ") and "0.0125" in table[1]
    assert table[-1] == "best first by loss; written: outputs/sound-sweep/sweep.csv"


def test_a_sweep_over_the_loss_is_ranked_by_a_metric_that_means_the_same_in_each(fake_fit, capsys):
    fake_fit.best = lambda settings: 0.1 if settings.loss.mel else 0.2
    assert run("sound.wav", "-m", "loss=mrstft,mel") == 0
    assert "best first by mrstft" in capsys.readouterr().out


def test_a_second_sweep_goes_beside_the_first_and_a_named_one_needs_force(fake_fit):
    assert run("sound.wav", "-m", "seed=1,2") == 0
    assert run("sound.wav", "-m", "seed=1,2") == 0
    assert Path("outputs/sound-sweep-2/sweep.csv").is_file()
    assert run("sound.wav", "-m", "seed=1,2", "-o", "it's mine") == 0
    assert Path("it's mine/seed=2/match.wav").is_file()
    assert run("sound.wav", "-m", "seed=1,2", "-o", "it's mine") == 2
    assert run("sound.wav", "-m", "seed=1,2", "hydra.sweep.dir=natively") == 0
    assert Path("natively/sweep.csv").is_file()


def test_a_job_that_fails_is_a_row_and_the_others_go_on(fake_fit, capsys):
    fake_fit.raises = lambda settings: PitchError("nothing heard", where="f0")
    fake_fit.best = lambda settings: 0.5

    def only_the_first(settings):
        fake_fit.raises = None
        return PitchError("nothing heard", where="f0")

    fake_fit.raises = only_the_first
    assert run("sound.wav", "-m", "seed=1,2") == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("2 ")
    assert lines[2].startswith("1 ") and "failed" in lines[2] and "f0: found nothing heard" in lines[2]
    assert not Path("outputs/sound-sweep/seed=1").exists()


def test_ctrl_c_in_a_sweep_keeps_what_was_done_and_skips_the_rest(fake_fit, capsys):
    fake_fit.during_step = lambda: signal.raise_signal(signal.SIGINT)
    assert run("sound.wav", "-m", "seed=1,2,3") == 0
    assert len(fake_fit.calls) == 1
    assert sorted(path.name for path in Path("outputs/sound-sweep").iterdir()) == [
        "multirun.yaml",
        "seed=1",
        "sweep.csv",
    ]


def test_settings_that_only_clash_together_are_refused(fake_fit, capsys):
    assert run("sound.wav", "-m", "f0.min_hz=20,300", "f0.max_hz=400,200") == 2
    assert "f0.min_hz: found 300 Hz" in capsys.readouterr().err


# Help, config, completion


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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ddsp-match ", ["fit", "render", "analyze", "--help", "--version"]),
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


# The other verbs


@pytest.fixture
def fake_render(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    calls = []

    def render(patch, *, out, stems, subtype, force):
        calls.append((patch, out, stems, subtype, force))
        out.write_text("sound")
        return types.SimpleNamespace(channels=2, seconds=1.5, sample_rate=44100)

    module = types.ModuleType("ddsp_match.tasks.render")
    module.render = render
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.render", module)
    return calls


def test_render(fake_render, capsys):
    assert cli.main(["render", "a/b.patch.safetensors", "-o", "again.wav", "--stems", "--subtype", "24"]) == 0
    assert fake_render == [(Path("a/b.patch.safetensors"), Path("again.wav"), True, "PCM_24", False)]
    assert capsys.readouterr().out == "written: again.wav (1.50 s, 44100 Hz, stereo)\n"
    assert cli.main(["render", "a/b.patch.safetensors"]) == 0
    assert fake_render[-1] == (Path("a/b.patch.safetensors"), Path("b.wav"), False, "FLOAT", False)


def test_render_does_not_overwrite_without_force(fake_render, capsys):
    Path("again.wav").write_text("precious")
    assert cli.main(["render", "b.patch.safetensors", "-o", "again.wav"]) == 2
    assert (
        "again.wav: found a file already there" in (message := capsys.readouterr().err)
        and "--force" in message
    )
    assert Path("again.wav").read_text() == "precious"
    assert cli.main(["render", "b.patch.safetensors", "-o", "again.wav", "--force"]) == 0
    assert cli.main(["render", "b.patch.safetensors", "-o", "."]) == 2


@pytest.fixture
def fake_analyze(monkeypatch, tmp_path):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    calls = []

    def analyze(audio, *, settings, out, force, on_note, on_pitch):
        calls.append((audio, settings, out))
        on_note("it clips")
        on_pitch(4, 4)
        out.mkdir(parents=True, exist_ok=True)
        (out / "features.csv").write_text("")
        voiced = torch.tensor([[True, True, False, True]])
        return types.SimpleNamespace(
            f0_hz=torch.tensor([[220.0, 221.0, 1.0, 222.0]]), voiced=voiced, doubt=~voiced
        )

    module = types.ModuleType("ddsp_match.tasks.analyze")
    module.analyze = analyze
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.analyze", module)
    return calls


def test_analyze(fake_analyze, capsys):
    assert cli.main(["analyze", "f0=pyin", "sound.wav", "-q"]) == 0
    ((audio, settings, out),) = fake_analyze
    assert (audio, settings.source, out) == (Path("sound.wav"), "pyin", Path("outputs/sound-analysis"))
    said = capsys.readouterr().out
    assert "f0 221.0 Hz (median), voiced 75 % of the time" in said and "in doubt 25.0 %" in said
    assert "written: outputs/sound-analysis/features.csv" in said and "note: it clips" in said
    assert cli.main(["analyze", "sound.wav", "-q", "--f0", "220", "-o", "outputs/sound-analysis"]) == 2


# As a process


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "ddsp_match", "fit", "--cfg", "all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in (cli.EXIT_PIPE, cli.EXIT_OK)


def test_python_m_is_the_command():
    command = [sys.executable, "-m", "ddsp_match", "fit", "nowhere.wav", "los=mel"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "'los', which is no setting" in done.stderr and "Traceback" not in done.stderr
