"""Knobs as free numbers: there and back, held, and never beyond an end."""

from __future__ import annotations

import torch

from ddsp_match.core.params import Parameter
from ddsp_match.models.free_knobs import FreeKnobs
from tests.compare import assert_close

RANGES = {
    "mix": Parameter("mix", "", 0.0, 0.0, 1.0),
    "cutoff_hz": Parameter("cutoff_hz", "", 1000.0, 20.0, 20_000.0, "Hz", "log"),
}


def start() -> dict[str, torch.Tensor]:
    return {"mix": torch.full((1, 1, 1), 0.25), "cutoff_hz": torch.tensor([[440.0, 1000.0]])}


def test_values_come_back_in_shape():
    values = FreeKnobs(RANGES, start())()
    assert list(values) == ["mix", "cutoff_hz"]
    for name, value in start().items():
        assert_close(values[name] / value, torch.ones_like(value), 1e-5)


def test_held_knobs_are_no_parameters():
    knobs = FreeKnobs(RANGES, start(), held=("cutoff_hz",))
    assert [p.shape for p in knobs.parameters()] == [(1, 1, 1)]
    assert_close(knobs()["cutoff_hz"], start()["cutoff_hz"], 0.0)
    assert FreeKnobs(RANGES, start(), held=RANGES).groups(0.1) == []


def test_beyond_an_end_the_knob_stays_and_comes_back():
    knobs = FreeKnobs(RANGES, start(), held=("cutoff_hz",))
    (free,) = knobs.parameters()
    with torch.no_grad():
        free.fill_(1.3)
    value = knobs()["mix"]
    assert value.item() == 1.0
    value.square().sum().backward()
    assert free.grad is not None and free.grad.item() > 0


def test_the_more_numbers_a_row_has_the_slower_it_goes():
    single, row = FreeKnobs(RANGES, start()).groups(0.1)
    assert single["lr"] == 0.1
    assert abs(row["lr"] - 0.1 / 2**0.5) < 1e-12
