"""A sweep of fits: every combination once, ranked, and what happens when one fails."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

from ddsp_match import cli
from ddsp_match.errors import PitchError


def run(*argv: str) -> int:
    return cli.main(["fit", "-q", *argv])


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


def test_where_every_job_fails_none_is_called_best(fake_fit, capsys):
    fake_fit.raises = lambda settings: PitchError("nothing heard", where="f0")
    assert run("sound.wav", "-m", "seed=1,2") == 2
    assert capsys.readouterr().out.splitlines()[-1] == "every job failed; written: outputs/sound-sweep/sweep.csv"


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
