"""``ddsp-match effect``: the knobs between a dry and a wet sound, for one chain or a sweep of them."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli import jobs
from ddsp_match.cli.knobs import settings_lines
from ddsp_match.cli.progress import Interrupt, Progress
from ddsp_match.cli.sweep import Row
from ddsp_match.cli.values import PROGRAM
from ddsp_match.cli.words import flag_overrides, run_directory, split, two_sounds
from ddsp_match.errors import ConfigError
from ddsp_match.settings import EffectSettings

if TYPE_CHECKING:
    from ddsp_match.tasks.effect import EffectResult

FLAGS = "--output --force --budget --quiet --multirun --cfg --help".split()
EXIT_NO_MATCH = 3
ESR_FORM = ".3g"


def effect(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    sounds, overrides = split(arguments.words, FLAGS)
    overrides, output = jobs.hydra_directory(flag_overrides(arguments, overrides), arguments)
    if jobs.printed(arguments, overrides, EffectSettings):
        return 0
    dry, wet = two_sounds(sounds, "effect")
    if arguments.multirun:
        return _sweep(arguments, dry, wet, overrides, output)
    settings = config.build_effect(overrides)
    if not settings.effects:
        raise ConfigError(
            "no effects",
            where="effects",
            needed="the chain to look for, from input to output",
            hint="effects=[iir,clip]; ddsp-match effects lists the names",
        )
    folder = run_directory(f"{wet.stem}-effect", output, force=arguments.force, sound=wet, other=dry)
    with Interrupt() as interrupt:
        result = effect_once(arguments, dry, wet, settings, folder, interrupt)
    print(outcome(result, folder))
    return 0 if result.matched else EXIT_NO_MATCH


def effect_once(
    arguments: argparse.Namespace,
    dry: Path,
    wet: Path,
    settings: EffectSettings,
    folder: Path,
    interrupt: Interrupt,
    label: str = "",
) -> EffectResult:
    """Look for the knobs with progress on stderr; the task writes the run directory."""
    progress = Progress(quiet=arguments.quiet, label=label, figure=ESR_FORM)
    progress.on_stage("start")  # importing torch takes a second; say something before
    with progress:
        from ddsp_match.tasks.effect import effect as task

        return task(
            dry,
            wet,
            settings=settings,
            out=folder,
            force=arguments.force,
            command=shlex.join([PROGRAM, *arguments.argv]),
            on_stage=progress.on_stage,
            on_step=progress.on_step,
            stop=interrupt.wanted,
        )


def outcome(result: EffectResult, folder: Path) -> str:
    """Say what was found, how well it explains the pair, and where it was written."""
    lines = [result.verdict, "", *_alignment_lines(result)]
    lines += ["", *settings_lines(result.rack.chain.knobs, result.rack.knobs), ""]
    lines += _ratio_lines(result)
    if result.ambiguous:
        lines.append(f"sounds the same at other values: {', '.join(result.ambiguous)}")
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"stopped: {result.stop_reason} ({sum(result.seconds.values()):.1f} s)"]
    lines += [f"written: {folder}/" + ", ".join(sorted(path.name for path in folder.iterdir()))]
    lines += [f"report:  {folder / 'report.html'}"]
    return "\n".join(lines)


def ratio(value: float) -> str:
    """An error-to-signal ratio with its decibels: ``0.0137 (-18.6 dB)``."""
    if value <= 0:
        return "0 (nothing is left)"
    decibels = round(10 * math.log10(value), 1) + 0.0  # no -0.0
    return f"{value:{ESR_FORM}} ({decibels:.1f} dB)"


def _alignment_lines(result: EffectResult) -> list[str]:
    rate, found = result.rack.sample_rate, result.alignment
    samples = found.latency_samples
    side = "behind" if samples > 0 else "before"
    taken = "" if samples == result.rack.latency else ", left to the chain"
    where = f"wet lies {abs(samples):.4g} samples ({1000 * abs(samples) / rate:.3g} ms) {side} dry{taken}"
    latency = where if samples else "none"
    return [
        f"latency:  {latency} (certainty {found.confidence:.2f})",
        f"polarity: {'upside down' if result.rack.polarity < 0 else 'the same'}",
    ]


def _ratio_lines(result: EffectResult) -> list[str]:
    first, last = result.seen
    rate = result.wet.sample_rate
    lines = ["error-to-signal ratio:"]
    lines.append(f"  {'fitted part':<14}{(last - first) / rate:8.2f} s  {ratio(result.esr_seen)}")
    if result.esr_unseen is not None:
        unseen_s = (result.wet.n_samples - (last - first)) / rate
        lines.append(f"  {'unseen part':<14}{unseen_s:8.2f} s  {ratio(result.esr_unseen)}")
    where = "unseen part" if result.esr_unseen is not None else "fitted part"
    lines.append(f"  {'a gain alone':<24}  {ratio(result.esr_gain)}, on the {where}")
    return lines


def _sweep(arguments: argparse.Namespace, dry: Path, wet: Path, overrides: list[str], output: Path | None) -> int:
    matched: list[bool] = []

    def job(settings: EffectSettings, out: Path, label: str, interrupt: Interrupt, row: Row) -> None:
        result = effect_once(arguments, dry, wet, settings, out, interrupt, label)
        unseen = result.esr_seen if result.esr_unseen is None else result.esr_unseen
        numbers = sum(max(knob.size, 1) for knob in result.rack.chain.knobs)
        figures = {"seen": result.esr_seen, "gain alone": result.esr_gain, "numbers": float(numbers)}
        row.finish(unseen, figures, str(result.stop_reason), result.seconds)
        matched.append(result.matched)

    figure = "unseen ESR"
    rows = jobs.sweep(
        arguments, overrides, output, (dry, wet), job, kind=EffectSettings, figure=figure, form=ESR_FORM
    )
    print(rows.table())
    best = next((row for row in rows.ranked() if not row.error), None)
    if best is not None:
        chosen = ", ".join(f"{key}={value}" for key, value in best.values.items())
        print(f"best: {chosen}, error-to-signal ratio {ratio(best.loss)}; report: {best.folder / 'report.html'}")
    if rows.failed():
        return 2
    return 0 if any(matched) or not matched else EXIT_NO_MATCH
