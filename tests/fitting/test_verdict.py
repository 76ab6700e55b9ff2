"""The verdict: never kinder to a worse match, and its advice names what helps."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from ddsp_match.fitting.verdict import LEVELS, judge

FINE = {"mrstft": 0.1, "mel_net_db": 0.2, "mel_db": 0.3, "mel_steady_db": 0.2, "loudness_l1_db": 0.3}
FINE |= {"unexplained_share": 0.01, "voiced_share": 0.9, "doubt_share": 0.0, "noise_share": 0.002}
FINE |= {"harmonic_share": 0.98, "snr_db": 20.0}


def rank(pitched: bool = True, **changes: float) -> int:
    """The place of the level that these metrics earn, 0 the best."""
    return LEVELS.index(judge({**FINE, **changes}, pitched=pitched).level)


@pytest.mark.parametrize(
    ("net_db", "level"), [(0.0, "excellent"), (1.2, "good"), (3.0, "fair"), (5.0, "poor"), (math.nan, "poor")]
)
def test_what_chance_does_not_explain_leads(net_db: float, level: str) -> None:
    """Each range of the net mel distance has its level; the waveform and the bins of the spectrum have no say."""
    assert judge({**FINE, "mel_net_db": net_db}).level == level
    assert judge({**FINE, "mel_net_db": net_db, "mrstft": 9.0, "snr_db": -20.0, "mel_db": 9.0}).level == level


def test_without_a_second_draw_the_whole_distance_leads() -> None:
    """Older runs hold no net distance."""
    old = {name: value for name, value in FINE.items() if name != "mel_net_db"}
    assert judge(old).level == "excellent" and judge({**old, "mel_db": 3.0}).level == "fair"


@pytest.mark.parametrize("pitched", [True, False])
@pytest.mark.parametrize("name", ["mrstft", "mel_net_db", "mel_steady_db", "loudness_l1_db"])
@pytest.mark.parametrize("others", [0.1, 0.5, 3.0])
def test_no_metric_improves_the_verdict_by_getting_worse(name: str, pitched: bool, others: float) -> None:
    """Levels only go down as one metric rises, whatever the others are."""
    rest = {"mrstft": others, "mel_net_db": others, "mel_steady_db": others, "loudness_l1_db": others}
    ranks = [rank(pitched, **{**rest, name: 0.05 * step}) for step in range(200)]
    assert all(earlier <= later for earlier, later in pairwise(ranks))


def test_a_wrong_colour_over_time_costs_one_level_but_no_more() -> None:
    """The steady mel distance pulls excellent down to good, never to poor."""
    assert rank(mel_steady_db=0.2) == 0
    assert rank(mel_steady_db=9.0) == 1


def test_noise_is_not_blamed_for_being_another_draw() -> None:
    """Two draws of one noise, as measured, match as well as noise can, with a pitch or without."""
    draws = {
        "mrstft": 0.78,
        "mel_net_db": 0.2,
        "mel_db": 3.5,
        "mel_steady_db": 1.4,
        "loudness_l1_db": 0.33,
        "unexplained_share": 0.434,
        "noise_share": 1.0,
    }
    for pitched in (True, False):
        verdict = judge(draws, pitched=pitched)
        assert verdict.level == "excellent" and "two draws of the same noise" in verdict.headline
        assert not any("explained by neither" in point for point in verdict.weak)


def test_the_waveform_is_praised_only_where_no_noise_counts() -> None:
    """A copy of a sound's noise to the sample is nothing that a listener hears."""
    assert "waveform" in judge(FINE).text()
    assert "waveform" not in judge({**FINE, "noise_share": 0.05}).text()


def test_doubt_about_the_pitch_names_the_note_and_its_octaves() -> None:
    """110 Hz is MIDI 45: that, an octave below and above, and another tracker are offered."""
    verdict = judge({**FINE, "doubt_share": 0.2}, pitch_hz=110.4, settings={"f0": {"source": "crepe"}})
    assert any("20 %" in point for point in verdict.weak)
    (advice,) = [point for point in verdict.advice if "pitch" in point]
    for flag in ("`--midi 45`", "`--midi 33`", "`--midi 57`", "`f0=pyin`", "A2"):
        assert flag in advice


def test_a_tracker_in_doubt_is_not_offered_as_its_own_cure() -> None:
    """Advice after pyin is CREPE."""
    advice = judge({**FINE, "doubt_share": 0.2}, settings={"f0": {"source": "pyin"}}).advice
    assert any("`f0=crepe`" in point for point in advice)
    assert not any("`f0=pyin`" in point for point in advice)


@pytest.mark.parametrize(
    ("stop_reason", "settings", "flag"),
    [
        ("time budget spent", {}, "`--budget`"),
        ("target loss reached", {}, "`optimizer.target_loss`"),
        ("the loss was not finite again and again", {"optimizer": {"lr": 0.08}}, "`optimizer.lr=0.02`"),
        ("", {"synth": {"phase": "zero"}}, "`phase=tracked`"),
        ("", {"synth": {"phase": "zero"}, "model": {"name": "notebook"}}, "`model=exact`"),
        ("", {"model": {"name": "frames", "numbers": 250.0}}, "`model.numbers=null`"),
        ("", {"model": {"name": "frames", "rate_kbps": 6}}, "`model.rate_kbps=null`"),
        ("", {"synth": {"noise": False}}, "`synth.noise=true`"),
        ("", {"synth": {"n_harmonics": 20}}, "`synth.n_harmonics=null`"),
        ("", {}, "`quality=best`"),
    ],
)
def test_advice_names_the_setting_that_helps(stop_reason: str, settings: dict, flag: str) -> None:
    """Each cause has its cure, and only where there is something to cure."""
    fair = {**FINE, "mel_net_db": 3.0}
    assert any(flag in point for point in judge(fair, stop_reason=stop_reason, settings=settings).advice)
    assert judge(FINE, stop_reason=stop_reason, settings=settings).advice == []


def test_best_quality_is_not_advised_twice() -> None:
    """Who asked for the best is not told to."""
    advice = judge({**FINE, "mel_net_db": 5.0}, settings={"quality": "best"}).advice
    assert not any("quality=best" in point for point in advice)


def test_no_pitch_is_said_first() -> None:
    """Headline, weakness and advice all speak of the missing pitch."""
    verdict = judge({**FINE, "harmonic_share": 0.0}, pitched=False)
    assert "No pitch" in verdict.headline
    assert any("No pitch" in point for point in verdict.weak)
    assert "--midi" in verdict.advice[0]


def test_text_has_every_point_on_its_own_line() -> None:
    """The terminal's version leaves nothing out."""
    verdict = judge({**FINE, "mel_net_db": 3.0, "doubt_share": 0.3}, pitch_hz=220.0)
    lines = verdict.text().splitlines()
    assert lines[0] == verdict.headline
    assert len(lines) == 1 + len(verdict.good) + len(verdict.weak) + len(verdict.advice)
    for sign, points in (("+", verdict.good), ("-", verdict.weak), (">", verdict.advice)):
        assert points
        assert all(f"  {sign} {point}" in lines for point in points)


def test_partials_without_a_pitch_are_judged_as_partials_and_not_called_noise() -> None:
    """Where a steady grid plays what has no pitch, tones are not missing and noise is not what is heard."""
    found = judge(FINE, pitched=False)
    assert found.level == "excellent" and "partials on a steady grid" in found.headline
    said = " ".join([found.headline, *found.good, *found.weak])
    assert "missing" not in said and "only the noise" not in said and "draws of one noise" not in said
    assert "mrstft 0.10" in said and judge({**FINE, "mel_net_db": 5.0}, pitched=False).level == "poor"
    alone = judge({**FINE, "harmonic_share": 2e-5, "noise_share": 1.0}, pitched=False)
    assert "only the noise stem plays" in alone.headline and any("missing" in point for point in alone.weak)


def test_few_clear_frames_are_no_weakness_of_what_cannot_be_told_apart() -> None:
    """A struck body rings without a pitch for most of its length."""
    few = {**FINE, "voiced_share": 0.1}
    assert judge(few).weak == []
    assert any("clear pitch" in point for point in judge({**few, "mel_net_db": 3.0}).weak)


@pytest.mark.parametrize(("synth", "advised"), [({"divisions": 1}, True), ({"grid": "f0"}, True), ({}, False)])
def test_what_harmonics_cannot_play_partials_between_them_can(synth: dict, advised: bool) -> None:
    """The advice names the setting where it is not on already; a single note is not told to be one."""
    found = judge({**FINE, "mel_net_db": 5.0, "unexplained_share": 0.3}, settings={"synth": synth})
    assert any("synth.divisions=null synth.grid=auto" in point for point in found.advice) == advised
    assert not any("single note" in point for point in found.advice)


def test_too_few_harmonics_are_the_cause_and_nothing_else_is_advised() -> None:
    """Three harmonics of A4 reach 1320 Hz: neither noise nor more steps play what is above."""
    settings = {"synth": {"n_harmonics": 3, "noise": False, "phase": "zero"}}
    given = {"pitch_hz": 440.0, "nyquist_hz": 8000.0, "settings": settings}
    assert judge({**FINE, "mel_net_db": 9.0}, **given).advice == [
        "Only 3 harmonics were allowed, which reach up to 1320 Hz: `synth.n_harmonics=null` plays all there are."
    ]
    settings["synth"]["n_harmonics"] = 18  # the 19th would lie above Nyquist
    advice = judge({**FINE, "mel_net_db": 9.0}, **given).advice
    assert not any("n_harmonics" in point for point in advice) and any("synth.noise=true" in point for point in advice)


def test_whether_a_listener_could_tell_is_said_by_a_measured_opinion_alone() -> None:
    """The spectrum alone makes no such claim, and a low opinion costs a level, but no more."""
    spectrum = judge(FINE)
    assert spectrum.level == "excellent" and "listener" not in spectrum.text()
    told = judge({**FINE, "mos": 4.43})
    assert told.level == "good" and any("could tell it" in point and "4.43" in point for point in told.weak)
    assert judge({**FINE, "mos": 1.5}).level == "good"
    close = judge({**FINE, "mos": 4.9})
    assert close.level == "excellent" and any("hardly tell" in point for point in close.good)
