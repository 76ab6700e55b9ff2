"""conf/ composes into settings; what it must not accept is refused by name."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import ddsp_match.config as config
from ddsp_match.config import folders, plugins
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import EffectSettings, F0Settings, FitSettings, SynthSettings
from ddsp_match.runs.engines.machine import cores
from ddsp_match.tasks.run_folder import write_config

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = [f"{group}={option}" for group, options in config.groups().items() for option in options]
NEEDS = {"f0=csv": ["f0.path=f0.csv"], "f0=constant": ["f0.hz=220"]}


def test_options_that_are_taken_when_none_is_named_change_no_default():
    assert config.build() == FitSettings()
    assert config.build_effect() == EffectSettings()


@pytest.mark.parametrize("kind", [FitSettings, EffectSettings])
def test_every_setting_is_composed_and_nothing_else(kind):
    def keys(tree: dict, prefix: str = "") -> set[str]:
        inner = [
            keys(v, f"{prefix}{k}.") if isinstance(v, dict) else {f"{prefix}{k}"} for k, v in tree.items()
        ]
        return set().union(*inner)

    built = config.build() if kind is FitSettings else config.build_effect()
    assert keys(dataclasses.asdict(built)) == set(config.setting_keys(kind))


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_every_group_builds(option):
    settings = config.build([option, *NEEDS.get(option, [])])
    assert isinstance(settings, FitSettings)


def test_the_groups_are_the_folders_of_conf():
    folders = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()} - {"effect"}
    assert set(config.groups()) == folders
    assert config.groups()["f0"] == ["constant", "crepe", "csv", "pyin", "tiny"]
    assert not [option for option in OPTIONS if "=_" in option]
    assert config.groups(kind=EffectSettings) == {}


@pytest.mark.parametrize("path", sorted((ROOT / "conf").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_number_in_conf_has_its_unit_and_reason_beside_it(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(r"\s*\w+: *-?[\d.]", line):
            assert re.search(r"#.{12,}", line), f"{path.name}: {line}"


def test_options_do_what_their_names_say():
    assert config.build(["f0=tiny"]).f0.model == "tiny"
    assert config.build(["f0=pyin"]).f0.source == "pyin"
    assert config.build(["phase=zero"]).synth.phase == "zero"
    assert config.build(["init=random"]).init.kind == "random"
    steps = [config.build([f"quality={name}"]).optimizer.n_steps for name in ("draft", "default", "best")]
    assert steps[0] < steps[1] < steps[2]
    for name in ("convergence", "mel", "loudness", "waveform"):
        assert getattr(config.build().loss, name) == 0 < getattr(config.build([f"loss={name}"]).loss, name)


def test_a_key_on_the_command_line_wins_over_every_group():
    settings = config.build(["optimizer.steps=7", "quality=best", "phase=zero", "synth.phase=static"])
    assert settings.optimizer.steps == 7
    assert settings.synth.phase == "static"


def test_lists_null_and_text_with_spaces_come_through():
    settings = config.build(
        ["loss.fft_sizes=[512,64]", "synth.n_harmonics=null", "f0=csv", "f0.path='my f0.csv'"]
    )
    assert settings.loss.fft_sizes == [512, 64]
    assert settings.synth.n_harmonics is None
    assert settings.f0.path == "my f0.csv"


@pytest.mark.parametrize(
    "path", ["plain.csv", "it's.csv", "a b.csv", "a,b=[c]{d}.csv", "back\\slash", "end\\", "ü\"'"]
)
def test_a_quoted_path_is_read_back_unchanged(path):
    assert config.build(["f0=csv", f"f0.path={config.quoted(path)}"]).f0.path == path


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("synth.n_harmonic=60", r"'synth.n_harmonic'.*synth.noise_seed; try: synth.n_harmonics"),
        ("lr=0.1", r"'lr'.*try: optimizer.lr"),
        ("los=mel", r"'los'.*try: loss"),
        ("+foo=1", r"'foo'.*one of .*effects, engine, engine.…, f0, "),
        ("seed.x=1", r"'seed.x'"),
        ("loss=mell", r"^loss: found 'mell'; needed: convergence \| loudness \| mel \| mrstft .*try: mel"),
        ("quality=drafty", r"^quality: found 'drafty'; needed: best \| default \| draft; try: draft"),
        ("synth.n_harmonics=many", r"^synth.n_harmonics: found 'many'; needed: a whole number, 1 to 1000"),
        ("synth.n_harmonics=0", r"^synth.n_harmonics: found 0 harmonics; needed: a whole number, 1 to 1000"),
        ("seed=1.5", r"^seed: found 1.5; needed: a whole number"),
        ("synth.noise=maybe", r"^synth.noise: found 'maybe'; needed: true \| false"),
        ("loss.fft_sizes=[64,x]", r"^loss.fft_sizes.*needed: whole numbers, 16 to"),
        ("optimizer.lr=0", r"^optimizer.lr: found 0; needed: above 0, at most 1"),
        ("loss.mel={a:1}", r"^loss.mel: found \{'a': 1\}"),
        ("f0.source=grape", r"^f0.source: found 'grape'; needed: crepe \|"),
        ("f0=csv", r"^f0.path: "),
        ("f0={a:1}", r"f0"),
        ("hydra/launcher=nowhere", r"hydra/launcher"),
        ("seed=[1,2", r"'seed=\[1,2', which does not parse.*needed: key=value"),
        ("seed=1,2", r"'seed=1,2', a sweep.*--multirun"),
    ],
)
def test_what_cannot_be_is_refused_by_name_with_what_can(override, message):
    with pytest.raises(ConfigError, match=message):
        config.build([override])


@pytest.mark.parametrize("build", [config.build, config.build_effect])
def test_a_chain_of_effects_is_plain_data(build):
    assert build(["effects=[iir,clip]"]).effects == ["iir", "clip"]
    assert build(["effects=[{iir: {order: 4}}, clip]"]).effects == [{"iir": {"order": 4}}, "clip"]
    spec = ["gain", {"parallel": ["gain", ["gain", {"clip": {"high": 0.5, "hard": True}}]]}, {"fir": None}]
    text = "[gain,{parallel:[gain,[gain,{clip:{high:0.5,hard:true}}]]},{fir:null}]"
    assert build([f"effects={text}"]).effects == spec
    assert build(["effects=[]"]).effects == []
    assert type(build(["effects=[{iir:{order:4}}]"]).effects[0]) is dict


@pytest.mark.parametrize("build", [config.build, config.build_effect])
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("effects=reverb", r"^effects: found 'reverb'; needed: a list of processors.*try: effects=\[reverb\]"),
        ("effects=iir,clip", r"'effects=iir,clip', a sweep; needed: one value; try: effects=\[iir,clip\], or --multi"),
        ("effects={iir:3}", r"^effects: found \{iir:3\}; needed: a list of processors.*try: effects='\[\{iir:3\}\]'"),
        ("effects=[3]", r"^effects: found \[3\]; needed: a list of processors"),
        ("effects=null", r"^effects: found None; needed: a list"),
        ("effects=[{clip:{high:nan}}]", r"^effects: found "),
        ("efects=[clip]", r"'efects', which is no setting.*try: effects"),
    ],
)
def test_what_is_no_chain_is_refused(build, override, message):
    with pytest.raises(ConfigError, match=message):
        build([override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("los=both", r"'los', which is no setting.*one of align, .*try: loss"),
        ("loss=mel", r"^loss: found 'mel'; needed: auto \| waveform \| mrstft \| both"),
        ("synth.n_harmonics=3", r"'synth.n_harmonics', which is no setting"),
        ("holdout=0.6", r"^holdout: found 0.6; needed: 0 to 0.5"),
        ("starts=0", r"^starts: found 0 starts; needed: a whole number, 1 to"),
        ("align=perhaps", r"^align: found 'perhaps'; needed: true \| false"),
        ("loss.mel=1", r"'loss.mel'"),
    ],
)
def test_the_settings_of_an_effect_are_their_own(override, message):
    with pytest.raises(ConfigError, match=message):
        config.build_effect([override])
    assert config.build_effect(["loss=both", "budget_s=3"]).loss == "both"


def test_a_sweep_over_chains_is_checked():
    words = ["effects=[clip],[svf,clip],[compressor]", "loss=waveform,both"]
    assert config.check(words, kind=EffectSettings) == ["effects", "loss"]
    assert config.check(["effects=svf,[clip]"], kind=EffectSettings) == ["effects"]  # the first of them will fail
    with pytest.raises(ConfigError, match=r"effects=\[svf\]"):
        config.check(["effects=svf,clip"], kind=EffectSettings)


def test_a_sweep_says_which_keys_differ():
    assert config.check(["synth.n_harmonics=20,40", "seed=3", "loss=mrstft,mel"]) == ["synth.n_harmonics", "loss"]
    assert config.check(["seed=range(1,4)", "loss=glob(m*)"]) == ["seed", "loss"]
    with pytest.raises(ConfigError, match=r"interval.*hydra/sweeper=optuna"):
        config.check(["optimizer.lr=interval(0.01,0.1)"])


def test_a_sweep_is_refused_where_nothing_in_it_can_be_run():
    for words, message in [
        (["synth.n_harmonics=0,2000"], r"^synth.n_harmonics: found 0"),
        (["synth.n_harmonics=0", "seed=1,2"], r"^synth.n_harmonics: found 0"),
        (["loss=mell,mrst"], r"^loss: found 'mell'.*try: mel"),
        (["loss=mell", "seed=1,2"], r"^loss: found 'mell'"),
        (["seed=1,2", "sed=1,2"], r"'sed', which is no setting.*try: seed"),
    ]:
        with pytest.raises(ConfigError, match=message):
            config.check(words)


def test_a_sweep_in_which_something_can_be_run_is_not_refused():
    for words in (
        ["synth.n_harmonics=0,20", "optimizer.lr=0,0.1"],  # neither first value
        ["f0.min_hz=500,20", "f0.max_hz=400,600"],  # the first ones clash with each other
        ["synth.n_harmonics=0,20,0,0", "optimizer.lr=0,0,0.1"],
    ):
        assert len(config.check(words)) == 2


def test_options_that_no_group_has_are_left_out_and_kept_as_refused_jobs():
    plan = config.plan(["loss=mrstft,mell", "seed=1,2", "optimizer.steps=5"])
    assert plan.overrides == ["loss=mrstft", "seed=1,2", "optimizer.steps=5"]
    assert plan.swept == ["loss", "seed"]
    assert [values for values, _ in plan.refused] == [{"loss": "mell", "seed": "1"}, {"loss": "mell", "seed": "2"}]
    assert "try: mel" in str(plan.refused[0][1])
    drawn = config.plan(["hydra/sweeper=optuna", "loss=mrstft,mell", "optimizer.lr=interval(0.01,0.1)"])
    assert [values for values, _ in drawn.refused] == [{"loss": "mell"}]  # nobody knows what would have been drawn


def test_the_longest_name_of_a_job_is_known_beforehand():
    assert config.plan(["synth.n_harmonics=20,100", "seed=1,2", "optimizer.steps=5"]).name_length == len(
        "synth.n_harmonics=100,seed=1"
    )
    assert config.plan(["seed=1"]).name_length == 0
    drawn = config.plan(["hydra/sweeper=optuna", "optimizer.lr=tag(log,interval(0.01,0.1))"])
    assert drawn.name_length >= len("optimizer.lr=0.012345678901234567")


@pytest.mark.parametrize(
    ("word", "package"),
    [
        ("hydra/launcher=joblib", "hydra-joblib-launcher"),
        ("hydra/launcher=submitit_local", "hydra-submitit-launcher"),
        ("hydra/launcher=ray", "hydra-ray-launcher"),
        ("hydra/sweeper=optuna", "hydra-optuna-sweeper"),
    ],
)
def test_a_launcher_that_is_not_installed_is_named_with_its_cure(monkeypatch, word, package):
    monkeypatch.setattr(plugins.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=rf"{package}; try: pip install 'ddsp-match\[sweeps\]'"):
        config.check(["seed=1,2", word])


def test_slurm_is_asked_for_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(plugins, "installed", lambda package: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"submitit_slurm: found no sbatch.*login node; try: hydra/launcher=joblib"):
        config.check(["seed=1,2", "hydra/launcher=submitit_slurm"])


def test_a_sweeper_is_not_told_to_look_for_the_worst(monkeypatch):
    with pytest.raises(ConfigError, match=r"direction: found maximize; needed: minimize"):
        config.check(["seed=1,2", "hydra/sweeper=optuna", "hydra.sweeper.direction=maximize"])


def test_launchers_are_told_what_they_would_do_badly_by_themselves():
    local = plugins.default_words(["hydra/launcher=submitit_local"])
    assert "++hydra.job.env_set.OMP_NUM_THREADS=1" in local
    assert f"hydra.sweeper.max_batch_size={cores()}" in local
    drawn = plugins.default_words(["hydra/sweeper=optuna", "hydra/launcher=submitit_local"], "7")
    assert "hydra.sweeper.sampler.seed=7" in drawn and not [word for word in drawn if "max_batch_size" in word]
    assert plugins.default_words(["hydra/sweeper=optuna", "hydra/sweeper/sampler=grid"]) == ["hydra.sweeper.n_jobs=1"]
    assert plugins.default_words(["seed=1,2"]) == []


def test_yaml_is_read_back_as_the_same_settings(tmp_path):
    settings = FitSettings(
        f0=F0Settings(source="constant", hz=220), synth=SynthSettings(n_harmonics=60), seed=3
    )
    from omegaconf import OmegaConf

    path = tmp_path / "config.yaml"
    write_config(path, "ddsp-match fit a.wav", settings)
    assert config.to_settings(OmegaConf.load(path)) == settings


def test_a_folder_of_further_options_is_found_and_checked(tmp_path):
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "mine.yaml").write_text("mel: 3.5\n")
    (tmp_path / "loss" / "typo.yaml").write_text("mell: 3.5\n")
    assert config.build(["loss=mine"], config_dir=tmp_path).loss.mel == 3.5
    with pytest.raises(ConfigError, match=r"loss.mell.*try: loss.mel"):
        config.build(["loss=typo"], config_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"^loss: found 'mine'"):
        config.build(["loss=mine"])


def test_conf_is_found_beside_the_package_and_inside_it(tmp_path, monkeypatch):
    assert config.conf_dir() == ROOT / "conf"
    package = tmp_path / "ddsp_match"
    shutil.copytree(ROOT / "conf", package / "conf")
    monkeypatch.setattr(folders, "__file__", str(package / "config" / "folders.py"))
    assert config.conf_dir() == package / "conf"
    assert config.build(["loss=mel"]).loss.mel > 0
    shutil.rmtree(package / "conf")
    with pytest.raises(ConfigError, match=r"no conf/config.yaml"):
        config.conf_dir()


def test_composing_leaves_hydra_as_it_was():
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        config.build()
        assert GlobalHydra.instance().hydra is before
    config.build()
    assert not GlobalHydra.instance().is_initialized()


def test_settings_are_composed_by_several_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: config.build([f"optimizer.steps={n}"]), range(1, 9)))
    assert [settings.optimizer.n_steps for settings in found] == list(range(1, 9))
