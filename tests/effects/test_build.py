"""Descriptions of a chain, and the refusals of malformed ones."""

import pytest

from ddsp_match.core.errors import ConfigError
from ddsp_match.effects.build import build, check, describe
from ddsp_match.effects.registry import ALIASES, processors


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"gain": {"gain_db": [1, 2]}}, "found 2 numbers for gain_db; needed: 1"),
        ({"gain": {"gain_db": []}}, "found 0 numbers for gain_db; needed: 1"),
        ({"gain": {"gain_db": None}}, "needed: numbers"),
        ({"gain": {"gain_db": "loud"}}, "needed: numbers"),
        ({"gain": {"gain_db": {"of": 1}}}, "needed: numbers"),
        ({"gain": {"gain_db": 200}}, "needed: -100 to 100 dB"),
        ({"eq": {"bands": 2, "gain_db": [[1, 2], [3, 4]]}}, "found 4 numbers for gain_db; needed: 2"),
        ({"eq": {"bands": 2, "gain_db": [1, [2, 3]]}}, "needed: numbers"),
        ({"phaser": {"stages": 2.5}}, "effects: phaser: stages: found 2.5; needed: a whole number"),
        ({"phaser": {"stages": True}}, "effects: phaser: stages: found True; needed: a whole number"),
        ({"reverb": {"seed": 1.5}}, "effects: reverb: seed: found 1.5; needed: a whole number"),
        ({"reverb": {"seed": -1}}, "seed=-1, not 0 or more"),
        ({"reverb": {"lowest_hz": "low"}}, "effects: reverb: lowest_hz: found 'low'; needed: a number"),
        ({"convolution": {"taps": "many"}}, "effects: convolution: taps: found 'many'; needed: a whole number"),
        ({"compressor": {"linked": "no"}}, "effects: compressor: linked: found 'no'; needed: true or false"),
        ({"compressor": {"linked": 1}}, "effects: compressor: linked: found 1; needed: true or false"),
    ],
    ids=str,
)
def test_a_malformed_value_is_named_with_what_is_needed(entry, message):
    with pytest.raises(ConfigError) as refused:
        build([entry])
    assert message in str(refused.value)


def test_a_whole_number_may_stand_for_any():
    chain, _ = build([{"reverb": {"lowest_hz": 250}}])
    assert describe(chain) == [{"reverb": {"lowest_hz": 250.0}}]


def test_many_settings_at_once_are_no_setting():
    chain, _ = build(["gain"])
    with pytest.raises(ConfigError, match=r"found 2 numbers for gain\.gain_db"):
        check(chain, {"gain.gain_db": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("name", "near"),
    [("auto", "eq or soft_clip or reverb"), ("Overdrive", "soft_clip or waveshaper"), ("softclip", "soft_clip"),
     ("hall", "reverb or freeverb"), ("xyz", "which lists them")],
)  # fmt: skip
def test_a_name_from_elsewhere_leads_to_what_there_is(name, near):
    with pytest.raises(ConfigError) as refused:
        build([name])
    assert near in refused.value.remedy()
    assert all(here in processors() for names in ALIASES.values() for here in names)
