"""Why a match may be bad, and silence about what is fine."""

from __future__ import annotations

import pytest

from ddsp_match.score.hints import hints

GOOD = {"octave_errors": 0.0, "f0_l1_cents": 1.0, "voicing_agreement": 0.99, "harmonic_share": 0.98,
        "noise_share": 0.02, "unexplained_share": 0.01, "loudness_l1_db": 0.1}  # fmt: skip
FACTS = {"pitched": True, "f0_median_hz": 220.0, "match_f0_hz": 110.0, "level_db": -20.0, "duration_s": 4.0}


def test_nothing_stands_out_of_a_good_match():
    assert hints(GOOD, FACTS) == [] and hints({}, {}) == []


@pytest.mark.parametrize(
    ("metrics", "facts", "said"),
    [
        ({"octave_errors": 0.35}, {}, "pitch one or more octaves off in 35 % of the frames (median 110 for 220 Hz)"),
        ({"f0_l1_cents": 60.0}, {"match_f0_hz": None}, "pitch off by 60 cents"),
        ({"voicing_agreement": 0.7}, {}, "a pitch comes or goes in 30 % of the frames"),
        ({"harmonic_share": 0.2}, {}, "noise carries 80 % of the energy"),
        ({"harmonic_share": 2e-5}, {"pitched": False}, "no pitch was found: noise only"),
        ({"harmonic_share": 0.9}, {"pitched": False}, "no pitch was found: partials on a steady grid"),
        ({"unexplained_share": 0.3}, {}, "30 % of the energy explained by neither part"),
        ({"doubt_share": 0.12}, {}, "pitch in doubt in 12 % of the frames"),
        ({"loudness_l1_db": 4.0}, {}, "loudness off by 4.0 dB"),
        ({}, {"level_db": -60.0}, "quiet (-60 dB)"),
        ({}, {"duration_s": 0.2}, "short (0.20 s)"),
    ],
)
def test_each_cause_is_named(metrics, facts, said):
    assert hints({**GOOD, **metrics}, {**FACTS, **facts}) == [said]


def test_what_noise_cannot_explain_is_not_held_against_noise():
    assert hints({**GOOD, "harmonic_share": 0.6, "noise_share": 1.0, "unexplained_share": 0.44}, FACTS) == []
