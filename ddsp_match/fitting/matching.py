"""From sounds and their f0 to the controls that play them: first guess, then gradient descent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import running_phase
from ddsp_match.dsp.noise import white_noise
from ddsp_match.fitting.descent import SPARE_FRAMES, Descent, Excerpt, OnStep
from ddsp_match.fitting.first_guess import FirstGuess, Grid, Segment, Target
from ddsp_match.fitting.live import Live, OnBest
from ddsp_match.fitting.optimise import Trace
from ddsp_match.fitting.wet import Wet
from ddsp_match.models.frames_model import controls_of
from ddsp_match.models.registry import model_kind, settled
from ddsp_match.patch.synth import GridKind

QUIET_S = 0.1  # length of the pieces that tell if a mean is a constant
FIT_SEED = 1_000_003  # from the seed of a patch to that of the noise it is fitted with
MAX_WORKERS = 6  # the loss has six parts to share


@dataclass
class Match:
    """Controls that play a sound, on which grid their partials lie, and how the fit of them went.

    Attributes:
        controls: On the processor; the batch axis is the channels.
        stored: What the model stores in their place, or None.
        grid: The kind of grid.
        offset: Constant part of each channel, which no control plays.
        trace: The course of the optimisation.
        seconds: Wall seconds by stage; of several sounds, each one's share.
    """

    controls: Controls
    stored: Any
    grid: GridKind
    offset: list[float]
    trace: Trace
    seconds: dict[str, float]


@dataclass
class _Sound:
    """A sound on its way through `match`."""

    offset: Float[torch.Tensor, " channels"]
    first_guess: FirstGuess
    grid: Grid
    excerpts: list[Excerpt]
    stored: Any

    @classmethod
    def of(
        cls, target: Target, timebase: Timebase, settings: FitSettings, wide: bool, stop: Callable[[], bool] | None
    ) -> _Sound:
        # No harmonic and no noise can play a constant, and windows smear it over the lowest bins: it is set aside.
        offset = constant_part(target.samples, timebase.sample_rate)
        target = replace(target, samples=target.samples - offset.unsqueeze(1))
        guess = FirstGuess(target, timebase, settings, wide=wide)
        grid, controls = guess.run(stop)
        kind, segments = model_kind(settings), guess.segments
        stored = kind.compacted(settings, _joined(grid, segments, controls), timebase)
        parts = [None] * len(segments)
        if stored is not None:
            # The f0 that is stored is the one that is played from here on.
            f0_hz = stored.f0_hz.expand_as(grid.f0_hz).to(grid.f0_hz)
            phase = running_phase(f0_hz[:1] / grid.divisions, timebase.hop, timebase.sample_rate, guess.n_samples)
            grid = replace(grid, f0_hz=f0_hz, phase=phase)
            parts = [stored.within(segment.first, segment.last) for segment in segments]
            controls = [_moved(controls_of(part), target.samples.device) for part in parts]
        noise = None
        if guess.n_bands:
            channels, n_samples = target.samples.shape
            seed = settings.synth.noise_seed + (FIT_SEED if kind.fresh_noise else 0)
            spare = SPARE_FRAMES * timebase.hop if kind.fresh_noise else 0
            noise = white_noise(channels, n_samples + spare, seed).to(target.samples)
        excerpts = []
        for segment, start, part in zip(segments, controls, parts, strict=True):
            a, b = guess.span(segment)
            own = None if noise is None else noise[:, a : b + noise.shape[1] - guess.n_samples]
            excerpts.append(Excerpt(a, target.samples[:, a:b], start, grid.phase[:, a:b], own, part))
        return cls(offset, guess, grid, excerpts, stored)

    def joined(self, parts: Sequence[Excerpt]) -> tuple[Controls, Any]:
        """The controls of the whole sound from its segments, without their margins, and what its model stores."""
        segments = self.first_guess.segments
        if self.stored is None:
            return _joined(self.grid, segments, [part.guess for part in parts]), None
        first, kept = [s.first for s in segments], [s.keep_first for s in segments]
        stored = self.stored.updated([part.stored for part in parts], first, kept)
        return controls_of(stored), stored


def constant_part(
    samples: Float[torch.Tensor, "channels samples"], sample_rate: int
) -> Float[torch.Tensor, " channels"]:
    """The mean of each channel, or 0 where its quietest piece has another: a click has a mean, too, and no constant."""
    mean = samples.mean(1)
    size = min(samples.shape[1], max(1, round(QUIET_S * sample_rate)))
    pieces = samples.unfold(1, size, max(1, size // 2))
    middles = pieces.mean(2)
    quietest = (pieces - middles.unsqueeze(2)).square().mean(2).argmin(1, keepdim=True)
    there = middles.gather(1, quietest).squeeze(1)
    return torch.where((there - mean).abs() <= mean.abs() / 2, mean, 0.0)


def _joined(grid: Grid, segments: Sequence[Segment], parts: Sequence[Controls]) -> Controls:
    """The controls of a whole sound from those of its segments, without their margins."""

    def along(name: str) -> torch.Tensor:
        kept = [getattr(part, name)[..., segment.kept] for part, segment in zip(parts, segments, strict=True)]
        return torch.cat(kept, -1).cpu()

    phases = None if parts[0].phases is None else along("phases")
    amplitude, distribution, noise = map(along, ("amplitude", "distribution", "noise"))
    return Controls(grid.f0_hz.cpu(), amplitude, distribution, noise, phases, grid.divisions)


def _moved(controls: Controls, device: torch.device) -> Controls:
    tensors = {name: value.to(device) for name, value in vars(controls).items() if isinstance(value, torch.Tensor)}
    return replace(controls, **tensors)


def match(
    targets: Sequence[Target],
    timebase: Timebase,
    settings: FitSettings,
    *,
    device: torch.device | None = None,
    together: bool | None = None,
    wet: Wet | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_step: OnStep | None = None,
    on_best: OnBest | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Match]:
    """Find the controls of sounds of one rate: refine f0, guess, optimise.

    On the processor one sound is fitted after the other, each exactly as alone. On a GPU the sounds with harmonics
    share a descent as one padded tensor, and so do those without: each is fitted as alone but for rounding, which
    Adam amplifies where a gradient is near zero. Rounding alone, as a change of the target by 1e-7, moves a match by
    30 to 45 dB below the sound, within what scores as well.

    Args:
        targets: The sounds with their f0.
        timebase: Frame grid of all of them.
        settings: Of the fit.
        device: Where to compute; by default where the sounds are.
        together: Whether sounds share a descent; None: on a GPU. On a processor that is 20 % faster for sounds of 1 s,
            and slower for those of 4 s, whose tensors leave the caches.
        wet: Effects behind the synthesizer, found together with the controls; the one target is then what the dry sound
            is guessed to be.
        on_stage: Called with the name of each stage that begins.
        on_step: As of `Descent`, one descent after the other.
        on_best: Called with the best sound so far, at once and then now and again; there is one target only.
        stop: Asked before every step whether to end with what there is.

    Returns:
        A match for each sound, in their order.
    """
    settings, say = settled(settings), on_stage or (lambda _: None)
    device = device or targets[0].samples.device
    if len(targets) > 1 and not (device.type != "cpu" if together is None else together):
        return [match([target], timebase, settings, device=device, on_step=on_step, stop=stop)[0] for target in targets]
    began = time.perf_counter()
    say("first guess")
    sounds = []
    for target in targets:
        moved = replace(target, samples=target.samples.to(device), f0_hz=target.f0_hz.to(device))
        sounds.append(_Sound.of(moved, timebase, settings, wet is None or wet.anchored, stop))
    guess_s = time.perf_counter() - began
    say("optimise")
    began = time.perf_counter()
    results: dict[int, tuple[tuple[Controls, Any], Trace]] = {}
    # The operations of a step are small: threads inside each would spend more time meeting than working.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for tonal in (True, False):
            chosen = [number for number, sound in enumerate(sounds) if sound.first_guess.tonal == tonal]
            if not chosen:
                continue
            descent = Descent(
                [sounds[number].excerpts for number in chosen],
                timebase,
                settings,
                harmonics=tonal,
                wet=wet,
                workers=min(threads, MAX_WORKERS) if device.type == "cpu" else 1,
                on_step=on_step,
                stop=stop,
                live=None if on_best is None else Live(on_best, sounds[0].offset, timebase.sample_rate),
            )
            parts, traces = descent.run()
            for number, own, trace in zip(chosen, parts, traces, strict=True):
                results[number] = sounds[number].joined(own), trace
    finally:
        torch.set_num_threads(threads)
    share_s = {"first guess": guess_s / len(sounds), "optimise": (time.perf_counter() - began) / len(sounds)}
    return [
        Match(*results[number][0], sound.grid.kind, sound.offset.tolist(), results[number][1], dict(share_s))
        for number, sound in enumerate(sounds)
    ]
