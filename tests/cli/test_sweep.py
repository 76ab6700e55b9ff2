"""A sweep of fits: every combination once, ranked, and what happens when one fails."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import yaml

from ddsp_match import cli
from ddsp_match.core.errors import PitchError
from ddsp_match.runs.sweep_rows import Row


def run(*argv: str) -> int:
    steps = [] if any(word.startswith("optimizer.steps=") for word in argv) else ["optimizer.steps=3"]
    return cli.main(["fit", "-q", *argv, *steps])


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
    assert table[-2] == "best first by loss; written: outputs/sound-sweep/sweep.csv"
    assert table[-1] == "page: outputs/sound-sweep/sweep.html"
    assert [row["run"] for row in rows] == ["2", "3", "4", "5", "0", "1"]


def test_a_sweep_over_the_loss_is_ranked_by_a_metric_that_means_the_same_in_each(fake_fit, capsys):
    fake_fit.best = lambda settings: 0.1 if settings.loss.mel else 0.2
    assert run("sound.wav", "-m", "loss=mrstft,mel") == 0
    assert "best first by mrstft" in capsys.readouterr().out


def test_the_loss_is_told_once_and_not_under_the_name_of_what_is_swept():
    row = Row(Path("run"), {"loss": "mel"})
    row.finish(0.25, {"mrstft": 0.5, "loss": 0.25}, "all steps done", {"fit": 1.0, "write": 0.5})
    assert (row.loss, row.metrics, row.seconds) == (0.25, {"mrstft": 0.5}, 1.5)
    assert row.figure() == 0.5  # losses of different kinds do not compare


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


def test_where_every_job_fails_none_is_called_best(fake_fit, capsys):
    fake_fit.raises = lambda settings: PitchError("nothing heard", where="f0")
    assert run("sound.wav", "-m", "seed=1,2") == 2
    assert "every job failed; written: outputs/sound-sweep/sweep.csv" in capsys.readouterr().out.splitlines()


def test_ctrl_c_in_a_sweep_keeps_what_was_done_and_skips_the_rest(fake_fit, capsys):
    fake_fit.during_step = lambda: signal.raise_signal(signal.SIGINT)
    assert run("sound.wav", "-m", "seed=1,2,3") == 0
    assert len(fake_fit.calls) == 1
    assert sorted(path.name for path in Path("outputs/sound-sweep").iterdir()) == [
        "multirun.yaml",
        "seed=1",
        "sweep.csv",
        "sweep.html",
    ]


def rows_of(folder: str = "outputs/sound-sweep") -> list[dict[str, str]]:
    with (Path(folder) / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_settings_that_only_clash_together_are_a_failed_job(fake_fit, capsys):
    assert run("sound.wav", "-m", "f0.min_hz=20,300", "f0.max_hz=400,200") == 2
    assert len(fake_fit.calls) == 3
    last = rows_of()[-1]
    assert (last["f0.min_hz"], last["f0.max_hz"]) == ("300", "200") and "f0.min_hz: found 300 Hz" in last["error"]
    assert "failed" in capsys.readouterr().out


def test_a_value_that_cannot_be_is_a_failed_job_and_the_others_run(fake_fit, capsys):
    assert run("sound.wav", "-m", "synth.n_harmonics=0,20,many,40") == 2
    assert [call.settings.synth.n_harmonics for call in fake_fit.calls] == [20, 40]
    assert [row["synth.n_harmonics"] for row in rows_of()] == ["40", "20", "0", "many"]
    assert "synth.n_harmonics: found 0 harmonics; needed: a whole number" in rows_of()[2]["error"]
    assert sorted(path.name for path in Path("outputs/sound-sweep").glob("*=*")) == [
        "synth.n_harmonics=20",
        "synth.n_harmonics=40",
    ]
    said = capsys.readouterr()
    assert "found 'many'" in said.out and said.err == ""


def test_an_option_that_no_group_has_is_a_failed_job_and_the_others_run(fake_fit):
    assert run("sound.wav", "-m", "loss=mrstft,mell,mel", "seed=1,2") == 2
    assert len(fake_fit.calls) == 4
    failed = [row for row in rows_of() if row["error"]]
    assert [(row["run"], row["loss"], row["seed"]) for row in failed] == [("", "mell", "1"), ("", "mell", "2")]
    assert all("loss: found 'mell'" in row["error"] and "try: mel" in row["error"] for row in failed)


def test_a_key_that_does_not_exist_is_refused_at_once(fake_fit, capsys):
    assert run("sound.wav", "-m", "seed=1,2", "synth.n_harmonic=20,40") == 2
    assert "try: synth.n_harmonics" in capsys.readouterr().err
    assert fake_fit.calls == [] and not Path("outputs").exists()


def test_the_folders_of_jobs_with_long_settings_are_numbered(fake_fit):
    hop = "loss.fft_sizes=" + ",".join(f"[{','.join(str(2**k + extra) for k in range(6, 13))}]" for extra in (0, 2))
    other = "f0.path=" + ",".join(f"'{'long/' * 4}{'n' * 50}{number}.csv'" for number in (1, 2))
    assert run("sound.wav", "-m", hop, other) == 0
    assert {row["path"] for row in rows_of()} == {f"outputs/sound-sweep/{number}" for number in range(4)}
    assert "2048" in rows_of()[0]["loss.fft_sizes"]


def test_a_bug_in_a_job_ends_the_sweep(fake_fit, capsys):
    fake_fit.raises = ZeroDivisionError("by zero")
    assert run("sound.wav", "-m", "seed=1,2") == 1
    assert "a bug of ours, please report it: ZeroDivisionError" in capsys.readouterr().err
    assert len(fake_fit.calls) == 1 and not Path("outputs/sound-sweep").exists()


def test_a_second_ctrl_c_ends_the_sweep_and_keeps_the_rows_of_what_was_done(fake_fit, capsys):
    def twice():
        if len(fake_fit.calls) == 2:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    fake_fit.during_step = twice
    assert run("sound.wav", "-m", "seed=1,2,3") == 130
    assert len(fake_fit.calls) == 2
    assert [row["seed"] for row in rows_of()] == ["1"]
    assert not Path("outputs/sound-sweep/.rows").exists()


# Optuna


def test_optuna_draws_from_an_interval_and_is_told_what_came_of_it(fake_fit, capsys):
    fake_fit.best = lambda settings: (settings.optimizer.lr - 0.1) ** 2
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", "optimizer.lr=interval(0.01,0.2)"]
    assert run("sound.wav", "-m", *words) == 0
    drawn = [call.settings.optimizer.lr for call in fake_fit.calls]
    assert len(set(drawn)) == 5 and all(0.01 <= lr <= 0.2 for lr in drawn)
    rows = rows_of()
    assert sorted(int(row["run"]) for row in rows) == list(range(5))
    assert [float(row["best_loss"]) for row in rows] == sorted(float(row["best_loss"]) for row in rows)
    results = yaml.safe_load(Path("outputs/sound-sweep/optimization_results.yaml").read_text())
    assert results["best_value"] == float(rows[0]["best_loss"])
    assert results["best_params"] == {"optimizer.lr": float(rows[0]["optimizer.lr"])}
    assert "A new study" not in capsys.readouterr().err
    assert run("sound.wav", "-m", *words, "-o", "again") == 0
    assert [call.settings.optimizer.lr for call in fake_fit.calls[5:]] == drawn


def test_optuna_draws_on_a_log_scale_and_among_choices(fake_fit):
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=8", "hydra.sweeper.sampler.seed=1"]
    space = ["optimizer.lr=tag(log,interval(0.0001,1.0))", "synth.n_harmonics=interval(10,90)", "phase=zero,tracked"]
    assert run("sound.wav", "-m", *words, *space) == 0
    settings = [call.settings for call in fake_fit.calls]
    assert sum(each.optimizer.lr < 0.03 for each in settings) >= 2  # one in three hundred on a linear scale
    assert all(isinstance(each.synth.n_harmonics, int) for each in settings)
    assert {each.synth.phase for each in settings} == {"zero", "tracked"}


def test_a_trial_that_fails_does_not_end_the_study(fake_fit):
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", "synth.n_harmonics=interval(-50,50)"]
    assert run("sound.wav", "-m", *words) == 2
    rows = rows_of()
    failed = [row for row in rows if row["error"]]
    assert len(rows) == 5 and 0 < len(failed) < 5
    assert all("synth.n_harmonics: found" in row["error"] and int(row["synth.n_harmonics"]) < 1 for row in failed)
    assert {call.settings.synth.n_harmonics for call in fake_fit.calls} == {
        int(row["synth.n_harmonics"]) for row in rows if not row["error"]
    }


def test_the_same_values_drawn_twice_are_two_runs_in_two_folders(fake_fit):
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "seed=range(1,2)"]
    assert run("sound.wav", "-m", *words) == 0
    rows = rows_of()
    assert len({row["seed"] for row in rows}) < len(rows) == 3
    assert {row["path"] for row in rows} == {f"outputs/sound-sweep/{row['run']},seed={row['seed']}" for row in rows}


def test_where_losses_do_not_compare_optuna_gets_the_metric(fake_fit):
    fake_fit.best = lambda settings: settings.loss.mel + 0.5
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "loss.mel=interval(1.0,2.0)"]
    assert run("sound.wav", "-m", *words) == 0
    results = yaml.safe_load(Path("outputs/sound-sweep/optimization_results.yaml").read_text())
    assert results["best_value"] == min(float(row["mrstft"]) for row in rows_of()) > 3
    assert all(float(row["best_loss"]) == 2 for row in rows_of())


def test_optuna_stops_at_ctrl_c(fake_fit):
    fake_fit.during_step = lambda: signal.raise_signal(signal.SIGINT) if len(fake_fit.calls) == 2 else None
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", "seed=range(1,50)"]
    assert run("sound.wav", "-m", *words) == 0
    assert len(fake_fit.calls) == len(rows_of()) == 2


def test_what_a_sweeper_cannot_do_is_said(fake_fit, capsys):
    words = ["hydra/sweeper=optuna", "hydra/sweeper/sampler=grid", "optimizer.lr=interval(0.01,0.2)"]
    assert run("sound.wav", "-m", *words) == 2
    assert "hydra/sweeper=optuna: found ValueError: GridSampler only supports" in capsys.readouterr().err
    assert not Path("outputs/sound-sweep").exists()
