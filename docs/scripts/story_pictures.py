"""Makes every picture and every figure of how-a-sound-is-matched.md from the bundled sounds.

::

    python docs/scripts/story_pictures.py

It writes ``docs/pictures/*.png`` and ``docs/pictures/figures.json``, and puts the figures into the page, where each
stands in bold before a comment with its name. The same machine and packages give the same files again.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import story
import torch
from effects_page import FIGURE, quoted
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.patheffects import Normal, Stroke
from PIL import Image

from ddsp_match.losses.spectral import sizes_for
from ddsp_match.report.colours import sequential

DOCS = Path(__file__).resolve().parents[1]
PICTURES, PAGE = DOCS / "pictures", DOCS / "how-a-sound-is-matched.md"
PAPER, INK, FAINT = "#15161d", "#e8e8ee", "#8a8c9c"  # opaque, so that it reads on a white page and on a dark one
BLUE, ORANGE, GREEN = "#6fd3ff", "#ffb454", "#8be28b"
HEAT = ListedColormap(sequential() / 255.0)
OUTLINE = [Stroke(linewidth=3, foreground=PAPER), Normal()]
DPI = 100
LOSS_HOP = 96
BUDGETS = 250, 1000, 4000  # numbers a second
Figures = dict[str, str]

STYLE = {
    "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "axes.facecolor": PAPER, "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": FAINT, "ytick.color": FAINT,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "font.size": 9.5, "axes.titlesize": 10,
    "axes.titlelocation": "left", "font.family": "DejaVu Sans", "legend.frameon": False, "legend.fontsize": 9,
    "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
}  # fmt: skip


def main() -> None:
    """Makes all pictures, writes the figures, and puts them into the page."""
    torch.set_num_threads(1)
    plt.rcParams.update(STYLE)
    PICTURES.mkdir(exist_ok=True)
    violin = story.sound(story.STORY_SOUND)
    evidence = story.pitch_evidence(violin)
    analyses: list = []
    match = story.fitted(violin, story.STORY_SOUND, on_analysis=analyses.append)

    def again(*overrides: str) -> story.FitResult:
        return story.fitted(violin, story.STORY_SOUND, *overrides, analysis=analyses[0])

    figures: Figures = {}
    draw_f0(evidence, match, figures)
    octaves(figures)
    guess = story.first_guess(match)
    first_guess(match, guess, figures)
    frames(match, guess, figures)
    loss(match, figures)
    optimisation(match, figures)
    result(match, figures)
    numbers({str(count): again(f"model.numbers={count}") for count in BUDGETS}, match, figures)
    noise(figures)
    models({"frames": match} | {name: again(f"model={name}") for name in ("exact", "notebook")}, figures)
    transposed(match, figures)
    limits(figures)
    readme(match)
    (PICTURES / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"{quote(figures)} figures put into {PAGE.name}")


def quote(figures: Figures) -> int:
    """Puts the figures into the page; a name that the page asks for and nobody measured is a KeyError."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(quoted(text, figures), encoding="utf-8")
    return len(FIGURE.findall(text))


def save(figure: plt.Figure, name: str, folder: Path = PICTURES, *, dpi: int = DPI) -> None:
    """Writes a figure as a PNG of few colours and no metadata, so that it is small and the same every time."""
    raw = io.BytesIO()
    figure.savefig(raw, dpi=dpi, format="png")
    plt.close(figure)
    image = Image.open(raw).convert("RGB").quantize(palette=palette(), dither=Image.Dither.NONE)
    image.save(folder / f"{name}.png", optimize=True)
    print(name, (folder / f"{name}.png").stat().st_size // 1000, "kB")


def palette() -> Image.Image:
    """The colours of all pictures: the heat map's, and the line colours on their way to the paper."""
    colours = [HEAT(i)[:3] for i in np.linspace(0, 255, 72).astype(int)]
    paper = np.array(to_rgb(PAPER))
    for colour in (INK, FAINT, BLUE, ORANGE, GREEN):
        colours += [paper + share * (to_rgb(colour) - paper) for share in np.linspace(0, 1, 9)]
    image = Image.new("P", (1, 1))
    image.putpalette((np.array(colours) * 255).round().astype(np.uint8).tobytes())
    return image


def spectrum_db(samples: np.ndarray, size: int, hop: int) -> np.ndarray:
    """``(bins, frames)`` in dB; a sine of amplitude 1 reaches 0."""
    window = torch.hann_window(size)
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (size // 2, size // 2))
    spectra = torch.fft.rfft(padded.unfold(0, size, hop) * window).abs() * (2 / window.sum())
    return 20 * np.log10(np.maximum(spectra.numpy().T, 1e-8))


def spectrogram(axes: plt.Axes, samples: np.ndarray, rate: int, top_hz: float, *, size_s: float = 0.046,
                low_db: float = -95.0, high_db: float = -20.0, from_hz: float = 0.0):  # fmt: skip
    """A spectrogram with time in s and frequency in kHz."""
    size = 2 ** round(np.log2(size_s * rate))
    hop = max(1, min(size // 4, len(samples) // 400))
    db = spectrum_db(samples, size, hop)
    first, last = int(from_hz * size / rate), int(top_hz * size / rate) + 1
    extent = (0, db.shape[1] * hop / rate, from_hz / 1000, last * rate / size / 1000)
    image = axes.imshow(
        db[first:last], origin="lower", aspect="auto", extent=extent, cmap=HEAT, vmin=low_db, vmax=high_db,
        interpolation="bilinear",
    )  # fmt: skip
    axes.set_ylim(from_hz / 1000, top_hz / 1000)
    return image


def f0_line(axes: plt.Axes, f0_hz: np.ndarray, voiced: np.ndarray, frame_rate: float) -> None:
    """f0 where the sound is voiced."""
    line = np.where(voiced, f0_hz / 1000, np.nan)
    axes.plot(np.arange(len(f0_hz)) / frame_rate, line, color=BLUE, lw=1.4, path_effects=OUTLINE)


def draw_f0(evidence: story.PitchEvidence, match: story.FitResult, figures: Figures) -> None:
    """Activations with the path; what refinement moves."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1.45, 1))
    low, high = np.searchsorted(evidence.grid.hz, [330.0, 840.0])
    part = evidence.activations[:, low:high].T
    left.imshow(
        part, origin="lower", aspect="auto", cmap=HEAT, vmin=0, vmax=0.9,
        extent=(0, part.shape[1] / 100, 0, high - low),
    )  # fmt: skip
    voiced = match.features.voiced[0].numpy()
    frames = min(len(voiced), len(evidence.own.f0_hz))
    voiced, seconds = voiced[:frames], np.arange(frames) / 100
    path = 60 * np.log2(evidence.own.f0_hz[:frames] / evidence.grid.hz[low]) + 0.5  # 60 bins an octave
    left.plot(seconds, np.where(voiced, path, np.nan), color=BLUE, lw=1.4, path_effects=OUTLINE, label="Viterbi path")
    names = {"F4": 349.23, "A4": 440.0, "C5": 523.25, "E5": 659.26, "G5": 783.99}
    left.set_yticks([60 * np.log2(hz / evidence.grid.hz[low]) + 0.5 for hz in names.values()], list(names))
    left.set(title="what CREPE hears, and the path through it", xlabel="s", ylim=(0, high - low))
    left.legend(loc="lower right")

    judged = evidence.judged.f0_hz[:frames]
    final = match.controls.f0_hz[0].numpy()[:frames]
    show = slice(270, 340)
    for values, colour, label in (
        (judged, ORANGE, "network, 20-cent bins averaged"),
        (final, BLUE, "refined from the phases"),
    ):
        right.plot(seconds[show], 1200 * np.log2(values[show] / 659.26), color=colour, lw=1.6, label=label)
    right.set(title="the last note, in cents from E5", xlabel="s")
    right.margins(y=0.25)
    right.legend(loc="upper left")
    save(figure, "1-hear-f0")
    moved = np.abs(1200 * np.log2(final / judged))[voiced]
    figures["f0.voiced_percent"] = f"{100 * voiced.mean():.0f}"
    figures["f0.moved_cents"], figures["f0.moved_most_cents"] = f"{np.median(moved):.1f}", f"{moved.max():.0f}"


def octaves(figures: Figures) -> None:
    """A note above the network's reach: its pitch, and the judge's."""
    flute = story.sped_up(story.sound("flute-e5"), 4)
    evidence = story.pitch_evidence(flute)
    loud = np.flatnonzero(evidence.spectrum.level_db > evidence.spectrum.level_db.max() - 20)
    frame = int(loud[len(loud) // 2])
    own, judged = evidence.own.f0_hz[frame], evidence.judged.f0_hz[frame]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(1.5, 1))
    db = spectrum_db(flute.mono(), 2048, 160)[:, frame]
    khz = np.arange(len(db)) * flute.sample_rate / 2048 / 1000
    left.plot(khz, db, color=INK, lw=1)
    for hz, colour, y, label in ((own, ORANGE, -112, "network"), (judged, BLUE, -121, "judge")):
        multiples = np.arange(1, int(8000 / hz) + 1) * hz / 1000
        left.plot(multiples, np.full(len(multiples), y), "|", color=colour, ms=11, mew=2, label=f"{label}: {hz:.0f} Hz")
    left.set(title="the spectrum of one frame, and both ideas of its harmonics", xlabel="kHz", ylabel="dB",
             ylim=(-127, 5), xlim=(0, 8))  # fmt: skip
    left.legend(loc="upper right")
    scores = evidence.spectrum.scores[loud].mean(0)
    right.plot(evidence.grid.hz, scores, color=INK, lw=1)
    for hz, colour, name in ((own, ORANGE, "network"), (judged, BLUE, "judge")):
        near = np.searchsorted(evidence.grid.hz, hz) + np.arange(-2, 3)
        best = near[scores[near].argmax()]
        right.plot(evidence.grid.hz[best], scores[best], "o", color=colour, ms=8)
        figures[f"octaves.{name}_score"] = f"{scores[best]:.2f}".replace("-", "−")
    right.set(title="how well each pitch explains it", xscale="log", xlim=(300, 5000), ylim=(-0.4, 0.35),
              xlabel="Hz", ylabel="score")  # fmt: skip
    right.set_xticks([300, 600, 1200, 2400, 4800], ["300", "600", "1200", "2400", "4800"])
    right.minorticks_off()
    save(figure, "2-octaves")
    figures["octaves.network_hz"], figures["octaves.judged_hz"] = f"{own:.0f}", f"{judged:.0f}"
    figures["octaves.activation"] = f"{evidence.own.periodicity[loud].mean():.2f}"


def harmonics_map(axes: plt.Axes, amplitudes: np.ndarray, frame_rate: float, count: int):
    """Amplitudes in dB, a row a harmonic."""
    db = 20 * np.log10(np.maximum(amplitudes[:count], 1e-8))
    return axes.imshow(
        db, origin="lower", aspect="auto", cmap=HEAT, vmin=-90, vmax=-10, interpolation="nearest",
        extent=(0, db.shape[1] / frame_rate, 0.5, count + 0.5),
    )  # fmt: skip


def first_guess(match: story.FitResult, guess: story.FirstGuess, figures: Figures) -> None:
    """Harmonics in closed form, the residual, and the noise taken from it."""
    rate = match.target.sample_rate
    figure, ((target, harmonics), (residual, noise)) = plt.subplots(2, 2, figsize=(9, 5.6))
    spectrogram(target, match.target.samples[0], rate, 10_000)
    target.set(title="the sound", ylabel="kHz")
    divisions = match.controls.divisions
    harmonics_map(harmonics, guess.partials[divisions - 1 :: divisions], match.timebase.frame_rate, 24)
    harmonics.set(title="its harmonics, solved for in closed form", ylabel="harmonic")
    spectrogram(residual, guess.residual, rate, 10_000)
    residual.set(title="the residual", ylabel="kHz", xlabel="s")
    frame = match.timebase.frame_at(2.6)
    around = slice(frame - 5, frame + 6)
    khz = np.linspace(0, match.timebase.nyquist_hz / 1000, guess.noise.shape[0])
    for gains, colour, width, label in (
        (guess.left_over, ORANGE, 1.2, "the residual"), (guess.noise, INK, 2.0, "between the harmonics"),
    ):  # fmt: skip
        db = 20 * np.log10(np.sqrt(np.square(gains[:, around]).mean(1)))
        noise.plot(khz, db, color=colour, lw=width, label=label)
    noise.set(title="its noise at 2.6 s", xlabel="kHz", ylabel="gain, dB", xlim=(0, 10),
              ylim=(-70, 15))  # fmt: skip
    noise.legend(loc="upper right", ncols=3, columnspacing=1.0, handlelength=1.2)
    save(figure, "3-first-guess")
    figures["guess.partials"] = str(len(guess.partials))
    left_db = story.level_db(guess.residual) - story.level_db(match.target.samples[0])
    figures["guess.left_db"] = signed(left_db)
    dense = (2 * guess.partials.shape[0] + guess.noise.shape[0] + 1) * guess.partials.shape[1]
    figures["guess.numbers"] = f"{dense / match.patch.seconds:,.0f}"


def frames(match: story.FitResult, guess: story.FirstGuess, figures: Figures) -> None:
    """Where the knots of every curve lie, and the level as analysed and as stored."""
    stored, rate = match.patch.frames, match.timebase.frame_rate
    voice, curves = stored.voices[0], guess.plan.rows[0][0]
    figure, (sound, level, timbre) = plt.subplots(3, 1, figsize=(9, 6.6), sharex=True, height_ratios=(1.5, 1, 1))
    spectrogram(sound, match.target.samples[0], match.target.sample_rate, 10_000)
    rows = (("tone", voice.tone, BLUE), ("noise", voice.noise, ORANGE), ("f0", stored.f0, GREEN))
    for place, (name, track, colour) in enumerate(rows):
        seconds = track.times.numpy() / rate
        sound.plot(seconds, np.full(len(seconds), 9.4 - 0.7 * place), "|", color=colour, ms=9, mew=1.6,
                   label=f"{name}: {len(seconds)} knots", path_effects=OUTLINE)  # fmt: skip
    sound.legend(loc="upper left", bbox_to_anchor=(1, 1))
    sound.set(title="the sound, and the moments at which its timbre, its noise and f0 are stored", ylabel="kHz")
    seconds = np.arange(stored.n_frames) / rate
    shown = (
        ("tone_level", level, 0, "level of the tone"),
        ("tone", timbre, 4, f"harmonic {stored.centres[4]} over it"),
    )
    for name, axes, row, title in shown:
        track = getattr(voice, name)
        axes.plot(seconds, curves[name].values[row].numpy(), color=FAINT, lw=3, label="analysed, every 10 ms")
        axes.plot(track.times.numpy() / rate, track.values[row].numpy(), "o-", color=BLUE, lw=1.2, ms=3.5,
                  label=f"stored, {len(track.times)} knots")  # fmt: skip
        axes.set(title=title, ylabel="dB")
        axes.margins(x=0)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    level.set_ylim(bottom=float(curves["tone_level"].values.max()) - 60)
    span = timbre.get_ylim()
    timbre.set_ylim(max(span[0], -40), min(span[1], 40))
    timbre.set_xlabel("s")
    save(figure, "4-frames")
    for name in ("tone", "tone_level", "noise", "noise_level", "phase"):
        figures[f"frames.{name}_knots"] = str(len(getattr(voice, name).times))
    figures["frames.f0_knots"] = str(len(stored.f0.times))
    figures["frames.partials"], figures["frames.groups"] = str(len(stored.partials)), str(len(stored.centres))
    figures["frames.numbers"] = f"{stored.numbers:,}"
    figures["frames.per_second"] = f"{match.patch.numbers_per_second():,.0f}"
    n_bytes = story.patch_bytes(match)
    figures["frames.bytes"], figures["frames.kbps"] = f"{n_bytes:,}", f"{8 * n_bytes / match.patch.seconds / 1000:.1f}"


def loss(match: story.FitResult, figures: Figures) -> None:
    """One onset through a long, a middle and a short window."""
    rate = match.target.sample_rate
    sizes = sizes_for(rate)
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), width_ratios=(1, 1, 1, 1.25))
    shown = slice(int(1.6 * rate / LOSS_HOP), int(2.1 * rate / LOSS_HOP))
    for one, size in zip(axes, (sizes[0], sizes[2], sizes[4]), strict=False):
        db = spectrum_db(match.target.samples[0], size, LOSS_HOP)[:, shown]
        one.imshow(
            db, origin="lower", aspect="auto", cmap=HEAT, vmin=-90, vmax=-20, interpolation="bilinear",
            extent=(1.6, 2.1, 0, rate / 2000),
        )  # fmt: skip
        one.set(title=f"{size} samples, {1000 * size / rate:.0f} ms", ylim=(0, 8), xlabel="s", xticks=[1.6, 1.8, 2.0])
    axes[0].set_ylabel("kHz")
    apart = story.draws_apart(16_000)
    for name, colour, label in (("magnitudes", ORANGE, "spectra"), ("steady", BLUE, "powers over 100 ms")):
        best = apart[name].argmin()
        axes[3].plot(apart["gains_db"], apart[name] / apart[name][best], color=colour, lw=1.6, label=label)
        axes[3].plot(apart["gains_db"][best], 1, "o", color=colour, ms=6)
        figures[f"loss.{name}_best_db"] = signed(apart["gains_db"][best])
    axes[3].set(title="two draws of one noise", xlabel="gain of the second, dB", ylabel="distance over the least")
    axes[3].legend(loc="upper center")
    save(figure, "5-loss")
    figures["loss.longest"], figures["loss.shortest"] = str(sizes[0]), str(sizes[-1])


def optimisation(match: story.FitResult, figures: Figures) -> None:
    """The loss over the steps, each with other noise."""
    figure, axes = plt.subplots(figsize=(9, 2.8))
    trace = match.trace
    axes.plot(trace.steps, trace.loss, color=BLUE, lw=1.4)
    axes.set(xlabel="step", ylabel="loss", xlim=(0, trace.steps[-1]))
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    save(figure, "6-optimisation")
    figures["optimise.steps"] = str(trace.steps[-1])
    figures["optimise.start"], figures["optimise.end"] = in_digits(trace.loss[0]), in_digits(trace.best[-1])


def signed(value: float) -> str:
    """With one decimal and a true minus."""
    return f"{value + 0.0:.1f}".replace("-", "−")


def in_digits(value: float) -> str:
    """A loss or a distance with two decimals, small ones with three."""
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def result(match: story.FitResult, figures: Figures) -> None:
    """Target, match and stems on one scale."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.4), sharex=True, sharey=True)
    sounds = {"target": match.target, "match": match.match, "harmonic stem": match.stems["harmonic"],
              "noise stem": match.stems["noise"]}  # fmt: skip
    for one, (name, audio) in zip(axes.flat, sounds.items(), strict=True):
        image = spectrogram(one, audio.samples[0], audio.sample_rate, 16_000)
        one.set_title(name)
    for one in axes[:, 0]:
        one.set_ylabel("kHz")
    for one in axes[1]:
        one.set_xlabel("s")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    bar.set_label("dB")
    bar.outline.set_visible(False)
    save(figure, "7-result")
    closeness("result", match, figures)
    figures["result.loudness_db"] = in_digits(match.metrics["loudness_l1_db"])
    figures["result.noise_percent"] = f"{100 * match.metrics['noise_share']:.2f}"


def closeness(name: str, fit: story.FitResult, figures: Figures) -> None:
    """How close a fit is, and what it takes."""
    for figure, metric in (("mrstft", "mrstft"), ("mel_db", "mel_db"), ("steady_db", "mel_steady_db")):
        figures[f"{name}.{figure}"] = in_digits(fit.metrics[metric])
    figures[f"{name}.numbers"] = f"{fit.patch.numbers_per_second():,.0f}"
    kilobits = 8 * story.patch_bytes(fit) / fit.patch.seconds / 1000
    figures[f"{name}.kbps"] = f"{kilobits:.1f}" if kilobits < 100 else f"{kilobits:,.0f}"


def numbers(fits: dict[str, story.FitResult], match: story.FitResult, figures: Figures) -> None:
    """The same sound for several budgets."""
    figure, axes = plt.subplots(1, len(fits) + 1, figsize=(11, 3.1), sharey=True)
    shown = {f"{count} numbers a second": fit.match for count, fit in fits.items()} | {"the sound": match.target}
    for one, (title, audio) in zip(axes, shown.items(), strict=True):
        spectrogram(one, audio.samples[0], audio.sample_rate, 9000)
        one.set(title=title, xlabel="s")
    axes[0].set_ylabel("kHz")
    save(figure, "8-numbers")
    for count, fit in fits.items():
        closeness(f"numbers{count}", fit, figures)


def noise(figures: Figures) -> None:
    """The noise stem of a made mixture beside the noise that is in it."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.1), width_ratios=(1, 1, 1.15))
    for level_db in (-30, -20, -10):
        mixture = story.made_mixture(level_db)
        fit = story.fitted(mixture.sound, "mixture", "f0.source=constant", "f0.hz=220", "f0.refine_cents=60")
        stem, rate = fit.stems["noise"].samples[0], mixture.sound.sample_rate
        figures[f"noise.at{-level_db}_db"] = signed(story.level_db(stem) - story.level_db(mixture.noise))
        if level_db != -20:
            continue
        for one, samples, title in (
            (axes[0], mixture.noise, "the noise that was mixed in"),
            (axes[1], stem, "noise stem"),
        ):
            spectrogram(one, samples, rate, rate / 2, low_db=-95, high_db=-35)
            one.set(title=title, xlabel="s", ylabel="kHz")
        for samples, colour, label in (
            (mixture.tone, FAINT, "tone"),
            (mixture.noise, ORANGE, "noise"),
            (stem, BLUE, "noise stem"),
        ):
            db = 10 * np.log10(np.square(10 ** (spectrum_db(samples, 512, 128) / 20)).mean(1))
            axes[2].plot(np.arange(len(db)) * rate / 512 / 1000, db, color=colour, lw=1.4, label=label)
        axes[2].set(title="mean spectra, noise at −20 dB", xlabel="kHz", ylabel="dB", ylim=(-90, None))
        axes[2].legend(loc="upper right")
    save(figure, "9-noise")


def models(fits: dict[str, story.FitResult], figures: Figures) -> None:
    """A few periods of the waveform with each model."""
    figure, axes = plt.subplots(3, 1, figsize=(9, 5.2), sharex=True, sharey=True)
    for one, (name, fit) in zip(axes, fits.items(), strict=True):
        rate = fit.target.sample_rate
        start, count = int(2.60 * rate), int(0.012 * rate)
        ms = np.arange(count) / rate * 1000
        one.plot(ms, fit.target.samples[0, start : start + count], color=FAINT, lw=3, label="target")
        one.plot(ms, fit.match.samples[0, start : start + count], color=BLUE, lw=1.2, label="match")
        one.set_title(f"model={name}")
        one.margins(x=0)
        closeness(f"models.{name}", fit, figures)
        figures[f"models.{name}.snr_db"] = signed(fit.metrics["snr_db"])
    axes[0].legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.3))
    axes[2].set_xlabel("ms, from 2.6 s")
    save(figure, "10-models")
    figures["models.exact.divisions"] = str(fits["exact"].controls.divisions)
    figures["models.exact.partials"] = str(fits["exact"].controls.n_partials)


def transposed(match: story.FitResult, figures: Figures) -> None:
    """The patch seven semitones down, as it is, and seven up."""
    rate, frame_rate = match.target.sample_rate, match.timebase.frame_rate
    voiced = match.features.voiced[0].numpy()
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharey=True)
    for one, semitones in zip(axes, (-7, 0, 7), strict=True):
        controls, samples = story.transposed(match, semitones)
        spectrogram(one, samples, rate, 10_000)
        f0_line(one, controls.f0_hz[0].numpy(), voiced, frame_rate)
        one.set(title=f"{semitones:+d} semitones".replace("-", "−") if semitones else "the match", xlabel="s")
        if semitones:
            name = "up" if semitones > 0 else "down"
            figures[f"transpose.{name}_cents"] = f"{story.cents_off(samples, match, controls):.1f}"
    axes[0].set_ylabel("kHz")
    save(figure, "11-transpose")


def limits(figures: Figures) -> None:
    """Two notes at once, for a synthesizer that has one f0."""
    clarinet = story.sound("clarinet-d4")
    alone = story.fitted(clarinet, "clarinet-d4")
    both = story.fitted(story.mixed(clarinet, story.sound("flute-e5")), "clarinet and flute")
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
    rate, (_, higher) = both.target.sample_rate, story.transposed(both, 7)
    shown = {"D4 and E5 together": both.target.samples[0], "the match": both.match.samples[0], "+7 semitones": higher}
    for one, (title, samples) in zip(axes, shown.items(), strict=True):
        spectrogram(one, samples, rate, 6000, size_s=0.064)
        one.set(title=title, xlabel="s")
    f0_line(axes[1], both.features.f0_hz[0].numpy(), both.features.voiced[0].numpy(), both.timebase.frame_rate)
    axes[0].set_ylabel("kHz")
    save(figure, "12-limits")
    closeness("alone", alone, figures)
    closeness("both", both, figures)
    figures["both.divisions"] = str(both.controls.divisions)


def readme(match: story.FitResult) -> None:
    """The wide picture of the README: target, match with f0, harmonics."""
    rate, frame_rate = match.target.sample_rate, match.timebase.frame_rate
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
    f0_hz, voiced = match.controls.f0_hz[0].numpy(), match.features.voiced[0].numpy()
    for one, audio, title in ((axes[0], match.target, "recording"), (axes[1], match.match, "match, with its f0")):
        spectrogram(one, audio.samples[0], rate, 9000)
        one.set(title=title, xlabel="s")
    f0_line(axes[1], f0_hz, voiced, frame_rate)
    axes[0].set_ylabel("kHz")
    harmonics_map(axes[2], story.harmonics_of(match.controls), frame_rate, 24)
    knots = match.patch.frames.voices[0].tone.times.numpy() / frame_rate
    axes[2].plot(knots, np.full(len(knots), 26), "|", color=BLUE, ms=9, mew=1)
    axes[2].set(title="its harmonics, and the frames that hold them", xlabel="s", ylabel="harmonic", ylim=(0.5, 27.5))
    axes[2].yaxis.set_label_position("right")
    axes[2].yaxis.tick_right()
    save(figure, "readme")


if __name__ == "__main__":
    main()
