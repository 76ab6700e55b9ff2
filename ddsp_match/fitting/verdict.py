"""The verdict in words: what is good about a match, what is not, and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ddsp_match.dsp.notes import midi_of, note_name

LEVELS = ("excellent", "good", "fair", "poor")

# Upper bounds of the first three levels, for the figure that leads and for the one that may pull a verdict down by one
# level. Both weigh like the ear, and neither blames noise for being another draw of it: the first is net of what two
# draws are apart, the second averages over 100 ms, where two draws of white noise are 1.4 dB apart at most.
_LEAD, _FOLLOWER = "mel_net_db", "mel_steady_db"
_BOUNDS = {_LEAD: (0.9, 2.0, 4.0), _FOLLOWER: (1.5, 2.0, 4.0)}
# Lower bounds of the same levels for a measured opinion score, which may pull down by one level, too: single ones
# are unsteady by some tenths. Whether a listener could tell is never said without it.
_OPINION = (4.7, 4.2, 3.5)
HARD_TO_TELL = 4.8
# Share of energy by which the spectra of two draws of one noise differ: their magnitudes are Rayleigh.
_NOISE_UNEXPLAINED = 2 - math.pi / 2

MOSTLY, NOTICEABLY = 0.5, 0.01  # shares of the energy: noise that carries a sound, and noise that counts in it
INAUDIBLY = 1e-4  # share of the energy of what a constant or rounding leaves of partials that do not play
CLEARLY = 0.3  # share of the frames with a pitch above which it is the sound's

_MRSTFT_AGREES = 0.35  # of partials; two draws of one noise are 0.8 apart or more

_HEADLINES = {
    "excellent": "Excellent match: nearly the same spectrum as the target.",
    "good": "Good match: small differences in the spectrum.",
    "fair": "Fair match: the character is there, the details differ.",
    "poor": "Poor match: large differences in the spectrum.",
}


@dataclass(frozen=True)
class Verdict:
    """A judgement of a match in plain words.

    Attributes:
        headline: One sentence.
        good: Strengths, in sentences.
        weak: Weaknesses.
        advice: Steps to try next, most promising first, naming flags where there are any.
        level: ``excellent``, ``good``, ``fair`` or ``poor``.
        matched: False where an effect's chain explains nothing of its pair.
        by_ear: Why an effect's spectra are compared and not its samples; empty where samples are.
    """

    headline: str
    good: list[str]
    weak: list[str]
    advice: list[str]
    level: str
    matched: bool = True
    by_ear: str = ""

    def __str__(self) -> str:
        """Return the headline."""
        return self.headline

    def text(self) -> str:
        """The verdict for a terminal: the headline, then one line a point."""
        lines = [self.headline]
        for sign, points in (("+", self.good), ("-", self.weak), (">", self.advice)):
            lines += [f"  {sign} {point}" for point in points]
        return "\n".join(lines)


def grade(name: str, value: float) -> str | None:
    """The level a single metric would earn, or None where a metric has no bounds."""
    if name == "mos" and math.isfinite(value):
        return LEVELS[sum(value < bound for bound in _OPINION)]
    bounds = _BOUNDS.get(name)
    if bounds is None:
        return None
    if not math.isfinite(value):
        return LEVELS[-1]
    return LEVELS[sum(value >= bound for bound in bounds)]


def level_of(metrics: Mapping[str, float]) -> str:
    """The level of a match: never better when any metric gets worse."""
    by_lead = LEVELS.index(grade(_LEAD, _net_db(metrics)) or LEVELS[-1])
    others = [grade(name, metrics[name]) for name in (_FOLLOWER, "mos") if name in metrics]
    by_others = max((LEVELS.index(level) for level in others if level), default=0)
    return LEVELS[max(by_lead, min(by_others, by_lead + 1))]


def _net_db(metrics: Mapping[str, float]) -> float:
    """The leading figure; of a match of which no second draw was measured the whole mel distance."""
    return metrics.get(_LEAD, metrics.get("mel_db", math.inf))


def judge(
    metrics: Mapping[str, float],
    *,
    pitched: bool = True,
    stop_reason: str = "",
    pitch_hz: float | None = None,
    nyquist_hz: float | None = None,
    settings: Mapping[str, object] | None = None,
) -> Verdict:
    """Judges a match by its metrics. The same numbers give the same words.

    Args:
        metrics: Figures by name; those that are missing are not spoken of. ``mrstft`` (0 is identical),
            ``mel_net_db``, ``mel_db``, ``mel_steady_db``, ``snr_db``, ``loudness_l1_db`` in dB; ``harmonic_share``,
            ``noise_share``, ``unexplained_share`` (of the energy), ``voiced_share``, ``doubt_share`` (of the frames),
            0 to 1; ``mos``, a predicted opinion, 1 to 5.
        pitched: Whether the sound has a pitch.
        stop_reason: Why the fit ended, in words.
        pitch_hz: The note of the sound, which makes advice about the pitch concrete.
        nyquist_hz: Half the sample rate: whether a number of harmonics leaves any out.
        settings: The settings as nested mappings, so that nothing is advised that is on already; a
            ``quality`` may stand among them.

    Returns:
        The verdict.
    """
    figures = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
    level = level_of(metrics)
    headline = _HEADLINES[level]
    if level == "excellent" and _is_noise(figures):
        headline = "Excellent match: as close as two draws of the same noise."
    if not pitched and _has_partials(figures):
        headline += " No pitch was found: partials on a steady grid play it."
    elif not pitched:
        headline += " No pitch was found, so only the noise stem plays."
    return Verdict(
        headline=headline,
        good=_good(figures, pitched),
        weak=_weak(figures, level, pitched),
        advice=_advice(figures, level, pitched, stop_reason, pitch_hz, nyquist_hz, settings or {}),
        level=level,
    )


def _has_partials(figures: Mapping[str, float]) -> bool:
    return figures.get("harmonic_share", 0.0) > INAUDIBLY


def _is_noise(figures: Mapping[str, float]) -> bool:
    return figures.get("noise_share", 0.0) > MOSTLY


def _good(figures: Mapping[str, float], pitched: bool) -> list[str]:
    """Strengths, in sentences."""
    points = []
    if figures.get("mrstft", math.inf) < _MRSTFT_AGREES:
        points.append(f"The spectrum agrees at every resolution (mrstft {figures['mrstft']:.2f}).")
    if grade(_LEAD, _net_db(figures)) in LEVELS[:2]:
        chance = ", as far as two draws of one noise agree" if _is_noise(figures) else ""
        points.append(f"The colour is right{chance}, to {_decibels(_net_db(figures))} in bands as the ear has them.")
    if figures.get("mos", 0.0) >= HARD_TO_TELL:
        points.append(f"A listener could hardly tell it from the target (predicted opinion {figures['mos']:.2f} of 5).")
    if figures.get("snr_db", -math.inf) >= 15 and figures.get("noise_share", 0.0) < NOTICEABLY:
        points.append(f"Even the waveform is followed ({figures['snr_db']:.0f} dB over the difference).")
    if figures.get("loudness_l1_db", math.inf) < 1:
        points.append(f"Loudness follows the target to {_decibels(figures['loudness_l1_db'])}.")
    if pitched and figures.get("doubt_share", 1.0) < 0.02 and figures.get("voiced_share", 0.0) > 0.5:
        voiced = figures["voiced_share"]
        where = "throughout" if voiced > 0.95 else f"wherever there is one ({percent(voiced)} of the time)"
        points.append(f"The pitch is clear {where}.")
    if figures.get("unexplained_share", 1.0) < 0.02:
        points.append(
            f"Partials and noise explain {percent(1 - figures['unexplained_share'])} of the energy."
        )
    return points


def _weak(figures: Mapping[str, float], level: str, pitched: bool) -> list[str]:
    """Weaknesses, in sentences."""
    points = []
    good_db = _BOUNDS[_LEAD][1]
    if good_db <= _net_db(figures) < math.inf:
        points.append(f"The colour is off by {_net_db(figures):.1f} dB on average; good is below {good_db:g} dB.")
    if figures.get("mos", 5.0) < _OPINION[0]:
        points.append(f"A listener could tell it from the target (predicted opinion {figures['mos']:.2f} of 5).")
    if figures.get("loudness_l1_db", 0.0) >= 2:
        points.append(f"Loudness is off by {figures['loudness_l1_db']:.1f} dB: compare attack and decay.")
    if not pitched and not _has_partials(figures):
        points.append("No pitch was found: any tone in the sound is missing from the match.")
    if pitched and figures.get("doubt_share", 0.0) >= 0.02:
        points.append(f"The pitch is in doubt in {percent(figures['doubt_share'])} of the frames.")
    # Partials on a steady grid may do without a pitch: what is excellent lacks nothing.
    if pitched and level != "excellent" and figures.get("voiced_share", 1.0) < CLEARLY:
        points.append(f"Only {percent(figures['voiced_share'])} of the frames have a clear pitch.")
    if _unexplained(figures) >= 0.1:
        points.append(f"{percent(figures['unexplained_share'])} of the energy is explained by neither part.")
    return points


def _unexplained(figures: Mapping[str, float]) -> float:
    """The share of energy left unexplained, less what no draw of noise could explain."""
    return figures.get("unexplained_share", 0.0) - _NOISE_UNEXPLAINED * figures.get("noise_share", 0.0)


def _advice(
    figures: Mapping[str, float],
    level: str,
    pitched: bool,
    stop_reason: str,
    pitch_hz: float | None,
    nyquist_hz: float | None,
    settings: Mapping[str, object],
) -> list[str]:
    """Steps to try, the likeliest cause first: those alone that figures or settings give a reason for."""
    points = []
    in_doubt = figures.get("doubt_share", 0.0) >= 0.02
    if not pitched:
        points.append("If the sound does have a pitch, name it: `--midi 45`, or in Hz: `--f0 110`.")
    elif in_doubt:
        points.append(_pitch_advice(pitch_hz, _setting(settings, "f0", "source")))
    if level == "excellent":
        return points
    points += _stop_advice(stop_reason.lower(), settings)
    partials = pitched or _has_partials(figures)
    limit = _limit_advice(pitch_hz if pitched else None, nyquist_hz, settings) if partials else ""
    if limit:  # what harmonics were not allowed to play is no reason to ask for anything else
        return [*points, limit]
    for key, unit in (("numbers", "numbers a second"), ("rate_kbps", "kbit/s")):
        if isinstance(most := _setting(settings, "model", key), int | float):
            points.append(f"Only {most:g} {unit} were allowed: `model.{key}=null` spends as many as gain enough.")
    if _setting(settings, "model", "name") not in (None, "exact"):
        points.append("Fit a number for every control and frame, the closest model: `model=exact`.")
    elif partials and _setting(settings, "synth", "phase") in ("zero", "static"):
        points.append(
            "Let each harmonic keep its own phase: `phase=tracked`. It helps most, at twice the size."
        )
    if _setting(settings, "synth", "noise") is False:
        points.append("Switch the noise part on: `synth.noise=true`.")
    if pitched and not in_doubt and _harmonics_alone(settings) and _unexplained(figures) >= 0.1:
        points.append(
            "Partials between the harmonics play what one pitch cannot, as chords, detuned voices or bells: "
            "`synth.divisions=null synth.grid=auto`."
        )
    if settings.get("effects"):
        points.append(
            "Effects that are found with the source cost closeness: fit without `effects` for the closest match."
        )
    elif settings.get("quality") != "best" and (not points or level == "poor"):
        points.append("Spend more steps on it: `quality=best`.")
    return points


def _limit_advice(f0_hz: float | None, nyquist_hz: float | None, settings: Mapping[str, object]) -> str:
    """Advice against a number of harmonics that leaves some out; empty where it leaves out none."""
    n_harmonics = _setting(settings, "synth", "n_harmonics")
    if not isinstance(n_harmonics, int):
        return ""
    reach_hz = n_harmonics * f0_hz if f0_hz else None
    if reach_hz and nyquist_hz and reach_hz + (f0_hz or 0.0) >= nyquist_hz:  # there is no room for another one
        return ""
    reach = f", which reach up to {reach_hz:.0f} Hz" if reach_hz else ""
    return f"Only {n_harmonics} harmonics were allowed{reach}: `synth.n_harmonics=null` plays all there are."


def _harmonics_alone(settings: Mapping[str, object]) -> bool:
    if _setting(settings, "model", "name") not in (None, "exact"):
        return False
    return _setting(settings, "synth", "divisions") == 1 or _setting(settings, "synth", "grid") == "f0"


def _stop_advice(reason: str, settings: Mapping[str, object]) -> list[str]:
    """Advice after a fit that ended before it had settled."""
    if "budget" in reason:
        return ["The time was up before the fit had settled: give it more with a larger `--budget`."]
    if "interrupt" in reason:
        return ["The fit was interrupted: let it run to its end."]
    if "target" in reason:
        return ["The fit stopped at the loss you asked for: a lower `optimizer.target_loss` lets it go on."]
    rate = _setting(settings, "optimizer", "lr")
    if "finite" in reason and isinstance(rate, float):
        return [f"The fit became unstable: take smaller steps with `optimizer.lr={rate / 4:g}`."]
    return []


def _pitch_advice(pitch_hz: float | None, source: object) -> str:
    """How to help a tracker in doubt: another tracker, or the note itself and its octaves."""
    other = "f0=crepe" if source == "pyin" else "f0=pyin"
    if pitch_hz is None:
        return f"If you know the note, name it (`--midi 45`, `--f0 110`), or try another tracker: `{other}`."
    midi = round(midi_of(pitch_hz))
    octaves = " or ".join(f"`--midi {note}`" for note in (midi - 12, midi + 12) if 0 <= note <= 127)
    return (
        f"The pitch was taken for {note_name(midi)} ({pitch_hz:.0f} Hz). If it is steady, fix it: "
        f"`--midi {midi}`; an octave off: {octaves}. If it moves, try another tracker: `{other}`."
    )


def _setting(settings: Mapping[str, object], group: str, key: str) -> object:
    """A setting by group and key, or None where it is not known."""
    part = settings.get(group)
    return part.get(key) if isinstance(part, Mapping) else None


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if value >= 0.05 else "less than 0.1 dB"


def percent(share: float) -> str:
    """A share in words; a little is never called none, nor nearly all called all."""
    value = 100 * share
    if 0 < value < 1:
        return "less than 1 %"
    if 99 <= value < 100:
        return f"{math.floor(value * 10) / 10:.1f} %"
    return f"{value:.0f} %"
