import time

import numpy as np
import pytest
import torch

from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.build import build
from ddsp_match.effects.chain import Serial
from ddsp_match.effects.gain import Gain
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.candidates import guessed, scattered
from ddsp_match.fitting.identify import Identifier
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.pair_problem import Coordinates, PairProblem
from tests.compare import assert_close

RATE = 16_000


def noise(n: int = 8000, channels: int = 1) -> np.ndarray:
    return 0.2 * np.random.default_rng(0).standard_normal((channels, n))


def search(spec, wet, dry, **settings):
    chain, held = build(spec)
    return Identifier(chain, held, dry, wet, RATE, EffectSettings(effects=spec, **settings)).run()


@pytest.mark.parametrize("solver", ["lm", "lbfgs", "adam"])
def test_every_solver_finds_a_filter_and_a_clipper(solver):
    dry = noise()
    truth = {"one_pole.cutoff_hz": 1500.0, "one_pole.mix": 1.0, "clip.low": -0.08, "clip.high": 0.11}
    truth = {key: value for key, value in truth.items() if key in Rack.of(["one_pole", "clip"], RATE).knobs}
    rack = Rack.of(["one_pole", "clip"], RATE, truth)
    found = search(["one_pole", "clip"], rack.process(dry, RATE), dry, solver=solver)
    assert found.loss < {"lm": 1e-11, "lbfgs": 1e-6, "adam": 1e-4}[solver]
    if solver == "lm":
        for name, value in truth.items():
            assert_close(found.knobs[name], value, 1e-4 * abs(value))


def test_the_way_leads_from_neutral_to_what_was_found():
    dry = noise()
    found = search(["gain"], 0.5 * dry, dry)
    assert_close(found.knobs["gain.gain_db"], 20 * np.log10(0.5), 1e-6)
    assert found.history[0].knobs["gain.gain_db"] == 0.0
    assert_close(found.history[0].loss, 1.0, 1e-9)
    assert_close(found.history[-1].knobs["gain.gain_db"], found.knobs["gain.gain_db"], 1e-6)
    assert found.reason in (StopReason.TARGET, StopReason.PLATEAU)


def test_two_knobs_that_do_the_same_are_called_ambiguous():
    dry = noise()
    found = search(["gain", "gain"], 0.5 * dry, dry)
    assert found.loss < 1e-10
    assert found.ambiguous == ["gain.gain_db", "gain2.gain_db"]
    assert search(["gain"], 0.5 * dry, dry).ambiguous == []


def test_a_held_knob_stays():
    dry = noise()
    found = search([{"gain": {"gain_db": -3.0}}, "gain"], 0.5 * dry, dry)
    assert float(found.knobs["gain.gain_db"]) == -3.0
    assert_close(found.knobs["gain2.gain_db"], 20 * np.log10(0.5) + 3.0, 1e-5)


def test_segments_add_up_to_the_whole():
    dry = noise(3 * RATE)
    rack = Rack.of(["one_pole"], RATE)
    chain = rack.chain
    wet = 0.5 * dry
    whole = PairProblem(chain, {}, dry, wet, RATE)
    parts = PairProblem(chain, {}, dry, wet, RATE, segment_s=0.7)
    assert len(whole.segments) == 1 and len(parts.segments) == 5
    rows = whole.coordinates.pack(whole.like)[None] * 0.9 + 0.05
    total = sum(piece.square().sum() for piece in whole.residuals(rows))
    pieces = sum(piece.square().sum() for piece in parts.residuals(rows))
    assert_close(pieces, total, 1e-9)


@pytest.mark.parametrize("loss", ["mrstft", "both"])
def test_spectral_distances_find_the_gain_too(loss):
    dry = noise()
    found = search(["gain"], 0.5 * dry, dry, loss=loss)
    assert_close(found.knobs["gain.gain_db"], 20 * np.log10(0.5), 1e-3)


def test_a_polarity_flip_costs_the_waveform_loss_and_not_the_spectral_one():
    dry = noise()
    chain = Serial((Gain(),))
    for loss, expected in (("waveform", 4.0), ("mrstft", 0.0)):
        problem = PairProblem(chain, {}, dry, -dry, RATE, loss=loss)
        rows = problem.coordinates.pack(problem.like)[None]
        assert_close(sum(piece.square().sum() for piece in problem.residuals(rows)), expected, 1e-6)


def test_coordinates_go_there_and_back():
    chain, _ = build(["gain", {"parallel": ["gain", "gain"]}])
    coordinates = Coordinates(chain, {"gain.gain_db": np.asarray(1.0)})
    assert coordinates.names == [
        "parallel.dry",
        "parallel.levels[0]",
        "parallel.levels[1]",
        "parallel.gain.gain_db",
        "parallel.gain2.gain_db",
    ]
    setting = {**chain.arrays({"parallel.levels": [0.3, -1.1]}), "gain.gain_db": np.asarray(1.0)}
    again = coordinates.setting(coordinates.pack(setting), setting)
    for name, value in setting.items():
        assert_close(again[name], value, 1e-12)
    tensors = coordinates.tensors(torch.stack([coordinates.pack(setting)] * 2), setting)
    assert tensors["parallel.levels"].shape == (2, 2) and tensors["parallel.dry"].shape == (2, 1, 1)
    assert tensors["gain.gain_db"].shape == (1, 1, 1)


def test_chance_stays_in_range_and_repeats():
    chain, _ = build(["gain", {"mix": ["gain"]}])
    around = chain.arrays(chain.neutral())
    first = scattered(chain, {}, around, 60, seed=3)
    again = scattered(chain, {}, around, 60, seed=3)
    for one, other in zip(first, again, strict=True):
        chain.tensors(one)  # refuses what lies outside
        assert all(np.array_equal(one[key], other[key]) for key in one)
    moved = np.array([float(setting["gain.gain_db"]) - float(around["gain.gain_db"]) for setting in first])
    # A third lies anywhere, a third nearby; the last third keeps most of its numbers.
    anywhere, near, some = moved[0::3], moved[1::3], moved[2::3]
    assert len({*anywhere, *near}) == 40
    assert np.std(near) < 0.5 * np.std(anywhere)
    assert 10 <= np.sum(some == 0) < 20


def test_parts_are_guessed_behind_one_another():
    dry = noise()
    chain, _ = build(["gain", "gain"])
    wet = 0.1 * dry

    def score(settings):
        total = [float(s["gain.gain_db"]) + float(s["gain2.gain_db"]) for s in settings]
        return np.abs(np.array(total) + 20.0)

    best = guessed(chain, {}, dry, wet, RATE, score)[0]
    assert_close(best["gain.gain_db"] + best["gain2.gain_db"], -20.0, 1e-9)


def test_it_ends_early_with_the_best_so_far():
    dry = noise()
    chain, held = build(["gain", "gain"])
    wet = np.tanh(4 * dry)
    stopped = Identifier(chain, held, dry, wet, RATE, EffectSettings(effects=["gain"]), stop=lambda: True).run()
    assert np.isfinite(stopped.loss) and stopped.loss <= stopped.history[0].loss
    hurried = search(["gain", "gain"], wet, dry, budget_s=1e-6)
    assert np.isfinite(hurried.loss)


class Counted(Gain):
    """A gain that notes what it was asked, and whose samples seem to be drawn by chance."""

    by_chance = True

    def __init__(self):
        self.asked = []

    def guesses(self, dry, wet, sample_rate):
        self.asked.append((dry.tobytes(), wet.tobytes()))
        return super().guesses(dry, wet, sample_rate)


@pytest.mark.parametrize("parts", [1, 2])
def test_no_part_is_asked_twice_about_the_same_two_sounds(parts):
    dry = noise()
    counted = Counted()
    chain = Serial((counted, Gain())[:parts])
    settings = EffectSettings(effects=["gain"], steps=2, starts=2)
    found = Identifier(chain, {}, dry, noise(16_000)[:, 8000:], RATE, settings).run()
    assert found.measure == "mrstft"
    assert 1 <= len(counted.asked) == len(set(counted.asked))


def test_a_part_with_nothing_free_is_not_asked():
    dry, counted = noise(), Counted()
    chain = Serial((counted, Gain()))
    held = {"gain.gain_db": np.asarray(-3.0)}
    guessed(chain, held, dry, 0.5 * dry, RATE, lambda settings: np.zeros(len(settings)))
    assert counted.asked == []


def test_guessing_ends_between_parts_when_told_to():
    dry, first, second = noise(), Counted(), Counted()
    chain = Serial((first, second))

    def score(settings):
        return np.array([abs(float(s["gain.gain_db"]) + 6.0) for s in settings])

    best = guessed(chain, {}, dry, 0.5 * dry, RATE, score, ended=lambda: bool(first.asked))[0]
    assert first.asked and not second.asked
    assert_close(best["gain.gain_db"], 20 * np.log10(0.5), 1e-9)


def test_the_budget_counts_from_when_one_says():
    dry, counted = noise(), Counted()
    settings = EffectSettings(effects=["gain"], budget_s=50.0, loss="waveform")
    began = time.perf_counter() - 100
    found = Identifier(Serial((counted,)), {}, dry, 0.5 * dry, RATE, settings, began=began).run()
    assert found.reason is StopReason.BUDGET and counted.asked == []


def test_no_two_starts_that_are_followed_are_the_same(monkeypatch):
    followed = []
    follow = Identifier._follow

    def noted(self, lines, steps):
        followed.append([tuple(line.place.tolist()) for line in lines])
        return follow(self, lines, steps)

    monkeypatch.setattr(Identifier, "_follow", noted)
    dry = noise()
    search(["gain", "clip"], np.tanh(4 * dry), dry, steps=4, starts=12)
    assert len(followed) > 3
    for places in followed:
        assert len(places) == len({tuple(np.round(place, 7)) for place in places})


def test_a_long_pair_is_searched_in_pieces_and_judged_as_a_whole():
    dry = noise(20 * RATE)
    dry[:, : 3 * RATE] *= 0.01
    rack = Rack.of(["one_pole", "clip"], RATE, {"one_pole.mix": 1.0, "one_pole.cutoff_hz": 2000.0, "clip.high": 0.1})
    wet = rack.process(dry, RATE)
    problem = PairProblem(rack.chain, {}, dry, wet, RATE)
    assert problem.focus(8.0)
    assert len(problem.segments) == 4 and sum(s.last - s.first for s in problem.segments) == 8 * RATE
    rows = problem.coordinates.pack(rack.knobs)[None]
    # The filter has settled where a piece begins: its seams cannot be heard.
    assert sum(float(piece.square().sum()) for piece in problem.residuals(rows)) < 1e-20
    assert problem.segments[0].first == 3 * RATE  # the loud end of the first quarter
    assert not PairProblem(rack.chain, {}, dry[:, : 4 * RATE], wet[:, : 4 * RATE], RATE).focus(8.0)
    found = search(["one_pole", "clip"], wet, dry)
    assert found.loss < 1e-10
    assert_close(found.knobs["clip.high"], 0.1, 1e-6)


@pytest.mark.parametrize(
    ("effect", "knobs"),
    [
        ("chorus", {"rate_hz": 0.7, "depth_ms": 2.0, "wet": 0.9}),
        ("flanger", {"rate_hz": 0.7, "depth_ms": 2.0, "wet": 0.9}),
        ("phaser", {"sweep_hz": 0.7, "mix": 0.7}),
        ("svf", {"sweep_hz": 0.7, "sweep_octaves": 1.0, "high": 0.0}),
    ],
)
def test_a_swing_goes_on_through_the_pieces_of_a_long_pair(effect, knobs):
    chain, _ = build([effect])
    true = chain.arrays({f"{effect}.{name}": value for name, value in knobs.items()})
    dry = noise(14 * RATE)
    wet = Rack(chain, true, RATE).process(dry, RATE)
    problem = PairProblem(chain, {}, dry, wet, RATE, segment_s=3.0)
    problem.like = true
    assert len(problem.segments) > 3
    assert float(problem.loss_of(problem.coordinates.pack(true))) < 1e-10
