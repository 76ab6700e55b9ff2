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

from ddsp_match.core.errors import OutputError
from ddsp_match.report import compare_page, packing, score_page, sweep_page
from ddsp_match.report.score_data import Failure, ScoreData, ScoreRow
from ddsp_match.report.sweep_data import Run
from ddsp_match.report.table_data import Column, Sound
from tests.report.many_examples import compare_data, score_data, sweep_data

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


def test_names_that_are_not_unicode_are_linked_by_their_bytes(tmp_path: Path) -> None:
    """A file name of another encoding is written as a page without failing, and its bytes stand in the link."""
    name = os.fsdecode(b"caf\xe9.wav")
    row = ScoreRow(name, {"x": 1.0}, target=Sound(tmp_path / name))
    data = ScoreData(name, [Column("x", "x")], [row], failures=[Failure(name, f"{name}: unreadable")])
    html = score_page.write(tmp_path / "scores.html", data).read_text(encoding="utf-8")
    assert embedded(html)["sounds"]["target"]["rest"] == ["caf%E9.wav"]


def test_figures_that_are_not_numbers(tmp_path: Path) -> None:
    """NaN and what is missing stay empty; infinity keeps its sign; five digits are kept."""
    given = (math.nan, None, math.inf, -math.inf, 0.123456789, 3.0)
    rows = [ScoreRow(str(i), {"x": value}) for i, value in enumerate(given)]
    rows.append(ScoreRow("6", {}))
    facts = embedded(score_page.html(ScoreData("t", [Column("x", "x")], rows), tmp_path / "p.html"))
    assert facts["values"] == {"x": [None, None, 1e300, -1e300, 0.12346, 3, None]}


def test_nothing_becomes_markup(tmp_path: Path) -> None:
    """Names, reasons, settings and commands of all three pages stay text; one script runs and no other."""
    column = [Column("x", EVIL, meaning=EVIL, unit=EVIL)]
    row = ScoreRow(EVIL, {"x": 1.0}, EVIL, Sound(EVIL), Sound(EVIL), EVIL, {EVIL: EVIL})
    score = ScoreData(EVIL, column, [row], failures=[Failure(EVIL, EVIL, EVIL)], headline=EVIL, command=EVIL)
    score = replace(score, notes=[EVIL], floor_words=EVIL, settings={EVIL: EVIL})
    compare = compare_data(2, FILES, title=EVIL, name_a=EVIL, name_b=EVIL, only_a={EVIL: EVIL})
    compare = replace(compare, settings={EVIL: (EVIL, 1)})
    failed = Run(EVIL, {EVIL: EVIL}, reason=EVIL)
    sweep = sweep_data(FILES, title=EVIL, runs=[failed, replace(failed, reason="", stop_reason=EVIL)], headline=EVIL)
    pages = [
        score_page.html(score, tmp_path / "p.html"),
        compare_page.html(compare, tmp_path / "p.html"),
        sweep_page.html(sweep, tmp_path / "p.html"),
    ]
    for html in pages:
        assert html.count("<script") == 2
        assert "<img" not in html
        assert "media-src 'self' file:" in html
        assert "{{data}}" in html  # not taken for a place of the template
        assert embedded(html)


def test_a_single_family_needs_no_table(tmp_path: Path) -> None:
    """Families are shown where there are several."""
    data = score_data(20, FILES)
    assert 'id="families"' in score_page.html(data, tmp_path / "p.html")
    alone = replace(data, families=data.families[:1])
    assert 'id="families"' not in score_page.html(alone, tmp_path / "p.html")


def test_a_page_of_ten_thousand_is_small(tmp_path: Path) -> None:
    """Under 250 bytes a sound, of seven figures, two links and their levels."""
    small = len(score_page.html(score_data(100, FILES), tmp_path / "p.html"))
    large = len(score_page.html(score_data(2100, FILES), tmp_path / "p.html"))
    assert 50 < (large - small) / 2000 < 250


def test_without_a_match_the_page_still_stands(tmp_path: Path) -> None:
    """All failed: the reasons are there."""
    data = ScoreData("t", [], [], failures=[Failure("a", "broken <here>")])
    html = score_page.html(data, tmp_path / "p.html")
    assert "broken &lt;here&gt;" in html
    assert "0 matches scored, 1 sound without a score." in html


def test_the_best_of_a_sweep(tmp_path: Path) -> None:
    """By the metric's own direction; the first of equals; none where neither way is better."""

    def best(better: str, *scores: float | None) -> int | None:
        runs = [Run(str(i), {}, {"x": score}) for i, score in enumerate(scores)]
        columns = [Column("y", "y"), Column("x", "x", better=better)]  # pyright: ignore[reportArgumentType]
        data = sweep_data(FILES, columns=columns, runs=runs, best_by="x")
        return embedded(sweep_page.html(data, tmp_path / "p.html"))["best"]

    assert best("lower", 3.0, None, 1.0, 1.0) == 2
    assert best("higher", 3.0, None, 4.0, 1.0) == 2
    assert best("neither", 3.0, 4.0) is None
    assert best("lower", None, None) is None


def change_of(tmp_path: Path, a: list[float], b: list[float]) -> dict:
    """A change of one metric as the page has it, over sounds with these figures before and after."""
    data = compare_data(len(a), FILES)
    key = data.columns[0].key
    pairs = [replace(pair, a={key: x}, b={key: y}) for pair, x, y in zip(data.pairs, a, b, strict=True)]
    page = compare_page.html(replace(data, pairs=pairs, changes=data.changes[:1]), tmp_path / "p.html")
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
        score_page.write(tmp_path / "gone" / "scores.html", score_data(2, FILES))


def test_what_is_not_known_leaves_no_empty_box(tmp_path: Path) -> None:
    """Without a command and settings nothing is said of how it was made."""
    data = score_data(2, FILES)
    assert "How it was made" in score_page.html(data, tmp_path / "p.html")
    assert 'id="command"' not in score_page.html(replace(data, command=""), tmp_path / "p.html")
    assert "How it was made" not in score_page.html(replace(data, command="", settings={}), tmp_path / "p.html")
