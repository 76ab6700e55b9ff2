"""Every text of an effect's page."""

from __future__ import annotations

import base64
import math
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.chain import DryWet, Parallel, Serial
from ddsp_match.effects.processor import Processor
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.report.animation import HEIGHT, WIDTH, Animation
from ddsp_match.report.effect_figures import exact_response
from ddsp_match.report.metrics_table import flat
from ddsp_match.report.ratios import counted, db_words, esr_db, ratio_words
from ddsp_match.report.words import channels_in_words

# Rows of up to this many knobs get a line each in the table, longer ones a picture.
LISTED = 8


def words(
    data: EffectResult, moving: Animation | None = None, patch_file: tuple[str, int] | None = None
) -> dict[str, object]:
    """Return what the page is filled with, by name."""
    chain = chain_words(data.rack.chain)
    count = sum(knob.count for knob in data.rack.chain.knobs)
    return {
        "title": data.name,
        "facts": _facts(data),
        "level": data.level,
        "badge": data.level if data.matched else "no match",
        "headline": data.verdict.headline[:1].upper() + data.verdict.headline[1:],
        "judged_words": _judged_words(data),
        "ratios": _ratios(data),
        "advice": data.advice,
        "alignment": _alignment(data),
        "notes": data.notes,
        "channel_words": f" The mean of {data.wet.channels} channels is shown." if data.wet.channels > 1 else "",
        "knob_words": f"{chain}: {count} number{'s' if count != 1 else ''}.",
        "knobs": [row for knob in data.rack.chain.knobs for row in _knob_rows(data, knob)],
        "ambiguous": bool(data.ambiguous),
        "response_words": "The found chain is linear: its response is exact."
        if exact_response(data.rack) is not None
        else "The found chain is not linear: its response is measured on its output in the same way.",
        "stop_words": _stop_words(data),
        "moving": _animation(moving),
        "command": data.command,
        "patch_file": patch_file,
        "seconds": data.seconds,
        "settings": flat(asdict(data.settings)),
    }


def _facts(data: EffectResult) -> str:
    wet = data.wet
    rate, channels = f"{wet.sample_rate / 1000:g} kHz", channels_in_words(wet.channels)
    return " · ".join([chain_words(data.rack.chain), f"{wet.seconds:.2f} s", rate, channels])


def _judged_words(data: EffectResult) -> str:
    """The figure that counts beside what turning one level knob would have reached."""
    if data.by_ear:
        return f"Its samples are not compared: {data.by_ear}."
    esr = counted(data.esr, data.esr_unseen)
    if not (math.isfinite(data.esr_gain) and math.isfinite(esr)):
        return f"The error-to-signal ratio is {db_words(esr)}."
    better_db = esr_db(data.esr_gain) - esr_db(esr)
    beside = f"{abs(better_db):.1f} dB {'better' if better_db >= 0 else 'worse'} than the best static gain alone"
    return f"{beside}{'' if data.esr_unseen is None else ', on the part that the search did not see'}."


def _ratios(data: EffectResult) -> list[tuple[str, str, str, str, float]]:
    """Error-to-signal ratios with the length of a bar in per cent: the longer, the closer."""
    rate = data.wet.sample_rate
    first, last = (sample / rate for sample in data.seen)
    rows = [(f"Fitted part, {first:.2f} to {last:.2f} s", data.esr_seen, "found")]
    if data.esr_unseen is not None:
        rows.append(("Unseen part", data.esr_unseen, "found strong"))
    rows.append(("All", data.esr, "found"))
    of = "unseen part" if data.esr_unseen is not None else "all"
    rows.append((f"Best static gain alone, {of}", data.esr_gain, "plain"))
    deepest = max([20.0, *(-esr_db(ratio) for _, ratio, _ in rows if math.isfinite(ratio))])
    cells = []
    for label, ratio, kind in rows:
        share = 100 * max(0.0, -esr_db(ratio)) / deepest if math.isfinite(ratio) else 0.0
        cells.append((label, ratio_words(ratio), db_words(ratio), kind, share))
    return cells


def _alignment(data: EffectResult) -> list[str]:
    """Describe the alignment of the files, which precedes the search."""
    late_ms = 1000 * data.rack.latency / data.wet.sample_rate
    samples = f"{abs(round(data.rack.latency, 3)):.10g} samples ({abs(late_ms):.3g} ms)"
    if abs(data.rack.latency) < 1e-6:
        points = ["No latency was taken out."]
    else:
        side = "late" if data.rack.latency > 0 else "early"
        points = [f"The wet file is {samples} {side}; that was taken out first."]
    turned = "The wet file is upside down: its polarity was turned over."
    points.append(turned if data.rack.polarity < 0 else "The polarity is the same.")
    points.append(f"Confidence of both: {data.alignment.confidence:.2f} of 1.")
    points.append(f"The best linear filter of dry explains {100 * data.alignment.strength:.1f} % of wet's energy.")
    return points


def value_words(value: float) -> str:
    """A knob's value with about five digits, without exponents where they can be spared."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 4 - math.floor(math.log10(abs(value)))
    text = f"{value:.{digits}f}" if 0 < digits <= 8 else f"{value:.0f}" if digits <= 0 else f"{value:.4g}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


@dataclass(frozen=True)
class _Row:
    """A knob in the table; places are in per cent of the range. Many knobs of a kind are one row with a curve."""

    name: str
    meaning: str
    unsure: bool
    value: str
    span: str
    neutral: str
    at: float = 0.0
    rest: float = 0.0
    size: int = 1
    curve: str = ""
    listed: str = ""


def _knob_rows(data: EffectResult, knob: Parameter) -> list[_Row]:
    """A knob's rows in the table; short rows of knobs one by one, long ones as a picture."""
    values = np.atleast_1d(np.asarray(data.rack.knobs[knob.name], float))
    neutral = np.atleast_1d(np.asarray(knob.default, float))
    if (knob.size or 0) > LISTED:
        return [_picture_row(data, knob, values, neutral)]
    return [
        _Row(
            name,
            knob.meaning,
            bool({name, knob.name} & set(data.ambiguous)),
            _with_unit(value, knob),
            _range_words(knob),
            _with_unit(default, knob),
            at=100 * _position(knob, value),
            rest=100 * _position(knob, default),
        )
        for name, value, default in zip(knob.labels, values, neutral, strict=True)
    ]


def _picture_row(data: EffectResult, knob: Parameter, values: np.ndarray, neutral: np.ndarray) -> _Row:
    """Many knobs of a kind: their values as a curve, and all of them to unfold."""
    spread = max(float(np.ptp(values)), 1e-12)
    low, high = float(values.min()) - 0.05 * spread, float(values.max()) + 0.05 * spread
    x, y = np.linspace(0, 200, len(values)), 40 - 40 * (values - low) / (high - low)
    several = np.ptp(neutral) > 0
    return _Row(
        f"{knob.name}[{knob.size}]",
        knob.meaning,
        bool({knob.name, *knob.labels} & set(data.ambiguous)),
        f"{value_words(float(f'{values.min():.3g}'))} … {_with_unit(float(f'{values.max():.3g}'), knob)}",
        _range_words(knob),
        f"{value_words(neutral[0])}, {value_words(neutral[1])}, …" if several else _with_unit(float(neutral[0]), knob),
        size=len(values),
        curve=" ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)),
        listed=", ".join(value_words(float(value)) for value in values),
    )


def _with_unit(value: float, knob: Parameter) -> str:
    """A value with its unit; on a linear range what is a ten-millionth of it is nothing."""
    shown = 0.0 if knob.curve == "linear" and abs(value) < 1e-7 * (knob.high - knob.low) else value
    return f"{value_words(float(shown))} {knob.unit}".rstrip()


def _range_words(knob: Parameter) -> str:
    return f"{value_words(knob.low)} … {_with_unit(knob.high, knob)}{' (log)' if knob.curve == 'log' else ''}"


def _position(knob: Parameter, value: float) -> float:
    return float(knob.position(torch.tensor(float(value), dtype=torch.float64)).clamp(0, 1))


def _stop_words(data: EffectResult) -> str:
    count = len(data.history)
    steps = f"{count} steps recorded." if count else "No step was recorded."
    reason = str(data.stop_reason).strip().rstrip(".")
    return f"{steps} It stopped: {reason}." if reason else steps


def _animation(moving: Animation | None) -> dict[str, object] | None:
    """Return the animation as addresses, with a picture that stands still where the system asks for less motion."""
    if moving is None:
        return None
    gif, still = (
        f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
        for kind, content in (("gif", moving.gif), ("png", moving.still))
    )
    return {"gif": gif, "still": still, "alt": moving.alt, "width": WIDTH, "height": HEIGHT}


def chain_words(chain: Processor) -> str:
    """Return a chain on one line: ``iir → clip``, ``parallel(comb | svf)``, ``mix(comb → clip)``."""
    if isinstance(chain, Serial):
        return " → ".join(chain_words(part) for part in chain.parts) or "nothing"
    if isinstance(chain, Parallel | DryWet):
        between = " | " if isinstance(chain, Parallel) else " → "
        return f"{chain.name}({between.join(chain_words(part) for part in chain.parts)})"
    return chain.name
