"""Scores of whole runs: right, complete, and no more work than needed."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio, read
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.settings import F0Settings
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import with_unseen_noise
from ddsp_match.runs.store.store import Store
from ddsp_match.score import opinion
from ddsp_match.score.card import Card
from ddsp_match.score.runs import FittedSound, _moved, find_run
from ddsp_match.tasks import score_sound
from ddsp_match.tasks.render import render
from ddsp_match.tasks.score import score
from ddsp_match.tasks.score_plan import spread
from ddsp_match.tasks.score_sound import ScoreJob, Scoring
from tests.compare import assert_close
from tests.tasks.runs import RATE, make_run, make_single, noisy, some_patch

FAST = {"mos_pads": 0, "tracker": "none", "workers": 1}


@pytest.fixture
def kit(tmp_path):
    """Three sounds, one of them matched well, one less so, one not fitted at all."""
    good, bad = some_patch(330.0), some_patch(220.0)
    sounds = {"brass/horn": (good, noisy(render(good), 1e-4)), "reed": (bad, noisy(render(bad), 0.05))}
    return make_run(
        tmp_path / "kit", sounds, failed={"torn": "found something that is not a sound"},
        families={"brass/horn": "brass", "reed": "reed"},
    )  # fmt: skip


def unseen(patch: Patch) -> Audio:
    """What a match is judged by: its patch with noise that the fit has not seen."""
    return render(with_unseen_noise(patch))


def test_every_sound_has_a_row_and_the_failed_one_its_reason(kit):
    card = score(kit, **FAST)
    assert [(row.name, row.status) for row in card.rows] == [
        ("brass/horn", "scored"), ("reed", "scored"), ("torn", "failed")
    ]  # fmt: skip
    assert card.rows[2].reason == "found something that is not a sound"
    assert card.overall.scored == 2 and card.overall.failed == 1
    assert [group.name for group in card.families] == ["", "brass", "reed"]
    assert card.overall.metrics["mrstft"].worst_name == "reed"
    assert card.rows[0].metrics["seconds"] == 0.75 and card.rows[0].metrics["peak_mb"] == 400
    assert card.settings["f0"]["model"] == "tiny" and card.command == "ddsp-match fit samples" and card.complete
    assert sorted(path.name for path in kit.glob("scores.*")) == ["scores.csv", "scores.html", "scores.json"]


def test_mrstft_and_lsd_are_those_of_the_reference_scorer(kit):
    freq = pytest.importorskip("auraloss.freq")
    row = score(kit, **FAST).rows[1]
    sounds = [torch.from_numpy(sound.samples)[None] for sound in (unseen(some_patch(220.0)), read(row.target)[0])]
    sizes = [2048, 1024, 512, 256, 128, 64]
    theirs = freq.MultiResolutionSTFTLoss(
        fft_sizes=sizes, hop_sizes=[s // 4 for s in sizes], win_lengths=sizes, w_sc=0.0, w_lin_mag=1.0, w_log_mag=1.0
    )
    assert row.metrics["mrstft"] == pytest.approx(float(theirs(*sounds)), rel=1e-4)
    db = [
        20 * torch.log10(torch.stft(x[0], 1024, 256, window=torch.hann_window(1024), return_complex=True).abs() + 1e-5)
        for x in sounds
    ]
    # The scorer adds 1e-5 where we floor at 1e-4: the same for all that is louder.
    assert row.metrics["lsd_db"] == pytest.approx(float((db[0] - db[1]).square().mean(1).sqrt().mean()), rel=0.01)


def test_a_perfect_match_is_perfect_and_the_ceilings_are_not(tmp_path):
    patch = some_patch()
    card = score(make_run(tmp_path / "run", {"a": (patch, unseen(patch))}), **FAST)
    own, silence, white = card.rows[0].metrics, card.ceilings["silence"].metrics, card.ceilings["white noise"].metrics
    assert own["mrstft"] == 0 and own["snr_db"] > 100
    assert silence["snr_db"].mean == pytest.approx(0, abs=1e-5) and white["snr_db"].mean == pytest.approx(-3, abs=0.3)
    facts = card.rows[0].facts
    assert facts["match_level_db"] == facts["level_db"] == pytest.approx(10 * np.log10(0.5 * 0.2**2 * 0.345), abs=0.5)
    assert silence["unexplained_share"].mean == pytest.approx(1, abs=0.01)
    assert min(silence["mrstft"].mean, white["mrstft"].mean) > 1


def test_noise_that_the_fit_has_learned_is_no_closeness(tmp_path):
    """The target is the match to the sample, its noise included: judged is another draw of it."""
    patch = some_patch(noise=0.02)
    row = score(make_run(tmp_path / "run", {"a": (patch, render(patch))}), **FAST).rows[0]
    assert 0.3 < row.metrics["mrstft"] and row.metrics["mel_steady_db"] < row.metrics["mel_db"]


def test_the_floor_is_another_draw_of_the_noise(tmp_path):
    quiet, loud = some_patch(noise=1e-6), some_patch(noise=0.02)
    sounds = {name: (patch, noisy(render(patch), 0.05)) for name, patch in (("a", quiet), ("b", loud))}
    card = score(make_run(tmp_path / "run", sounds), **FAST)  # how far the target is off does not matter
    assert card.rows[0].floor["mrstft"] < 0.05 < 0.3 < card.rows[1].floor["mrstft"]
    # Two draws of one noise: their difference has twice the noise's energy.
    harmonic = card.rows[1].metrics["harmonic_share"]
    assert card.rows[1].floor["snr_db"] == pytest.approx(-10 * np.log10(2 * (1 - harmonic)), abs=0.3)
    assert "next noise seed" in card.floor_meaning


def test_pitch_is_tracked_again_in_both(tmp_path):
    high, low = some_patch(440.0), some_patch(220.0)
    tuned = some_patch(440.0 * 2 ** (20 / 1200))
    run = make_run(tmp_path / "run", {"octave": (low, render(high)), "sharp": (tuned, render(high))})
    rows = {row.name: row for row in score(run, mos_pads=0, workers=1, references=0).rows}
    assert rows["octave"].metrics["octave_errors"] > 0.9 and rows["octave"].metrics["voicing_agreement"] > 0.9
    assert rows["octave"].hints[0].startswith("pitch one or more octaves off")
    assert rows["sharp"].metrics["f0_l1_cents"] == pytest.approx(20, abs=3)
    assert rows["sharp"].metrics["octave_errors"] == 0
    assert rows["sharp"].facts["f0_median_hz"] == pytest.approx(440, abs=2)


def test_noise_has_no_cents_and_no_nan(tmp_path, white_noise):
    patch = some_patch(noise=0.05, level=0.0)
    card = score(make_run(tmp_path / "run", {"hiss": (patch, white_noise(0.4))}), mos_pads=0, workers=1)
    (row,) = card.rows
    assert "f0_l1_cents" not in row.metrics and row.metrics["voicing_agreement"] == 1.0
    assert all(np.isfinite(list(row.metrics.values())))


def test_opinions_are_taken_where_zimtohrli_is(tmp_path, monkeypatch):
    pytest.importorskip("zimtohrli")
    patch = some_patch()
    run = make_run(tmp_path / "run", {"a": (patch, noisy(render(patch)))})
    card = score(run, mos_pads=1, tracker="none", workers=1, references=1)
    row = card.rows[0]
    target, match = (opinion.signal_of(sound) for sound in (read(row.target)[0], unseen(patch)))
    assert row.metrics["mos"] == pytest.approx(opinion.opinion(target, match, 1), abs=1e-6)
    assert 1 <= row.ceilings["silence"]["mos"] < row.metrics["mos"] <= row.floor["mos"] + 0.5
    monkeypatch.setattr(opinion, "version", lambda: None)
    card = score(run, tracker="none", workers=1)
    assert card.rows[0].metrics["mos"] == row.metrics["mos"]
    (run / "scores.json").unlink()
    card = score(run, tracker="none", workers=1)
    assert "mos" not in card.rows[0].metrics and "mos" not in {metric.key for metric in card.metrics}
    assert any("pip install 'ddsp-match[mos]'" in note for note in card.notes)


def scored_now(folder: Path, **options) -> tuple[Card, int]:
    """The card, and how many sounds were measured for it."""
    done = [0]
    card = score(folder, **options, on_progress=lambda count, _: done.append(count))
    return card, done[-1]


def test_what_was_scored_is_not_scored_again(kit):
    first, n_first = scored_now(kit, **FAST)
    again, n_again = scored_now(kit, **FAST)
    assert (n_first, n_again) == (2, 0) and again.rows == first.rows
    patch = some_patch(500.0)
    patch.save(next((kit / "sounds/reed").glob("*.patch.safetensors")))
    changed, n_changed = scored_now(kit, **FAST)
    assert n_changed == 1
    assert changed.rows[0] == first.rows[0] and changed.rows[1].metrics != first.rows[1].metrics
    assert scored_now(kit, **FAST, force=True)[1] == 2
    assert scored_now(kit, **{**FAST, "tracker": "tiny"})[1] == 2


def test_a_cheaper_scoring_keeps_what_a_dearer_one_measured(kit):
    full = score(kit, mos_pads=0, tracker="tiny", workers=1, refit=1)
    assert "f0_l1_cents" in full.rows[0].metrics
    assert {row.facts.get("second_take") for row in full.scored} == {"fit", "noise"}
    cheap = score(kit, **FAST, references=0)
    assert cheap.rows == full.rows and cheap.metrics == full.metrics
    assert any("kept from an earlier scoring" in note for note in cheap.notes)
    audio.write(kit / "sounds/reed/match.wav", render(some_patch(500.0)), "FLOAT")  # no longer what was measured
    horn, reed, _ = score(kit, **FAST).rows
    assert horn == full.rows[0] and "f0_l1_cents" not in reed.metrics and "mrstft" in reed.metrics


def test_only_what_is_missing_is_measured(kit):
    cheap = score(kit, **FAST)
    cut_short = score(kit, mos_pads=0, tracker="tiny", workers=1, limit=1)
    assert [("f0_l1_cents" in row.metrics, "mrstft" in row.metrics) for row in cut_short.scored] == [
        (True, True), (False, True)
    ]  # fmt: skip
    assert not cut_short.complete and cut_short.rows[1] == cheap.rows[1]
    whole = score(kit, mos_pads=0, tracker="tiny", workers=1)
    fresh = score(kit, mos_pads=0, tracker="tiny", workers=1, force=True)
    assert whole.complete and whole.rows == fresh.rows


def test_a_figure_that_no_longer_applies_does_not_stay(tmp_path, white_noise):
    run = make_run(tmp_path / "run", {"hiss": (some_patch(noise=0.05, level=0.0), white_noise(0.4))})
    (row,) = score(run, **FAST).rows
    figures, facts = {**row.metrics, "f0_l1_cents": 3.0}, {**row.facts, "f0_median_hz": 100}
    known, tiny = dataclasses.replace(row, metrics=figures, facts=facts), Scoring(0, F0Settings(model="tiny"))
    job = ScoreJob(find_run(run).sounds[0], tiny, known=known, parts=frozenset({"f0 match"}))
    again = score_sound.score_sound(job)
    assert "f0_l1_cents" not in again.metrics and "f0_median_hz" not in again.facts
    assert again.metrics["mrstft"] == row.metrics["mrstft"] and again.floor == row.floor


def test_a_limit_goes_on_where_it_stopped(kit):
    card = score(kit, **FAST, limit=1)
    assert [row.name for row in card.rows] == ["brass/horn", "torn"] and not card.complete
    assert any("1 of 3 sounds are not scored yet" in note for note in card.notes)
    assert score(kit, **FAST, limit=1).complete


def test_a_wish_to_stop_keeps_what_was_scored(kit):
    seen = []
    card = score(kit, **FAST, on_progress=lambda done, total: seen.append((done, total)), stop=lambda: seen[-1][0] == 1)
    assert seen == [(0, 2), (1, 2)] and [row.name for row in card.scored] == ["brass/horn"] and not card.complete
    assert score(kit, **FAST).complete


def test_sounds_that_moved_are_found_again(kit, tmp_path):
    (tmp_path / "samples").rename(tmp_path / "elsewhere")
    lost = score(kit, **FAST)
    assert [row.status for row in lost.rows] == ["failed"] * 3 and "no such file" in lost.rows[0].reason
    found = score(kit, **FAST, source=tmp_path / "elsewhere")
    assert [row.status for row in found.rows] == ["scored", "scored", "failed"]
    assert found.rows[0].target == str(tmp_path / "elsewhere/brass/horn.wav")
    with pytest.raises(OutputError, match="no such folder"):
        score(kit, **FAST, source=tmp_path / "nowhere")


def test_a_sound_that_moved_keeps_its_place_below_the_folder(tmp_path):
    (tmp_path / "new/deep").mkdir(parents=True)
    for name in ("new/deep/a.wav", "new/a.wav"):
        (tmp_path / name).write_text("sound")
    moved = _moved(tmp_path / "old/deep/a.wav", "called-so", tmp_path / "old", tmp_path / "new")
    assert moved == tmp_path / "new/deep/a.wav"
    assert _moved(tmp_path / "else/a.wav", "called-so", tmp_path / "old", tmp_path / "new") == tmp_path / "new/a.wav"


def test_one_bad_sound_does_not_keep_the_others(kit, tmp_path):
    audio.write(tmp_path / "samples/reed.wav", noisy(Audio(np.zeros((1, 9000), np.float32), RATE)), "FLOAT")
    card = score(kit, **FAST)
    assert [row.status for row in card.rows] == ["scored", "failed", "failed"]
    assert "9000 samples" in card.rows[1].reason and "try: fitting it again" in card.rows[1].reason
    assert card.rows[1].metrics == {} and card.rows[1].fingerprint == ""


def test_a_patch_alone_is_played(kit, tmp_path):
    whole = score(kit, **FAST)
    patches = tmp_path / "patches"
    shutil.copytree(kit, patches)
    for path in patches.rglob("match.wav"):
        path.unlink()
    known = Store.read(kit)
    with Store.create_or_resume(patches, command="", settings=known.settings, source=known.source) as store:
        for entry in store.entries():
            entry.files = [name for name in entry.files if name != "match.wav"]
            store.enter(entry)
    played = score(patches, **FAST)
    assert_close(list(played.rows[1].metrics.values()), list(whole.rows[1].metrics.values()), 1e-6)
    assert played.rows[1].match == "" and any("files=patch" in note for note in played.notes)


def test_a_silent_match_is_scored(tmp_path):
    silent = some_patch(noise=0.0, level=0.0)
    card = score(make_run(tmp_path / "run", {"a": (silent, render(some_patch()))}), **FAST)
    assert card.rows[0].status == "scored"
    assert card.rows[0].metrics["mrstft"] == pytest.approx(card.rows[0].ceilings["silence"]["mrstft"])
    assert "level_db" in card.rows[0].facts and "match_level_db" not in card.rows[0].facts


def test_the_fit_of_one_sound_and_a_sweep_over_it(tmp_path):
    for name in ("10", "9"):
        patch = some_patch(seed=int(name))
        make_single(tmp_path / "sweep" / name, patch, noisy(render(patch)))
    one = score(tmp_path / "sweep/9", **FAST)
    assert [row.name for row in one.rows] == ["9"] and one.settings == {"f0": {"model": "tiny"}}
    assert one.command == "ddsp-match fit sound.wav" and one.rows[0].report.endswith("9/report.html")
    several = score(tmp_path / "sweep", **FAST)
    assert [row.name for row in several.rows] == ["9", "10"] and several.settings == {}
    assert several.rows[0].metrics["seconds"] == 2.0


def test_a_second_fit_is_the_floor_where_it_is_asked_for(tmp_path):
    patch = some_patch(noise=0.01)
    run = make_run(
        tmp_path / "run", {n: (patch, noisy(render(patch), seed=k)) for k, n in enumerate("ab")}, optimizer__steps=2
    )
    card = score(run, mos_pads=0, tracker="none", workers=1, refit=1)
    assert sorted(row.facts["second_take"] for row in card.rows) == ["fit", "noise"]
    assert card.floor is not None and card.floor.scored == 1 and "whole fit" in card.floor_meaning
    single = make_single(tmp_path / "single", patch, render(patch))
    (single / "config.yaml").unlink()
    assert any("not known" in note for note in score(single, **FAST, refit=1).notes)


@pytest.mark.slow
def test_workers_find_the_same(kit):
    alone = score(kit, **FAST, write=False)
    together = score(kit, mos_pads=0, tracker="none", workers=2, write=False)
    assert together.rows == alone.rows and not list(kit.glob("scores.*"))


def test_the_references_are_spread_over_the_families_and_stay():
    sounds = [FittedSound(f"{family}{k}", None, family=family) for family in ("a", "b", "c") for k in range(20)]  # type: ignore
    chosen = spread(sounds, 9)
    assert sorted(sound.family for sound in chosen) == [*"aaabbbccc"]
    more = [*sounds, *(FittedSound(f"late{k}", None, family="a") for k in range(2))]  # type: ignore
    assert len({sound.name for sound in spread(more, 9)} & {sound.name for sound in chosen}) >= 7
    assert len(spread(sounds, 999)) == 60 and spread(sounds, 0) == []


def test_a_folder_without_a_match_says_what_is_needed(tmp_path, kit):
    for place, found in ((tmp_path / "none", "no such folder"), (tmp_path / "samples", "no match")):
        with pytest.raises(OutputError, match=found):
            score(place, **FAST)
    with pytest.raises(OutputError, match=f"ddsp-match score {kit}"):
        find_run(tmp_path)


def test_arguments_and_places_are_checked_before_the_work(kit, tmp_path):
    done = []

    def on_progress(*counts: int) -> None:
        done.append(counts)

    for wrong in ({"sort": "beauty"}, {"tracker": "ear"}, {"mos_pads": 8}):
        with pytest.raises(ConfigError):
            score(kit, **{**FAST, **wrong}, on_progress=on_progress)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/scores.json").write_text('{"football": 3}')
    with pytest.raises(OutputError, match="has not written"):
        score(kit, **FAST, out=tmp_path / "theirs", on_progress=on_progress)
    assert done == []


def test_another_place_keeps_the_run_as_it_was(kit, tmp_path):
    score(kit, **FAST, out=tmp_path / "there")
    assert not list(kit.glob("scores.*")) and (tmp_path / "there/scores.html").is_file()


def test_a_metric_nobody_has_does_not_sort(kit):
    card = score(kit, **FAST, sort="mos")
    assert card.sort == "mrstft" and any("no sound has mos" in note for note in card.notes)


def test_a_run_in_which_all_failed_is_a_card_all_the_same(tmp_path):
    card = score(make_run(tmp_path / "run", {}, failed={"a": "torn", "b": "empty"}), **FAST)
    assert card.scored == [] and len(card.failed) == 2 and card.complete
