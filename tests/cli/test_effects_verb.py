"""``effects``: the list of all processors, from their own ranges."""

from __future__ import annotations

import json

import pytest

from ddsp_match import cli
from ddsp_match.effects.chain import DryWet, Parallel, Serial
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.registry import processors


def example(name: str) -> Processor:
    kind = processors()[name]
    return kind((Serial(()),)) if issubclass(kind, Parallel | DryWet) else kind()


def test_every_processor_and_knob_is_listed_with_range_default_and_meaning(capsys):
    assert cli.main(["effects"]) == 0
    text = capsys.readouterr().out
    for name in processors():
        part = example(name)
        assert f"{name}: {part.title}\n" in text
        block = text.split(f"{name}: {part.title}\n")[1].split("\n\n")[0]
        for knob in part.knobs:
            (line,) = [line for line in block.splitlines() if line.split()[0] == knob.name]
            assert knob.meaning in line and f"{knob.low:.6g} to {knob.high:.6g}" in line
            assert knob.unit in line and "default " in line
    assert text.rstrip().endswith("`ddsp-match effects NAME` says more about one")
    assert f"\n{len(processors())} effects; " in text


def test_one_processor_in_detail(capsys):
    assert cli.main(["effects", "gain"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[:3] == ["gain: level", "", "  y[n] = 10^(gain_db / 20) x[n]"]
    assert "  gain_db  -100 to 100 dB  default 0  how much louder" in text
    assert "linear in every setting" in text and "in a chain" not in text
    assert cli.main(["effects", "parallel"]) == 0
    assert "effects='[{parallel: [gain, [svf, clip]]}]'" in (text := capsys.readouterr().out)
    assert "linear in every setting" not in text  # its branches decide
    assert cli.main(["effects", "fir"]) == 0
    assert "  taps  " in (text := capsys.readouterr().out) and "OPTION: VALUE" in text


@pytest.mark.parametrize("name", sorted(processors()))
def test_json_says_the_same(capsys, name):
    assert cli.main(["effects", name, "--json"]) == 0
    facts, part = json.loads(capsys.readouterr().out), example(name)
    assert (facts["name"], facts["equation"], facts["linear"]) == (name, part.equation, part.linear)
    assert [(k["name"], k["low"], k["high"], k["unit"], k["size"]) for k in facts["knobs"]] == [
        (k.name, k.low, k.high, k.unit, k.size) for k in part.knobs
    ]
    assert cli.main(["effects", name]) == 0
    assert part.equation.split()[0] in capsys.readouterr().out


def test_json_of_all(capsys):
    assert cli.main(["effects", "--json"]) == 0
    assert [facts["name"] for facts in json.loads(capsys.readouterr().out)] == sorted(processors())


def test_a_name_that_does_not_exist_ends_with_2_and_the_near_ones(capsys):
    assert cli.main(["effects", "gian"]) == 2
    assert "effects: found 'gian'; needed: processors, of " in (said := capsys.readouterr().err)
    assert "try: gain" in said
