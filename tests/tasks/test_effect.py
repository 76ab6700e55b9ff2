"""From a dry and a wet sound to the knobs between them."""

import numpy as np
import pytest
import scipy.signal

from ddsp_match.analysis.decay import rt60
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.build import build
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.identify import Identifier
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.patch import load_rack
from ddsp_match.tasks import effect as task
from ddsp_match.tasks.effect import effect
from tests.compare import assert_close

RATE = 16_000


def noise(seconds: float = 1.5, channels: int = 1, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal((channels, int(seconds * RATE)))).astype(np.float32)


def late(samples: np.ndarray, by: int) -> np.ndarray:
    return np.pad(samples, ((0, 0), (by, 0)))


def test_a_clipped_late_and_inverted_copy():
    dry = noise()
    wet = -late(np.clip(dry, -0.15, 0.22), 37)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["clip"]))
    assert found.matched
    assert found.alignment.whole_samples == 37 and found.rack.polarity == -1.0
    assert_close([found.rack.knobs["clip.low"], found.rack.knobs["clip.high"]], [-0.15, 0.22], 1e-6)
    assert found.esr_unseen is not None and found.esr_unseen < 1e-10
    assert found.seen[1] == round(0.8 * found.wet.n_samples)
    # What is played is what was recorded, polarity included.
    assert_close(found.output.samples, found.wet.samples, 1e-5)


def test_the_unseen_part_is_not_fitted():
    dry = noise()
    wet = 0.5 * dry
    wet[:, -2000:] *= 3
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["gain"], holdout=0.2))
    assert_close(found.rack.knobs["gain.gain_db"], 20 * np.log10(0.5), 0.01)
    assert found.esr_seen < 1e-8 and found.esr_unseen > 0.1
    whole = effect(dry, wet, RATE, settings=EffectSettings(effects=["gain"], holdout=0.0))
    assert whole.esr_unseen is None and whole.seen == (0, whole.wet.n_samples)


def test_an_end_that_is_silent_is_not_what_is_judged():
    dry = noise(4.0)
    dry[:, 2 * RATE :] *= np.exp(-np.arange(2 * RATE) / 500)
    wet = np.clip(0.5 * dry, -0.08, 0.1)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["gain", "clip"], holdout=0.2))
    assert abs(found.seen[1] - 0.8 * 2.1 * RATE) < 0.1 * RATE
    assert found.esr_unseen is not None and found.esr_unseen < 1e-8
    # It is the clipping that is seen there, which a gain alone does not explain.
    assert found.esr_gain > 1e-3


def test_unrelated_sounds_are_no_match():
    found = effect(noise(seed=1), noise(seed=2), RATE, settings=EffectSettings(effects=["gain"], starts=2))
    assert not found.matched and found.verdict.headline.startswith("no match")
    assert found.esr_gain > 0.9


def test_a_delay_explains_lateness_by_itself():
    dry = noise()
    wet = late(dry, 320)[:, : dry.shape[1]]
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["delay"]))
    assert found.rack.latency == 0.0
    assert_close(found.rack.knobs["delay.delay_ms"], 20.0, 1e-4)
    assert any("left as it is" in note for note in found.notes)


def test_a_real_room_keeps_its_decay():
    rng = np.random.default_rng(5)
    t = np.arange(RATE // 2) / RATE
    ir = 0.05 * rng.standard_normal(len(t)) * 10 ** (-3 * t / 0.4)
    ir[0] = 1.0
    dry = noise(3.0)
    wet = np.convolve(dry[0], ir)[None, : dry.shape[1]].astype(np.float32)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=[{"reverb": {"bands": 6}}]))
    true = rt60(ir, RATE, np.array([500.0, 1000.0, 2000.0, 4000.0])).rt60_s
    assert_close(found.rack.knobs["reverb.rt60_s"][2:] / true, np.ones(4), 0.1)
    assert "spectr" in found.verdict.headline
    assert found.by_ear == "chance has a part in them" and f"distance {found.loss:.2g}" in found.verdict.headline


def test_a_run_folder_and_its_patch(tmp_path):
    dry = noise()
    out = tmp_path / "run"
    settings = EffectSettings(effects=["gain"])
    found = effect(dry, 0.25 * dry, RATE, settings=settings, out=out, name="quarter")
    assert {path.suffix for path in out.iterdir()} >= {".wav", ".html", ".gif", ".safetensors", ".yaml"}
    rack = load_rack(out / "quarter.patch.safetensors")
    assert_close(rack.process(dry, RATE), found.output.samples, 1e-6)
    with pytest.raises(OutputError):
        effect(dry, dry, RATE, settings=settings, out=out)


@pytest.mark.parametrize(
    ("spec", "words"),
    [([], "no effects"), (["freeverbb"], "freeverb"), ([{"clip": {"hihg": 0.5}}], "high"), (["clip", 3], "3")],
)
def test_a_chain_that_does_not_exist(spec, words):
    with pytest.raises(ConfigError, match=words):
        effect(noise(), noise(), RATE, settings=EffectSettings(effects=spec))


def test_interrupted_it_keeps_the_best_so_far():
    dry = noise()
    found = effect(dry, np.tanh(3 * dry), RATE, settings=EffectSettings(effects=["waveshaper"]), stop=lambda: True)
    assert np.isfinite(found.esr)
    assert found.stop_reason is StopReason.INTERRUPTED


def test_lateness_beyond_a_chain_s_reach_is_aligned_after_all():
    dry = noise()
    taps = np.zeros(32)
    taps[[0, 5]] = 0.6, -0.3
    wet = late(np.convolve(dry[0], taps)[None, : dry.shape[1]].astype(np.float32), 900)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["fir"]))
    assert found.esr < 1e-8 and round(found.rack.latency) == 900
    assert_close(found.rack.knobs["fir.taps"], taps, 1e-4)


def test_what_comes_early_is_moved_whatever_the_chain():
    dry = noise()
    found = effect(late(dry, 200), dry, RATE, settings=EffectSettings(effects=["delay"]))
    assert round(found.rack.latency) == -200 and found.esr < 1e-8


def test_a_filter_s_own_delay_is_not_taken_for_a_latency():
    dry = scipy.signal.sosfilt(scipy.signal.butter(6, 1000.0, fs=RATE, output="sos"), noise()).astype(np.float32)
    chain, _ = build(["lowpass", "clip"])
    knobs = {"lowpass.cutoff_hz": 900.0, "lowpass.q": 0.6, "lowpass.mix": 1.0, "clip.low": -0.1, "clip.high": 0.08}
    wet = Rack(chain, knobs, RATE).process(dry, RATE)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["lowpass", "clip"]))
    assert found.alignment.whole_samples != 0 and found.rack.latency == 0.0
    assert found.esr < 1e-10
    assert_close(found.rack.knobs["lowpass.cutoff_hz"], 900.0, 0.01)


@pytest.fixture
def searches(monkeypatch):
    """The searches that are begun, by what they are begun with."""
    begun = []

    class Noted(Identifier):
        def __init__(self, *arguments, **options):
            begun.append(options)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(task, "Identifier", Noted)
    return begun


def test_two_alignments_share_one_budget_and_one_bar(searches):
    dry, steps = noise(), []
    settings = EffectSettings(effects=["fir"], budget_s=60.0)
    wet = late(np.tanh(5 * dry), 900)
    effect(dry, wet, RATE, settings=settings, on_step=lambda *step: steps.append(step))
    assert len(searches) == 2 and searches[0]["began"] == searches[1]["began"] is not None
    done, at_most, _, lowest = zip(*steps, strict=True)
    assert list(done) == sorted(done) and len(set(at_most)) == 1 and done[-1] <= at_most[0]
    assert list(lowest) == sorted(lowest, reverse=True)


def test_where_the_budget_is_spent_no_other_alignment_is_tried(searches):
    dry = noise()
    wet = late(np.tanh(5 * dry), 900)
    effect(dry, wet, RATE, settings=EffectSettings(effects=["fir"], budget_s=1e-3))
    assert len(searches) == 1


def test_where_the_target_is_reached_no_other_alignment_is_tried(searches):
    dry = noise()
    wet = late(0.5 * dry, 3)[:, : dry.shape[1]] + 0.005 * noise(seed=1)
    found = effect(dry, wet, RATE, settings=EffectSettings(effects=["gain"], target_esr=1e-3))
    assert found.stop_reason is StopReason.TARGET and found.esr_seen > 1e-6 and len(searches) == 1


def test_a_latency_longer_than_a_filter_s_delay_is_not_searched_twice(searches):
    dry = noise()
    found = effect(dry, late(np.tanh(5 * dry), 6), RATE, settings=EffectSettings(effects=["gain"]))
    assert found.esr_seen > 1e-3 and found.rack.latency == 6 and len(searches) == 1
