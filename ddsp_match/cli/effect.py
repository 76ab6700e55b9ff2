"""``ddsp-match effect``: the knobs between a dry and a wet sound, for one chain or a sweep of them."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli import jobs
from ddsp_match.cli.knobs import settings_lines
from ddsp_match.cli.progress import Interrupt, Progress
from ddsp_match.cli.words import claimed_run, flag_overrides, split, tail, two_sounds
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import EffectSettings
from ddsp_match.report.ratios import counted, esr_words
from ddsp_match.runs.sweep_rows import Row

if TYPE_CHECKING:
    from ddsp_match.tasks.effect import EffectResult

EXIT_NO_MATCH = 3
ESR_FORM = ".3g"
BY_EAR = "spectral distance"  # what ranks the jobs of a sweep whose samples are not compared


def effect(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    sounds, overrides = split(arguments.words)
    overrides, output = jobs.hydra_directory(flag_overrides(arguments, overrides), arguments)
    if jobs.printed(arguments, overrides, EffectSettings):
        return 0
    dry, wet = two_sounds(sounds, "effect")
    swept = config.check(overrides, kind=EffectSettings) if arguments.multirun else []
    settings = config.build_effect([word for word in overrides if word.lstrip("+").partition("=")[0] not in swept])
    if not settings.effects and "effects" not in swept:
        raise ConfigError(
            "no effects",
            where="effects",
            needed="the chain to look for, from input to output",
            hint="effects=[iir,clip]; ddsp-match effects lists the names",
        )
    if arguments.multirun:
        return _sweep(arguments, dry, wet, overrides, output)
    claim = claimed_run("-effect", output, force=arguments.force, sound=wet, other=dry)
    with claim as folder, Interrupt() as interrupt:
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
            command=arguments.command,
            on_stage=progress.on_stage,
            on_step=progress.on_step,
            stop=interrupt.wanted,
        )


def outcome(result: EffectResult, folder: Path) -> str:
    """Say what was found, how well it explains the pair, and where it was written."""
    lines = [result.verdict.headline, "", *_alignment_lines(result)]
    lines += ["", *settings_lines(result.rack.chain.knobs, result.rack.knobs), ""]
    lines += _ratio_lines(result)
    if result.ambiguous:
        lines.append(f"sounds the same at other values: {', '.join(result.ambiguous)}")
    lines += [f"  > {point}" for point in result.advice]
    lines += tail(result.notes, f"{result.stop_reason} ({sum(result.seconds.values()):.1f} s)", folder)
    return "\n".join(lines)


def _alignment_lines(result: EffectResult) -> list[str]:
    rate, alignment = result.rack.sample_rate, result.alignment
    samples = alignment.latency_samples
    side = "behind" if samples > 0 else "before"
    remark = "" if samples == result.rack.latency else ", left to the chain"
    where = f"wet lies {abs(samples):.4g} samples ({1000 * abs(samples) / rate:.3g} ms) {side} dry{remark}"
    latency = where if samples else "none"
    return [
        f"latency:  {latency} (certainty {alignment.confidence:.2f})",
        f"polarity: {'upside down' if result.rack.polarity < 0 else 'the same'}",
    ]


def _ratio_lines(result: EffectResult) -> list[str]:
    first, last = result.seen
    rate = result.wet.sample_rate
    lines = ["error-to-signal ratio:"]
    if result.by_ear:
        lines = [f"its samples are not compared: {result.by_ear}", "error-to-signal ratio all the same:"]
    lines.append(f"  {'fitted part':<14}{(last - first) / rate:8.2f} s  {esr_words(result.esr_seen)}")
    if result.esr_unseen is not None:
        unseen_s = (result.wet.n_samples - (last - first)) / rate
        lines.append(f"  {'unseen part':<14}{unseen_s:8.2f} s  {esr_words(result.esr_unseen)}")
    where = "unseen part" if result.esr_unseen is not None else "fitted part"
    lines.append(f"  {'a gain alone':<24}  {esr_words(result.esr_gain)}, on the {where}")
    return lines


def _sweep(arguments: argparse.Namespace, dry: Path, wet: Path, overrides: list[str], output: Path | None) -> int:
    work = functools.partial(_job, dry, wet)
    figure = "unseen ESR"
    claim = claimed_run("-sweep", output, force=arguments.force, sound=wet, other=dry)
    rows = jobs.sweep(
        arguments, overrides, claim, work, title=wet.stem, kind=EffectSettings, figure=figure, form=ESR_FORM
    )
    print(rows.table())
    for row in rows.best():
        chosen = ", ".join(f"{key}={value}" for key, value in row.values.items())
        best, reached = "best", f"error-to-signal ratio {esr_words(row.loss)}"
        if row.ranked_by:
            best, reached = "best by ear", f"{BY_EAR} {row.metrics[BY_EAR]:.3g}"
        print(f"{best}: {chosen}, {reached}; report: {row.folder / 'report.html'}")
    if rows.failed():
        return 2
    return 0 if any(row.matched for row in rows.rows) or not rows.rows else EXIT_NO_MATCH


def _job(
    dry: Path,
    wet: Path,
    arguments: argparse.Namespace,
    settings: EffectSettings,
    out: Path,
    label: str,
    interrupt: Interrupt,
    row: Row,
) -> None:
    """One job of a sweep; a function of the module, because launchers pickle it."""
    result = effect_once(arguments, dry, wet, settings, out, interrupt, label)
    numbers = float(result.rack.chain.numbers)
    figures = {"seen": result.esr_seen, "gain alone": result.esr_gain, "numbers": numbers}
    # Where jobs differ in the loss, the error means the same in each; but nothing to a chain drawn by chance.
    if result.by_ear and ("loss" not in row.values or result.rack.chain.by_chance):
        figures[BY_EAR] = result.loss
        row.ranked_by = BY_EAR
    loss = counted(result.esr, result.esr_unseen)
    row.finish(loss, figures, str(result.stop_reason), result.seconds, result.matched)
