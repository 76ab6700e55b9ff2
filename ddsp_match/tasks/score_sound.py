"""Score one sound: its match against it, and what the figures mean."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddsp_match.analysis.analyse import analyse
from ddsp_match.core.audio import Audio, at_fit_rate, sound_of
from ddsp_match.core.errors import MatchError, SoundError
from ddsp_match.core.settings import F0Settings, FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.stems import stems_of
from ddsp_match.losses import metrics
from ddsp_match.losses.spectral import sizes_for
from ddsp_match.patch import Patch, load_patch
from ddsp_match.patch.playing import with_unseen_noise
from ddsp_match.score import opinion
from ddsp_match.score.card import REDRAWN, REFIT, Row
from ddsp_match.score.definitions import BY_KEY
from ddsp_match.score.hints import hints
from ddsp_match.score.pitch import f0_agreement
from ddsp_match.score.references import references
from ddsp_match.score.runs import FittedSound
from ddsp_match.tasks.render import render

SCORING_VERSION = 4  # raise it when any figure is computed differently: every sound is scored again
LENGTH_TOLERANCE_S = 0.01
Track = tuple[np.ndarray, np.ndarray, float | None]  # f0 in Hz and whether it is voiced, by frame; the note in Hz
FIGURES = {"f0_l1_cents": "f0", "octave_errors": "f0", "voicing_agreement": "f0", "mos": "mos"}  # the rest: "spectra"
F0_FACTS = ("pitched", "f0_median_hz", "match_f0_hz")
REFERENCE_PADS = 1  # of the floor and the ceilings only means over sounds are shown, which freak values hardly move


@dataclass(frozen=True)
class Scoring:
    """The settings of a score.

    Attributes:
        mos_pads: Pads of the opinion score, 1 to 7; 0 leaves it out.
        tracker: What hears f0 in target and match; None leaves the figures about f0 out.
    """

    mos_pads: int = len(opinion.PADS)
    tracker: F0Settings | None = dataclasses.field(default_factory=F0Settings)


@dataclass(frozen=True)
class ScoreJob:
    """One sound to score.

    Attributes:
        sound: Its files.
        scoring: How.
        reference: Whether the floor and the ceilings are measured in the slow figures, too: opinion and f0.
        refit: Settings with which to fit the sound once more for the floor; None takes another draw of the noise.
        known: A row of the same files, whose figures are kept; None where there is none.
        parts: Which parts of the row to measure, of those that `wanted` names.
    """

    sound: FittedSound
    scoring: Scoring
    reference: bool = False
    refit: FitSettings | None = None
    known: Row | None = None
    parts: frozenset[str] = frozenset()


def score_sound(job: ScoreJob) -> Row:
    """Scores one sound; what is wrong with its files becomes the row's reason."""
    row = start_row(job.sound)
    row.fingerprint = fingerprint(job.sound)
    if row.status == "failed":
        return row
    try:
        with torch.inference_mode():
            _Scorer(job, row).run()
    except MatchError as error:
        row.status, row.reason, row.fingerprint = "failed", str(error), ""
        row.metrics, row.ceilings, row.floor, row.measured = {}, {}, {}, {}
    return row


def start_row(sound: FittedSound) -> Row:
    """A row with what is known without opening a sound; a sound whose fit failed is finished with that."""
    return Row(
        name=sound.name,
        family=sound.family,
        status="failed" if sound.failed else "scored",
        reason=sound.failed,
        target=str(sound.target),
        match=str(sound.match or ""),
        folder=str(sound.folder or ""),
        report=str(sound.report or ""),
        seconds=dict(sound.seconds),
    )


def fingerprint(sound: FittedSound) -> str:
    """Return a digest of all that the figures depend on: the files as they are now, by size and time of change."""
    how: list[Any] = [SCORING_VERSION, sound.seconds, sound.facts.get("peak_mb")]
    for path in (sound.target, sound.match, sound.patch):
        try:
            status = path.stat() if path is not None else None
        except OSError:
            status = None
        how.append(status and [status.st_size, status.st_mtime_ns])
    return _digest(how)


def wanted(job: ScoreJob) -> dict[str, str]:
    """The parts of a row that a job asks for, each with how it is measured: `Row.measured` of a row that has them."""
    tracker = job.scoring.tracker
    pads = job.scoring.mos_pads if opinion.version() is not None else 0
    take = REDRAWN if job.refit is None else _digest(asdict(job.refit))
    how = {"spectra": ""}
    if tracker is not None:
        how["f0"] = _digest(asdict(tracker))
    if pads:
        how["mos"] = f"{opinion.version()}"
    parts = {f"{figures} match": value for figures, value in how.items()}
    if pads:
        parts["mos match"] += f" {pads}"
    for figures, value in how.items():
        if job.reference or figures == "spectra":
            parts[f"{figures} ceilings"] = value
            if job.sound.patch is not None:
                parts[f"{figures} floor"] = f"{value} {take}"
    return parts


def missing(job: ScoreJob, row: Row) -> frozenset[str]:
    """The parts that a job asks for and a row of the same files lacks.

    A better measurement is as good: an opinion of more pads, a floor of second fits where another draw would do.
    """

    def holds(part: str, value: str) -> bool:
        known = row.measured.get(part)
        if known == value:
            return True
        if part.endswith(" floor") and job.refit is None and row.facts.get("second_take") == REFIT:
            return True
        if known is None or part != "mos match":
            return False
        (version, pads), (version_known, pads_known) = value.rsplit(" ", 1), known.rsplit(" ", 1)
        return version == version_known and int(pads_known) >= int(pads)

    return frozenset(part for part, value in wanted(job).items() if not holds(part, value))


def joined(row: Row, other: Row) -> Row:
    """A row with those parts of another row of the same files that it lacks."""
    extra = other.measured.keys() - row.measured.keys()
    if row.facts.get("second_take") != other.facts.get("second_take"):  # two floors of different takes do not mix
        extra = {part for part in extra if not part.endswith(" floor")}

    def with_extra(which: str, own: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
        both = {**{key: value for key, value in theirs.items() if f"{_part(key)} {which}" in extra}, **own}
        return {key: both[key] for key in BY_KEY if key in both}

    ceilings = {name: with_extra("ceilings", own, other.ceilings.get(name, {})) for name, own in row.ceilings.items()}
    f0_facts = {key: other.facts[key] for key in F0_FACTS if key in other.facts and "f0 match" in extra}
    return dataclasses.replace(
        row,
        metrics=with_extra("match", row.metrics, other.metrics),
        floor=with_extra("floor", row.floor, other.floor),
        ceilings=ceilings,
        facts={**f0_facts, **row.facts},
        hints=other.hints if "f0 match" in extra else row.hints,
        measured={**row.measured, **{part: other.measured[part] for part in extra}},
    )


def _part(key: str) -> str:
    return FIGURES.get(key, "spectra")


def _digest(how: Any) -> str:
    return hashlib.sha256(repr(how).encode()).hexdigest()[:32]


class _Scorer:
    """One sound on its way to a row."""

    def __init__(self, job: ScoreJob, row: Row) -> None:
        self.job, self.row, self.scoring = job, row, job.scoring
        sound = job.sound
        self.target = at_fit_rate(sound_of(sound.target)[0])[0]
        self.patch = load_patch(sound.patch) if sound.patch is not None else None
        self.match = self._fitting(_match(sound, self.patch))
        self.timebase = Timebase.at(self.target.sample_rate)
        self._pitch: tuple[Track, Track] | None = None
        self._signal: np.ndarray | None = None

    def run(self) -> None:
        """Fill in the row: what is known of before, and the parts that the job asks for."""
        row, sound, known, parts = self.row, self.job.sound, self.job.known, self.job.parts
        if known is not None:
            row.metrics, row.floor = self._kept("match", known.metrics), self._kept("floor", known.floor)
            row.ceilings = {name: self._kept("ceilings", own) for name, own in known.ceilings.items()}
            stale = F0_FACTS if "f0 match" in parts else ()
            row.facts = {key: value for key, value in known.facts.items() if key not in stale}
            row.measured = dict(known.measured)
        row.metrics |= self._figures("match", self.match, pads=self.scoring.mos_pads)
        if self.patch is not None:
            if "spectra match" in parts:
                own = torch.from_numpy(self._fitting(render(self.patch)).samples)
                if "mel_db" in row.metrics:
                    row.metrics["mel_net_db"] = metrics.mel_net_db(
                        row.metrics["mel_db"], torch.from_numpy(self.match.samples), own, self.target.sample_rate
                    )
                stems = stems_of(self.patch)
                row.metrics |= metrics.energy_shares(stems.harmonic, stems.noise)
                row.metrics["numbers_per_second"] = self.patch.numbers_per_second()
                assert sound.patch is not None
                row.metrics["kbit_per_second"] = 8 * sound.patch.stat().st_size / 1000 / self.patch.seconds
            if any(part.endswith(" floor") for part in parts):
                take = self._fitting(self._second_take(self.patch))
                row.floor |= self._figures("floor", take, pads=REFERENCE_PADS, against=self.match)
        else:
            shares = ("harmonic_share", "noise_share")
            row.metrics |= {key: sound.metrics[key] for key in shares if key in sound.metrics}
        if any(part.endswith(" ceilings") for part in parts):
            for name, reference in references(self.target).items():
                own = row.ceilings.setdefault(name, {})
                own |= self._figures("ceilings", reference, pads=REFERENCE_PADS)
        how = wanted(self.job)
        row.measured |= {part: how[part] for part in parts}
        if sound.seconds:
            row.metrics["seconds"] = sum(sound.seconds.values())
        if isinstance(peak := sound.facts.get("peak_mb"), int | float) and math.isfinite(peak):
            row.metrics["peak_mb"] = float(peak)
        row.metrics |= {key: sound.metrics[key] for key in ("voiced_share", "doubt_share") if key in sound.metrics}
        row.metrics = {key: row.metrics[key] for key in BY_KEY if key in row.metrics}
        row.facts |= self._facts()
        row.hints = hints(row.metrics, row.facts)

    def _kept(self, which: str, own: Mapping[str, float]) -> dict[str, float]:
        """Figures of before, without those that are measured again: one that no longer applies must not stay."""
        again = {part.removesuffix(f" {which}") for part in self.job.parts if part.endswith(f" {which}")}
        return {key: value for key, value in own.items() if _part(key) not in again}

    def _figures(self, which: str, match: Audio, *, pads: int, against: Audio | None = None) -> dict[str, float]:
        """Return the figures of a match against the target, or another match, of the parts to measure."""
        target, parts = against or self.target, self.job.parts
        figures: dict[str, float] = {}
        if f"spectra {which}" in parts:
            tensors = [torch.from_numpy(sound.samples) for sound in (target, match)]
            rate = target.sample_rate
            figures |= metrics.distances(tensors[0], tensors[1], rate, sizes_for(rate))
        if f"f0 {which}" in parts:
            figures |= self._f0_figures(match, against)
        if f"mos {which}" in parts:
            signal = opinion.signal_of(against) if against is not None else self._target_signal()
            figures["mos"] = opinion.opinion(signal, opinion.signal_of(match), min(pads, self.scoring.mos_pads))
        return {key: value for key, value in figures.items() if math.isfinite(value)}

    def _f0_figures(self, match: Audio, against: Audio | None) -> dict[str, float]:
        if self._pitch is None:
            self._pitch = self._track(self.target), self._track(self.match)
        of_target, of_match = self._pitch
        theirs = of_target if against is None else of_match
        ours = of_match if match is self.match else self._track(match)
        return f0_agreement(*theirs[:2], *ours[:2])

    def _track(self, sound: Audio) -> Track:
        assert self.scoring.tracker is not None
        if not sound.samples.any():  # silence has no pitch: no need to ask a network
            n_frames = self.timebase.frames(sound.n_samples)
            return np.ones(n_frames, np.float32), np.zeros(n_frames, bool), None
        features, _ = analyse(sound, self.timebase, self.scoring.tracker)
        return features.f0_hz[0].numpy(), features.voiced[0].numpy(), features.pitch_hz

    def _target_signal(self) -> np.ndarray:
        if self._signal is None:
            self._signal = opinion.signal_of(self.target)
        return self._signal

    def _second_take(self, patch: Patch) -> Audio:
        """The sound matched once more, with other chances."""
        if self.job.refit is None:
            return render(with_unseen_noise(with_unseen_noise(patch)))
        from ddsp_match.tasks.fit import fit

        with torch.inference_mode(False):
            return fit(self.target, settings=self.job.refit).match

    def _fitting(self, match: Audio) -> Audio:
        """The match cut to the target's length, which a resampler may miss by some samples; the target is cut, too."""
        target, where = self.target, self.job.sound.match or self.job.sound.patch
        apart_s = abs(match.n_samples - target.n_samples) / target.sample_rate
        same = (match.sample_rate, match.channels) == (target.sample_rate, target.channels)
        if not same or apart_s > LENGTH_TOLERANCE_S:
            raise SoundError(
                f"{_form(match)} for a target of {_form(target)} ({self.job.sound.target})",
                where=where,
                needed="a match of the same sound",
                hint="fitting it again: the sound has changed since, or another one lies in its place",
            )
        n = min(match.n_samples, target.n_samples)
        self.target = Audio(target.samples[:, :n], target.sample_rate)
        return Audio(np.ascontiguousarray(match.samples[:, :n]), match.sample_rate)

    def _facts(self) -> dict[str, Any]:
        known: Mapping[str, Any] = self.job.sound.facts
        facts: dict[str, Any] = {key: known[key] for key in ("pitched", "pitch_midi", "headline") if key in known}
        facts |= {
            "sample_rate": self.target.sample_rate,
            "channels": self.target.channels,
            "duration_s": round(self.target.seconds, 4),
        }
        if any(part.endswith(" floor") for part in self.job.parts):
            facts["second_take"] = REDRAWN if self.job.refit is None else REFIT
        levels = {"level_db": _level_db(self.target), "match_level_db": _level_db(self.match)}
        facts |= {key: round(value, 2) for key, value in levels.items() if value is not None}
        if self._pitch is not None:
            target_hz, match_hz = (track[2] for track in self._pitch)
            facts["pitched"] = facts.get("pitched", target_hz is not None)
            notes_hz = {"f0_median_hz": target_hz, "match_f0_hz": match_hz}
            facts |= {key: round(value, 3) for key, value in notes_hz.items() if value is not None}
        return facts


def _match(sound: FittedSound, patch: Patch | None) -> Audio:
    """The match as its patch plays it with other noise than the fit has seen; without a patch as it was written."""
    if patch is not None:
        return render(with_unseen_noise(patch))
    if sound.match is None:
        where: Path | str = sound.folder or sound.name
        raise SoundError("neither a match nor a patch", where=where, needed="one of them", hint="fitting it again")
    return sound_of(sound.match)[0]


def _level_db(sound: Audio) -> float | None:
    """Level in dB; None of silence."""
    power = float(np.square(sound.samples, dtype=np.float64).mean())
    return 10 * math.log10(power) if power > 0 else None


def _form(sound: Audio) -> str:
    return f"{sound.n_samples} samples, {sound.channels} channels, {sound.sample_rate} Hz"
