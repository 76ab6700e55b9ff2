"""The pictures and curves of an effect's page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from markupsafe import Markup

from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.report import colours, effect_measures, pictures
from ddsp_match.report.series import rising, thinned
from ddsp_match.report.shell import colour_scale, image, numbers

MAX_STEPS = 300
RESPONSE_POINTS = 6000
MAX_LINES = 200
NAMED_LINES = 8
SHAPE_RANGE_DB = 45.0


def images(data: EffectResult) -> tuple[dict[str, Markup], dict[str, object]]:
    """All pictures and curves of the page.

    Returns:
        Image elements by the name of their place in the page, and numbers for the script by plot.
    """
    spectra, spectrum = _spectra(data)
    shapes, shape = _waveshape(data)
    facts = {
        "spectrum": spectrum,
        "shape": shape,
        "response": _response(data),
        "gain": _gain(data),
        "loss": _loss(data),
        "knobs": _knob_lines(data),
    }
    return {**spectra, **shapes}, facts


def _spectra(data: EffectResult) -> tuple[dict[str, Markup], dict[str, object]]:
    """Spectrograms of wet and output on one scale, and of their difference, lowered where that would be black."""
    rate = data.wet.sample_rate
    sounds = {"target": data.wet, "match": data.output, "difference": data.difference}
    drawn = {name: pictures.spectrogram(sound.mono(), rate) for name, sound in sounds.items()}
    least_db = pictures.FLOOR_DB + pictures.RANGE_DB  # or the floor itself would shine
    top_db = max(pictures.top_db(drawn["target"], drawn["match"]), least_db)
    # A faint difference gets a scale of its own, named on the page; a loud one stays on the common scale.
    own_db = max(pictures.top_db(drawn["difference"]), least_db)
    difference_db = own_db if own_db < top_db - pictures.RANGE_DB / 2 else top_db
    words = {"target": "target", "match": "output", "difference": "difference between target and output"}
    elements, scales = {}, {}
    table = colours.sequential()
    for name, picture in drawn.items():
        high_db = difference_db if name == "difference" else top_db
        low_db = high_db - pictures.RANGE_DB
        alt = f"Spectrogram of the {words[name]}, {low_db:.0f} to {high_db:.0f} dB."
        rows = {"log": pictures.log_rows(picture.db, rate), "linear": pictures.linear_rows(picture.db)}
        elements[f"images_{name}"] = Markup("").join(
            image(view, low_db, high_db, table, alt, scale) for scale, view in rows.items()
        )
        scales[name] = colour_scale(low_db, high_db, table)
    return elements, {
        "low_hz": pictures.lowest_hz(rate),
        "high_hz": rate / 2,
        "first_s": drawn["target"].first_s,
        "last_s": drawn["target"].last_s,
        "scales": scales,
        "lowered_db": top_db - difference_db,
    }


def _waveshape(data: EffectResult) -> tuple[dict[str, Markup], dict[str, object]]:
    """Measured and found pairs of input and output, with the found median over both."""
    dry, wet, output = data.dry.samples, data.wet.samples, data.output.samples
    x_limit, y_limit = effect_measures.limits(dry), effect_measures.limits(wet, output)
    table = colours.sequential()
    elements, curves = {}, {}
    for name, sound, words in (("measured", wet, "target"), ("found", output, "output")):
        shape = effect_measures.waveshape(dry, sound, x_limit, y_limit)
        alt = f"How often each pair of values of the input and the {words} occurs."
        elements[f"images_shape_{name}"] = image(shape.density_db, -SHAPE_RANGE_DB, 0.0, table, alt)
        curves[name] = {
            "x": numbers(shape.x, 4),
            **{part: numbers(getattr(shape, part), 4) for part in ("low", "middle", "high")},
        }
    scale = colour_scale(-SHAPE_RANGE_DB, 0.0, table)
    return elements, {"x_limit": x_limit, "y_limit": y_limit, "curves": curves, "scale": scale}


def _response(data: EffectResult) -> dict[str, object]:
    """The measured transfer function, its standard error and coherence, and the found chain's over it."""
    rate = data.dry.sample_rate
    measured = effect_measures.transfer(data.dry.samples, data.wet.samples, rate)
    exact = exact_response(data.rack)
    if exact is not None:
        found_db = effect_measures.in_bands(*exact, measured)
    else:
        found_db = effect_measures.transfer(data.dry.samples, data.output.samples, rate).gain_db
    trusted = (measured.coherence > 0.5) & np.isfinite(measured.gain_db)
    shown = np.concatenate([measured.gain_db[trusted], found_db[np.isfinite(found_db) & trusted]])
    low_db, high_db = _span(shown, 12.0, 90.0, 0.5)
    return {
        "hz": numbers(measured.hz),
        "measured_db": numbers(measured.gain_db, 4),
        "low_db": numbers(measured.gain_db - measured.spread_db, 4),
        "high_db": numbers(measured.gain_db + measured.spread_db, 4),
        "coherence": numbers(measured.coherence, 3),
        "found_db": numbers(found_db, 4),
        "span_db": [low_db, high_db],
        "span_hz": [float(measured.edges_hz[0]), rate / 2],
    }


def exact_response(rack: Rack) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]] | None:
    """Return Hz and exact magnitude in dB of a linear chain; None of others, and of those that mix channels."""
    if not rack.chain.linear:
        return None
    hz = np.geomspace(20.0, 0.4999 * rack.sample_rate, RESPONSE_POINTS)
    try:
        with torch.inference_mode():
            values = rack.chain.response(rack.chain.tensors(rack.knobs), rack.sample_rate, torch.from_numpy(hz))
    except NotImplementedError:
        return None
    power = values.abs().square().numpy().reshape(-1, RESPONSE_POINTS).mean(0)
    return hz, 10 * np.log10(np.maximum(power, 1e-20))


def _span(values: np.ndarray, least: float, most: float, outliers: float) -> tuple[float, float]:
    """An axis in dB that holds nearly all values, neither too narrow nor too wide."""
    if not values.size:
        return -least, least
    low, high = np.percentile(values, (outliers, 100 - outliers))
    low, high = low - 2, high + 2
    low = max(low, high - most)
    widen = max(0.0, least - (high - low)) / 2
    return float(np.floor(low - widen)), float(np.ceil(high + widen))


def _gain(data: EffectResult) -> dict[str, object]:
    """Level over the input's, of the target and of the output."""
    gains = effect_measures.gain_over_time(
        data.dry.samples, [data.wet.samples, data.output.samples], data.dry.sample_rate
    )
    return {
        "time_s": numbers(gains.time_s),
        "measured_db": numbers(gains.gain_db[0], 4),
        "found_db": numbers(gains.gain_db[1], 4),
        "span_db": list(_span(gains.gain_db[np.isfinite(gains.gain_db)], 6.0, 80.0, 0.5)),
        "seen_s": [sample / data.dry.sample_rate for sample in data.seen],
    }


def _kept(steps: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices of at most `MAX_STEPS` steps, close together at the start, and the numbers they go by."""
    steps, keep = rising(steps), thinned(range(len(steps)), MAX_STEPS)
    return keep, [steps[i] for i in keep]


def _loss(data: EffectResult) -> dict[str, list]:
    """The loss at each step, and the best so far; what cannot stand on a logarithmic axis is left out."""
    loss = np.asarray([step.loss for step in data.history], float)
    usable = np.isfinite(loss) & (loss > 0)
    best = np.minimum.accumulate(np.where(usable, loss, np.inf)) if loss.size else loss
    keep, steps = _kept([step.step for step in data.history])
    rows = [(step, loss[i], best[i]) for step, i in zip(steps, keep, strict=True) if usable[i]]
    return {
        "step": [int(step) for step, _, _ in rows],
        "loss": numbers([value for _, value, _ in rows]),
        "best": numbers([value for _, _, value in rows]),
    }


def _knob_lines(data: EffectResult) -> dict[str, object]:
    """Every knob's way through its range, those first that went furthest."""
    keep, steps = _kept([step.step for step in data.history])
    lines = []
    for knob in data.rack.chain.knobs if keep else ():
        rows = np.stack([np.atleast_1d(step.knobs[knob.name]) for step in data.history]).astype(float)
        where = knob.position(torch.as_tensor(rows)).numpy()
        for index, name in enumerate(knob.labels):
            way = float(np.abs(np.diff(where[:, index])).sum())
            span = float(np.ptp(where[:, index]))
            line = {
                "name": name,
                "unit": knob.unit,
                "position": numbers(where[keep, index], 4),
                "value": numbers(rows[keep, index]),
            }
            lines.append((span, way, line))
    lines.sort(key=lambda entry: entry[:2], reverse=True)
    return {
        "step": [int(step) for step in steps],
        "lines": [line for _, _, line in lines[:MAX_LINES]],
        "named": sum(span > 1e-4 for span, _, _ in lines[:NAMED_LINES]),
        "left_out": max(0, len(lines) - MAX_LINES),
    }
