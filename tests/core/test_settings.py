"""Settings refuse what is not allowed by name, and say what is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ddsp_match.cli.values import FLAGS
from ddsp_match.config import setting_keys
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import (
    DatasetSettings,
    EffectSettings,
    EngineSettings,
    F0Settings,
    FitSettings,
    InitSettings,
    LossSettings,
    ModelSettings,
    OptimizerSettings,
    SynthSettings,
)

SECTIONS = {
    "f0": F0Settings,
    "synth": SynthSettings,
    "init": InitSettings,
    "model": ModelSettings,
    "loss": LossSettings,
    "optimizer": OptimizerSettings,
    "dataset": DatasetSettings,
    "engine": EngineSettings,
}
KINDS = (FitSettings, EffectSettings)
NUMBERS, WORDS = (
    [(kind, key) for kind in KINDS for key, parameter in setting_keys(kind).items() if matters(parameter)]
    for matters in (lambda p: p.kind in ("number", "whole"), lambda p: p.choices)
)


def with_value(key: str, value: object, kind: type = FitSettings) -> FitSettings | EffectSettings:
    section, _, name = key.rpartition(".")
    if not section:
        return kind(**{name: value})
    return FitSettings(**{section: SECTIONS[section](**{name: value})})


def read(settings: FitSettings | EffectSettings, key: str) -> object:
    section, _, name = key.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, name)


@pytest.mark.parametrize(("kind", "key"), NUMBERS)
def test_a_number_just_outside_its_range_is_refused_and_its_bounds_are_allowed(kind, key):
    parameter = setting_keys(kind)[key]
    low, high = parameter.low, parameter.high
    as_list = parameter.size is None
    step = 1 if parameter.kind == "whole" else 1e-3
    outside = [low - step, high + step] + ([low] if parameter.above else [])
    for value in outside:
        with pytest.raises(ConfigError) as refused:
            with_value(key, [value] if as_list else value, kind)
        assert str(refused.value).startswith(f"{key}: found ")
        assert parameter.allowed in str(refused.value)
    needs = {"f0.min_hz": None, "f0.max_hz": None, "loss.linear": None}
    if key not in needs:
        value = [int(high)] if as_list else int(high) if step == 1 else float(high)
        assert read(with_value(key, value, kind), key) == value


@pytest.mark.parametrize(("kind", "key"), WORDS)
def test_only_the_listed_words_are_taken(kind, key):
    choices = setting_keys(kind)[key].choices
    with pytest.raises(ConfigError, match=f"^{key}: found 'nonsense'; needed: {choices[0]} "):
        with_value(key, "nonsense", kind)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("synth.n_harmonics", 3.5),
        ("synth.n_harmonics", "60"),
        ("synth.n_harmonics", True),
        ("synth.noise", 1),
        ("synth.max_harmonics", None),
        ("optimizer.lr", float("nan")),
        ("optimizer.lr", "fast"),
        ("loss.fft_sizes", 512),
        ("loss.fft_sizes", []),
        ("loss.fft_sizes", [512, 3.5]),
        ("f0.path", 3),
        ("f0.path", ""),
        ("seed", "0"),
    ],
)
def test_a_wrong_type_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=f"^{key}: found "):
        with_value(key, value)


def test_numbers_of_numpy_become_plain_ones():
    synth = SynthSettings(n_harmonics=np.int64(60))
    optimizer = OptimizerSettings(lr=np.float32(0.5), budget_s=20)
    assert type(synth.n_harmonics) is int and synth.n_harmonics == 60
    assert type(optimizer.lr) is float and optimizer.lr == 0.5
    assert type(optimizer.budget_s) is float


def test_settings_that_need_one_another():
    with pytest.raises(ConfigError, match=r"^f0.path: .*f0.csv"):
        F0Settings(source="csv")
    with pytest.raises(ConfigError, match=r"^f0.hz: .*f0.hz=220") as refused:
        F0Settings(source="constant")
    assert "--" not in str(refused.value) and "--f0 220" in refused.value.text(FLAGS)
    with pytest.raises(ConfigError, match=r"^f0.min_hz: found 500 Hz; needed: less than f0.max_hz \(400 Hz\)"):
        F0Settings(min_hz=500, max_hz=400)
    with pytest.raises(ConfigError, match=r"^loss: found every weight 0"):
        LossSettings(linear=0, log=0)
    assert LossSettings(linear=0, log=0, waveform=1).waveform == 1


def test_a_section_must_be_of_its_class():
    with pytest.raises(ConfigError, match=r"^f0: .*F0Settings"):
        FitSettings(f0={"source": "crepe"})


def test_a_chain_is_copied_to_plain_data():
    inner = {"high": np.float32(0.5), "order": np.int64(4), "hard": True, "bands": (1, 2)}
    given = ["iir", {"clip": inner}, {"mix": ["gain", ("gain",)]}]
    effects = EffectSettings(effects=given).effects
    inner["high"] = 3
    plain = {"high": 0.5, "order": 4, "hard": True, "bands": [1, 2]}
    assert effects == ["iir", {"clip": plain}, {"mix": ["gain", ["gain"]]}]
    assert [type(value) for value in effects[1]["clip"].values()] == [float, int, bool, list]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [3, None, {"clip": 1}, [3], [None], [{3: "a"}], [{"clip": {"high": float("inf")}}]])
def test_what_is_no_chain_is_refused(kind, value):
    with pytest.raises(ConfigError, match=r"^effects: found .*needed: a list of processors, \[clip\]"):
        kind(effects=value)
    with pytest.raises(ConfigError, match=r"^effects: found 'clip'.*try: effects=\[clip\]"):
        kind(effects="clip")


def test_a_list_given_to_settings_is_copied():
    sizes = [512, 64]
    settings = LossSettings(fft_sizes=sizes)
    sizes.append(3)
    assert settings.fft_sizes == [512, 64]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_it_means(kind):
    for key, parameter in setting_keys(kind).items():
        assert parameter.meaning.endswith("."), key
        assert len(parameter.meaning) > 15, key


def test_importing_the_settings_imports_neither_torch_nor_numpy_nor_hydra():
    heavy = "import ddsp_match.core.settings, sys; print({'torch', 'numpy', 'hydra', 'omegaconf'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("section", "name", "value"), [("synth", "phase", "zero"), ("init", "kind", "random"), ("", "effects", ["reverb"])]
)
def test_a_first_guess_that_is_not_close_gets_more_steps(section, name, value):
    settings = FitSettings()
    near = settings.resolved().optimizer.steps
    setattr(getattr(settings, section) if section else settings, name, value)
    assert settings.resolved().optimizer.steps > near
    settings.optimizer.steps = 7
    assert settings.resolved().optimizer.steps == 7
