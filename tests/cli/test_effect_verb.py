"""``effect`` on the command line: what it looks for, what it says, how it ends."""

from __future__ import annotations

import csv
import shlex
import signal
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import yaml

from ddsp_match import cli, config
from ddsp_match.cli import completion, parser_effects
from ddsp_match.cli.knobs import settings_lines
from ddsp_match.config import setting_keys
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import ConfigError, SoundError
from ddsp_match.core.params import Parameter
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.build import build
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processors
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report.ratios import esr_words


class FakeEffect:
    """Stands in for the search: remembers how it was called, and finds what it is told to."""

    def __init__(self):
        self.calls = []
        self.raises = None
        self.found = {}
        self.during_step = lambda: None
        self.unseen = lambda settings: 1e-3

    def __call__(self, dry, wet, sample_rate=None, *, settings, out, force, command, on_stage, on_step, stop):
        self.calls.append(types.SimpleNamespace(**{k: v for k, v in locals().items() if k != "self"}))
        if self.raises is not None and (error := self.raises(settings)):
            raise error
        on_stage("search")
        on_step(1, 100, 3e-9, 2e-9)
        self.during_step()
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.html").write_text("page")
        (out / "wet.patch.safetensors").write_text("patch")
        rack = Rack.of(["gain", {"parallel": ["gain"]}], 48_000, {"gain.gain_db": -3.25}, polarity=-1.0, latency=480.0)
        result = types.SimpleNamespace(
            dry=Audio(np.zeros((1, 48_000), np.float32), 48_000),
            wet=Audio(np.zeros((1, 48_000), np.float32), 48_000),
            rack=rack,
            esr=2e-4,
            esr_seen=1e-4,
            esr_unseen=self.unseen(settings),
            esr_gain=0.5,
            seen=(0, 36_000),
            alignment=types.SimpleNamespace(latency_samples=480.0, polarity=-1.0, confidence=0.875, note=""),
            verdict=Verdict("very close", [], [], [], "excellent"),
            advice=["try this"],
            matched=True,
            by_ear="",
            loss=1e-4,
            ambiguous=[],
            notes=["wet is mono"],
            seconds={"search": 1.0, "judge": 0.5},
            stop_reason="converged",
        )
        vars(result).update(self.found(settings) if callable(self.found) else self.found)
        return result


@pytest.fixture
def fake_effect(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("dry.wav", "wet.wav"):
        (tmp_path / name).write_text("a sound")
    fake = FakeEffect()
    module = types.ModuleType("ddsp_match.tasks.effect")
    module.effect = fake
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.effect", module)
    return fake


def run(*argv: str) -> int:
    return cli.main(["effect", "-q", *argv])


def test_sounds_chain_flags_and_settings_reach_the_task(fake_effect):
    words = ["effects=[{gain: {gain_db: 3}}, clip]", "dry.wav", "--budget", "2m", "wet.wav", "starts=3", "-o", "here"]
    assert run(*words) == 0
    (call,) = fake_effect.calls
    assert (call.dry, call.wet, call.out, call.force) == (Path("dry.wav"), Path("wet.wav"), Path("here"), False)
    assert call.settings == EffectSettings(effects=[{"gain": {"gain_db": 3}}, "clip"], starts=3, budget_s=120)
    assert call.command == (
        "ddsp-match effect -q 'effects=[{gain: {gain_db: 3}}, clip]' dry.wav --budget 2m wet.wav starts=3 -o here"
    )


def test_the_run_directory_is_named_after_the_wet_sound_and_never_holds_either(fake_effect, capsys):
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 0
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 0
    assert [str(call.out) for call in fake_effect.calls] == ["outputs/wet-effect", "outputs/wet-effect-2"]
    Path("outputs/wet-effect/dry.wav").write_text("the only copy")
    assert run("outputs/wet-effect/dry.wav", "wet.wav", "effects=[gain]", "-o", "outputs/wet-effect", "--force") == 2
    assert "files that no run" in capsys.readouterr().err
    assert run("dry.wav", "wet.wav", "effects=[gain]", "-o", "outputs/wet-effect-2", "--force") == 0
    assert fake_effect.calls[-1].force is True


def test_the_outcome_is_said(fake_effect, capsys):
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        "very close",
        "",
        "latency:  wet lies 480 samples (10 ms) behind dry (certainty 0.88)",
        "polarity: upside down",
        "",
        "  gain.gain_db  -3.25 dB",
        "  at their defaults: parallel.dry, parallel.levels, parallel.gain.gain_db",
        "",
        "error-to-signal ratio:",
        "  fitted part       0.75 s  0.0001 (-40.0 dB)",
        "  unseen part       0.25 s  0.001 (-30.0 dB)",
        "  a gain alone              0.5 (-3.0 dB), on the unseen part",
        "  > try this",
        "note: wet is mono",
        "stopped: converged (1.5 s)",
        "written: outputs/wet-effect/report.html, wet.patch.safetensors",
        "report:  outputs/wet-effect/report.html",
    ]


def test_what_was_not_done_is_not_said(fake_effect, capsys):
    alignment = types.SimpleNamespace(latency_samples=-24.5, polarity=1.0, confidence=1.0, note="")
    fake_effect.found = {"alignment": alignment, "esr_unseen": None, "esr_seen": 0.0, "ambiguous": ["gain.gain_db"]}
    fake_effect.found["rack"] = Rack.of(["gain"], 48_000)
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 0
    said = capsys.readouterr().out
    assert "wet lies 24.5 samples (0.51 ms) before dry, left to the chain (certainty 1.00)" in said
    assert "polarity: the same" in said and "every knob is at its default" in said
    assert "fitted part       0.75 s  0 (nothing is left)" in said and "on the fitted part" in said
    assert "unseen" not in said
    assert "sounds the same at other values: gain.gain_db" in said


def test_no_match_ends_with_3_and_is_written_all_the_same(fake_effect, capsys):
    verdict = Verdict("no match: nothing explains wet from dry", [], [], [], "poor")
    fake_effect.found = {"matched": False, "verdict": verdict}
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 3
    said = capsys.readouterr().out
    assert said.startswith("no match: nothing explains wet from dry\n") and "report:  outputs/wet-effect" in said


def test_progress_shows_small_errors_as_what_they_are(fake_effect, capsys):
    assert cli.main(["effect", "dry.wav", "wet.wav", "effects=[gain]"]) == 0
    shown = capsys.readouterr().err
    assert "search\n" in shown and "1/100" in shown and "loss 3e-09, best 2e-09" in shown


def test_ctrl_c_asks_the_search_to_stop(fake_effect):
    wanted = []
    fake_effect.during_step = lambda: (signal.raise_signal(signal.SIGINT), wanted.append(fake_effect.calls[0].stop()))
    assert run("dry.wav", "wet.wav", "effects=[gain]") == 0
    assert wanted == [True]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["dry.wav", "wet.wav"], "effects: found no effects; needed: the chain to look for"),
        (["dry.wav", "wet.wav", "effects=[]"], "effects: found no effects"),
        (["dry.wav", "wet.wav", "--multirun", "starts=1,2"], "effects: found no effects"),
        (["dry.wav", "wet.wav", "--multirun", "starts=1,2", "effects=[]"], "effects: found no effects"),
        (["dry.wav", "wet.wav", "effects=reverb"], "try: effects=[reverb]"),
        (["dry.wav", "wet.wav", "effects=[clip"], "which does not parse"),
        (["dry.wav", "wet.wav", "effects=[clip],[svf]"], "--multirun"),
        (["dry.wav", "wet.wav", "effects=[clip]", "synth.n_harmonics=3"], "'synth.n_harmonics', which is no setting"),
        (["dry.wav", "wet.wav", "effects=[clip]", "loss=mel"], "loss: found 'mel'; needed: auto | waveform"),
        (["dry.wav", "wet.wav", "--forse"], "--forse, which is no option; try: --force"),
        (["dry.wav", "effects=[clip]"], "found 1 sound file (dry.wav); needed: two, first the dry one"),
        (["effects=[clip]"], "found 0 sound files; needed: two"),
        (["dry.wav", "wet.wav", "more.wav"], "found 3 sound files (dry.wav, wet.wav, more.wav)"),
        (["dry.wav", "wet.wav", "effects=[clip]", "--budget", "3s", "budget_s=4"], "needed: one of the two"),
    ],
)
def test_what_is_wrong_with_the_words_is_said(fake_effect, capsys, argv, message):
    assert run(*argv) == 2
    said = capsys.readouterr()
    assert message in said.err and said.out == ""
    assert fake_effect.calls == [] and not Path("outputs").exists()


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("[gian]", "try: gain"),
        ("[{gain: {gain_bd: 3}}]", "'gain_bd', which is no knob; needed: one of gain_db; try: gain_db"),
        ("[{gain: {gain_db: 300}}]", "gain_db=[300.0]; needed: -100 to 100 dB"),
        ("[gain, {mix: gain}]", "{mix: [processor, ...]}"),
    ],
)
def test_names_that_do_not_exist_end_with_2_and_the_near_ones(tmp_path, monkeypatch, capsys, chain, message):
    monkeypatch.chdir(tmp_path)
    assert run("dry.wav", "wet.wav", f"effects={chain}") == 2  # the task itself, before it reads a sound
    assert message in capsys.readouterr().err
    assert list(Path().iterdir()) == []


# Sweeps


def test_a_sweep_ranks_chains_by_the_error_on_the_unseen_part(fake_effect, capsys):
    fake_effect.unseen = lambda settings: {1: 0.02, 2: 1e-9}[len(settings.effects)] * settings.starts
    assert run("dry.wav", "wet.wav", "--multirun", "effects=[clip],[svf,clip]", "starts=1,2", "steps=7") == 0
    assert [(call.settings.effects, call.settings.starts) for call in fake_effect.calls] == [
        (["clip"], 1),
        (["clip"], 2),
        (["svf", "clip"], 1),
        (["svf", "clip"], 2),
    ]
    assert {call.settings.steps for call in fake_effect.calls} == {7}
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["effects", "starts", "unseen", "ESR", "seen", "gain", "alone", "numbers", "path"]
    assert table[1].split()[:3] == ["[svf,clip]", "1", "1e-09"] and table[4].split()[:3] == ["[clip]", "2", "0.04"]
    assert "best first by unseen ESR; written: outputs/wet-sweep/sweep.csv" in table
    assert table[-1] == (
        "best: effects=[svf,clip], starts=1, error-to-signal ratio 1e-09 (-90.0 dB); "
        "report: outputs/wet-sweep/effects=[svf,clip],starts=1/report.html"
    )
    with Path("outputs/wet-sweep/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["unseen_ESR"]) for row in rows] == [1e-9, 2e-9, 0.02, 0.04]
    assert rows[0]["effects"] == "[svf,clip]" and rows[0]["gain_alone"] == "0.5" and rows[0]["numbers"] == "4.0"


def test_a_sweep_over_the_loss_is_still_ranked_by_the_error(fake_effect, capsys):
    fake_effect.unseen = lambda settings: {"waveform": 0.3, "mrstft": 0.1}[settings.loss]
    why = {"waveform": "", "mrstft": "the search was for the spectrum"}
    fake_effect.found = lambda settings: {"by_ear": why[settings.loss]}
    assert run("dry.wav", "wet.wav", "-m", "effects=[clip]", "loss=waveform,mrstft") == 0
    said = capsys.readouterr().out
    assert "best first by unseen ESR" in said and "best: loss=mrstft, " in said


def by_ear(settings):
    """What is found with a reverb, whose loss falls with the starts."""
    reverb = settings.effects == ["reverb"]
    return {"by_ear": "chance has a part in them", "loss": 0.8 / settings.starts} if reverb else {}


def test_a_sweep_of_what_is_judged_by_ear_is_ranked_by_its_spectra(fake_effect, capsys):
    fake_effect.found = by_ear
    fake_effect.unseen = lambda settings: float(settings.starts)  # the better by ear, the worse by its samples
    assert run("dry.wav", "wet.wav", "-m", "effects=[reverb]", "starts=1,2") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].startswith("2 ")
    assert "best first by spectral distance; written: outputs/wet-sweep/sweep.csv" in table
    assert table[-1].startswith("best by ear: starts=2, spectral distance 0.4; report: ")


def test_errors_and_spectral_distances_are_not_ranked_against_each_other(fake_effect, capsys):
    fake_effect.found = by_ear
    fake_effect.unseen = lambda settings: 0.9 * settings.starts if settings.effects == ["clip"] else 0.5
    assert run("dry.wav", "wet.wav", "-m", "effects=[clip],[reverb]", "starts=1,2") == 0
    table = capsys.readouterr().out.splitlines()
    rows = [line.split()[:2] for line in table[1:5]]
    assert rows == [["[clip]", "1"], ["[clip]", "2"], ["[reverb]", "2"], ["[reverb]", "1"]]
    assert "best first by unseen ESR, then apart by spectral distance; written: outputs/wet-sweep/sweep.csv" in table
    assert table[-2].startswith("best: effects=[clip], starts=1, error-to-signal ratio 0.9 (-0.5 dB); ")
    assert table[-1].startswith("best by ear: effects=[reverb], starts=2, spectral distance 0.4; ")


def test_the_error_of_what_is_judged_by_ear_is_no_verdict(fake_effect, capsys):
    fake_effect.found = {"by_ear": "chance has a part in them"}
    assert run("dry.wav", "wet.wav", "effects=[reverb]") == 0
    said = capsys.readouterr().out
    assert "its samples are not compared: chance has a part in them\nerror-to-signal ratio all the same:\n" in said


def test_a_chain_of_a_sweep_that_does_not_exist_is_a_row(fake_effect, capsys):
    fake_effect.raises = lambda settings: ConfigError("'x'", where="effects") if settings.effects == ["x"] else None
    assert run("dry.wav", "wet.wav", "-m", "effects=[x],[gain]") == 2
    table = capsys.readouterr().out.splitlines()
    assert table[1].startswith("[gain]") and table[2].startswith("[x]") and "failed" in table[2]
    assert table[-1].startswith("best: effects=[gain], ")


def test_a_sweep_in_which_nothing_matches_ends_with_3(fake_effect, capsys):
    fake_effect.found = {"matched": False, "esr_unseen": None}
    assert run("dry.wav", "wet.wav", "-m", "effects=[gain],[clip]") == 3
    assert "best: " in capsys.readouterr().out


def test_a_sound_that_cannot_be_read_ends_the_sweep(fake_effect, capsys):
    fake_effect.raises = lambda settings: SoundError("silence", where="wet.wav")
    assert run("dry.wav", "wet.wav", "-m", "effects=[gain],[clip]") == 2
    assert len(fake_effect.calls) == 1 and not Path("outputs/wet-sweep").exists()


# Help, config, completion


def test_the_help_names_every_setting_and_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["effect", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for key in setting_keys(EffectSettings):
        assert f"  {key} " in text
    assert "config groups" not in text and "synth." not in text
    assert "effects=[iir,clip]" in text and "Exit codes" in text


def test_every_chain_that_the_help_names_exists():
    chains = []
    for line in parser_effects._EFFECT_EXAMPLES.splitlines():
        if "effects=" in line:
            words = [word for word in shlex.split(line) if config.is_override(word)]
            swept = config.check(words, kind=EffectSettings)
            text = next(word for word in words if word.startswith("effects=")).removeprefix("effects=")
            chains += yaml.safe_load(f"[{text}]" if swept else text) if swept else [config.build_effect(words).effects]
    assert ["svf", "clip"] in chains and len(chains) == 8
    for chain in chains:
        assert len(build(chain)[0].knobs) > 0


def test_cfg_prints_the_settings_of_an_effect(fake_effect, capsys):
    assert cli.main(["effect", "--cfg", "job", "effects=[clip]"]) == 0
    printed = capsys.readouterr().out
    assert "- clip" in printed and "holdout: 0.2" in printed and "synth" not in printed
    assert fake_effect.calls == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ddsp-match ef", ["effect", "effects"]),
        ("ddsp-match effect dry.wav hold", ["holdout="]),
        ("ddsp-match effect d", ["dry.wav"]),
        ("ddsp-match effect --mul", ["--multirun"]),
        ("ddsp-match effect effects=[gai", ["effects=[gain"]),
        ("ddsp-match fit effects=[clip,{gai", ["effects=[clip,{gain"]),
        ("ddsp-match effects gai", ["gain"]),
        ("ddsp-match process --bl", ["--block"]),
        ("ddsp-match process w", ["wet.wav"]),
    ],
)
def test_completion(fake_effect, line, expected):
    assert completion.candidates(line) == expected


def test_completion_knows_every_effect_and_no_folder_of_settings(fake_effect):
    assert completion.processor_names() == sorted(processors())
    assert not [word for word in completion.candidates("ddsp-match fit eff") if word != "effects="]


# Figures in words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0137, "0.0137 (-18.6 dB)"), (0.9999, "1 (0.0 dB)"), (0.0, "0 (nothing is left)"), (2.0, "2 (3.0 dB)")],
)
def test_ratios(value, words):
    assert esr_words(value) == words


def test_long_rows_are_summarised_and_turned_knobs_come_first():
    knobs = (
        Parameter("cutoff_hz", ".", 20_000.0, 20.0, 20_000.0, "Hz", "log"),
        Parameter("taps", ".", (1.0,) + (0.0,) * 11, -2.0, 2.0, size=12),
        Parameter("q", ".", 1.0, 0.1, 10.0),
        Parameter("bands", ".", (0.0, 0.0), -24.0, 24.0, "dB", size=2),
    )
    taps = np.linspace(1.0, -0.1, 12)
    values = {"cutoff_hz": np.array(20_000.0), "taps": taps, "q": np.array(1 + 1e-9), "bands": np.array([0.0, -3.5])}
    assert settings_lines(knobs, values) == [
        "  taps   1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, ... (12 numbers, -0.1 to 1)",
        "  bands  0, -3.5 dB",
        "  at their defaults: cutoff_hz, q",
    ]
