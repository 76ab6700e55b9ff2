"""The run folder of an effect."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ddsp_match.core.errors import OutputError
from ddsp_match.effects.build import build
from ddsp_match.effects.gain import Gain
from ddsp_match.effects.registry import processors
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.patch import load_rack
from ddsp_match.report.animation import approach_of
from ddsp_match.report.effect_words import chain_words
from ddsp_match.tasks.run_folder import is_run
from ddsp_match.tasks.write_effect import write_effect
from tests.compare import assert_close
from tests.disk import files_no_larger_than
from tests.report.effect_reports import Taps, effect_result

SPEC = ["gain", {"mix": ["gain"]}]


def known(**options: object) -> EffectResult:
    """A result with processors that a patch can name."""
    truth = {"gain.gain_db": -3.0, "mix.mix": 0.5, "mix.gain.gain_db": 8.0}
    return effect_result(0.5, chain=build(SPEC)[0], truth=truth, steps=12, **options)


def test_every_file_holds_what_was_found(tmp_path: Path) -> None:
    result = known()
    write_effect(result, tmp_path / "run")
    assert set(result.files) == {
        "output.wav", "dry.wav", "wet.wav", "difference.wav", "a pluck.patch.safetensors", "config.yaml", "knobs.json",
        "history.csv", "report.html", "approach.gif",
    }  # fmt: skip
    assert all(path.stat().st_size > 100 for path in result.files.values())
    sounds = {name: soundfile.read(result.files[f"{name}.wav"])[0] for name in ("output", "dry", "wet", "difference")}
    assert_close(sounds["output"], result.output.samples[0], 0)
    assert_close(sounds["difference"], sounds["wet"] - sounds["output"], 1e-7)
    rack = load_rack(result.files["a pluck.patch.safetensors"])
    assert_close(rack.process(result.dry.samples, 16_000), result.output.samples, 1e-6)
    assert yaml.safe_load(result.files["config.yaml"].read_text())["target_esr"] == result.settings.target_esr
    assert result.seconds["write"] > 0
    assert result.folder == tmp_path / "run"


def test_the_tables_hold_every_number(tmp_path: Path) -> None:
    result = known()
    write_effect(result, tmp_path / "run")
    knobs = json.loads(result.files["knobs.json"].read_text())
    assert set(knobs["knobs"]) == {"gain.gain_db", "mix.mix", "mix.gain.gain_db"}
    assert knobs["knobs"]["mix.mix"] == {
        "value": float(result.rack.knobs["mix.mix"]), "unit": "", "low": 0.0, "high": 1.0, "curve": "linear",
        "neutral": 1.0,
    }  # fmt: skip
    assert knobs["effects"] == SPEC
    assert knobs["esr"] == pytest.approx(result.esr)
    rows = list(csv.reader(result.files["history.csv"].read_text().splitlines()))
    assert rows[0] == ["step", "seconds", "loss", "gain.gain_db", "mix.mix", "mix.gain.gain_db"]
    assert len(rows) == 13
    assert float(rows[-1][3]) == pytest.approx(float(result.history[-1].knobs["gain.gain_db"]))


def test_a_row_of_knobs_takes_a_column_each(tmp_path: Path) -> None:
    result = effect_result(0.3, steps=4)
    write_effect(result, tmp_path / "run")
    rows = list(csv.reader(result.files["history.csv"].read_text().splitlines()))
    assert rows[0][3:5] == ["taps.taps[0]", "taps.taps[1]"]
    assert {len(row) for row in rows} == {3 + 15}
    assert_close([float(v) for v in rows[2][3:15]], result.history[1].knobs["taps.taps"], 1e-8)


def test_a_run_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    write_effect(known(), tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with files_no_larger_than(100_000), pytest.raises(OutputError, match="too large"):  # the page is
        write_effect(known(), tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_may_be_replaced(tmp_path: Path) -> None:
    write_effect(known(), tmp_path / "run")
    assert is_run(tmp_path / "run")


def test_nothing_is_animated_without_a_history(tmp_path: Path) -> None:
    result = known(history=[])
    write_effect(result, tmp_path / "run")
    assert "approach.gif" not in result.files
    assert "report.html" in result.files


def test_the_approach_runs_from_neutral_to_the_result() -> None:
    """At most 24 outputs, the last that of the rack, warmed up by what lies before the excerpt."""
    result = effect_result(6.0, 8_000, steps=100)
    approach = approach_of(result)
    assert approach is not None
    assert 12 <= len(approach.outputs) <= 24
    steps = [step for step, _, _ in approach.outputs]
    assert steps[0] == 0 and steps[-1] == 99 and steps == sorted(steps)
    assert approach.wet.shape == (1, 4 * 8_000)
    begin = approach.wet[0, :50].astype(np.float32)
    start = next(i for i in range(2 * 8_000 + 1) if np.array_equal(result.wet.samples[0, i : i + 50], begin))
    assert_close(approach.outputs[-1][2], result.output.samples[:, start : start + 4 * 8_000], 1e-6)
    errors = [ratio for _, ratio, _ in approach.outputs]
    assert errors[0] > 20 * errors[-1]
    truth = np.square(approach.wet - approach.outputs[3][2]).sum() / np.square(approach.wet).sum()
    assert errors[3] == pytest.approx(truth)


def test_chains_in_words() -> None:
    chain = build(["gain", {"parallel": ["gain", ["gain", "gain"]]}, {"mix": ["gain", "gain"]}])[0]
    assert chain_words(chain) == "gain → parallel(gain | gain → gain) → mix(gain → gain)"
    assert chain_words(build([])[0]) == "nothing"
    assert chain_words(Gain()) == "gain"
    assert chain_words(Taps()) == "taps"
    assert all(chain_words(kind()).startswith(name) for name, kind in processors().items())
