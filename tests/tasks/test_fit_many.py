"""Many sounds into one run folder: what is fitted, skipped, tried again, lost and said."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

from ddsp_match.core.errors import ConfigError, OutputError, SoundError
from ddsp_match.core.settings import FitSettings
from ddsp_match.datasets import Item
from ddsp_match.runs.batches import LONGEST_OVER_SHORTEST, jobs_of
from ddsp_match.runs.store import Entry, Store, write_sound
from ddsp_match.tasks.fit_many import fit_many
from tests.tasks.fakes_many import Engine, fake_fit, fit_without_room, torn, write_tone


@pytest.fixture
def samples(tmp_path) -> Path:
    for number in range(5):
        write_tone(tmp_path / f"samples/drums/tone-{number}.wav", f0_hz=200 + 10 * number)
    write_tone(tmp_path / "samples/voice.wav", sample_rate=22_050)
    return tmp_path / "samples"


def run(source, out, *, engine=None, fit=fake_fit, settings=None, **more):
    settings = settings or FitSettings(batch_size=2)
    return fit_many(source, settings, out, engine=engine or Engine(), fit=fit, **more)


def counts(result):
    return result.counts.skipped, result.counts.done, result.counts.failed, result.counts.left


def test_every_sound_is_fitted_once_and_the_same_call_again_does_nothing(samples, tmp_path):
    first = run(samples, tmp_path / "kit", command="ddsp-match fit samples")
    assert counts(first) == (0, 6, 0, 0) and not first.stopped and first.failures == []
    names = {entry.name for entry in first.entries}
    assert names == {f"drums/tone-{number}" for number in range(5)} | {"voice"}
    assert {entry.family for entry in first.entries} == {"drums", ""}
    assert all(entry.attempts == 1 and entry.finished_at for entry in first.entries)
    assert torn(tmp_path / "kit") == []
    assert (tmp_path / "kit/config.yaml").read_text().startswith("# ddsp-match fit samples\n")
    engine = Engine()
    again = run(samples, tmp_path / "kit", engine=engine)
    assert counts(again) == (6, 0, 0, 0) and engine.jobs == []


def test_sounds_of_one_form_go_together_and_unreadable_ones_alone(samples, tmp_path):
    (samples / "broken.wav").write_bytes(b"RIFF but no more")
    (samples / "empty.wav").write_bytes(b"")
    engine = Engine()
    result = run(samples, tmp_path / "kit", engine=engine)
    assert counts(result) == (0, 6, 2, 0)
    assert sorted(map(len, engine.jobs)) == [1, 1, 1, 1, 2, 2]
    assert ["broken"] in engine.jobs and ["empty"] in engine.jobs and ["voice"] in engine.jobs
    reasons = dict(result.failures)
    assert "empty file" in reasons["empty"] and "a damaged sound file" in reasons["broken"]
    failed = {entry.name: entry for entry in result.entries if entry.status == "failed"}
    assert failed["empty"].reason == reasons["empty"] and failed["empty"].folder == ""


def test_what_failed_is_tried_again_and_its_attempts_are_counted(samples, tmp_path):
    (samples / "broken.wav").write_bytes(b"no")
    assert counts(run(samples, tmp_path / "kit")) == (0, 6, 1, 0)
    assert counts(run(samples, tmp_path / "kit")) == (6, 0, 1, 0)
    write_tone(samples / "broken.wav")
    result = run(samples, tmp_path / "kit")
    assert counts(result) == (6, 1, 0, 0)
    assert {entry.name: entry.attempts for entry in result.entries}["broken"] == 3


def test_a_sound_whose_file_changed_is_fitted_again(samples, tmp_path):
    run(samples, tmp_path / "kit")
    write_tone(samples / "voice.wav", seconds=0.3)
    engine = Engine()
    assert counts(run(samples, tmp_path / "kit", engine=engine)) == (5, 1, 0, 0)
    assert engine.jobs == [["voice"]] and torn(tmp_path / "kit") == []
    os.utime(samples / "voice.wav", ns=(1, 1))
    assert counts(run(samples, tmp_path / "kit")) == (5, 1, 0, 0)
    assert counts(run(samples, tmp_path / "kit")) == (6, 0, 0, 0)


def test_a_sound_whose_file_is_gone_stays_finished(samples, tmp_path):
    (tmp_path / "list.csv").write_text("path\nsamples/voice.wav\nsamples/drums/tone-0.wav\n")
    assert counts(run(tmp_path / "list.csv", tmp_path / "kit")) == (0, 2, 0, 0)
    (samples / "voice.wav").unlink()
    assert counts(run(tmp_path / "list.csv", tmp_path / "kit")) == (2, 0, 0, 0)


def test_a_sound_written_again_before_a_kill_is_not_fitted_a_third_time(samples, tmp_path):
    run(samples, tmp_path / "kit")
    write_tone(samples / "voice.wav", seconds=0.3)
    fake_fit(next(jobs_of([Item("voice", samples / "voice.wav")], job_in(tmp_path / "kit"), lambda _: 1)))
    engine = Engine()
    assert counts(run(samples, tmp_path / "kit", engine=engine)) == (6, 0, 0, 0) and engine.jobs == []


def test_a_lost_batch_is_done_again_alone_and_only_the_guilty_fails(samples, tmp_path):
    engine = Engine(loses=lambda job: any(item.name == "drums/tone-3" for item in job.items))
    result = run(samples, tmp_path / "kit", engine=engine, settings=FitSettings(batch_size=5))
    assert counts(result) == (0, 5, 1, 0)
    assert result.failures == [("drums/tone-3", "its worker died 3 times")]
    assert sorted(map(len, engine.jobs)) == [1, 1, 1, 1, 1, 1, 5]
    assert next(e for e in result.entries if e.name == "drums/tone-3").attempts == 6


def test_what_a_lost_batch_had_written_is_not_done_again(samples, tmp_path):
    def loses(job):
        if len(job.items) > 1:
            fake_fit(type(job)(job.items[:2], job.folder, job.settings))
        return len(job.items) > 1

    engine = Engine(loses)
    result = run(samples, tmp_path / "kit", engine=engine, settings=FitSettings(batch_size=5))
    assert counts(result) == (0, 6, 0, 0) and sorted(map(len, engine.jobs)) == [1, 1, 1, 1, 5]


def test_a_fit_that_raises_fails_alone(samples, tmp_path):
    from ddsp_match.runs.engines import Finished

    class Raising(Engine):
        def run(self, function, jobs, stop=None):
            for job in jobs:
                bad = any(item.name == "voice" for item in job.batch.items)
                yield Finished(job, error="ValueError: shapes") if bad else Finished(job, function(job))

    result = run(samples, tmp_path / "kit", engine=Raising())
    assert counts(result) == (0, 5, 1, 0) and result.failures == [("voice", "ValueError: shapes")]


def test_a_sound_without_a_result_is_a_failure(samples, tmp_path):
    result = run(samples, tmp_path / "kit", fit=lambda job: fake_fit(job)[1:])
    assert counts(result) == (0, 2, 4, 0)
    assert {reason for _, reason in result.failures} == {"the fit gave no result for it"}


def test_stop_ends_the_run_and_it_goes_on_later(samples, tmp_path):
    seen = []
    result = run(samples, tmp_path / "kit", on_progress=seen.append, stop=lambda: bool(seen))
    assert result.stopped and 0 < result.counts.done < 6 and result.counts.failed == 0
    done = result.counts.done
    assert counts(run(samples, tmp_path / "kit")) == (done, 6 - done, 0, 0)


def test_progress_is_told_before_and_after_each_sound(samples, tmp_path):
    begun, seen = [], []
    (samples / "readme.txt").write_text("x")
    run(samples, tmp_path / "kit", on_begin=lambda *told: begun.append(told), on_progress=seen.append)
    ((first, notes),) = begun
    assert (first.total, first.left) == (6, 6) and notes == ["1 file is no sound (.txt), left out"]
    assert [count.done for count in seen] == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_ends_the_run_with_what_is_kept_and_it_goes_on(samples, tmp_path):
    with pytest.raises(OutputError) as raised:
        run(samples, tmp_path / "kit", fit=fit_without_room, settings=FitSettings(batch_size=1))
    message = str(raised.value)
    assert "no space left" in message and "2 sounds are kept, 4 are left" in message and ".part" not in message
    assert torn(tmp_path / "kit") == []
    assert all(entry.status == "done" for entry in Store.read(tmp_path / "kit").entries())
    assert counts(run(samples, tmp_path / "kit")) == (2, 4, 0, 0)


def test_an_index_that_cannot_be_written_ends_the_run_and_the_sound_is_found_again(samples, tmp_path, monkeypatch):
    def full(self, entry):
        raise OutputError("database or disk is full", where="index.sqlite")

    with monkeypatch.context() as patched, pytest.raises(OutputError, match="disk is full"):
        patched.setattr(Store, "enter", full)
        run(samples, tmp_path / "kit", settings=FitSettings(batch_size=1))
    assert counts(run(samples, tmp_path / "kit")) == (1, 5, 0, 0)


def test_a_raw_error_of_a_full_disk_counts_as_one(samples, tmp_path):
    def fit(job):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="no space left"):
        run(samples, tmp_path / "kit", fit=fit)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_really_full(samples, tmp_path, small_disk):
    for number in range(20):
        write_tone(samples / f"more/{number}.wav", seconds=0.4)
    with pytest.raises(OutputError) as raised:
        run(samples, small_disk / "kit", settings=FitSettings(batch_size=1))
    message = str(raised.value)
    assert "no space left" in message or "full" in message or re.search(r"with \d+ kB free on the disk", message)
    assert torn(small_disk / "kit") == []
    kept = len(Store.read(small_disk / "kit").entries())
    assert 1 < kept < 26
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    result = run(samples, small_disk / "kit")
    assert result.counts.done + result.counts.skipped == 26 and result.counts.skipped >= kept


def test_two_runs_into_one_folder_the_second_is_refused(samples, tmp_path):
    def refused(job):
        with pytest.raises(OutputError, match=rf"another run is writing there \(process {os.getpid()} on"):
            run(samples, tmp_path / "kit")
        return fake_fit(job)

    assert counts(run(samples, tmp_path / "kit", fit=refused)) == (0, 6, 0, 0)


def test_other_settings_are_refused_by_name_and_force_starts_over(samples, tmp_path):
    run(samples, tmp_path / "kit")
    with pytest.raises(OutputError, match=r"other settings \(optimizer.steps, seed\)"):
        other = FitSettings(seed=3)
        other.optimizer.steps = 5
        run(samples, tmp_path / "kit", settings=other)
    (tmp_path / "kit/notes.txt").write_text("mine")
    result = run(samples, tmp_path / "kit", settings=FitSettings(seed=3, batch_size=2), force=True)
    assert counts(result) == (0, 6, 0, 0) and Store.read(tmp_path / "kit").settings["seed"] == 3
    assert (tmp_path / "kit/notes.txt").read_text() == "mine"


def test_who_works_and_which_sounds_may_change(samples, tmp_path):
    run(samples, tmp_path / "kit", settings=FitSettings(limit=2, batch_size=1))
    settings = FitSettings(limit=4, batch_size=3, threads=1, device="cpu")
    settings.engine.name = "inline"
    assert counts(run(samples, tmp_path / "kit", settings=settings)) == (2, 2, 0, 0)


def test_effects_that_do_not_exist_are_refused_once(samples, tmp_path):
    with pytest.raises(ConfigError):
        run(samples, tmp_path / "kit", settings=FitSettings(effects=["reverbb"]))
    assert not (tmp_path / "kit").exists()


def test_a_device_that_is_not_here_is_refused_once(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match="device=cuda"):
        run(samples, tmp_path / "kit", settings=FitSettings(device="cuda", batch_size=2))
    assert not (tmp_path / "kit").exists()


def test_no_sounds_and_no_folder_is_made(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SoundError, match="none: found no files"):
        run(tmp_path / "none", tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


def test_files_one_by_one(samples, tmp_path):
    named = [samples / "voice.wav", samples / "drums/tone-1.wav", samples / "drums/../voice.wav"]
    result = run(named, tmp_path / "kit")
    assert counts(result) == (0, 2, 0, 0) and {e.name for e in result.entries} == {"voice", "drums/tone-1"}
    assert any("named twice" in note for note in result.notes)
    assert counts(run([*named, samples / "drums/tone-2.wav"], tmp_path / "kit")) == (2, 1, 0, 0)


# Batches


def job_in(folder):
    from ddsp_match.runs.batches import BatchJob

    return lambda items: BatchJob(items, folder, FitSettings())


def test_batches_hold_similar_lengths_and_the_longest_comes_first(tmp_path):
    lengths = [0.2, 0.21, 0.24, 0.5, 0.55, 1.0, 0.2]
    items = [Item(str(at), write_tone(tmp_path / f"{at}.wav", length)) for at, length in enumerate(lengths)]
    jobs = list(jobs_of(items, job_in(tmp_path), lambda form: 3))
    assert sorted(item.name for job in jobs for item in job.items) == [item.name for item in items]
    for job in jobs:
        found = [soundfile.info(item.path).frames for item in job.items]
        assert len(found) <= 3 and found == sorted(found, reverse=True)
        assert found[0] <= LONGEST_OVER_SHORTEST * found[-1]
    assert [len(job.items) for job in jobs] == [1, 2, 3, 1]


def test_channels_and_rates_are_not_mixed_and_high_rates_count_as_fitted(tmp_path):
    items = [
        Item("a", write_tone(tmp_path / "a.wav", sample_rate=96_000)),
        Item("b", write_tone(tmp_path / "b.wav", sample_rate=48_000)),
        Item("c", write_tone(tmp_path / "c.wav", sample_rate=24_000)),
    ]
    soundfile.write(tmp_path / "d.wav", [[0.1, 0.2]] * 4800, 24_000)
    jobs = list(jobs_of([*items, Item("d", tmp_path / "d.wav")], job_in(tmp_path), lambda form: 9))
    assert sorted(sorted(item.name for item in job.items) for job in jobs) == [["a", "b"], ["c"], ["d"]]


def test_jobs_are_drawn_lazily(tmp_path, monkeypatch):
    monkeypatch.setattr("ddsp_match.runs.batches.WINDOW", 10)
    path = write_tone(tmp_path / "a.wav")
    drawn = []

    def items():
        for number in range(1000):
            drawn.append(number)
            yield Item(str(number), path)

    next(jobs_of(items(), job_in(tmp_path), lambda form: 2))
    assert len(drawn) == 10


def test_worker_processes_do_the_same(samples, tmp_path):
    settings = FitSettings(batch_size=2, threads=1)
    settings.engine.workers = 2
    (samples / "broken.wav").write_bytes(b"no")
    result = fit_many(samples, settings, tmp_path / "kit", fit=fake_fit)
    assert counts(result) == (0, 6, 1, 0) and torn(tmp_path / "kit") == []
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_real_fits_end_to_end(tmp_path, bundled):
    from ddsp_match.patch import load_patch

    for name in ("oboe-phrase.flac", "cello-g2.flac"):
        sound, rate = soundfile.read(bundled / name, frames=16_000, dtype="float32")
        (tmp_path / "samples").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "samples" / f"{name[:4]}.wav", sound, rate)
    (tmp_path / "samples/broken.wav").write_bytes(b"no")
    settings = FitSettings(threads=1)
    settings.engine.name, settings.optimizer.steps = "inline", 5
    result = fit_many(tmp_path / "samples", settings, tmp_path / "kit")
    assert counts(result) == (0, 2, 1, 0)
    for entry in result.entries:
        if entry.status == "done":
            (patch,) = (tmp_path / "kit" / entry.folder).glob("*.patch.safetensors")
            assert load_patch(patch).timebase.sample_rate == entry.facts["sample_rate"]
            assert entry.metrics["mrstft"] < 1
            assert (tmp_path / "kit" / entry.folder / "match.wav").is_file()
    assert counts(fit_many(tmp_path / "samples", settings, tmp_path / "kit")) == (2, 0, 1, 0)


def test_the_store_refuses_a_name_that_the_disk_cannot_hold(tmp_path, samples):
    entry = Entry("x" * 300, str(samples / "voice.wav"), "done")
    with pytest.raises(SoundError, match="cannot be written"):
        write_sound(tmp_path / "kit", entry, lambda folder: None)
