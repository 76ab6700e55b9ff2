"""Timbre frames as free numbers, and the controls that they stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.erb import noise_basis
from ddsp_match.dsp.knots import hats
from ddsp_match.models.frame_plan import DB, NOISE_BANDS, PRICE, Plan, TooFew
from ddsp_match.models.frames import Frames, Track, Voice
from ddsp_match.models.model import Model
from ddsp_match.models.packed_frames import packed

STEPS = 70
# Added to the loss for each neper that the noise falls below what lies between the harmonics. The spectral loss alone
# takes 3 to 5 dB of true noise away from low notes (steady partials are nearer to it than another draw); this leaves 1.
TRUST = 0.15
FASTER = 3.0  # learning rate of levels, over that of others: 70 steps get as far as 100 with two thirds of it
CHUNK_FRAMES = 1000
GUESSED_SHARE = 0.95  # of a budget of bits, for the first guess
BANDWIDTH_HZ = 20.0  # in which partials are analysed: wider ones take noise for their own


def _stacked(values: Sequence[torch.Tensor], *shape: int) -> torch.Tensor:
    """Stack tensors of two axes, grown to one shape with zeros behind."""
    out = values[0].new_zeros(len(values), *shape)
    for row, value in zip(out, values, strict=True):
        row[: value.shape[0], : value.shape[1]] = value
    return out


class FramesModel(Model):
    """Timbre frames as free numbers.

    Offsets and phases are free in whole sounds alone: parts of one share them, and are fitted one by one.

    Args:
        frames: What to start from; the rows are the channels of all of them.
        n_partials: Partials of the controls; by default as many as the highest needs.
        n_frames: Frames of the controls; by default as many as the longest has.
        device: Where to compute.
    """

    fresh_noise = True
    f0_hz: Float[torch.Tensor, "rows frames"]
    basis: Float[torch.Tensor, "rows partials groups"]
    audible: Float[torch.Tensor, "rows partials frames"]
    noise_basis: Float[torch.Tensor, "bands erb"]
    whole: Bool[torch.Tensor, "rows 1 1"]
    phase_values: Float[torch.Tensor, "rows partials knots"]
    phase_hats: Float[torch.Tensor, "rows knots frames"]
    guessed_noise: Float[torch.Tensor, "rows erb frames"]
    audible_noise: Float[torch.Tensor, "rows erb frames"]

    def __init__(
        self,
        frames: Sequence[Frames],
        n_partials: int | None = None,
        n_frames: int | None = None,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        self.frames, self.constants = list(frames), any(one.whole for one in frames)
        n_partials = n_partials or max(int(one.partials[-1]) for one in frames)
        n_frames = n_frames or max(one.n_frames for one in frames)
        pairs = [(one, voice) for one in frames for voice in one.voices]
        self.n_bands = frames[0].n_bands
        self.divisions = 1
        bases, masks, offsets, f0 = [], [], [], []
        k = torch.arange(1, n_partials + 1).unsqueeze(1)
        for one, voice in pairs:
            live = one.partials - 1
            basis = torch.zeros(n_partials, len(one.centres))
            basis[live] = one.basis
            offset = torch.zeros(n_partials, 1)
            offset[live, 0] = voice.offset_db / DB
            base_hz = one.f0_hz / one.divisions
            base_hz = torch.cat([base_hz, base_hz[:, -1:].expand(1, n_frames - one.n_frames)], 1)
            mask = torch.zeros(n_partials, n_frames)
            mask[live, : one.n_frames] = 1
            bases.append(basis)
            masks.append(mask * (base_hz * k < one.nyquist_hz))
            offsets.append(offset)
            f0.append(base_hz[0])
        groups = max(basis.shape[1] for basis in bases)
        whole = torch.tensor([one.whole for one, _ in pairs]).view(-1, 1, 1)
        self.register_buffer("whole", whole.to(device))
        self.register_buffer("f0_hz", torch.stack(f0).float().to(device))
        self.register_buffer("basis", _stacked(bases, n_partials, groups).to(device))
        self.register_buffer("audible", torch.stack(masks).to(device))
        noise = noise_basis(max(self.n_bands, 2), NOISE_BANDS, frames[0].nyquist_hz)
        self.register_buffer("noise_basis", noise.to(device))
        self.offset = torch.nn.Parameter(torch.stack(offsets).to(device))
        for name in Voice.TRACKS:
            tracks: list[Track] = [getattr(voice, name) for _, voice in pairs]
            knots = max(len(track.times) for track in tracks)
            values = [track.values / DB for track in tracks]
            if name == "phase":
                values = []
                for (one, _), track in zip(pairs, tracks, strict=True):
                    spread = torch.zeros(n_partials, track.values.shape[1])
                    spread[one.partials - 1] = track.values
                    values.append(spread)
            dims = max(value.shape[0] for value in values)
            shares = [hats(track.times, one.n_frames) for (one, _), track in zip(pairs, tracks, strict=True)]
            self.register_buffer(f"{name}_hats", _stacked(shares, knots, n_frames).to(device))
            self.register_parameter(f"{name}_values", torch.nn.Parameter(_stacked(values, dims, knots).to(device)))

        with torch.no_grad():
            guessed = self._curve("noise") + self._curve("noise_level")
        self.register_buffer("guessed_noise", guessed)
        if self.n_bands:
            heard = (guessed > guessed.amax((1, 2), keepdim=True) - 60 / DB).to(guessed)
            self.register_buffer("audible_noise", heard)

    @staticmethod
    def required(settings: FitSettings) -> FitSettings:
        """As of `Model`: harmonics of f0, analysed narrowly, and a loss that is fair to noise."""
        init = settings.init
        optimizer, loss = settings.optimizer, settings.loss
        close = init.kind == "analysis" and not settings.effects
        if optimizer.steps is None and close:
            optimizer = replace(optimizer, steps=STEPS)
        if loss.steady is None:
            loss = replace(loss, steady=1.0)
        return replace(
            settings,
            synth=replace(settings.synth, phase="tracked", divisions=settings.synth.divisions or 1, grid="f0"),
            init=replace(init, bandwidth_hz=min(init.bandwidth_hz, BANDWIDTH_HZ)),
            optimizer=optimizer,
            loss=loss,
        )

    @classmethod
    def compacted(
        cls, settings: FitSettings, controls: Controls, timebase: Timebase
    ) -> Frames:
        """As of `Model`.

        Raises:
            ConfigError: The budget is too small for the sound.
        """
        model = settings.model
        fits, given = None, ""
        seconds = max(controls.n_frames - 1, 1) / timebase.frame_rate
        if model.numbers is not None:
            most, given = model.numbers * seconds, "model.numbers"
            fits = lambda frames: frames.numbers <= most  # noqa: E731
        elif model.rate_kbps is not None:
            # Numbers deflate a little worse once the descent has moved them.
            most, given = GUESSED_SHARE * model.rate_kbps * 125 * seconds, "model.rate_kbps"
            fits = lambda frames: len(packed(frames)) <= most  # noqa: E731
        plan = Plan(controls.detached(), timebase)
        try:
            return plan.within_budget(fits) if fits else plan.at(PRICE)
        except TooFew as error:
            least = error.frames
            kbit = len(packed(least)) / (125 * GUESSED_SHARE)
            per_second = (least.numbers if model.numbers else kbit) / seconds
            raise ConfigError(
                f"{model.numbers or model.rate_kbps:g}",
                where=given,
                needed=f"at least {math.ceil(10 * per_second) / 10:g} for this sound of {seconds:.2f} s",
                hint=f"{given}={math.ceil(1.5 * per_second)}",
            ) from error

    @classmethod
    def of(
        cls,
        settings: FitSettings,
        start: Controls,
        nyquist_hz: float,
        n_partials: Int[torch.Tensor, " batch"],
        stored: Sequence[Frames],
    ) -> FramesModel:
        """As of `Model`."""
        return cls(stored, start.n_partials, start.n_frames, start.f0_hz.device)

    def _curve(self, name: str) -> torch.Tensor:
        return getattr(self, f"{name}_values") @ getattr(self, f"{name}_hats")

    def _constant(self, value: torch.Tensor) -> torch.Tensor:
        return torch.where(self.whole, value, value.detach())

    def forward(self) -> Controls:
        """As of `Model`."""
        levels = self.basis @ self._curve("tone") + self._curve("tone_level") + self._constant(self.offset)
        size = levels.exp() * self.audible
        amplitude = size.sum(1)
        distribution = size / amplitude.unsqueeze(1).clamp(min=1e-9)
        if self.n_bands:
            noise = (self.noise_basis @ (self._curve("noise") + self._curve("noise_level"))).exp()
        else:
            noise = size.new_zeros(len(size), 0, size.shape[2])
        phases = self._constant(self.phase_values) @ self.phase_hats
        return Controls(self.f0_hz, amplitude, distribution, noise, phases, self.divisions)

    def groups(self, lr: float, lr_phase: float, *, harmonics: bool = True) -> list[dict]:
        """As of `Model`."""
        levels = [self.noise_values, self.noise_level_values] if self.n_bands else []
        if harmonics:
            levels += [self.tone_values, self.tone_level_values]
            if self.constants:
                levels.append(self.offset)
        groups: list[dict] = [{"params": levels, "lr": FASTER * lr}]
        if harmonics and self.constants and lr_phase > 0:
            groups.append({"params": [self.phase_values], "lr": lr_phase})
        return groups

    def penalty(self) -> Float[torch.Tensor, " rows"] | None:
        """As of `Model`: how far the noise has fallen below what lies between the harmonics."""
        if not self.n_bands:
            return None
        fallen = (self.guessed_noise - self._curve("noise") - self._curve("noise_level")).clamp(min=0)
        return TRUST * (fallen * self.audible_noise).mean((1, 2))

    def stored(self) -> list[Frames]:
        """The frames with their present numbers."""
        updated, row = [], 0
        for one in self.frames:
            voices = []
            for voice in one.voices:
                changed: dict = {"offset_db": DB * self.offset.detach()[row, one.partials - 1, 0].cpu()}
                for name in Voice.TRACKS:
                    track: Track = getattr(voice, name)
                    values = getattr(self, f"{name}_values").detach()[row].cpu()
                    if name == "phase":
                        values = values[one.partials - 1, : track.values.shape[1]]
                    else:
                        values = DB * values[: track.values.shape[0], : track.values.shape[1]]
                    changed[name] = Track(track.times, values)
                voices.append(replace(voice, **changed))
                row += 1
            updated.append(replace(one, voices=tuple(voices)))
        return updated


def controls_of(frames: Frames) -> Controls:
    """The controls that frames stand for, on the processor."""
    # Part by part: the share of every knot in every frame of a long sound would not fit the memory.
    edges = [*range(0, frames.n_frames, CHUNK_FRAMES), frames.n_frames]
    with torch.no_grad():
        n_partials = int(frames.partials[-1])
        parts = [FramesModel([frames.within(a, b)], n_partials)() for a, b in itertools.pairwise(edges)]
    names = ("amplitude", "distribution", "noise", "phases")
    whole = {name: torch.cat([getattr(part, name) for part in parts], -1) for name in names}
    f0_hz = frames.f0_hz.float().expand(len(frames.voices), -1).contiguous()
    return Controls(f0_hz, **whole, divisions=frames.divisions)
