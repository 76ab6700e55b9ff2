"""Every setting of a fit: its default, unit, allowed range and meaning, declared once.

The field names are the keys of ``conf/`` and of the command line (``synth.n_harmonics=60``); the defaults
equal the composed ``conf/``, which a test holds. Nothing here imports torch or Hydra, so settings can be
made, checked and printed at no cost. A value that is not allowed is refused when the settings are made::

    SynthSettings(n_harmonics=0)  # ConfigError: synth.n_harmonics: found 0; needed: 1 to 1000 (harmonics) …
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from ddsp_match.errors import ConfigError


def setting(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    above: bool = False,
) -> Any:
    """Declares one setting.

    Args:
        default: The value without any override; a list is copied.
        meaning: What it does, and what a bad value costs.
        unit: Unit of the number.
        low: Lowest allowed number.
        high: Highest allowed number.
        choices: The allowed words of a string setting.
        above: The number must lie above `low` rather than at or above it.

    Returns:
        A dataclass field whose metadata carries all of it.
    """
    metadata = {
        "meaning": meaning,
        "unit": unit,
        "low": low,
        "high": high,
        "choices": choices,
        "above": above,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """Base of the settings classes: checks type and range of every field when made."""

    section: ClassVar[str] = ""

    @classmethod
    def key(cls, name: str) -> str:
        """The full key of a field: ``synth.n_harmonics``."""
        return f"{cls.section}.{name}" if cls.section else name

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # pyright: ignore[reportArgumentType]
            if field.metadata:
                setattr(self, field.name, _checked(self.key(field.name), getattr(self, field.name), field))


@dataclass
class F0Settings(Settings):
    """Where the fundamental frequency comes from, and how far it is trusted."""

    section: ClassVar[str] = "f0"

    source: str = setting(
        "crepe",
        "Who says what f0 is: the CREPE network, librosa's pyin, a CSV file of time and Hz, or one constant.",
        choices=("crepe", "pyin", "csv", "constant"),
    )
    model: str = setting(
        "full",
        "Size of the CREPE network: tiny is some ten times faster and errs more often.",
        choices=("full", "tiny"),
    )
    path: str | None = setting(None, "The CSV file of f0.source=csv: lines of time in s, f0 in Hz.")
    hz: float | None = setting(
        None, "The f0 of f0.source=constant.", unit="Hz", low=0.0, high=20_000.0, above=True
    )
    min_hz: float = setting(
        20.0,
        "Lowest f0 considered; too low lets the octave check fall for subharmonics.",
        unit="Hz",
        low=1.0,
        high=20_000.0,
    )
    max_hz: float = setting(5000.0, "Highest f0 considered.", unit="Hz", low=1.0, high=20_000.0)
    octave_check: bool = setting(
        True,
        "Judge candidates an octave and a twelfth away by how well their harmonics explain the spectrum.",
    )
    refine: bool = setting(
        True, "Refine f0 within the fit, by the phase slopes of the demodulated harmonics."
    )
    refine_cents: float = setting(
        30.0,
        "Furthest that refinement may move f0: enough to cure a tracker's bias, too little to jump a note.",
        unit="cents",
        low=0.0,
        high=100.0,
    )
    voiced_threshold: float = setting(
        0.6,
        "Periodicity from which a frame counts as voiced; below it f0 is interpolated.",
        unit="periodicity",
        low=0.0,
        high=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_hz >= self.max_hz:
            raise ConfigError(
                f"{self.min_hz:g} Hz", where="f0.min_hz", needed=f"less than f0.max_hz ({self.max_hz:g} Hz)"
            )
        if self.source == "csv" and self.path is None:
            raise ConfigError(
                "no file while f0.source is csv",
                where="f0.path",
                needed="a CSV file with lines of time in s, f0 in Hz",
                hint="f0=csv f0.path=f0.csv, or --f0-csv f0.csv",
            )
        if self.source == "constant" and self.hz is None:
            raise ConfigError(
                "no frequency while f0.source is constant",
                where="f0.hz",
                needed="a frequency in Hz",
                hint="f0=constant f0.hz=220, or --f0 220, or --midi 57",
            )


@dataclass
class SynthSettings(Settings):
    """The synthesizer: harmonics and filtered noise."""

    section: ClassVar[str] = "synth"

    n_harmonics: int | None = setting(
        None,
        "How many harmonics are played; null: as many as lie below Nyquist, up to synth.max_harmonics.",
        unit="harmonics",
        low=1,
        high=1000,
    )
    max_harmonics: int = setting(
        300,
        "Cap on the number of harmonics when n_harmonics is null: time, memory and patch size grow with it.",
        unit="harmonics",
        low=1,
        high=1000,
    )
    divisions: int | None = setting(
        None,
        "Partials a harmonic: with 1 only harmonics of f0 are played; more put partials between them, for bodies, "
        "bells and second voices. null: as many as come nearest to 100 Hz apart. Above 1 only with tracked phases.",
        unit="partials",
        low=1,
        high=100,
    )
    phase: str = setting(
        "tracked",
        "Phases of the harmonics: all zero, one static phase each, or tracked frame by frame, "
        "which follows the waveform and costs one more number a harmonic and frame.",
        choices=("zero", "static", "tracked"),
    )
    noise: bool = setting(True, "Whether filtered noise is played beside the harmonics.")
    noise_bands: int | None = setting(
        None,
        "Noise bands, evenly spaced from 0 Hz to Nyquist; null: follow the rate (129 at 16 kHz).",
        unit="bands",
        low=2,
        high=4097,
    )
    noise_seed: int = setting(
        0, "Seed of the noise signal, so that a patch renders the same twice.", low=0, high=2**31 - 1
    )


@dataclass
class InitSettings(Settings):
    """Where the fit starts."""

    section: ClassVar[str] = "init"

    kind: str = setting(
        "analysis",
        "analysis: demodulated harmonics and the residual's spectrum; random: chance, as the seed recipe "
        "has it, which takes many times the steps.",
        choices=("analysis", "random"),
    )
    bandwidth_hz: float = setting(
        20.0,
        "Fastest change of a harmonic that the first guess follows: wider takes more noise for harmonics, "
        "narrower smears attacks.",
        unit="Hz",
        low=1.0,
        high=50.0,
    )


@dataclass
class LossSettings(Settings):
    """What is minimised: a weighted sum of distances between target and match; weight 0 leaves one out."""

    section: ClassVar[str] = "loss"

    fft_sizes: list[int] | None = setting(
        None,
        "STFT sizes; null: follow the rate (64 to 2048 at 16 kHz).",
        unit="samples",
        low=16,
        high=65_536,
    )
    linear: float = setting(
        1.0, "Weight of the mean absolute difference of STFT magnitudes.", low=0.0, high=1e6
    )
    log: float = setting(1.0, "Weight of the mean absolute difference of log magnitudes.", low=0.0, high=1e6)
    convergence: float = setting(
        0.0, "Weight of spectral convergence: error norm over target norm.", low=0.0, high=1e6
    )
    mel: float = setting(0.0, "Weight of the mel-spectrogram distance.", low=0.0, high=1e6)
    loudness: float = setting(0.0, "Weight of the A-weighted loudness distance.", low=0.0, high=1e6)
    waveform: float = setting(
        0.0,
        "Weight of the mean absolute difference of samples; needs synth.phase=tracked.",
        low=0.0,
        high=1e6,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        names = ("linear", "log", "convergence", "mel", "loudness", "waveform")
        if not any(getattr(self, name) > 0 for name in names):
            raise ConfigError(
                "every weight 0", where="loss", needed="at least one above 0 of " + ", ".join(names)
            )


@dataclass
class OptimizerSettings(Settings):
    """How the loss is minimised, and when to stop."""

    section: ClassVar[str] = "optimizer"

    name: str = setting("adam", "The update rule.", choices=("adam", "adamw"))
    steps: int = setting(400, "Most gradient steps.", unit="steps", low=1, high=100_000)
    lr: float = setting(0.05, "Learning rate of the free numbers.", low=0.0, high=1.0, above=True)
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
    lr_final: float = setting(
        0.1, "Share of the learning rate left at the last step.", unit="fraction of lr", low=0.0, high=1.0
    )
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
        unit="fraction of the best loss",
        low=0.0,
        high=1.0,
    )
    target_loss: float | None = setting(
        None, "Loss at which the fit ends; null: none.", unit="loss", low=0.0, high=1e9
    )
    budget_s: float | None = setting(
        None,
        "Time after which the optimisation ends with the best so far; null: none.",
        unit="s",
        low=0.0,
        high=1e6,
        above=True,
    )


@dataclass
class FitSettings(Settings):
    """All settings of a fit."""

    f0: F0Settings = dataclasses.field(default_factory=F0Settings)
    synth: SynthSettings = dataclasses.field(default_factory=SynthSettings)
    init: InitSettings = dataclasses.field(default_factory=InitSettings)
    loss: LossSettings = dataclasses.field(default_factory=LossSettings)
    optimizer: OptimizerSettings = dataclasses.field(default_factory=OptimizerSettings)
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


def allowed(field: dataclasses.Field[Any]) -> str:
    """What a setting may be, in words: ``1 to 1000 (harmonics), or null``."""
    meta, kind = field.metadata, str(field.type)
    if meta["choices"]:
        words = " | ".join(meta["choices"])
    elif "bool" in kind:
        words = "true | false"
    elif meta["low"] is not None:
        number = "whole numbers, " if "list" in kind else "a whole number, " if "int" in kind else ""
        low, high = f"{meta['low']:.10g}", f"{meta['high']:.10g}"
        words = number + (f"above {low}, at most {high}" if meta["above"] else f"{low} to {high}")
    else:
        words = "text"
    unit = f" ({meta['unit']})" if meta["unit"] else ""
    return words + unit + (", or null" if "None" in kind else "")


def _checked(key: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """The value in its declared type, or a ConfigError that names the key and what is allowed."""
    meta, kind = field.metadata, str(field.type)
    refusal = ConfigError(
        repr(value) if not isinstance(value, float) else f"{value:g}", where=key, needed=allowed(field)
    )
    if value is None:
        if "None" not in kind:
            raise refusal
        return None
    if "list" in kind:
        if not isinstance(value, list | tuple) or not value:
            raise refusal
        return [_number(item, meta, whole=True, refusal=refusal) for item in value]
    if "bool" in kind:
        if not isinstance(value, bool):
            raise refusal
        return value
    if "str" in kind:
        if not isinstance(value, str) or not value or (meta["choices"] and value not in meta["choices"]):
            raise refusal
        return value
    return _number(value, meta, whole="int" in kind, refusal=refusal)


def _number(value: Any, meta: Any, *, whole: bool, refusal: ConfigError) -> int | float:
    wanted = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, wanted) or not math.isfinite(cast(float, value)):
        raise refusal
    in_range = meta["low"] <= value <= meta["high"] and not (meta["above"] and value == meta["low"])
    if not in_range:
        raise refusal
    return int(cast(int, value)) if whole else float(cast(float, value))
