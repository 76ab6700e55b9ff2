"""Several sounds fitted as one tensor: each as it would be fitted alone, in the time that the machine needs for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.noise import white_noise
from ddsp_match.fitting.descent import OnStep
from ddsp_match.fitting.first_guess import FirstGuess, Grid, Target
from ddsp_match.fitting.matching import MAX_WORKERS, Match
from ddsp_match.fitting.optimise import Trace, optimise
from ddsp_match.losses.total import TotalLoss
from ddsp_match.models.free_controls import FreeControls
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth


@dataclass(frozen=True)
class _Guessed:
    """A sound with its first guess."""

    target: Target
    offset: torch.Tensor
    grid: Grid
    controls: Controls

    @property
    def n_samples(self) -> int:
        return self.target.samples.shape[1]

    @property
    def channels(self) -> int:
        return self.target.samples.shape[0]


def match_together(
    targets: Sequence[Target],
    timebase: Timebase,
    settings: FitSettings,
    *,
    device: torch.device | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Match]:
    """Finds the controls of several sounds of one rate, none so long that it would be cut into segments.

    Rows of the tensors are the channels of all sounds; shorter ones are padded, and what is padded counts for nothing.
    First guesses are made sound by sound, in closed form; the descent is shared.

    Args:
        targets: The sounds with their f0.
        timebase: Frame grid of all of them.
        settings: Of the fit, without effects.
        device: Where to compute; by default where the sounds are.
        on_step: Told steps done, steps in all, the mean loss and the mean of the best so far.
        stop: Asked before every step whether to end with what there is.

    Returns:
        What was found, in the order of the sounds, on the processor. `seconds` are each sound's share.
    """
    settings = settings.resolved()
    device = device or targets[0].samples.device
    began = time.perf_counter()
    guessed, tonal, n_bands = [], [], 0
    for target in targets:
        offset = target.samples.mean(1)
        moved = Target((target.samples - offset.unsqueeze(1)).to(device), target.f0_hz.to(device), target.pitched)
        guess = FirstGuess(moved, timebase, settings)
        if len(guess.segments) > 1:
            raise ValueError("sounds that are cut into segments are fitted alone")
        grid, (controls,) = guess.run(stop)
        guessed.append(_Guessed(moved, offset, grid, controls))
        tonal.append(guess.tonal)
        n_bands = guess.n_bands
    if len(set(tonal)) > 1:
        raise ValueError("sounds with harmonics and sounds without are fitted apart")
    guess_s = time.perf_counter() - began
    began = time.perf_counter()
    found, traces = _descend(guessed, timebase, settings, tonal[0], n_bands, on_step, stop)
    share_s = {"first guess": guess_s / len(targets), "optimise": (time.perf_counter() - began) / len(targets)}
    return [
        Match(controls, sound.grid.kind, trace, dict(share_s))
        for sound, controls, trace in zip(guessed, found, traces, strict=True)
    ]


def _descend(
    guessed: list[_Guessed],
    timebase: Timebase,
    settings: FitSettings,
    tonal: bool,
    n_bands: int,
    on_step: OnStep | None,
    stop: Callable[[], bool] | None,
) -> tuple[list[Controls], list[Trace]]:
    n_samples = max(sound.n_samples for sound in guessed)
    frames = timebase.frames(n_samples)
    partials = max(sound.grid.n_partials for sound in guessed)
    owners = [number for number, sound in enumerate(guessed) for _ in range(sound.channels)]
    lengths = [guessed[owner].n_samples for owner in owners]

    def rows(of: Callable[[_Guessed], torch.Tensor], *shape: int, edge: bool = False) -> torch.Tensor:
        return torch.cat([_grown(of(sound), shape, edge) for sound in guessed])

    def noise_of(sound: _Guessed) -> torch.Tensor:
        noise = white_noise(sound.channels, sound.n_samples, settings.synth.noise_seed)
        return noise.to(sound.target.samples)

    target = rows(lambda sound: sound.target.samples, n_samples)
    base_hz = rows(lambda sound: sound.grid.base_hz, frames, edge=True)
    phase = rows(lambda sound: sound.grid.phase.expand(sound.channels, -1), n_samples)
    start = Controls(
        base_hz,
        rows(lambda sound: sound.controls.amplitude, frames),
        rows(lambda sound: sound.controls.distribution, partials, frames),
        rows(lambda sound: sound.controls.noise, n_bands, frames),
        None if guessed[0].controls.phases is None else rows(lambda s: _phases(s), partials, frames),
    )
    synth = HarmonicNoiseSynth(
        base_hz, timebase, n_samples, partials, rows(noise_of, n_samples) if n_bands else None, n_bands, phase
    )
    source = FreeControls(start, timebase.nyquist_hz, static_phase=settings.synth.phase == "static")
    # A sound keeps to the partials that it would have alone.
    counts = torch.tensor([guessed[owner].grid.n_partials for owner in owners], device=target.device)
    source.audible *= torch.arange(1, partials + 1, device=target.device).view(1, -1, 1) <= counts.view(-1, 1, 1)
    groups = source.groups(settings.optimizer.lr, settings.optimizer.lr_phase, harmonics=tonal)
    # The operations of a step are small: threads inside each would spend more time meeting than working.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        workers = min(threads, MAX_WORKERS) if target.device.type == "cpu" else 1
        loss = TotalLoss(target, timebase.sample_rate, settings.loss, workers, owners=owners, lengths=lengths)
        traces = optimise(
            groups,
            lambda: synth(source()).mix,
            loss,
            settings.optimizer,
            on_step=_told(settings, on_step),
            stop=stop,
            owners=owners,
        )
    finally:
        torch.set_num_threads(threads)
    with torch.no_grad():
        whole = source().detached()
    return [_one(whole, sound, owners.index(number), timebase) for number, sound in enumerate(guessed)], traces


def _told(settings: FitSettings, on_step: OnStep | None) -> Callable[[int, float, float], None] | None:
    steps = settings.optimizer.n_steps
    return None if on_step is None else lambda step, value, best: on_step(step, steps, value, best)


def _grown(value: torch.Tensor, shape: tuple[int, ...], edge: bool) -> torch.Tensor:
    """A tensor with rows of a larger shape: zeros behind, or its last value again."""
    for axis, size in enumerate(shape, 1):
        missing = size - value.shape[axis]
        if missing:
            last = value.narrow(axis, -1, 1)
            more = last.expand(*value.shape[:axis], missing, *value.shape[axis + 1 :])
            value = torch.cat([value, more if edge else torch.zeros_like(more)], axis)
    return value


def _phases(sound: _Guessed) -> torch.Tensor:
    phases = sound.controls.phases
    assert phases is not None
    return phases


def _one(whole: Controls, sound: _Guessed, row: int, timebase: Timebase) -> Controls:
    """The controls of one sound, as it would have them alone."""
    rows, frames = slice(row, row + sound.channels), timebase.frames(sound.n_samples)
    n = sound.grid.n_partials
    amplitude, distribution = whole.amplitude[rows, :frames], whole.distribution[rows, :n, :frames]
    phases = None if whole.phases is None else whole.phases[rows, :n, :frames].cpu()
    made = Controls(
        sound.grid.f0_hz.cpu(), amplitude.cpu(), distribution.cpu(), whole.noise[rows, :, :frames].cpu(), phases
    )
    return replace(made, divisions=sound.grid.divisions)
