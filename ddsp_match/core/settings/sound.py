"""The settings of what is heard and what plays it: f0, the synthesizer, and where the fit of it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddsp_match.core.errors import F0_CSV, F0_HZ, ConfigError
from ddsp_match.core.settings.base import Settings, setting


@dataclass
class F0Settings(Settings):
    """The source of the fundamental frequency, and its limits."""

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
    hz: float | None = setting(None, "The f0 of f0.source=constant.", unit="Hz", low=0.0, high=20_000.0, above=True)
    # Below A0 (27.5 Hz) and above C8 (4186 Hz), the lowest and the highest note of a piano.
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
    refine: bool = setting(True, "Refine f0 within the fit, by the phase slopes of the demodulated harmonics.")
    # A tracker's bias is below 20, a semitone is 100.
    refine_cents: float = setting(
        30.0,
        "Furthest that refinement may move f0: enough to cure a tracker's bias, too little to jump a note.",
        unit="cents",
        low=0.0,
        high=100.0,
    )
    # On an annotated song 0.3 called 21 % of the pauses voiced, 0.6 2 %.
    voiced_threshold: float = setting(
        0.6,
        "Periodicity from which a frame counts as voiced; below it f0 is interpolated.",
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
                cures=[F0_CSV],
            )
        if self.source == "constant" and self.hz is None:
            raise ConfigError(
                "no frequency while f0.source is constant",
                where="f0.hz",
                needed="a frequency in Hz",
                cures=[F0_HZ],
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
    # 27 Hz at 16 kHz has 290 below Nyquist.
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
        "bells, stretched partials and second voices. null: with model=exact as many as leave no gap of more than "
        "the frame rate, 100 Hz; with model=frames 1, or a partial every 50 Hz where that explains more. Above 1 only "
        "with tracked phases; always 1 with model=notebook.",
        unit="partials",
        low=1,
        high=100,
    )
    grid: str = setting(
        "auto",
        "What the partials are multiples of: f0 over the divisions, or a steady 75 Hz, which follows several voices, "
        "wild glides and sounds without a pitch but does not move with f0; auto: f0, unless it explains little. "
        "Only model=exact heeds it.",
        choices=("auto", "f0", "steady"),
    )
    phase: str = setting(
        "tracked",
        "Phases of the harmonics: all zero, one static phase each, or tracked frame by frame, "
        "which follows the waveform and costs one more number a harmonic and frame. Only model=exact heeds it: frames "
        "tracks phases on few knots, notebook has zeros.",
        choices=("zero", "static", "tracked"),
    )
    noise: bool = setting(True, "Whether filtered noise is played beside the harmonics.")
    # Half as many, 65 at 16 kHz, fitted worse.
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
    """The start of the fit."""

    section: ClassVar[str] = "init"

    kind: str = setting(
        "analysis",
        "analysis: demodulated harmonics and the residual's spectrum; random: chance, as the seed recipe "
        "has it, which takes many times the steps.",
        choices=("analysis", "random"),
    )
    bandwidth_hz: float = setting(
        50.0,
        "Fastest change of a partial that the first guess follows; 50: all that the frame rate carries, noise "
        "included. Narrower leaves noise to the noise part and smears attacks. At most 20 with model=frames, with "
        "effects, and where phases are not tracked.",
        unit="Hz",
        low=1.0,
        high=50.0,
    )
