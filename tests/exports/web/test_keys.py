"""Keys played through the worklet: pitch, body, loop, release, stealing, knobs; and no clicks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.edits.instrument import Instrument
from ddsp_match.exports.web.voice import voice, voices
from tests.compare import assert_close
from tests.edits.phrases import phrase
from tests.exports.web.page import RATE, TIMEBASE, harmonics, rendered, steps

pytestmark = pytest.mark.browser

A3 = 57


def held(controls: Controls | None = None, n: int = 0, **options) -> dict:
    """A voice of 220 Hz whose middle is looped."""
    if controls is None:
        controls, n = harmonics()
    given = {"name": "test", "root_midi": 57, "loop": (30, 70), "attack": 10, **options}
    return voice(controls, TIMEBASE, n, 7, **given)


def heard(browser, made: dict, *messages: dict, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    samples, said = rendered(browser, [{"type": "voice", "voice": made}, *messages], seconds, rate)
    assert not [one for one in said if one["type"] == "problem"], said
    return samples[0]


def on(midi: float = A3, at: float = 0.0, velocity: float = 0.8) -> dict:
    return {"type": "on", "midi": midi, "velocity": velocity, "at": at}


def off(midi: float = A3, at: float = 0.0) -> dict:
    return {"type": "off", "midi": midi, "at": at}


def knob(name: str, value: object) -> dict:
    return {"type": "knob", "name": name, "value": value}


def peaks_hz(samples: np.ndarray, rate: int = RATE) -> tuple[float, float]:
    """The lowest peak that counts, to a fraction of a bin, and the strongest one."""
    window = np.hanning(len(samples))
    log = np.log(np.abs(np.fft.rfft(samples * window)) + 1e-9)
    tops = np.flatnonzero((log[1:-1] > log[:-2]) & (log[1:-1] > log[2:]) & (log[1:-1] > log.max() - 4)) + 1
    first = tops[0]
    below, here, above = log[first - 1 : first + 2]
    shift = 0.5 * (below - above) / (below - 2 * here + above)
    return (first + shift) * rate / len(samples), float(log.argmax() * rate / len(samples))


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples))) + 1e-12))


def test_a_chord_on_a_phrase_is_held_within_one_note(page):
    patch = phrase([(60, 50, 0.2), (64, 80, 0.2), (60, 80, 0.0), (67, 60, 0.2)], fall_db_per_s=4)
    chord = [on(midi) for midi in (57, 60, 64)]
    sound = heard(page, voices(patch, "phrase")["keys"], *chord, seconds=6.0)
    levels = np.array([level_db(part) for part in np.split(sound[RATE // 2 :], 22)])
    assert np.abs(levels - np.median(levels)).max() < 1


def test_an_instrument_plays_the_nearest_note_and_velocity_chooses_its_strength(page):
    def one(key: int, amplitude: float, odd: bool = False):
        patch = phrase([(key, 150, amplitude)])
        patch.controls.distribution[:, 1::2] *= not odd
        return patch

    instrument = Instrument.of([one(57, 0.2), one(57, 0.02, odd=True), one(69, 0.2, odd=True)])
    made = voices(instrument, "three")["keys"]

    def second_db(midi: int, velocity: float) -> float:
        sound = heard(page, made, on(midi, velocity=velocity))[RATE // 4 :]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
        near = [round(440 * 2 ** ((midi - 69) / 12) * number * len(sound) / RATE) for number in (1, 2)]
        first, second = (spectrum[place - 3 : place + 4].max() for place in near)
        return 20 * np.log10(second / first)

    assert second_db(57, 0.8) > -12 and second_db(60, 0.8) > -12
    assert second_db(57, 0.25) < -30 and second_db(67, 0.8) < -30
    loud, soft = (level_db(heard(page, made, on(57, velocity=v))[RATE // 4 :]) for v in (0.8, 0.25))
    assert soft - loud == pytest.approx(40 * np.log10(0.25 / 0.8), abs=1)


@pytest.mark.parametrize("formant", ["keep", "move"])
@pytest.mark.parametrize("interval", [-12, -5, 0, 7, 19])
def test_a_key_has_its_pitch(page, formant, interval):
    sound = heard(page, held(), knob("formant", formant), on(A3 + interval))
    cents = 1200 * np.log2(peaks_hz(sound[4000:])[0] / (220 * 2 ** (interval / 12)))
    assert abs(cents) < 1


def test_bend_and_transpose_move_the_pitch(page):
    bent = heard(page, held(), on(), {"type": "bend", "semitones": 2})
    assert peaks_hz(bent[4000:])[0] == pytest.approx(220 * 2 ** (2 / 12), rel=5e-4)
    moved = heard(page, held(), knob("transpose", -3), on())
    assert peaks_hz(moved[4000:])[0] == pytest.approx(220 * 2 ** (-3 / 12), rel=5e-4)


def test_a_transposed_key_keeps_its_body_or_takes_it_along(page):
    """A resonance at 1 kHz stays at 1 kHz, or goes to 2."""
    amplitudes = tuple(0.2 * 10 ** (-abs(200 * k - 1000) / 400) for k in range(1, 31))
    made = held(*harmonics(200.0, amplitudes))
    up = made["root_midi"] + 12
    kept = heard(page, made, knob("formant", "keep"), on(up))
    moved = heard(page, made, knob("formant", "move"), on(up))
    assert 700 < peaks_hz(kept[4000:])[1] < 1300
    assert peaks_hz(moved[4000:])[1] == pytest.approx(2000, abs=5)


def test_a_key_an_octave_up_is_as_loud_however_steep_the_envelope(page):
    made = held(*harmonics(200.0, tuple(0.2 * 10 ** (-k / 1.5) for k in range(20))))
    levels = [level_db(heard(page, made, on(made["root_midi"] + up))[4000:]) for up in (0, 12)]
    assert abs(levels[1] - levels[0]) < 1


def test_a_key_lower_than_the_sound_is_filled_up_to_the_top(page):
    amplitudes = (0.05,) * 20  # up to 7 kHz
    made = held(*harmonics(350.0, amplitudes))
    low = heard(page, made, on(made["root_midi"] - 12))
    spectrum = np.abs(np.fft.rfft(low[4000:])) ** 2
    edge = 4000 * (len(low) - 4000) // RATE
    assert spectrum[edge:].sum() > 0.2 * spectrum.sum()


def test_a_key_let_go_at_once_was_struck_all_the_same(page):
    assert np.abs(heard(page, held(), on(), off())).max() > 0.05


def test_a_held_key_sounds_on_and_a_released_one_ends(page):
    sound = heard(page, held(), knob("release", 0.3), on(), off(at=3.0), seconds=4.0)
    steady = level_db(sound[8000:9000])
    assert level_db(sound[45000:47000]) == pytest.approx(steady, abs=0.5)
    assert level_db(sound[3 * RATE + 4640 : 3 * RATE + 4960]) == pytest.approx(steady - 60, abs=6)
    assert not np.any(sound[int(3.6 * RATE) :])


def test_the_pedal_holds_what_was_let_go(page):
    pedal = [{"type": "sustain", "down": down, "at": at} for down, at in ((True, 0.0), (False, 2.0))]
    sound = heard(page, held(), pedal[0], on(), off(at=0.5), pedal[1], seconds=3.0)
    assert level_db(sound[30000:32000]) > -30
    assert level_db(sound[2 * RATE + 8000 :]) < -90


def test_a_sound_without_a_loop_ends_by_itself(page):
    sound = heard(page, held(loop=None), on(), seconds=1.5)
    assert level_db(sound[12000:15000]) > -30
    assert not np.any(sound[RATE + 200 :])


def swelling() -> Controls:
    """A tone that grows and rises all the while, so that a loop that only jumped would be heard."""
    controls, _ = harmonics(torch.linspace(200.0, 240.0, 101), (0.3, 0.05))
    phases = torch.linspace(0, 9, 101).expand(1, 2, 101).contiguous()
    return replace(controls, amplitude=controls.amplitude * torch.linspace(0.3, 1.0, 101), phases=phases)


@pytest.mark.parametrize(
    ("messages", "seconds"),
    [
        pytest.param([on(57), off(57, 0.33)], 0.8, id="on and off"),
        pytest.param([on(57)], 3.0, id="loop"),
        pytest.param([on(57), on(57, 0.3), on(57, 0.31)], 0.8, id="the same key again"),
        pytest.param([on(45 + i, 0.02 * i) for i in range(20)], 0.8, id="stealing"),
        pytest.param([on(57), {"type": "panic", "at": 0.3}], 0.8, id="panic"),
        pytest.param([on(57), {"type": "bend", "semitones": 2, "at": 0.3}], 0.8, id="bend"),
        pytest.param([on(57), knob("level", -30) | {"at": 0.3}], 0.8, id="level"),
    ],
)
def test_no_click(page, messages, seconds):
    made = held(swelling(), RATE, root_midi=57)
    sound = heard(page, made, knob("level", -12), knob("attack", 0.02), *messages, seconds=seconds)
    assert np.abs(sound).max() > 0.01
    keys = min(16, len({one["midi"] for one in messages if one["type"] == "on"}))
    highest = max(2, 2 ** (1 + (max(one.get("midi", 57) for one in messages) - 57) / 12))
    smooth = 0.36 * 10 ** (-12 / 20) * keys * (2 * np.pi * 240 * highest / RATE) ** 2 / 2
    # A jump of a hundredth of full scale is as large as itself in the second difference.
    assert steps(sound).max() < smooth + 0.01


def test_a_sound_that_breaks_off_ends_without_a_click(page):
    made = held(*harmonics(110.0, (0.3,)), loop=None, root_midi=57)
    sound = heard(page, made, on(57), seconds=1.2)
    assert steps(sound)[RATE // 2 :].max() < 0.003


def test_the_loop_turns_back_gradually(page):
    sound = heard(page, held(swelling(), RATE, root_midi=57), on(57), seconds=3.0)
    blocks = np.sqrt(np.square(sound[4800:]).reshape(-1, 320).mean(1))
    assert np.abs(np.diff(20 * np.log10(blocks))).max() < 1.5


def test_partials_transposed_past_nyquist_are_silent(page):
    made = held(*harmonics(900.0, (0.1,) * 8))
    sound = heard(page, made, knob("formant", "move"), on(made["root_midi"] + 7))
    spectrum = np.abs(np.fft.rfft(sound[4000:] * np.hanning(len(sound) - 4000))) ** 2
    hz = np.arange(len(spectrum)) * RATE / (len(sound) - 4000)
    f0 = 900 * 2 ** (7 / 12)
    apart = np.abs(hz - f0 * np.round(hz / f0)) > 60
    assert spectrum[apart & (hz > 500)].sum() < 1e-6 * spectrum.sum()


def test_sixteen_keys_sound_and_the_seventeenth_steals_the_oldest(page):
    made = held(*harmonics(220.0, (0.05,)))
    messages = [on(40 + i, 0.01 * i) for i in range(17)]
    sound = heard(page, made, knob("formant", "move"), *messages, seconds=1.0)
    spectrum = np.abs(np.fft.rfft(sound[-12000:] * np.hanning(12000)))

    def strength(midi: int) -> float:
        at = round(440 * 2 ** ((midi - 69) / 12) * 12000 / RATE)
        return spectrum[at - 1 : at + 2].max()

    assert strength(40) < 0.06 * strength(45)
    assert min(strength(midi) for midi in range(41, 57)) > 0.3 * strength(45)


def test_a_harder_key_is_louder_and_brighter(page):
    def centroid(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound[4000:])) ** 2
        return float((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())

    soft, usual, hard = (heard(page, held(), on(velocity=v)) for v in (0.3, 0.8, 1.0))
    # The square law by which MIDI files are written, give or take what the other brightness changes.
    levels = [level_db(sound) - level_db(usual) for sound in (soft, hard)]
    assert_close(levels, 40 * np.log10(np.array([0.3, 1.0]) / 0.8), 1.5)
    assert 1.02 * centroid(soft) < centroid(usual) < centroid(hard) / 1.005


def test_the_usual_velocity_at_the_root_is_the_patch(page):
    made = held()
    key, patch = heard(page, made, on(made["root_midi"])), heard(page, made, {"type": "play"})
    assert np.abs(key[200:4000] - patch[200:4000]).max() < 1e-5


def noisy() -> dict:
    controls, n = harmonics(220.0, (0.1, 0.05, 0.02), bands=33)
    return held(replace(controls, noise=torch.full_like(controls.noise, 0.02)), n)


def test_knobs_of_the_stems(page):
    def parts(*knobs: dict) -> tuple[float, float]:
        """Levels in dB of the partials, and of what lies between them."""
        sound = heard(page, noisy(), *knobs, on())[4000:]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        bins = np.arange(len(spectrum)) * RATE / len(sound)
        near = np.abs(bins - 220 * np.round(bins / 220)) < 10
        partials, rest = spectrum[near & (bins < 700) & (bins > 50)].sum(), spectrum[bins > 1000].sum()
        return 10 * np.log10(partials), 10 * np.log10(rest)

    tone, noise = parts()
    assert parts(knob("noise", -12)) == pytest.approx((tone, noise - 12), abs=1.0)
    assert parts(knob("noise", -40))[1] < noise - 60
    assert parts(knob("harmonic", -12)) == pytest.approx((tone - 12, noise), abs=1.0)
    bright = parts(knob("brightness", 3))
    assert bright[1] > noise + 5


def test_knobs_of_level_and_vibrato(page):
    plain, soft = heard(page, held(), on()), heard(page, held(), knob("level", -20), on())
    assert level_db(soft[4000:]) == pytest.approx(level_db(plain[4000:]) - 20, abs=0.1)
    swaying = heard(page, held(), knob("vibrato_depth", 50), knob("vibrato_rate", 4), on(), seconds=2.0)
    assert not np.allclose(swaying[4000:16000], heard(page, held(), on(), seconds=2.0)[4000:16000], atol=0.05)
    slow = heard(page, held(), knob("attack", 0.5), on())
    assert level_db(slow[1200:2800]) == pytest.approx(level_db(plain[1200:2800]) + 20 * np.log10(0.25), abs=1.5)


def test_the_patch_as_it_is_heeds_no_knob_but_the_level(page):
    plain = heard(page, held(), {"type": "play"})
    turned = heard(page, held(), knob("harmonic", -40), knob("brightness", 6), knob("transpose", 5), {"type": "play"})
    assert np.array_equal(plain, turned)
    assert level_db(plain) > -20


def test_many_loud_keys_stay_below_full_scale(page):
    made = held(*harmonics(220.0, (0.5, 0.3)))
    sound = heard(page, made, *[on(50 + 2 * i) for i in range(12)])
    assert 0.5 < np.abs(sound).max() <= 1.0
    assert np.mean(np.abs(sound) > 0.98) < 0.05  # turned down, not cut off


def test_the_worklet_says_which_key_sounds_and_what_it_cannot_do(page):
    messages = [{"type": "voice", "voice": held()}, on(60, at=0.25), {"type": "hop", "at": 0.3}]
    _, said = rendered(page, messages, 0.5, RATE)
    sounding = [one for one in said if one["type"] == "sounding"]
    assert [one["midi"] for one in sounding] == [60]
    assert sounding[0]["time"] == pytest.approx(0.25, abs=0.01)
    assert "hop" in next(one for one in said if one["type"] == "problem")["message"]


def test_a_sound_of_noise_alone_sounds(page):
    controls, n = harmonics(220.0, (1e-9,), bands=33)
    made = held(replace(controls, noise=torch.full_like(controls.noise, 0.1)), n)
    samples, said = rendered(page, [{"type": "voice", "voice": made}, on()], 1.0, RATE)
    assert level_db(samples[0][4000:]) == pytest.approx(-20, abs=1.0)
    assert [one["midi"] for one in said if one["type"] == "sounding"] == [A3]
