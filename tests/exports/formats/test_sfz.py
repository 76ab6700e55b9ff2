"""The text of an SFZ instrument."""

from __future__ import annotations

import itertools

import pytest

from ddsp_match.exports.formats.sfz import Region, file_name, key_name, layers, neighbours, sfz_text


@pytest.mark.parametrize("keys", [[60], [48, 51, 54], [0, 5, 127], [30, 31]])
def test_each_key_belongs_to_the_nearest_sample(keys):
    spans = neighbours(keys)
    assert spans[0][0] == 0 and spans[-1][1] == 127
    for (_, high), (low, _) in itertools.pairwise(spans):
        assert low == high + 1
    for key, (low, high) in zip(keys, spans, strict=True):
        for played in range(low, high + 1):
            assert abs(played - key) == min(abs(played - other) for other in keys)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_layers_share_all_velocities(count):
    found = layers(count)
    assert len(found) == count
    assert [velocity for low, high in found for velocity in range(low, high + 1)] == list(range(1, 128))


def test_names_hold_nothing_that_sfz_reads_as_something_else():
    assert key_name(60) == "C4" and key_name(61) == "Cs4" and key_name(21) == "A0"
    assert file_name("a b=c#d$e/f<g>") == "a_b_c_d_e_f_g"
    assert file_name("..") == "sound"


def test_a_region_says_what_it_needs_and_no_more():
    plain = Region("a.wav", 60, (59, 61)).opcodes()
    assert plain == "<region> sample=a.wav pitch_keycenter=60 lokey=59 hikey=61 lovel=1 hivel=127"
    full = Region("a.wav", 60, (59, 61), (1, 64), 3.4, (10, 99), 1.5).opcodes()
    assert full.endswith("lovel=1 hivel=64 tune=-3 loop_start=10 loop_end=99 volume=1.50")


def test_the_text_has_one_header_and_every_region():
    text = sfz_text("a\nb", [Region("a.wav", 60, (0, 127))] * 2, mode="no_loop", release_s=0.25)
    assert text.splitlines()[0] == "// a b"
    assert text.count("<region>") == 2 and text.count("<global>") == 1
    assert "loop_mode=no_loop ampeg_release=0.250 amp_veltrack=100\n" in text
