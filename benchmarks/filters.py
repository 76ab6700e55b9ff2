"""Every filter: how exact, and how much quicker than a loop over samples.

    python -m benchmarks.filters --save

Four seconds of noise at 24 kHz, one channel. `scipy` is the largest difference from ``scipy.signal`` on a sound that
peaks near 1, in float64 and float32 (swept filters: with the sweep at rest). `gradient` is the largest difference of
any gradient, in sound and knobs, from a plain loop over samples under autograd in float64 (300 samples), as a share of
the largest. Times are forward and backward together, gradients in all knobs and the sound, float32 sound, one thread,
best of five; the loop's time is measured on 1500 samples and extrapolated: it grows a little faster than that.
`philtorch` is `philtorch.lti.lfilter` over the same sections; `circle` is frequency sampling; `batch` is a row of
sixteen settings on one sound, per setting.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from scipy import signal

from benchmarks.common import save
from ddsp_match.dsp import biquads, frequency_sampling, recursive, time_varying
from ddsp_match.effects.fir import Fir
from ddsp_match.effects.iir import Iir
from ddsp_match.effects.lfo import swept
from ddsp_match.effects.phaser import Phaser
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.registry import processor
from ddsp_match.effects.sections import Sections, rows
from ddsp_match.effects.state_variable import StateVariable

RATE, SECONDS, LOOPED, CHECKED, SETTINGS = 24_000, 4, 1500, 300, 16
CASCADES = ("lowpass", "highpass", "bandpass", "notch", "low_shelf", "high_shelf", "peak", "one_pole", "eq", "sos")
Loop = Callable[[torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="write results/filters.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = [Fir(), Iir(), Iir(8), *(processor(name)() for name in CASCADES), StateVariable(), Phaser()]
    table = [row(part) for part in parts]
    print(f"{'filter':12}" + "".join(f"{key:>15}" for key in list(table[0])[1:]))
    for line in table:
        print(f"{line['filter']:12}" + "".join(f"{shown(value):>15}" for value in list(line.values())[1:]))
    worst = {
        "worst_scipy_float64": max(line["scipy_f64"] for line in table),
        "worst_scipy_float32": max(line["scipy_f32"] for line in table),
        "worst_gradient": max(line["gradient"] for line in table),
        "least_ratio": min(line["loop_ratio"] for line in table),
    }
    print(json.dumps(worst))
    if options.save:
        save("filters", {"table": table, **worst})


def row(part: Processor) -> dict[str, float | str | None]:
    """All figures of one filter."""
    rng = np.random.default_rng(0)
    sound = torch.from_numpy(0.2 * rng.standard_normal((1, 1, RATE * SECONDS)))
    knobs = settings(part, rng)
    single = sound.float()
    loop = loop_of(part)
    ours = best(lambda: both_ways(lambda x, k: part.process(x, k, RATE), single, knobs))
    looped = best(lambda: both_ways(loop, single[..., :LOOPED], knobs), runs=2) * sound.shape[-1] / LOOPED
    many = {name: value.expand(SETTINGS, *value.shape[1:]).contiguous() for name, value in knobs.items()}
    batch = best(lambda: both_ways(lambda x, k: part.process(x, k, RATE), single, many), runs=2) / SETTINGS
    others = {}
    for name, other in (("philtorch", philtorch_of(part)), ("circle", circle_of(part))):
        others[f"{name}_ms"] = None if other is None else best(lambda f=other: both_ways(f, single, knobs), runs=3)
    name = f"{part.name}({part.order})" if isinstance(part, Iir) else part.name
    return {
        "filter": name,
        "scipy_f64": against_scipy(part, sound, knobs),
        "scipy_f32": against_scipy(part, single, knobs),
        "gradient": gradient_error(part, loop, sound[..., :CHECKED], knobs),
        "ours_ms": ours,
        "batch_ms": batch,
        "loop_ms": looped,
        "loop_ratio": looped / ours,
        **others,
    }


def settings(part: Processor, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """A setting in the middle of the ranges, where nothing is neutral or at its end."""
    values = {}
    for knob in part.knobs:
        place = torch.from_numpy(rng.uniform(0.4, 0.6, knob.size or ()))
        values[knob.name] = knob.at(place)
    return part.tensors(values)


def both_ways(process: Loop, sound: torch.Tensor, knobs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Forward and backward; the gradients of sound and knobs."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in knobs.items()}
    x = sound.detach().clone().requires_grad_()
    out = process(x, leaves)
    weights = torch.from_numpy(np.random.default_rng(1).standard_normal(out.shape[-1])).to(out.dtype)
    (out * weights).sum().backward()
    return [leaf.grad for leaf in (x, *leaves.values()) if leaf.grad is not None]


def best(run: Callable[[], object], runs: int = 5) -> float:
    """The shortest time in milliseconds, after one that compiles."""
    run()
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return 1000 * min(times)


def gradient_error(part: Processor, loop: Loop, sound: torch.Tensor, knobs: dict[str, torch.Tensor]) -> float:
    ours = both_ways(lambda x, k: part.process(x, k, RATE), sound, knobs)
    plain = both_ways(loop, sound, knobs)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-12)) for a, b in zip(ours, plain, strict=True))


def still(knobs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: 0 * value if name == "sweep_octaves" else value for name, value in knobs.items()}


def against_scipy(part: Processor, sound: torch.Tensor, knobs: dict[str, torch.Tensor]) -> float:
    knobs = still(knobs)
    x = sound[0].double().numpy()
    if isinstance(part, Fir):
        expected = signal.lfilter(knobs["taps"][0].numpy(), [1.0], x)
    elif isinstance(part, Iir):
        expected = signal.lfilter(*part.coefficients(**{name: value[0] for name, value in knobs.items()}), x)
    elif isinstance(part, Sections):
        expected = signal.sosfilt(np.concatenate([c[0].numpy() for c in part.cascade(rows(knobs), RATE)], axis=-1), x)
    else:
        assert isinstance(part, Phaser)
        a = float(time_varying.lattice(knobs["centre_hz"], RATE))
        top, bottom = np.ones(1), np.ones(1)
        for _ in range(part.stages):
            top, bottom = np.convolve(top, [a, 1.0]), np.convolve(bottom, [1.0, a])
        wet = signal.lfilter(top, bottom - float(knobs["feedback"]) * top, x)
        expected = x + float(knobs["mix"]) * (wet - x)
    output = part.process(sound, knobs, RATE)[0].double().numpy()
    return float(np.abs(output - expected).max() / max(1.0, np.abs(expected).max()))


def loop_of(part: Processor) -> Loop:
    """The filter as a plain loop over samples, in torch operations."""

    def direct(x: torch.Tensor, b: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        # Transposed direct form II: the memory is a row of numbers, a sample costs five operations.
        memory, built = torch.zeros_like(b[:, 1:]), []
        for value in x[0, 0].unbind():
            out = b[:, :1] * value + memory[:, :1]
            memory = torch.cat([memory[:, 1:], torch.zeros_like(out)], 1) + b[:, 1:] * value - a[:, 1:] * out
            built.append(out)
        return torch.cat(built, dim=1)[None]

    def cascade(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        assert isinstance(part, Sections)
        b, a = (c.to(x.dtype) for c in part.cascade(rows(knobs), RATE))
        for section in range(b.shape[1]):
            x = direct(x, b[:, section], a[:, section])
        return x

    def fir(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        taps = knobs["taps"].to(x.dtype)
        return direct(x, taps, torch.zeros_like(taps))

    def iir(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        a = recursive.reflections_to_poles(knobs["reflections"])
        return direct(x, knobs["taps"].to(x.dtype), a.to(x.dtype))

    def state_variable(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        flat = rows(knobs)
        hz = swept(flat["cutoff_hz"], flat, RATE, x.shape[-1])
        warped = torch.tan(biquads.angle(hz, RATE) / 2).to(x.dtype)
        k = (1 / knobs["q"]).to(x.dtype).flatten()
        low_level, band_level, high_level = (knobs[name].to(x.dtype).flatten() for name in ("low", "band", "high"))
        s1 = s2 = torch.zeros_like(k)
        built = []
        for value, g in zip(x[0, 0].unbind(), warped[0].unbind(), strict=True):
            band = (s1 + g * (value - s2)) / (1 + g * (g + k))
            low = s2 + g * band
            s1, s2 = 2 * band - s1, 2 * low - s2
            built.append(low_level * low + band_level * k * band + high_level * (value - k * band - low))
        return torch.cat(built).reshape(1, 1, -1)

    def phaser(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        assert isinstance(part, Phaser)
        flat = rows(knobs)
        turn = time_varying.lattice(swept(flat["centre_hz"], flat, RATE, x.shape[-1]), RATE).to(x.dtype)[0]
        feedback, mix = (knobs[name].to(x.dtype).flatten() for name in ("feedback", "mix"))
        memory, built = [torch.zeros_like(mix)] * part.stages, []
        for value, a in zip(x[0, 0].unbind(), turn.unbind(), strict=True):
            c = (1 - a * a).sqrt()
            recalled = torch.zeros_like(mix)
            for state in memory:
                recalled = a * recalled + c * state
            out = (value + feedback * recalled) / (1 - feedback * a**part.stages)
            for stage, state in enumerate(memory):
                out, memory[stage] = a * out + c * state, c * out - a * state
            built.append(value + mix * (out - value))
        return torch.cat(built).reshape(1, 1, -1)

    kinds: list[tuple[type, Loop]] = [
        (Fir, fir), (Iir, iir), (StateVariable, state_variable), (Sections, cascade), (Phaser, phaser)
    ]  # fmt: skip
    return next(loop for kind, loop in kinds if isinstance(part, kind))


def philtorch_of(part: Processor) -> Loop | None:
    if not isinstance(part, Iir | Sections) or isinstance(part, StateVariable):
        return None
    if importlib.util.find_spec("philtorch") is None:  # its column stays empty; try: pip install philtorch
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # says at import that kernels for graphics cards are missing
        from philtorch.lti import lfilter

    def run(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        sound = x[0].double()
        if isinstance(part, Iir):
            a = recursive.reflections_to_poles(knobs["reflections"])
            return lfilter(knobs["taps"], a[:, 1:], sound)[None].to(x.dtype)
        b, a = part.cascade(rows(knobs), RATE)
        for section in range(b.shape[1]):
            sound = lfilter(b[:, section], a[:, section, 1:], sound)
        return sound[None].to(x.dtype)

    return run


def circle_of(part: Processor) -> Loop | None:
    if not isinstance(part, Iir | Sections) or isinstance(part, StateVariable):
        return None

    def run(x: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        if isinstance(part, Iir):
            b, a = knobs["taps"][:, None], recursive.reflections_to_poles(knobs["reflections"])[:, None]
        else:
            b, a = part.cascade(rows(knobs), RATE)
        return frequency_sampling.circle_filter(
            x, lambda z: (recursive.polynomial(b, z) / recursive.polynomial(a, z)).prod(dim=1)
        )

    return run


def shown(value: float | str | None) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
