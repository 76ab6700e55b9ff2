"""f0 of known sounds: where CREPE hears it, where it cannot, and where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddsp_match.analysis.contour import NO_PITCH_HZ, at_times
from ddsp_match.analysis.pitch import PitchTrack, frames_to_run, track, tracks
from ddsp_match.core.errors import PitchError
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase
from tests.compare import assert_close


def harmonics(
    f0_hz: float | np.ndarray, amplitudes: dict[int, float], seconds: float = 0.6, rate: int = 16000
) -> np.ndarray:
    n = round(seconds * rate)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0_hz, n)) / rate
    return sum(a * np.sin(k * phase) for k, a in amplitudes.items()).astype(np.float32)


def sawtooth(n: int) -> dict[int, float]:
    return {k: 0.3 / k for k in range(1, n + 1)}


def cents(pitch: PitchTrack, expected_hz: np.ndarray | float) -> np.ndarray:
    return 1200 * np.log2(pitch.f0_hz / expected_hz)


def tracked(samples: np.ndarray, rate: int = 16000, **settings: object) -> PitchTrack:
    return track(samples, Timebase.at(rate), F0Settings(**settings))


SOUNDS = {
    "a piano's lowest key, below CREPE's range": (27.5, sawtooth(40)),
    "a piano's highest key, above CREPE's range": (4186.0, {1: 0.3}),
    "a clarinet, odd harmonics only": (150.0, {k: 0.3 / k for k in (1, 3, 5, 7, 9, 11)}),
    "a missing fundamental": (200.0, {k: 0.1 for k in range(3, 9)}),
    "a fundamental far below its octave": (130.8, {1: 0.03, 2: 0.3, 3: 0.1, 4: 0.2, 5: 0.1, 6: 0.05}),
    "a bright sawtooth": (440.0, sawtooth(17)),
    "a sine": (523.25, {1: 0.3}),
}


@pytest.mark.parametrize("name", list(SOUNDS))
def test_steady_sounds_are_heard_within_a_cent(name: str) -> None:
    f0_hz, amplitudes = SOUNDS[name]
    pitch = tracked(harmonics(f0_hz, amplitudes))
    assert pitch.pitched
    assert pitch.voiced[12:-12].all()
    assert np.abs(cents(pitch, f0_hz))[14:-14].max() < 1
    assert pitch.periodicity[12:-12].min() > 0.5


def test_no_pitch_is_invented_between_two_notes() -> None:
    f0_hz = at_times(np.repeat([100.0, 200.0], 50), np.linspace(0, 99, 300))
    assert set(np.round(f0_hz, 6)) == {100.0, 200.0}
    glide = 200.0 * 2 ** (np.arange(300) / 300)
    assert_close(at_times(glide, np.array([10.25])), 200.0 * 2 ** (np.array([10.25]) / 300), 1e-9)


def test_an_unreachable_pitch_is_reported() -> None:
    assert any("CREPE heard no pitch" in line for line in tracked(harmonics(22.0, sawtooth(20))).changes)
    assert tracked(harmonics(220.0, sawtooth(10))).changes == []


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_vibrato_is_followed_at_any_rate(rate: int) -> None:
    t = np.arange(rate) / rate
    f0_hz = 330.0 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * t))
    pitch = tracked(harmonics(f0_hz, sawtooth(8), 1.0, rate), rate)
    timebase = Timebase.at(rate)
    expected = np.interp(np.arange(len(pitch.f0_hz)) * timebase.hop, np.arange(rate), f0_hz)
    assert np.abs(cents(pitch, expected))[8:-8].max() < 8


def test_refinement_makes_f0_smoother_and_truer() -> None:
    t = np.arange(16000) / 16000
    f0_hz = 200.0 * 2 ** (t / 12)
    sound = harmonics(f0_hz, sawtooth(10), 1.0)
    expected = np.interp(np.arange(101) * 160, np.arange(16000), f0_hz)
    rough, fine = tracked(sound, refine=False), tracked(sound)
    error = [np.sqrt(np.mean(cents(p, expected)[8:-8] ** 2)) for p in (rough, fine)]
    assert error[1] < 0.1
    assert error[1] < error[0] / 10
    assert np.abs(np.diff(cents(fine, expected)[8:-8])).max() < 0.1


def test_two_notes_and_a_rest() -> None:
    rest = np.zeros(3200, dtype=np.float32)
    sound = np.concatenate((harmonics(220.0, sawtooth(8), 0.5), rest, harmonics(330.0, sawtooth(8), 0.5)))
    pitch = tracked(sound)
    assert np.abs(cents(pitch, 220.0))[5:45].max() < 3
    assert np.abs(cents(pitch, 330.0))[75:115].max() < 3
    assert not pitch.voiced[57:63].any()
    assert ((pitch.f0_hz[50:70] > 215) & (pitch.f0_hz[50:70] < 340)).all()


def test_the_last_partial_of_a_note_does_not_take_over() -> None:
    fade = np.linspace(1.0, 0.0, 16000, dtype=np.float32) ** 3
    sound = fade * harmonics(262.0, {1: 0.3, 3: 0.1}, 1.0) + harmonics(262.0, {2: 0.02}, 1.0)
    pitch = tracked(sound)
    assert np.abs(cents(pitch, 262.0))[5:-5].max() < 5


@pytest.mark.parametrize("kind", ["noise", "silence", "click"])
def test_no_pitch_is_said_and_harmless(kind: str) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    click = np.zeros(16000, dtype=np.float32)
    click[5000] = 1.0
    pitch = tracked({"noise": noise, "silence": 0 * noise, "click": click}[kind])
    assert not pitch.pitched
    assert not pitch.voiced.any()
    assert_close(pitch.f0_hz, np.full(101, NO_PITCH_HZ), atol=1e-9)
    assert np.isfinite(pitch.periodicity).all()


def test_an_offset_changes_nothing() -> None:
    sound = harmonics(220.0, sawtooth(8))
    assert np.abs(cents(tracked(sound + np.float32(0.7)), tracked(sound).f0_hz)).max() < 0.5


def test_a_tenth_of_a_second_is_enough() -> None:
    pitch = tracked(harmonics(300.0, sawtooth(10), 0.1))
    assert pitch.voiced.any()
    assert np.abs(cents(pitch, 300.0)).max() < 10


def test_pyin_is_a_source_too() -> None:
    pitch = tracked(harmonics(220.0, sawtooth(8), 0.4), source="pyin", min_hz=60.0, max_hz=1000.0)
    assert np.abs(cents(pitch, 220.0))[6:-6].max() < 3


def test_a_constant_is_taken_as_it_is() -> None:
    pitch = tracked(harmonics(220.0, sawtooth(8)), source="constant", hz=233.0)
    assert (pitch.f0_hz == 233.0).all()
    assert pitch.voiced.all()


def test_a_constant_above_nyquist_is_refused() -> None:
    with pytest.raises(PitchError, match=r"f0\.hz.*5000.*4000 Hz"):
        tracked(np.zeros(8000, dtype=np.float32), 8000, source="constant", hz=5000.0)


def test_a_range_above_the_sound_is_refused() -> None:
    with pytest.raises(PitchError, match=r"f0\.min_hz.*4000 Hz.*3600 Hz"):
        tracked(np.zeros(8000, dtype=np.float32), 8000, min_hz=4000.0)


def test_a_csv_is_followed_and_refined(tmp_path: Path) -> None:
    path = tmp_path / "f0.csv"
    rows = [f"{t:.2f},{0 if t < 0.2 else 221.0}" for t in np.arange(0, 0.61, 0.05)]
    path.write_text("time,f0\n" + "\n".join(rows))
    sound = harmonics(220.0, sawtooth(8))
    as_given = tracked(sound, source="csv", path=str(path), refine=False)
    assert np.abs(cents(as_given, 221.0)).max() < 0.01
    assert not as_given.voiced[:16].any()
    assert as_given.voiced[20:].all()
    refined = tracked(sound, source="csv", path=str(path))
    assert np.abs(cents(refined, 220.0))[20:-8].max() < 1


def test_a_csv_that_ends_early_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("0,220\n0.1,220\n0.2,220\n")
    with pytest.raises(PitchError, match=r"short\.csv.*0\.00 to 0\.20 s.*0 to 0\.60 s"):
        tracked(harmonics(220.0, sawtooth(8)), source="csv", path=str(path))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("rate", "source"), [(16000, "crepe"), (22050, "crepe"), (16000, "constant")])
def test_many_sounds_are_heard_as_each_alone(rate: int, source: str, workers: int) -> None:
    rest = np.zeros(rate // 5, dtype=np.float32)
    sounds = [
        harmonics(220.0, sawtooth(8), 0.5, rate),
        np.concatenate((harmonics(330.0, sawtooth(5), 0.3, rate), rest)),
        rest,
        0.1 * np.random.default_rng(0).standard_normal(rate // 4).astype(np.float32),
    ]
    settings = F0Settings(model="tiny", source=source, hz=200.0 if source == "constant" else None)
    progress: list[tuple[int, int]] = []
    together = tracks(sounds, Timebase.at(rate), settings, lambda *now: progress.append(now), workers=workers)
    for one, samples in zip(together, sounds, strict=True):
        alone = track(samples, Timebase.at(rate), settings)
        assert_close(one.f0_hz, alone.f0_hz, 0.0)
        assert_close(one.periodicity, alone.periodicity, 0.0)
        assert (one.voiced == alone.voiced).all() and (one.doubt == alone.doubt).all()
        assert (one.changes, one.pitched) == (alone.changes, alone.pitched)
    assert source == "constant" or progress[-1][0] == progress[-1][1]
    assert tracks([], Timebase.at(rate), settings) == []


def test_silence_is_not_run_and_changes_nothing() -> None:
    fade = np.linspace(1.0, 0.0, 16000, dtype=np.float32) ** 4
    note = fade * harmonics(262.0, sawtooth(8), 1.0)
    sound = np.concatenate((note, np.zeros(16000, np.float32), 0.5 * note, np.zeros(8000, np.float32)))
    calls: list[tuple[int, int]] = []
    pitch = track(sound, Timebase.at(16000), F0Settings(model="tiny"), lambda *progress: calls.append(progress))
    assert 0.4 < calls[-1][1] / len(pitch.f0_hz) < 0.8
    assert pitch.voiced.sum() > 100 and np.abs(cents(pitch, 262.0))[pitch.voiced][5:-5].max() < 5
    assert not pitch.voiced[110:195].any() and not pitch.voiced[310:].any()


def test_frames_over_the_ends_of_a_sound_are_tracked() -> None:
    # The mean is taken off before: what is constant inside is not where the sound begins and ends.
    level_db = np.full(21, -10.0)
    wanted = frames_to_run(np.full(3200, 0.3, dtype=np.float32), level_db)
    assert wanted.tolist() == [True] * 4 + [False] * 13 + [True] * 4
    assert not frames_to_run(np.ones(3200, dtype=np.float32), np.full(21, -95.0)).any()
