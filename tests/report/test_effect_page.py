"""The page of an effect as a file: self-contained, escaped, and what was found stands on it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import OutputError
from ddsp_match.effects.chain import Serial
from ddsp_match.effects.gain import Gain
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.fitting.identify import Step
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report import effect_page
from ddsp_match.report.animation import Animation, animate
from ddsp_match.report.effect_words import value_words, words
from ddsp_match.report.ratios import db_words, ratio_words
from tests.compare import assert_close
from tests.report.effect_reports import Taps, effect_result
from tests.report.test_page import Elements

SPITE = "<script>alert('1')</script><img src=x onerror=alert(2)>\"'&{{data}}</title>"


STILL = Animation(b"GIF89a", b"PNG", "at step 0, at step 9")
PATCH_FILE = ("a pluck.patch.safetensors", 1_234)


@pytest.fixture(scope="module")
def data() -> EffectResult:
    return effect_result()


@pytest.fixture(scope="module")
def page(data: EffectResult) -> Elements:
    return Elements(effect_page.html(data, moving=animate(data), patch_file=PATCH_FILE))


def facts(page: Elements) -> dict[str, Any]:
    return json.loads(page.scripts["data"])


def test_nothing_comes_from_outside(page: Elements) -> None:
    """No address but of data, and only the page's own script may run."""
    addresses = [a[key] or "" for _, a in page.found for key in ("src", "href", "srcset", "data-still") if key in a]
    assert len(addresses) > 6
    assert [one[:40] for one in addresses if not one.startswith(("data:", "#"))] == []
    policy = next(a["content"] or "" for a in page.named("meta") if "http-equiv" in a)
    digest = base64.b64encode(hashlib.sha256(page.scripts["code"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_no_text_becomes_markup() -> None:
    """Names, notes and settings that try to be markup stay text, and are not taken for places in the template."""
    plain = effect_result(0.5, 8_000, steps=3)
    settings = dataclasses.replace(plain.settings, effects=[SPITE])
    spiteful = dataclasses.replace(
        plain, name=SPITE, command=SPITE, verdict=Verdict(SPITE, [], [], [SPITE], "good"), notes=[SPITE],
        settings=settings, seconds={SPITE: 1.0},
    )  # fmt: skip
    before, after = Elements(effect_page.html(plain)), Elements(effect_page.html(spiteful, patch_file=(SPITE, 5)))
    kinds = ("script", "img", "title", "section", "figure")
    assert [len(after.named(kind)) for kind in kinds] == [len(before.named(kind)) for kind in kinds]
    assert sum(SPITE in text for text in after.texts) >= 6


def test_what_was_found_stands_there(data: EffectResult, page: Elements) -> None:
    text = " ".join(page.texts)
    for said in (
        "taps → bend → gain", "15 numbers", "Good: close", "Fitted part, 0.00 to 1.60 s", "Unseen part", "plateau",
        "wet was 0.12 s longer", db_words(data.esr_gain), "bend.drive", "how hard the curve is driven", "(log)",
        "a pluck.patch.safetensors", data.command, "target_esr", "3.62 s", "good", "What to try",
        "bend.offset stands at 1",
    ):  # fmt: skip
        assert said in text, said
    assert text.count("sounds the same at other values") == 2 + 1  # two badges, one sentence


def test_the_bars_stand_at_the_places_in_the_range(data: EffectResult) -> None:
    """Of a knob on a logarithmic range: 5.05 of 0.001 to 20."""
    row = re.search(r"<tr>(?:(?!</tr>).)*bend\.drive(?:(?!</tr>).)*</tr>", effect_page.html(data), re.S)
    assert row
    at = re.search(r'class="at" style="--place:([\d.]+)', row[0])
    rest = re.search(r'class="rest" style="--place:([\d.]+)', row[0])
    assert at and rest
    share = np.log(float(data.rack.knobs["bend.drive"]) / 0.001) / np.log(20 / 0.001)
    assert float(at[1]) == pytest.approx(100 * share, abs=0.06)
    assert float(rest[1]) == 0


def test_the_script_gets_the_way_of_every_knob(data: EffectResult, page: Elements) -> None:
    """Fifteen lines from neutral to the end, those that went furthest first."""
    lines = facts(page)["knobs"]["lines"]
    assert len(lines) == 15
    spans = [np.ptp(line["position"]) for line in lines]
    assert spans == sorted(spans, reverse=True)
    gain = next(line for line in lines if line["name"] == "gain.gain_db")
    assert_close(gain["value"], [step.knobs["gain.gain_db"] for step in data.history], 1e-3)
    assert_close(gain["position"], (np.array(gain["value"]) + 100) / 200, 1e-3)


def with_losses(losses: Any) -> EffectResult:
    """A result of a search with these losses."""
    plain = effect_result(0.3, 8_000, steps=0)
    history = [Step(i, 0.1 * i, float(loss), plain.rack.knobs) for i, loss in enumerate(losses)]
    return dataclasses.replace(plain, history=history)


def test_a_small_loss_is_not_rounded_away() -> None:
    plain = with_losses([1.0, 3e-9, 2.5e-12])
    assert facts(Elements(effect_page.html(plain)))["loss"]["best"] == [1.0, 3e-9, 2.5e-12]


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    made = facts(Elements(effect_page.html(with_losses(np.geomspace(1, 1e-6, 5_000)))))["loss"]
    assert len(made["step"]) <= 300
    assert made["step"][0] == 0 and made["step"][-1] == 4_999


def test_a_linear_chain_shows_its_exact_response() -> None:
    """Of taps 1 and 0.5, at every band within a little."""
    truth = {"taps.taps": [1.0, 0.5], "gain.gain_db": 3.0}
    made = effect_result(1.0, chain=Serial((Taps(2), Gain())), truth=truth, error=0.0)
    elements = Elements(effect_page.html(made))
    response = facts(elements)["response"]
    hz = np.array(response["hz"])
    true_db = 20 * np.log10(np.abs(1 + 0.5 * np.exp(-2j * np.pi * hz / 16_000))) + 3
    assert_close(response["found_db"], true_db, 0.05)
    assert "its response is exact" in " ".join(elements.texts)


def test_a_faint_difference_gets_a_scale_of_its_own() -> None:
    made = effect_result(0.5)
    near = Audio(made.wet.samples * (1 + 1e-3), 16_000)
    lowered = [
        facts(Elements(effect_page.html(one)))["spectrum"]["lowered_db"]
        for one in (made, dataclasses.replace(made, output=near))
    ]
    assert lowered[0] == 0
    assert lowered[1] == pytest.approx(60, abs=5)


def changed(data: EffectResult, changes: dict[str, Any]) -> EffectResult:
    """The result with other attributes, or with those of its verdict or its rack."""
    for part in ("verdict", "rack"):
        names = {field.name for field in dataclasses.fields(getattr(data, part))} & set(changes)
        inner = dataclasses.replace(getattr(data, part), **{name: changes[name] for name in names})
        data = dataclasses.replace(data, **{part: inner})
        changes = {name: value for name, value in changes.items() if name not in names}
    return dataclasses.replace(data, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"matched": False, "esr_unseen": 1.2}, "no match"),
        ({"level": "excellent"}, "excellent"),
        ({"level": "fair"}, "fair"),
        ({"esr_unseen": float("nan"), "level": "poor"}, "The error-to-signal ratio is not finite"),
        ({"by_ear": "chance has a part in them"}, "Its samples are not compared: chance has a part in them."),
        ({"polarity": -1.0}, "upside down"),
        ({"latency": -32.0}, "32 samples (2 ms) early"),
    ],
)
def test_every_kind_of_result_has_its_words(data: EffectResult, changes: dict[str, Any], said: str) -> None:
    before, after = (" ".join(map(str, words(one).values())) for one in (data, changed(data, changes)))
    assert said not in before
    assert said in after


def test_the_animation_is_shown_where_there_is_one(data: EffectResult) -> None:
    assert "There is no animation" in effect_page.html(data)
    assert 'alt="at step 0, at step 9"' in effect_page.html(data, moving=STILL)


def test_what_is_judged_by_ear_is_not_measured_against_a_gain(data: EffectResult) -> None:
    by_ear = changed(data, {"esr_unseen": 2.0, "esr_gain": 1.0, "by_ear": "chance has a part in them"})
    texts = words(by_ear)
    assert texts["level"] == texts["badge"] == "good"
    assert "static gain" not in texts["judged_words"] and "worse" not in texts["judged_words"]


@pytest.mark.parametrize(
    "made",
    [
        lambda: effect_result(0.1, 8_000, steps=1),
        lambda: effect_result(0.5, 48_000, 2, steps=2),
        lambda: effect_result(0.3, steps=0, unseen=False),
        lambda: effect_result(0.3, chain=Serial(()), truth={}),
        lambda: effect_result(0.3, chain=Serial((Taps(300),)), truth={}, steps=3),
    ],
    ids=["shortest", "stereo", "bare", "no effect", "many taps"],
)
def test_every_kind_of_report_makes_a_page(made: Any) -> None:
    one = made()
    numbers = facts(Elements(effect_page.html(one)))
    assert numbers["duration_s"] == pytest.approx(one.wet.seconds)
    assert len(numbers["knobs"]["lines"]) <= 200


def test_silence_makes_a_page(data: EffectResult) -> None:
    silent = Audio(np.zeros_like(data.wet.samples), data.wet.sample_rate)
    made = dataclasses.replace(data, dry=silent, wet=silent, output=silent)
    shown = facts(Elements(effect_page.html(made)))
    assert all(player["silent"] for player in shown["players"])
    assert shown["spectrum"]["scales"]["difference"]["low_db"] >= -160  # not a picture of the floor in bright colours


@pytest.mark.slow
def test_ten_seconds_of_stereo_stay_small() -> None:
    """At 48 kHz, of a sound as compressible as music, the animation included."""
    data = effect_result(10.0, 48_000, 2, steps=8)
    assert len(effect_page.html(data, moving=animate(data))) < 6_000_000


def test_a_place_that_cannot_be_written_is_named(data: EffectResult, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        effect_page.write(tmp_path / "missing" / "report.html", data)


@pytest.mark.parametrize(
    ("value", "said"),
    [(12345.6, "12346"), (0.0512345, "0.051235"), (-6.0, "−6"), (0.0, "0"), (1e-7, "1e−07"), (0.30000001, "0.3")],
)
def test_values_are_said_with_five_digits(value: float, said: str) -> None:
    assert value_words(value) == said


def test_ratios_in_words() -> None:
    assert [ratio_words(v) for v in (0.5, 0.0123, 1e-10, float("nan"))] == ["0.500", "0.012", "1e-10", "not finite"]
    assert [db_words(v) for v in (0.5, 1e-10, 0.0)] == ["−3.0 dB", "−100.0 dB", "exact"]
