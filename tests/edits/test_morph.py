"""Between two sounds: levels in dB, f0 in cents, attack on attack; and the same sound on another grid."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.morph import at_divisions, at_timebase, morph
from ddsp_match.edits.onsets import attack_frames, level_db
from ddsp_match.synth.harmonic_noise import complex_amplitudes, play
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


def pair():
    a = note(f0_hz=200.0)
    b = note(f0_hz=400.0)
    return a, replace(b, amplitude=b.amplitude * 0.25, noise=b.noise * 16)


def test_the_ends_are_the_sounds_themselves():
    a, b = pair()
    assert morph(a, b, TIMEBASE, 0.0) is a and morph(a, b, TIMEBASE, 1) is b


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_between_them_levels_are_mixed_in_db_and_f0_in_cents(share):
    a, b = pair()
    mixed = morph(a, b, TIMEBASE, share)
    assert_close(mixed.f0_hz, torch.full((1, 201), 200.0 * 2**share), 1e-3)
    inside = slice(15, -25)
    expected = a.partial_amplitudes * 0.25**share
    assert_close(mixed.partial_amplitudes[:, :12, inside], expected[..., inside], 1e-5)
    assert_close(mixed.noise[..., inside], (a.noise * 16**share)[..., inside], 1e-6)
    assert_close(play(mixed, TIMEBASE, 32_000, 0).mix.abs().amax() > 0.01, True, 0)


def test_a_curve_goes_from_one_to_the_other():
    a, b = pair()
    way = torch.linspace(0, 1, 301)
    through = morph(a, b, TIMEBASE, way)
    assert through.n_frames == 301
    assert_close(through.f0_hz[0], 200.0 * 2**way, 1e-2)
    assert_close(through.amplitude[0, [30, 150]] / 0.3, 0.25 ** way[[30, 150]], 1e-3)


def test_attacks_are_laid_on_attacks_and_lengths_lie_between():
    a, b = note(frames=201, attack=10), note(frames=301, attack=60)
    mixed = morph(a, b, TIMEBASE, 0.5)
    assert mixed.n_frames == 251
    attacks = [attack_frames(c, TIMEBASE) for c in (a, mixed, b)]
    assert abs(attacks[1] - (attacks[0] + attacks[2]) / 2) <= 2
    assert abs(float(mixed.amplitude[0, attacks[1] // 2]) / 0.3 - 0.5) < 0.1  # halfway up halfway through it
    assert abs(float(mixed.amplitude[0, attacks[1] // 4]) / 0.3 - 0.25) < 0.05


def test_what_is_silent_in_both_stays_so_and_the_rest_lies_between():
    a, b = note(partials=4), note(partials=8)
    mixed = morph(a, b, TIMEBASE, 0.5)
    at = mixed.partial_amplitudes[0, :, 100]
    assert float(at[8:].sum()) == 0
    floor = 1e-5 * float(a.partial_amplitudes.max())
    expected = (floor * b.partial_amplitudes[0, 6, 100]) ** 0.5
    assert_close(at[6] / expected, 1.0, 1e-3)


def test_one_channel_and_two_make_two():
    mixed = morph(note(), note(channels=2, divisions=2, partials=24), TIMEBASE, 0.5)
    assert mixed.f0_hz.shape[0] == 2 and mixed.divisions % 2 == 0
    assert torch.equal(mixed.amplitude[0], mixed.amplitude[1])


def test_phases_turn_as_fast_as_lies_between():
    k = torch.arange(201.0)
    a, b = (replace(note(), phases=(turn * k).expand(1, 12, -1).contiguous()) for turn in (0.1, 0.3))
    turned = complex_amplitudes(morph(a, b, TIMEBASE, 0.5))[0, :12, 30:150]
    step = (turned[:, 1:] * turned[:, :-1].conj()).angle()
    assert_close(step, torch.full_like(step, 0.2), 0.01)


def test_other_divisions_lose_nothing_where_they_are_a_multiple():
    sound = note(f0_hz=240.0)
    finer = at_divisions(sound, 3)
    assert finer.divisions == 3 and finer.n_partials == 36
    assert_close(complex_amplitudes(finer)[:, 2::3], complex_amplitudes(sound), 1e-6)
    assert_close(play(finer, TIMEBASE, 32_000, 0).harmonic, play(sound, TIMEBASE, 32_000, 0).harmonic, 1e-5)
    back = at_divisions(finer, 1)
    assert_close(complex_amplitudes(back)[:, :12], complex_amplitudes(sound), 1e-6)


def test_where_divisions_do_not_divide_power_goes_to_the_nearest():
    sound = note(divisions=2, partials=8)
    coarse = at_divisions(sound, 1)
    assert coarse.n_partials == 4
    powers = sound.partial_amplitudes.square().sum(), coarse.partial_amplitudes.square().sum()
    assert_close(powers[1] / powers[0], 1.0, 1e-5)


def test_at_another_sample_rate_it_is_the_same_sound():
    target = Timebase.at(44_100)
    sound = note(attack=1, release=1, vibrato_cents=20)
    moved = at_timebase(sound, TIMEBASE, target, 88_200, 89)
    assert moved.n_frames == target.frames(88_200) and moved.n_bands == 89
    assert_close(moved.f0_hz[0, :200], sound.f0_hz[0, :200], 0.01)
    inside = slice(5, 195)
    assert_close(moved.partial_amplitudes[:, :12, inside], sound.partial_amplitudes[..., inside], 1e-4)
    heard = []
    for c, t in ((sound, TIMEBASE), (moved, target)):
        noise = play(c, t, t.samples(c.n_frames), 5).noise[0, : 2 * t.sample_rate]
        heard.append(torch.fft.rfft(noise).abs().square() / t.sample_rate**2)
    for low_hz, high_hz in ((500, 2000), (2000, 4000), (4000, 7000)):  # power in each band of Hz, over two seconds
        old, new = (float(p[2 * low_hz : 2 * high_hz].sum()) for p in heard)
        assert abs(10 * math.log10(new / old)) < 0.4
    assert float(heard[1][2 * 8600 :].sum()) < 1e-3 * float(heard[1].sum())
    assert at_timebase(sound, TIMEBASE, TIMEBASE, 32_000, 33) is sound


def silent(controls: Controls, before: int = 0, after: int = 0) -> Controls:
    """The sound with frames of silence around it."""

    def padded(x: torch.Tensor | None, mode: str = "constant") -> torch.Tensor | None:
        return None if x is None else torch.nn.functional.pad(x, (before, after), mode=mode)

    return replace(
        controls,
        f0_hz=padded(controls.f0_hz, "replicate"),
        amplitude=padded(controls.amplitude),
        distribution=padded(controls.distribution),
        noise=padded(controls.noise),
        phases=padded(controls.phases),
    )


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_sounds_are_aligned_whatever_silence_the_files_have_around_them(share):
    plain = morph(note(f0_hz=200.0), note(f0_hz=300.0), TIMEBASE, share)
    a, b = silent(note(f0_hz=200.0), before=40), silent(note(f0_hz=300.0), after=100)
    mixed = morph(a, b, TIMEBASE, share)
    # The head and the tail lie between as well, and what sounds is the same as without them.
    head = round(40 * (1 - share))
    assert mixed.n_frames == 201 + head + round(100 * share)
    assert_close(level_db(mixed)[head + 2 : head + 196], level_db(plain)[2:196], 0.5)
    assert float(level_db(mixed)[head + 205 :].max()) < float(level_db(mixed).max()) - 45


def test_a_burst_in_the_middle_is_no_attack():
    sound = note(frames=201, attack=10)
    amplitude = sound.amplitude.clone()
    amplitude[:, 120:128] *= 2.5  # less than a new onset rises by
    loud = replace(sound, amplitude=amplitude)
    assert abs(attack_frames(loud, TIMEBASE) - 10) <= 1
    mixed = morph(loud, note(frames=201, attack=10), TIMEBASE, 0.5)
    # Halfway between a level and one 8 dB higher, where it was; and the attack is the one of both.
    assert_close((level_db(mixed) - level_db(sound))[[20, 100, 124, 150]], [0.0, 0.0, 4.0, 0.0], 0.3)
    assert abs(float((level_db(mixed) - level_db(sound))[5])) < 0.5


def test_a_decay_lasts_as_long_as_the_sustain_that_it_is_mixed_with():
    struck = note(frames=301, attack=2, release=1, decay_db_per_s=40.0)
    blown = note(frames=151, attack=20, release=20)
    level = level_db(morph(struck, blown, TIMEBASE, 0.5))
    begin = int(level.argmax())
    assert 9 <= begin <= 13
    # The one is 50 dB down after 1.25 s, when the other's sustain ends, after 1.31 s: between them 25 dB after 1.28 s.
    places = torch.arange(begin + 10, 120, 10)
    assert_close(level[places] - level[begin], -25.0 * (places - begin) / (128 - begin), 1.5)
    assert bool((level[150:] < level[begin] - 40).all())


def test_a_sound_mixed_with_itself_is_itself_moment_by_moment():
    sound = silent(note(frames=201, swell=0.4), before=15, after=60)
    assert_close(level_db(morph(sound, sound, TIMEBASE, 0.5)), level_db(sound), 0.1)
