"""The page as a file: self-contained, escaped, bounded."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from subprocess import run

import pytest
import torch

from ddsp_match.core.errors import OutputError
from ddsp_match.core.settings import FitSettings
from ddsp_match.fitting.result import FitResult
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report import page
from tests.edits.phrases import phrase
from tests.report.reports import METRICS, PATCH_FILE, fit_result

SPITE = "<script>alert('1')</script><img src=x onerror=alert(2)>\"'&{{data}}</title>"


class Elements(HTMLParser):
    """Every element of a page with its attributes, its texts, and the texts of scripts by id."""

    def __init__(self, text: str) -> None:
        """Parses the page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: dict[str, str] = {}
        self._script: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        self.found.append((tag, dict(attrs)))
        self._script = (dict(attrs).get("id") or "code") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        """Ends a script."""
        self._script = None

    def handle_data(self, data: str) -> None:
        """Notes text."""
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of one kind."""
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def plain() -> Elements:
    """A page of two seconds."""
    return Elements(page.html(fit_result(), PATCH_FILE))


def spiteful() -> str:
    """A page on which everything a user can name tries to be markup."""
    data = fit_result(0.3)
    bad = dataclasses.replace(
        data,
        name=SPITE,
        command=SPITE,
        stems={SPITE: data.stems["noise"]},
        metrics={SPITE: 1.0, **METRICS},
        verdict=Verdict(SPITE, [SPITE], [f"`{SPITE}`"], [SPITE], "good"),
        notes=[SPITE],
        settings=FitSettings(effects=[SPITE]),
        seconds={SPITE: 1.0},
    )
    return page.html(bad, (SPITE, 1))


def test_the_page_asks_for_nothing(plain: Elements) -> None:
    """No element points anywhere but into the page, and the policy forbids the rest."""
    pointers = [
        (tag, name, value)
        for tag, attributes in plain.found
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert len(pointers) >= 9
    assert all(value.startswith(("data:", "#")) for _, _, value in pointers if value)
    policy = next(
        m["content"] for m in plain.named("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    for name in ("page.css", "plots.css"):
        style = (Path(page.__file__).parent / name).read_text()
        assert "url(" not in style
        assert "@import" not in style


def test_the_policy_allows_just_the_script_of_the_page(plain: Elements) -> None:
    """The digest in the policy is that of the one script that runs."""
    runs = [s for s in plain.named("script") if s.get("type") not in ("application/json", "text/plain")]
    assert len(runs) == 1
    digest = base64.b64encode(hashlib.sha256(plain.scripts["code"].encode()).digest()).decode()
    policy = next(
        m["content"] for m in plain.named("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert f"script-src 'sha256-{digest}'" in str(policy)


def test_nothing_a_user_names_becomes_markup() -> None:
    """Scripts in the title, the command, settings and notes come out as text, and add no element."""
    bad = Elements(spiteful())
    assert not any("onerror" in attributes for _, attributes in bad.found)
    assert len([s for s in bad.named("script") if not s.get("type")]) == 1
    assert {s.get("type") for s in bad.named("script")} == {None, "application/json", "text/plain"}
    assert "".join(bad.texts).count("alert('1')") >= 8
    assert "script" in json.loads(bad.scripts["data"])["players"][2]["label"]
    assert "<" not in bad.scripts["data"]
    assert "<script>alert" not in spiteful()


def test_every_place_is_filled_and_values_are_no_templates(plain: Elements) -> None:
    """No place is left open, and braces in a title stay braces."""
    assert not re.search(r"\{\{\w+\}\}", "".join(plain.texts))
    assert "{{data}}" in "".join(Elements(spiteful()).texts)


def test_pictures_and_controls_have_names(plain: Elements) -> None:
    """Images carry alternative texts, plots are labelled, inputs have labels."""
    images = plain.named("img")
    assert len(images) == 8
    assert all(len(image["alt"] or "") > 20 for image in images)
    assert all(d.get("aria-label") for d in plain.named("div") if d.get("role") == "img")
    text = page.html(fit_result(0.2))
    for field in plain.named("input"):
        labelled = field.get("aria-label") or re.search(rf'<label[^>]*><input[^>]*id="{field["id"]}"', text)
        assert labelled, field


def test_the_page_shows_what_it_was_given(plain: Elements) -> None:
    """Verdict, command, metrics, notes, stop reason, times, settings and patch are all there."""
    text = " ".join(" ".join(plain.texts).split())
    data = fit_result()
    shown = [data.command, data.verdict.headline, *data.verdict.good, *data.notes, PATCH_FILE[0]]
    for words in (
        *shown,
        "0.21",
        "17.30 dB",
        "95.0 %",
        "plateau",
        "4.23 s",
        "f0.source",
        "crepe",
        "null",
        "41.2 kB",
    ):
        assert words in text, words
    size = f"{data.patch.numbers_per_second():,.0f} numbers a second (the sound itself: 16,000 samples)"
    assert text.count(size) == 2  # beside the verdict, and of the patch


def test_a_written_patch_tells_its_bits_beside_its_numbers(tmp_path: Path) -> None:
    """The size of the file a second of sound, beside that of the sound as 16-bit WAV."""
    data = fit_result(2.0)
    n_bytes = data.save_patch(tmp_path / "a.patch.safetensors")
    assert data.metrics["kbit_per_second"] == 8 * n_bytes / 1000 / 2.0
    assert f"{8 * n_bytes / 2000:,.0f} kbit/s (16-bit WAV: 256)" in data.size_words


def test_the_script_gets_every_curve(plain: Elements) -> None:
    """The numbers for the script are those of the report."""
    numbers = json.loads(plain.scripts["data"])
    assert numbers["duration_s"] == 2.0
    assert len(numbers["features"]["f0_hz"]) == 201
    assert numbers["features"]["f0_hz"][0] == pytest.approx(110, rel=0.01)
    assert numbers["loss"]["best"][-1] < 0.25 < 1.5 < numbers["loss"]["loss"][0]
    assert numbers["harmonics"]["count"] == 24
    assert numbers["noise"]["high_hz"] == 8_000
    scale = numbers["spectrum"]["scale"]
    assert scale["high_db"] - scale["low_db"] == 80
    assert len(scale["colours"]) == 256


def test_target_and_match_share_one_scale() -> None:
    """A match 20 dB softer is darker, and the scale follows the louder of the two."""
    data = fit_result(0.5)
    soft = dataclasses.replace(data, match=dataclasses.replace(data.match, samples=data.match.samples / 10))
    loud = dataclasses.replace(data, match=dataclasses.replace(data.match, samples=data.match.samples * 10))
    tops = [
        json.loads(Elements(page.html(d)).scripts["data"])["spectrum"]["scale"]["high_db"]
        for d in (soft, data, loud)
    ]
    assert tops[0] == pytest.approx(tops[1], abs=5)
    assert tops[2] == pytest.approx(tops[1] + 20, abs=5)


def test_a_long_sound_makes_no_larger_pictures_or_curves() -> None:
    """Ten times the length: everything but the sounds stays as large as it was."""
    sizes = []
    for seconds in (12.0, 120.0):
        text = page.html(fit_result(seconds, 8_000, n_harmonics=4))
        elements = Elements(text)
        sounds = sum(len(text) for name, text in elements.scripts.items() if name.startswith("sound-"))
        sizes.append(len(text) - sounds)
    assert sizes[1] < 1.5 * sizes[0]
    assert sizes[1] < 1_500_000


@pytest.mark.parametrize(
    "data",
    [
        fit_result(0.1, 8_000, n_harmonics=1, n_bands=2),
        fit_result(0.3, channels=2),
        fit_result(0.3, 44_100, n_harmonics=150, n_bands=513),
        fit_result(0.3, pitched=False),
        fit_result(0.3, bare=True),
    ],
    ids=["shortest", "stereo", "44.1 kHz", "no pitch", "bare"],
)
def test_every_kind_of_report_makes_a_page(data: FitResult) -> None:
    """The extremes of what a fit can leave behind."""
    numbers = json.loads(Elements(page.html(data)).scripts["data"])
    assert numbers["duration_s"] == pytest.approx(data.target.seconds)
    assert numbers["pitched"] == bool(data.features.voiced.any())
    assert (numbers["harmonics"] is None) == (not bool(data.controls.amplitude.any()))


def test_silence_makes_a_page() -> None:
    """A target and a match of zeros, as a fit of near silence may leave."""
    data = fit_result(0.2)
    silent = dataclasses.replace(data.target, samples=data.target.samples * 0)
    numbers = json.loads(
        Elements(
            page.html(dataclasses.replace(data, target=silent, match=silent, stems={"noise": silent}))
        ).scripts["data"]
    )
    assert all(player["silent"] and player["gain_db"] == 0 for player in numbers["players"])


def test_controls_with_a_graph_can_be_shown() -> None:
    """Controls straight from an optimiser, gradients and all."""
    data = fit_result(0.2)
    amplitude = data.controls.amplitude.clone().requires_grad_()
    assert page.html(
        dataclasses.replace(data, controls=dataclasses.replace(data.controls, amplitude=amplitude * 1.0))
    )
    assert amplitude.grad is None
    assert torch.is_grad_enabled()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error carries the path and exits with 2."""
    with pytest.raises(OutputError, match="missing") as caught:
        page.write(tmp_path / "missing" / "report.html", fit_result(0.1))
    assert caught.value.exit_code == 2


def test_a_page_costs_no_plotting_library() -> None:
    """Writing a report imports neither matplotlib nor an imaging library: they cost more than the page."""
    code = (
        "import sys; from tests.report.reports import fit_result; from ddsp_match.report import page;"
        "page.html(fit_result(0.2)); print([m for m in ('matplotlib', 'PIL') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    result = run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=120)
    assert result.stdout.strip() == "[]", result.stderr


def test_partials_between_harmonics_are_named_and_placed():
    data = fit_result(0.5, 16_000, n_harmonics=24)
    controls = dataclasses.replace(data.controls, divisions=4)
    text = page.html(dataclasses.replace(data, controls=controls))
    assert "24 partials, one in 4 of them a harmonic" in text
    assert '"divisions":4' in text.replace(" ", "")
    assert '"ticks":[1,2,3,4,5,6]' in text.replace(" ", "")


def test_partials_of_a_steady_grid_are_no_harmonics_of_an_f0():
    data = fit_result(0.5, 16_000, n_harmonics=24)
    controls = dataclasses.replace(data.controls, f0_hz=torch.full_like(data.controls.f0_hz, 50.0))
    assert "harmonics of one pitch" in page.html(dataclasses.replace(data, controls=controls))
    text = page.html(dataclasses.replace(data, controls=controls, patch=dataclasses.replace(data.patch, grid="steady")))
    assert "24 partials on a steady grid, 50 Hz apart, " in text and "harmonics of one pitch" not in text


def test_a_pitch_of_few_frames_is_not_that_of_the_sound():
    data = fit_result(0.5, 16_000)
    voiced = data.features.voiced.clone()
    voiced[:, 5:] = False
    assert "of the frames)" not in page.html(data)
    found = page.html(dataclasses.replace(data, features=dataclasses.replace(data.features, voiced=voiced)))
    assert re.search(r"A2[^(]* \([0-9.]+ Hz in \d+ % of the frames\)", found)


def test_the_notes_of_a_phrase_are_listed_with_the_command_that_chooses_them():
    """By number, with their place; a single note is no list."""
    assert "--note 1,2" not in page.html(dataclasses.replace(fit_result(0.6), patch=phrase([(57, 60, 0.2)])))
    data = dataclasses.replace(fit_result(1.6), patch=phrase([(57, 60, 0.2), (0, 10, 0.0), (64, 90, 0.2)]))
    text = page.html(data, PATCH_FILE)
    assert "ddsp-match export &#39;a tone.patch.safetensors&#39; --to sfz --note 1,2" in text
    second = r'<th scope="row">2</th><td>E4</td><td>-?[\d.]+ dB</td><td>0\.\d+ to 1\.\d+ s</td><td>held by'
    assert re.search(second, text)
