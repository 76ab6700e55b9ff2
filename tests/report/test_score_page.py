"""The pages about many sounds as text: what is embedded, how links are written, and that nothing becomes markup."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from ddsp_match.core.errors import OutputError
from ddsp_match.report import compare_page, packing, score_page, sweep_page
from ddsp_match.score.card import Card, Comparison, Difference, Group, Metric, Pair, Row, Summary
from tests.report.many_examples import METRICS, SWEEP, Job, card, comparison, jobs

EVIL = '</script><script>alert("1")</script><img src=x onerror=alert(2)>{{data}}'
FILES = [(Path("/data/a b#1.wav"), Path("/runs/kit/sounds/a/match.wav"))]


def embedded(html: str) -> dict:
    """The numbers in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def unpacked(pack: dict, names: list[str]) -> list[str | None]:
    """Links as the page's script puts them together."""
    quoted = ["/".join(packing.quote(part, safe="!'()*~-._") for part in name.split("/")) for name in names]
    return [
        None if rest is None else pack["before"] + name + pack["after"] if rest == 0 else rest
        for rest, name in zip(pack["rest"], quoted, strict=True)
    ]


def test_links_lead_from_the_page_to_the_files(tmp_path: Path) -> None:
    """Relative, escaped, and the name only where it is not between the common ends; each leads back to its file."""
    names = ["bass/e 1", "a#1?", "100% ü", "other"]
    paths = [tmp_path / "run" / "sounds" / name / "match.wav" for name in names[:3]]
    paths.append(tmp_path / "elsewhere" / "x.wav")
    pack = packing.links([*paths, None], [*names, "none"], tmp_path / "run" / "scores.html")
    assert pack is not None
    assert pack["before"] == "sounds/"
    assert pack["after"] == "/match.wav"
    assert pack["rest"] == [0, 0, 0, "../elsewhere/x.wav", None]
    for href, path in zip(unpacked(pack, [*names, "none"]), paths, strict=False):
        assert href is not None
        assert not set(href) & set("#?ü %") - {"%"}
        assert Path(os.path.normpath(tmp_path / "run" / unquote(href))) == path


def test_links_of_a_page_in_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page named without its folder, and sounds named relative to it."""
    monkeypatch.chdir(tmp_path)
    pack = packing.links([Path("sounds/a.wav"), tmp_path / "b.wav"], ["1", "2"], Path("scores.html"))
    assert pack is not None
    assert unpacked(pack, ["1", "2"]) == ["sounds/a.wav", "b.wav"]
    assert packing.links([None], ["1"], Path("scores.html")) is None


def small_card(*rows: Row, **changes: object) -> Card:
    """A card of one metric."""
    metrics = [Metric("mrstft", "mrstft", "", "lower", "How far apart.", "here", 3)]
    return replace(Card("t", "/run", metrics, list(rows), Group("all", len(rows), 0)), **changes)  # pyright: ignore


def test_names_that_are_not_unicode_are_linked_by_their_bytes(tmp_path: Path) -> None:
    """A file name of another encoding is written as a page without failing, and its bytes stand in the link."""
    name = os.fsdecode(b"caf\xe9.wav")
    row = Row(name, target=str(tmp_path / name), metrics={"mrstft": 1.0})
    bad = small_card(row, Row(name, "", "failed", f"{name}: unreadable"), name=name)
    html = score_page.write(tmp_path / "scores.html", bad).read_text(encoding="utf-8")
    assert embedded(html)["sounds"]["target"]["rest"] == ["caf%E9.wav"]


def test_figures_that_are_not_numbers() -> None:
    """NaN and what is missing stay empty; infinity keeps its sign; five digits are kept."""
    given = (math.nan, None, math.inf, -math.inf, 0.123456789, 3.0)
    rows = [*({"mrstft": value} for value in given), {}]
    assert packing.values(METRICS[:1], rows) == {"mrstft": [None, None, 1e300, -1e300, 0.12346, 3, None]}


def test_nothing_becomes_markup(tmp_path: Path) -> None:
    """Names, reasons, settings and commands of all three pages stay text; one script runs and no other."""
    metric = replace(METRICS[0], label=EVIL, unit=EVIL, meaning=EVIL)
    row = Row(EVIL, EVIL, target=EVIL, match=EVIL, report=EVIL, metrics={"mrstft": 1.0}, hints=[EVIL])
    failed = Row(EVIL + "2", EVIL, "failed", EVIL)
    changes = {"metrics": [metric], "command": EVIL, "notes": [EVIL], "settings": {EVIL: EVIL}, "floor_meaning": EVIL}
    score = small_card(row, failed, name=EVIL, **changes)
    compare = replace(comparison(9, FILES), label_a=EVIL, label_b=EVIL, only_a={EVIL: EVIL}, notes=[EVIL])
    compare = replace(compare, settings_changed={EVIL: (EVIL, 1)}, metrics=[metric, *compare.metrics[1:]])
    broken = Job(tmp_path / EVIL.replace("/", ""), {EVIL: EVIL}, error=EVIL, number=0)
    bad = [broken, replace(broken, error="", stop_reason=EVIL, metrics={EVIL: 1.0})]
    sweep_page.write(tmp_path / "s.html", bad, **{name: EVIL for name in SWEEP})
    pages = [
        score_page.html(score, tmp_path / "p.html"),
        compare_page.html(compare, tmp_path / "p.html", EVIL),
        (tmp_path / "s.html").read_text(encoding="utf-8"),
    ]
    for html in pages:
        assert html.count("<script") == 2
        assert "<img" not in html
        assert "media-src 'self' file:" in html
        assert "{{data}}" in html  # not taken for a place of the template
        assert embedded(html)


def test_a_card_keeps_its_figures(tmp_path: Path) -> None:
    """Floors and ceilings stand at their metric; failures keep their reason; a family has a floor of its own."""

    def group(name: str, mean: float, n: int = 2) -> Group:
        ends = (None, None) if n == 1 else (mean - 0.1, mean + 0.1)
        return Group(name, n, 1, {"mrstft": Summary(n, mean, *ends, mean, mean + 0.2, "b")})

    rows = [
        Row(
            name, family,
            metrics={"mrstft": loss, "mel_net_db": 5 * loss, "harmonic_share": 0.5}, floor={"mrstft": loss / 2},
        )
        for name, family, loss in (("a", "x", 0.2), ("b", "x", 0.4), ("c", "y", 0.6))
    ]
    rows[0].facts = {"f0_median_hz": 220.04, "duration_s": 2.5}
    one = small_card(
        *rows, Row("d", "y", "failed", "not a sound <here>", target="/data/d.txt"), overall=group("all", 0.4, 3),
        families=[group("x", 0.3), group("y", 0.6, 1)], floor=group("all", 0.15),
        ceilings={"silence": group("all", 14.0), "white noise": group("all", 8.0)},
    )  # fmt: skip
    one.metrics.append(METRICS[5])
    html = score_page.html(one, tmp_path / "p.html")
    facts = embedded(html)
    first, second = facts["columns"]
    beside = ("floor", "white_noise", "silence", "digits")
    assert [first[key] for key in beside] == [0.15, 8.0, 14.0, 3]
    assert [second[key] for key in beside] == [None, None, None, 3]
    assert facts["names"] == ["a", "b", "c"]
    assert facts["levels"] == ["good", "fair", "fair"]
    assert facts["family_means"][0]["floors"] == {"mrstft": pytest.approx(0.15)}
    assert facts["family_means"][1]["means"]["mrstft"]["low"] is None
    assert {label: pack["words"][pack["at"][0]] for label, pack in facts["facts"].items()} == {
        "Verdict": "Good match: small differences in the spectrum.", "Pitch": "220.0 Hz", "Length": "2.50 s"
    }  # fmt: skip
    assert "not a sound &lt;here&gt;" in html and "files=report" in html
    assert "3 matches scored, 1 sound without a score, 2 families." in html
    assert score_page.card_headline(one) == (
        "3 sounds: 1 good, 2 fair. 1 without a score. Listen to the worst first: c (fair), b (fair), a (good)."
    )
    assert "Interrupted" in score_page.card_headline(replace(one, complete=False))


def test_levels_are_used_where_both_are_known(tmp_path: Path) -> None:
    """One level alone says nothing about how to play the other."""
    row = Row("a", target="/a.wav", match="/b.wav", metrics={"mrstft": 0.2}, facts={"level_db": -20.0})

    def levels(one: Row) -> list:
        sounds = embedded(score_page.html(small_card(one), tmp_path / "p.html"))["sounds"]
        return [sounds[name]["lufs"] for name in ("target", "match")]

    assert levels(row) == [None, None]
    assert levels(replace(row, facts={"level_db": -20.0, "match_level_db": -23.0})) == [[-20.0], [-23.0]]


def test_a_comparison_keeps_its_pairs(tmp_path: Path) -> None:
    """A and B are not exchanged; the corrected probability is told."""
    one = small_card(Row("a", "x", metrics={"mrstft": 0.2}, match="/a.wav"))
    pair = Pair("a", one.rows[0], replace(one.rows[0], metrics={"mrstft": 0.1}, match="/b.wav"))
    change = Difference("mrstft", 3, 0.4, 0.2, -0.2, -0.3, -0.1, 1.0, 0.0, 0.01, 0.03, "better")
    both = Comparison(one, one, "old", "new", one.metrics, [pair], [change], only_a={"d": "failed there"})
    html = compare_page.write(tmp_path / "c.html", both, "ddsp-match compare old new").read_text(encoding="utf-8")
    assert "failed there" in html and "Only in old" in html and "ddsp-match compare old new" in html
    facts = embedded(html)
    assert (facts["name_a"], facts["name_b"]) == ("old", "new")
    (drawn,) = facts["changes"]
    assert [drawn[key] for key in ("a", "b", "p", "verdict")] == [0.4, 0.2, 0.03, "better"]
    assert [drawn[key] for key in ("better_share", "worse_share")] == [1.0, 0.0]
    assert drawn["difference"] == {"mean": -0.2, "n": 3, "low": -0.3, "high": -0.1}
    assert (facts["a"]["mrstft"], facts["b"]["mrstft"]) == ([0.2], [0.1])
    linked = [unpacked(facts["sounds"][side], ["a"])[0] or "" for side in "ab"]
    assert [os.path.basename(href) for href in linked] == ["a.wav", "b.wav"]


def test_a_single_family_needs_no_table(tmp_path: Path) -> None:
    """Families are shown where there are several."""
    several = card(20, FILES)
    assert 'id="families"' in score_page.html(several, tmp_path / "p.html")
    alone = replace(several, families=several.families[:1])
    assert 'id="families"' not in score_page.html(alone, tmp_path / "p.html")


def test_a_page_of_ten_thousand_is_small(tmp_path: Path) -> None:
    """Under 250 bytes a sound, of seven figures, two links and their levels."""
    small = len(score_page.html(card(100, FILES), tmp_path / "p.html"))
    large = len(score_page.html(card(2100, FILES), tmp_path / "p.html"))
    assert 50 < (large - small) / 2000 < 250


def test_without_a_match_the_page_still_stands(tmp_path: Path) -> None:
    """All failed: the reasons are there."""
    html = score_page.html(small_card(Row("a", "", "failed", "broken <here>")), tmp_path / "p.html")
    assert "broken &lt;here&gt;" in html
    assert "0 matches scored, 1 sound without a score." in html


def test_the_best_of_a_sweep(tmp_path: Path) -> None:
    """By the metric's own direction; the first of equals; none where neither way is better."""

    def best(metric: str, *scores: float | None) -> int | None:
        rows = [Job(tmp_path, {}, 1.0, {} if one is None else {metric: one}, number=i) for i, one in enumerate(scores)]
        page = sweep_page.write(tmp_path / "p.html", rows, **{**SWEEP, "best_by": metric})
        return embedded(page.read_text(encoding="utf-8"))["best"]

    assert best("mrstft", 3.0, None, 1.0, 1.0) == 2
    assert best("snr_db", 3.0, None, 4.0, 1.0) == 2
    assert best("noise_share", 3.0, 4.0) is None
    assert best("loss", None, None) == 0


def test_a_sweep_s_jobs_become_rows(tmp_path: Path) -> None:
    """Numbers stay numbers, files are linked where they lie, and what failed is told apart."""
    folder = tmp_path / "fit 1"
    made = tmp_path / "match.wav"
    soundfile.write(made, np.zeros(8), 8_000)
    rows = [*jobs(folder, [(made, made)]), Job(folder / "x", {"loss": "null"}, error="stopped before it began")]
    html = sweep_page.write(folder / "sweep.html", rows, **SWEEP).read_text(encoding="utf-8")
    facts = embedded(html)
    assert "9 runs finished, 2 failed." in html and "synth.n_harmonics=-1, loss=mel" in html and "not started" in html
    assert [one["key"] for one in facts["columns"]][:2] == ["loss", "mrstft"]
    assert {one["key"]: one["values"][:3] for one in facts["settings"]} == {
        "synth.n_harmonics": [10, 10, 20], "loss": ["mrstft", "mel", "mrstft"]
    }  # fmt: skip
    assert unpacked(facts["sounds"]["match"], facts["names"])[:2] == ["0/match.wav", "1/match.wav"]
    assert unpacked(facts["sounds"]["target"], facts["names"]) == ["0/target.wav"] * 9
    assert unpacked(facts["reports"], facts["names"])[-1] == "9/report.html"


def change_of(tmp_path: Path, a: list[float], b: list[float]) -> dict:
    """A change of one metric as the page has it, over sounds with these figures before and after."""
    both = zip(a, b, strict=True)
    pairs = [Pair("x", *(Row("x", metrics={"mrstft": value}) for value in values)) for values in both]
    change = Difference("mrstft", len(a), 0.4, 0.2, -0.2, -0.3, -0.1, 1.0, 0.0, 0.01, 0.03, "better")
    one = small_card()
    page = compare_page.html(Comparison(one, one, "a", "b", one.metrics, pairs, [change]), tmp_path / "p.html")
    return embedded(page)["changes"][0]


def test_a_change_is_drawn_in_a_spread_that_one_odd_sound_does_not_decide(tmp_path: Path) -> None:
    """The unit is a standard deviation taken from quartiles, and never so small that a change leaves the page."""
    rng = np.random.default_rng(0)
    usual = rng.normal(0, 3, 400)
    assert change_of(tmp_path, [*usual], [*usual])["unit"] == pytest.approx(3, rel=0.1)
    assert change_of(tmp_path, [*usual, 60.0], [*usual, 60.0])["unit"] == pytest.approx(3, rel=0.1)
    nearly_all_none = [0.0] * 399 + [0.5]  # a share that barely varies: its quartiles are the same
    unit = change_of(tmp_path, [0.0] * 400, nearly_all_none)["unit"]
    assert 0 < sum(nearly_all_none) / 400 / unit < 8
    assert change_of(tmp_path, [1.0] * 4, [1.0] * 4)["unit"] == 1


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A missing folder is an error of ours."""
    with pytest.raises(OutputError, match=r"gone/scores\.html"):
        score_page.write(tmp_path / "gone" / "scores.html", card(2, FILES))


def test_what_is_not_known_leaves_no_empty_box(tmp_path: Path) -> None:
    """Without a command and settings nothing is said of how it was made."""
    one = card(2, FILES)
    assert "How it was made" in score_page.html(one, tmp_path / "p.html")
    assert 'id="command"' not in score_page.html(replace(one, command=""), tmp_path / "p.html")
    assert "How it was made" not in score_page.html(replace(one, command="", settings={}), tmp_path / "p.html")
