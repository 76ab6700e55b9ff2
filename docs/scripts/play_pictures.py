"""Makes the drawn pictures and the figures of play-it.md from the bundled sounds; `play_screens.py` takes the others.

::

    python docs/scripts/play_pictures.py

It writes ``docs/pictures/play/*.png`` and ``docs/pictures/play/figures.json``, and puts the figures into the page. The
same machine and packages give the same files again.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import soundfile
import torch
from effects_page import FIGURE, quoted
from play_page import FIGURES, PAGE, PICTURES
from story import fitted, sound
from story_pictures import BLUE, FAINT, GREEN, ORANGE, STYLE, save, spectrogram

import ddsp_match
from ddsp_match.core.controls import Controls
from ddsp_match.edits.envelope import Envelope
from ddsp_match.edits.separate import separate, split_tonal
from ddsp_match.patch import Patch
from ddsp_match.synth.harmonic_noise import play
from ddsp_match.tasks.export import export
from ddsp_match.tasks.morph import morph, morphs

TOP_HZ = 9000.0
TOP_VOWEL_HZ = 6000.0
SUNG = slice(80, 180)  # frames: in the middle of a note
Figures = dict[str, str]


def main() -> None:
    """Makes all of them, writes the figures, and puts them into the page."""
    torch.set_num_threads(1)
    plt.rcParams.update(STYLE)
    PICTURES.mkdir(parents=True, exist_ok=True)
    figures: Figures = {}
    violin = fitted(sound("violin-phrase"), "violin-phrase").patch
    edits(violin, figures)
    parts(fitted(sound("flute-e5"), "flute-e5", "model=exact").patch, figures)
    body(fitted(sound("choir-a3"), "choir-a3").patch)
    trumpet = fitted(sound("trumpet-a4"), "trumpet-a4").patch
    between(trumpet, fitted(sound("clarinet-d4"), "clarinet-d4").patch)
    loop(trumpet, figures)
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(quoted(text, figures), encoding="utf-8")
    print(f"{len(FIGURE.findall(text))} figures put into {PAGE.name}")


def heard(patch: Patch, controls: Controls | None = None) -> np.ndarray:
    """Play a patch, or other controls on its frames, of the first channel."""
    return play(controls or patch.controls, patch.timebase, patch.n_samples, patch.noise_seed).mix[0].numpy()


def edits(patch: Patch, figures: Figures) -> None:
    """The same phrase through six edits, on one scale."""
    asked = {
        "the match": [],
        "--transpose 7": [{"edit": "transpose", "semitones": 7}],
        "--stretch 1.5": [{"edit": "stretch", "factor": 1.5}],
        "--noise -80dB": [{"edit": "noise", "db": -80}],
        "--brightness -6dB": [{"edit": "brightness", "db_per_octave": -6}],
        "--f0-depth 0": [{"edit": "f0_depth", "depth": 0}],
    }
    figure, axes = plt.subplots(2, 3, figsize=(10, 4.8), sharey=True)
    for one, (title, wanted) in zip(axes.flat, asked.items(), strict=True):
        edited = ddsp_match.edit(patch, wanted)
        spectrogram(one, heard(edited), patch.timebase.sample_rate, TOP_HZ)
        one.set_title(title)
        figures["edits.stretched_seconds" if "stretch" in title else "edits.seconds"] = f"{edited.seconds:.2f}"
    for one in axes[:, 0]:
        one.set_ylabel("kHz")
    for one in axes[1]:
        one.set_xlabel("s")
    save(figure, "edits", PICTURES)


def parts(patch: Patch, figures: Figures) -> None:
    """Draw a match, its tonal part and its noisy part."""
    controls, timebase = patch.controls, patch.timebase
    tonal, residual = split_tonal(controls, timebase)
    apart = separate(controls, timebase)
    shown = {
        "the match": heard(patch),
        "tonal part": heard(patch, tonal),
        "noisy part": heard(patch, residual),
    }
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
    for one, (title, samples) in zip(axes, shown.items(), strict=True):
        spectrogram(one, samples, timebase.sample_rate, timebase.nyquist_hz)
        one.set(title=title, xlabel="s")
    axes[0].set_ylabel("kHz")
    save(figure, "parts", PICTURES)
    for name, one in (("fitted", controls), ("separated", apart)):
        figures[f"parts.{name}_noise_percent"] = f"{noise_percent(patch, one):.2g}"


def noise_percent(patch: Patch, controls: Controls) -> float:
    """The noise bands' share of the energy."""
    played = play(controls, patch.timebase, patch.n_samples, patch.noise_seed)
    energies = [float(part.double().square().sum()) for part in (played.noise, played.harmonic)]
    return 100 * energies[0] / sum(energies)


def body(patch: Patch) -> None:
    """The harmonics of a vowel a fifth up, with the body kept and with the body moved."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.1), sharex=True, sharey=True)
    timebase = patch.timebase
    whole = replace(patch, controls=separate(patch.controls, timebase))
    envelope = Envelope.of(whole.controls, timebase)
    hz = torch.linspace(180, TOP_VOWEL_HZ, 600, dtype=torch.float64)
    shape = envelope.log_at(hz.unsqueeze(1).expand(-1, whole.controls.n_frames))[:, SUNG].mean(1) * (20 / np.log(10))
    asked = {"the match": (0, "keep"), "--transpose 7": (7, "keep"), "--transpose 7 --formant move": (7, "move")}
    for one, (title, (semitones, formant)) in zip(axes, asked.items(), strict=True):
        wanted = [{"edit": "transpose", "semitones": semitones, "formant": formant}] if semitones else []
        lines_hz, lines_db = harmonics(ddsp_match.edit(whole, wanted).controls)
        moved = 2 ** (semitones / 12) if formant == "move" else 1.0
        one.plot(hz * moved / 1000, shape, color=ORANGE, lw=1.4)
        one.vlines(lines_hz / 1000, -110, lines_db, color=BLUE, lw=2)
        one.set(title=title, xlabel="kHz", ylim=(-85, -5), xlim=(0, TOP_VOWEL_HZ / 1000))
    axes[0].set_ylabel("dB")
    save(figure, "body", PICTURES)


def harmonics(controls: Controls) -> tuple[np.ndarray, np.ndarray]:
    """Frequency in Hz and level in dB of the harmonics in the middle of a note, each with the partials around it."""
    step = controls.divisions
    power = controls.partial_amplitudes[0, :, SUNG].double().square().mean(1).numpy()
    centres = np.arange(1, len(power) // step + 1) * step
    levels = [power[max(0, centre - 1 - step // 2) : centre + step // 2].sum() for centre in centres]
    return centres * float(controls.base_hz[0, SUNG].mean()), 10 * np.log10(np.array(levels) + 1e-12)


def between(one: Patch, other: Patch) -> None:
    """A trumpet that becomes a clarinet: the steps in between, and the way."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=(1, 1.15))
    for amount, colour in ((0.0, BLUE), (0.5, GREEN), (1.0, ORANGE)):
        controls = separate(morph(one, other, amount).controls, one.timebase)
        hz, db = harmonics(controls)
        keep = hz < 5000
        name = {0.0: "trumpet, A4", 0.5: "--amount 0.5", 1.0: "clarinet, D4"}[amount]
        left.plot(np.arange(1, 1 + keep.sum()), db[keep], "o-", ms=4, lw=1, color=colour, label=name)
    left.set(title="level of each harmonic", xlabel="harmonic", ylabel="dB", xlim=(0.5, 11.5), ylim=(-85, -5))
    left.legend(loc="lower left")
    with tempfile.TemporaryDirectory() as folder:
        through = morphs(one, other, 2, out=Path(folder) / "morphs", seconds=4.0)[-1]
        spectrogram(right, heard(ddsp_match.load_patch(through)), one.timebase.sample_rate, 6000)
    right.set(title="through.wav, --seconds 4", xlabel="s", ylabel="kHz")
    save(figure, "morph", PICTURES)


def loop(patch: Patch, figures: Figures) -> None:
    """A sample of an SFZ instrument, its loop, and the seam where the loop's end meets its start."""
    with tempfile.TemporaryDirectory() as folder:
        main_file, sample = export(patch, "sfz", Path(folder) / "trumpet", keys=[69], velocities=1)
        start, end = (int(re.findall(rf"loop_{name}=(\d+)", main_file.read_text())[0]) for name in ("start", "end"))
        samples, rate = soundfile.read(sample)
    figure, (whole, seam) = plt.subplots(1, 2, figsize=(10, 3.0), width_ratios=(1.4, 1))
    seconds = np.arange(len(samples)) / rate
    step = len(samples) // 900
    blocks = samples[: len(samples) // step * step].reshape(-1, step)
    whole.fill_between(seconds[::step][: len(blocks)], blocks.min(1), blocks.max(1), color=BLUE, lw=0)
    whole.axvspan(start / rate, end / rate, color=ORANGE, alpha=0.22, lw=0)
    for place in (start, end):
        whole.axvline(place / rate, color=ORANGE, lw=1.4)
    whole.set(title="a sample, and what a held key repeats", xlabel="s", xlim=(0, seconds[-1]), yticks=[])
    reach = int(0.006 * rate)
    ms = (np.arange(2 * reach) - reach) / rate * 1000
    seam.plot(ms[:reach], samples[end + 1 - reach : end + 1], color=BLUE, lw=1.8, label="the end of the loop")
    seam.plot(ms[reach:], samples[start : start + reach], color=ORANGE, lw=1.8, label="its start again")
    seam.axvline(-0.5 / rate * 1000, color=FAINT, lw=1, ls=":")
    seam.set(title="the seam", xlabel="ms", yticks=[], xlim=(ms[0], ms[-1]))
    seam.margins(y=0.35)
    seam.legend(loc="upper left", ncols=2, handlelength=1.2)
    for one in (whole, seam):
        one.spines["left"].set_visible(False)
    save(figure, "loop", PICTURES)
    after = samples[end + 1 :]
    off = np.abs(after - samples[start : start + len(after)]).max() / np.abs(samples).max()
    figures["loop.seconds"] = f"{(end + 1 - start) / rate:.2f}"
    figures["loop.seam_db"] = f"{20 * np.log10(max(off, 1e-7)):.0f}".replace("-", "−")


if __name__ == "__main__":
    main()
