"""The settings of a fit: those of the sound, the loss, the optimiser, the effects, and of many sounds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.base import Settings, setting
from ddsp_match.core.settings.many import DatasetSettings, EngineSettings
from ddsp_match.core.settings.sound import F0Settings, InitSettings, SynthSettings

# Partials with tracked phases are guessed so closely that a few steps do.
STEPS, MORE_STEPS = 60, 400


@dataclass
class LossSettings(Settings):
    """The loss: a weighted sum of distances between target and match; weight 0 leaves one out."""

    section: ClassVar[str] = "loss"

    fft_sizes: list[int] | None = setting(
        None,
        "STFT sizes; null: follow the rate (64 to 2048 at 16 kHz).",
        unit="samples",
        low=16,
        high=65_536,
    )
    linear: float = setting(1.0, "Weight of the mean absolute difference of STFT magnitudes.", low=0.0, high=1e6)
    log: float = setting(1.0, "Weight of the mean absolute difference of log magnitudes.", low=0.0, high=1e6)
    convergence: float = setting(0.0, "Weight of spectral convergence: error norm over target norm.", low=0.0, high=1e6)
    mel: float = setting(0.0, "Weight of the mel-spectrogram distance.", low=0.0, high=1e6)
    loudness: float = setting(0.0, "Weight of the A-weighted loudness distance.", low=0.0, high=1e6)
    steady: float | None = setting(
        None,
        "Weight of the mel distance of powers averaged over 100 ms, which is fair to noise: two draws of one noise are "
        "near each other; null: 1 with model=frames, 0 with others.",
        low=0.0,
        high=1e6,
    )
    waveform: float = setting(
        0.0,
        "Weight of the mean absolute difference of samples; needs synth.phase=tracked, best with model=exact.",
        low=0.0,
        high=1e6,
    )

    @classmethod
    def weights(cls) -> tuple[str, ...]:
        """Return the names of the weights: every setting but the FFT sizes."""
        return tuple(field.name for field in fields(cls) if field.name != "fft_sizes")

    def __post_init__(self) -> None:
        super().__post_init__()
        names = self.weights()
        if not any((getattr(self, name) or 0) > 0 for name in names):
            raise ConfigError("every weight 0", where="loss", needed="at least one above 0 of " + ", ".join(names))


@dataclass
class OptimizerSettings(Settings):
    """The optimisation of the loss, and its stop rules."""

    section: ClassVar[str] = "optimizer"

    name: str = setting("adam", "The update rule.", choices=("adam", "adamw"))
    steps: int | None = setting(
        None,
        f"Most gradient steps; null: as the model needs ({STEPS} with model=exact, a few more with frames), or "
        f"{MORE_STEPS} with effects, without tracked phases and from chance, where the first guess is not that close.",
        unit="steps",
        low=1,
        high=100_000,
    )
    # Ten times larger oscillates, ten times smaller needs ten times the steps.
    lr: float = setting(0.05, "Learning rate of the free numbers.", low=0.0, high=1.0, above=True)
    # 0.02 ended 10 % higher after 300 steps on six clips.
    lr_phase: float = setting(
        0.05,
        "Learning rate of the phases, in radians a step for Adam; 0 leaves them as analysed.",
        low=0.0,
        high=1.0,
    )
    schedule: str = setting(
        "cosine",
        "How the learning rate goes from lr to lr_final times lr over the steps.",
        choices=("cosine", "constant"),
    )
    # Lower freezes the end, higher leaves it jittering.
    lr_final: float = setting(0.1, "Share of the learning rate left at the last step.", low=0.0, high=1.0)
    # Keeps an attack's spike from throwing the rest.
    clip_norm: float = setting(
        1.0,
        "Largest gradient norm; a longer gradient is scaled down to it. 0: no clipping.",
        low=0.0,
        high=1e6,
    )
    patience: int = setting(
        0,
        "Steps without enough improvement after which the fit has reached a plateau and ends. 0: never.",
        unit="steps",
        low=0,
        high=100_000,
    )
    min_improvement: float = setting(
        1e-3,
        "Improvement that counts against the plateau.",
        low=0.0,
        high=1.0,
    )
    target_loss: float | None = setting(None, "Loss at which the fit ends; null: none.", low=0.0, high=1e9)
    budget_s: float | None = setting(
        None,
        "Time after which the optimisation ends with the best so far; null: none.",
        unit="s",
        low=0.0,
        high=1e6,
        above=True,
    )

    @property
    def n_steps(self) -> int:
        """Most gradient steps; where that was left open, those of a fit whose first guess is close."""
        return STEPS if self.steps is None else self.steps


@dataclass
class ModelSettings(Settings):
    """The numbers that are stored and fitted, and become the controls of the synthesizer."""

    section: ClassVar[str] = "model"

    name: str = setting(
        "frames",
        "What is stored and fitted. frames: an instrument of about a thousand numbers a second, noise in the noise "
        "part; exact: a number for every control and frame, the closest copy; notebook: harmonics of f0 with phases of "
        "zero, as the seed recipe has it. Settings that only some models heed say so.",
    )
    numbers: float | None = setting(
        None,
        "Most numbers a second that model=frames may spend, all channels together; null: each that takes away 2 dB² of "
        "squared error, some hundreds for a plain sound and two thousand for a lively one.",
        unit="numbers/s",
        low=1.0,
        high=1e6,
    )
    rate_kbps: float | None = setting(
        None,
        "Most kilobits a second that the numbers of model=frames may take, beside some 5 kbit for the file's header; "
        "null: as model.numbers says.",
        unit="kbit/s",
        low=0.05,
        high=1e5,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.numbers is not None and self.rate_kbps is not None:
            raise ConfigError("both", where="model.numbers and model.rate_kbps", needed="one of the two")


@dataclass
class FitSettings(Settings):
    """All settings of a fit."""

    f0: F0Settings = dataclasses.field(default_factory=F0Settings)
    synth: SynthSettings = dataclasses.field(default_factory=SynthSettings)
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)
    init: InitSettings = dataclasses.field(default_factory=InitSettings)
    loss: LossSettings = dataclasses.field(default_factory=LossSettings)
    optimizer: OptimizerSettings = dataclasses.field(default_factory=OptimizerSettings)
    effects: list[Any] = setting(
        [],
        "Effects that the sound went through, found together with its source: [reverb] is a room. "
        "Empty: none, and what a room did counts as part of the source.",
    )
    segment_s: float = setting(
        8.0,
        "Length of the segments that a sound of more than one and a half of it is cut into, which are fitted one after "
        "the other: memory grows with it.",
        unit="s",
        low=0.5,
        high=600.0,
    )
    dataset: DatasetSettings = dataclasses.field(default_factory=DatasetSettings)
    engine: EngineSettings = dataclasses.field(default_factory=EngineSettings)
    batch_size: int | None = setting(
        None,
        "Sounds that a worker takes at once, as one tensor on a GPU; null: what is fastest on the device and fits its "
        "memory.",
        unit="sounds",
        low=1,
        high=100_000,
    )
    limit: int | None = setting(
        None,
        "Most sounds of a folder or data set, the first in their order; null: all.",
        unit="sounds",
        low=1,
        high=10**9,
    )
    files: str = setting(
        "sounds",
        "What is written for each of many sounds: the patch with its figures, that and the match as a sound file, "
        "or all that the fit of one sound writes, report and stems included.",
        choices=("patch", "sounds", "report"),
    )
    device: str = setting(
        "auto",
        "Where the fit computes; auto: cuda or mps where there is one, else the processor, on which one sound is "
        "always fitted unless a GPU is named. Effects are found on the processor.",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    seed: int = setting(
        0, "Seed of everything drawn by chance: the same seed gives the same fit.", low=0, high=2**31 - 1
    )
    threads: int | None = setting(
        None, "Threads that torch may use; null: as many as torch chooses.", unit="threads", low=1, high=1024
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in dataclasses.fields(self):
            value, expected = getattr(self, field.name), field.default_factory
            if isinstance(expected, type) and not isinstance(value, expected):
                raise ConfigError(repr(value), where=field.name, needed=f"a {expected.__name__}")

    def resolved(self) -> FitSettings:
        """The same settings with a number of steps, where that was left open."""
        if self.optimizer.steps is not None:
            return self
        close = self.synth.phase == "tracked" and self.init.kind == "analysis" and not self.effects
        optimizer = dataclasses.replace(self.optimizer, steps=STEPS if close else MORE_STEPS)
        return dataclasses.replace(self, optimizer=optimizer)
