"""A patch as a sampled instrument: a sample for each key and velocity layer, and the SFZ text that maps them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ddsp_match.core.audio import Audio, resample
from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError
from ddsp_match.dsp.notes import note_name
from ddsp_match.edits.curves import band_power, partial_power
from ddsp_match.edits.instrument import USUAL_VELOCITY, Instrument
from ddsp_match.edits.tone import brightness
from ddsp_match.edits.tones import Tone, best_of, pitch_of
from ddsp_match.exports.loop import as_long, held, play_held
from ddsp_match.exports.wav_chunks import sampler_chunk, write_wav
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import through
from ddsp_match.synth.harmonic_noise import play

STEP, OCTAVES = 3, 2  # a sample every third key, two octaves either way: at most a semitone is left to the sampler
SOFTEST_DB_PER_OCTAVE = -5.0  # how much darker the softest layer is
# Shorter loops are heard as loops where there is noise, and with less of it than that they may be shorter.
LOOP_S, FAINT_NOISE_DB, CLEAR_LOOP_S = 2.0, -30.0, 1.0
SETTLE_S = 3.0  # a room is that far filled before the loop begins
LEAST_RATE = 44_100  # below it, samples are written at 48 kHz: samplers' short interpolators leave images otherwise
LOW_RATE_BECOMES = 48_000
UNPITCHED_KEY = 60
SEAM_S = 0.05  # crossfade of samples at the loop's end, where an effect has not quite settled
GUARD = 64  # samples that go on behind the loop
CEILING = 0.985  # whole numbers hold no sample above 1
FOLDER = "samples"


@dataclass(frozen=True)
class Sample:
    """A sample: its sound, by how much it is sharp, and the first and last sample of its loop."""

    audio: Audio
    cents: float = 0.0
    loop: tuple[int, int] | None = None


def export_sfz(
    patch: Patch | Instrument,
    out: Path,
    *,
    name: str | None = None,
    keys: Sequence[int] | int | None = None,
    velocities: int = 2,
    seconds: float | None = None,
    loop: bool = True,
    release_s: float | None = None,
    sample_rate: int | None = None,
    bits: int = 24,
    dry: bool = False,
    on_note: OnNote | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Writes an SFZ instrument.

    Args:
        patch: What to play: an instrument, or a patch, of a phrase the note that can be held longest.
        out: Folder to write to, which exists.
        name: Of the instrument; by default that of the folder.
        keys: The MIDI keys that get a sample of their own; a number for every so many keys, two octaves either way.
        velocities: Layers of strength, 1 to 8, softer ones darker.
        seconds: Length of each sample, up to the end of its loop; by default as long as the sound and its loop are.
        loop: Let held notes sound on, where the sound has a sustain.
        release_s: How long a note sounds on after its key was let go, in seconds; by default as the sound dies away.
        sample_rate: Of the samples, in Hz; by default the patch's, or 48 000 where that is below 44 100.
        bits: 16, 24 or 32 (floating point).
        dry: Leave out the patch's effects.
        on_note: Told whether it is looped, and about clipping.
        on_progress: Told how many samples are done, and of how many.

    Returns:
        The SFZ file, then the samples.

    Raises:
        ConfigError: A key cannot be played.
    """
    say = on_note or (lambda _: None)
    instrument = patch if isinstance(patch, Instrument) else _one_note(patch, say)
    first, timebase = instrument.patches[0], instrument.timebase
    rack = None if dry else first.effects
    rate = sample_rate or (timebase.sample_rate if timebase.sample_rate >= LEAST_RATE else LOW_RATE_BECOMES)
    looped = loop and all(tone.loop is not None for tone in instrument.tones)
    if loop and not looped:
        say("the sound dies away by itself: its samples have no loop")
    for tone in instrument.tones if looped and len(instrument.tones) == 1 else ():
        first_s, last_s = (tone.start_s + frame / timebase.frame_rate for frame in tone.loop or ())
        say(f"held notes repeat what sounds from {first_s:.2f} to {last_s:.2f} s")
    pitches = [tone.pitch for tone in instrument.tones]
    chosen = _keys(keys, min(pitches), max(pitches), math.inf if first.pitch_hz is None else timebase.nyquist_hz)
    name = name or out.name
    stem = file_name(name)
    ranges = layers(velocities)
    total = len(chosen) * len(ranges)
    folder = out / FOLDER
    folder.mkdir()

    def sounded(tone: Tone, key: int) -> Sample:
        controls, region = tone.controls, tone.loop
        if region is None or not looped:
            controls = controls if seconds is None else as_long(controls, timebase, seconds)
            samples = play(controls, timebase, timebase.samples(controls.n_frames), first.noise_seed).mix
            heard = Audio(samples.numpy(), timebase.sample_rate)
            return Sample(resample(heard if rack is None else through(rack, heard), rate))
        shortest_s = max(_shortest_loop_s(tone), (seconds or 0.0) - region[0] / timebase.frame_rate)
        sound = held(controls, timebase, region, shortest_s, 0.0 if rack is None else SETTLE_S)
        heard = Audio(play_held(sound, timebase, first.noise_seed).numpy(), timebase.sample_rate)
        heard = resample(heard if rack is None else through(rack, heard), rate)
        scale = timebase.hop * rate / timebase.sample_rate
        # On a steady grid nothing but the loop has moved the pitch.
        tuned = pitch_of(sound.controls, timebase, (sound.first, sound.first + sound.period))
        cents = 100 * (tuned - key) if first.follows_pitch else sound.cents
        return seamed(heard, round(sound.first * scale), round(sound.period * scale), cents)

    regions: list[Region] = []
    spans, loudest = neighbours(chosen), 0.0
    for key, span in zip(chosen, spans, strict=True):
        for number, velocity in enumerate(ranges):
            made = sounded(_layer(instrument, key, number, len(ranges)), key)
            layer = f"-v{number + 1}" if len(ranges) > 1 else ""
            file = f"{stem}-{key:03d}-{key_name(key)}{layer}.wav"
            # A sample that is too loud for its format is stored softer, and played as much louder.
            peak = float(np.abs(made.audio.samples).max())
            loudest = max(loudest, peak)
            gain = CEILING / peak if peak > CEILING and bits != 32 else 1.0
            chunk = sampler_chunk(rate, key + made.cents / 100, made.loop)
            write_wav(folder / file, gain * made.audio.samples, rate, bits, [chunk])
            volume_db = -20 * math.log10(gain)
            regions.append(Region(file, key, span, velocity, made.cents, made.loop, volume_db))
            if on_progress is not None:
                on_progress(len(regions), total)
    if bits == 32 and loudest > 1:
        say(f"the loudest sample peaks at {20 * math.log10(loudest):+.1f} dB above full scale; floating point keeps it")
    mode = "loop_continuous" if looped else "one_shot" if first.pitch_hz is None else "no_loop"
    release = release_s if release_s is not None else max(tone.release_s for tone in instrument.tones)
    main = out / f"{name}.sfz"
    main.write_text(sfz_text(name, regions, mode=mode, release_s=release), encoding="utf-8")
    keys_said = f"{note_name(chosen[0])} to {note_name(chosen[-1])}" if len(chosen) > 1 else "one key"
    count = f"{total} samples" if total > 1 else "1 sample"
    say(f"{count}, {keys_said}, {'looped' if looped else 'not looped'}, {rate} Hz, {bits} bits")
    return [main, *(folder / made.sample for made in regions)]


def _one_note(patch: Patch, say: OnNote) -> Instrument:
    """The instrument of one note of a patch."""
    every = Instrument.of([patch])
    tone = best_of(every.tones)
    if len(every.tones) > 1:
        say(f"of several notes the one from {tone.start_s:.2f} to {tone.stop_s:.2f} s is taken")
    return every.choosing([every.tones.index(tone) + 1])


def _layer(instrument: Instrument, key: int, number: int, count: int) -> Tone:
    """What a key plays in one of `count` layers of velocity, as loud as in all others: softer, it is darker."""
    share = 1.0 if count == 1 else number / (count - 1)
    if instrument.has_strengths:
        middle = USUAL_VELOCITY * (number + 0.5) / count
        tone, tilt = instrument.tone_at(key, USUAL_VELOCITY if share == 1 else middle), 0.0
    else:
        tone, tilt = instrument.tone_at(key), SOFTEST_DB_PER_OCTAVE * (1 - share)
    played = brightness(tone.controls, tilt, tone.timebase)
    gain = 10 ** ((instrument.loudest_db - tone.level_db) / 20)
    return replace(tone, controls=replace(played, amplitude=played.amplitude * gain, noise=played.noise * gain))


def _shortest_loop_s(tone: Tone) -> float:
    heard = slice(*(tone.loop or (None,)))
    noise = float(band_power(tone.controls)[..., heard].sum())
    tonal = float(partial_power(tone.controls, tone.timebase)[..., heard].sum())
    return LOOP_S if noise > 10 ** (FAINT_NOISE_DB / 10) * tonal else CLEAR_LOOP_S


def _keys(keys: Sequence[int] | int | None, lowest: float, uppermost: float, highest_hz: float) -> list[int]:
    """The keys that get a sample, in ascending order."""
    # A fundamental at or above Nyquist is not played.
    highest = 127 if math.isinf(highest_hz) else min(127, math.ceil(69 + 12 * math.log2(highest_hz / 440)) - 1)
    if keys is None or isinstance(keys, int):
        step, root = STEP if keys is None else keys, round(lowest)
        reach = 12 * OCTAVES // step
        farther = -(-(round(uppermost) - root) // step) + reach
        return [key for key in (root + step * i for i in range(-reach, farther + 1)) if 0 <= key <= highest]
    chosen = sorted(set(keys))
    if not chosen or not 0 <= chosen[0] <= chosen[-1] <= 127:
        raise ConfigError(f"the keys {list(keys)}", where="export to sfz", needed="MIDI keys, 0 to 127")
    if chosen[-1] > highest:
        raise ConfigError(
            f"the key {chosen[-1]}, whose f0 lies above half the patch's sample rate", where="export to sfz",
            needed=f"keys up to {highest}",
        )  # fmt: skip
    return chosen


def seamed(heard: Audio, start: int, length: int, cents: float) -> Sample:
    """The sample up to its loop's end and a little farther, the end led into what comes before the loop.

    Without effects both are the same already; with them they differ by what is left of the attack in the room.
    """
    end = start + length
    samples = heard.samples[:, : end + GUARD].copy()
    fade = min(round(SEAM_S * heard.sample_rate), start, length // 2)
    share = (np.arange(fade, dtype=np.float32) + 1) / fade
    samples[:, end - fade : end] += share * (samples[:, start - fade : start] - samples[:, end - fade : end])
    samples[:, end:] = samples[:, start : start + samples.shape[1] - end]
    return Sample(Audio(samples, heard.sample_rate), cents, (start, end - 1))


@dataclass(frozen=True)
class Region:
    """A sample and the keys it sounds on.

    Attributes:
        sample: Its file in the folder of samples.
        key: The MIDI key on which it sounds as it is.
        keys: Lowest and highest key that play it.
        velocities: Lowest and highest velocity that play it, 1 to 127.
        cents: By how much the sample is sharp; played as much lower.
        loop: First and last sample of what repeats, both inside; None for none.
        volume_db: Gain at which the sample is as loud as it is meant to be.
    """

    sample: str
    key: int
    keys: tuple[int, int]
    velocities: tuple[int, int] = (1, 127)
    cents: float = 0.0
    loop: tuple[int, int] | None = None
    volume_db: float = 0.0

    def opcodes(self) -> str:
        """The line that describes it."""
        words = [
            f"<region> sample={self.sample} pitch_keycenter={self.key}",
            f"lokey={self.keys[0]} hikey={self.keys[1]} lovel={self.velocities[0]} hivel={self.velocities[1]}",
        ]
        if round(self.cents):
            words.append(f"tune={-round(self.cents)}")
        if self.loop is not None:
            words.append(f"loop_start={self.loop[0]} loop_end={self.loop[1]}")
        if self.volume_db:
            words.append(f"volume={self.volume_db:.2f}")
        return " ".join(words)


def file_name(name: str) -> str:
    """A name that may stand in an SFZ text and on any disk: letters, digits, ``-``, ``_`` and dots inside."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "sound"


def key_name(key: int) -> str:
    """A key as file names and SFZ texts have it, where a # would begin a directive: ``Cs4`` for 61."""
    return note_name(key).replace("♯", "s")


def neighbours(keys: Sequence[int]) -> list[tuple[int, int]]:
    """The range of each sampled key, in ascending order: halfway to the next one, or to the end of the keyboard."""
    edges = [(low + high) // 2 for low, high in itertools.pairwise(keys)]
    return list(zip([0, *(edge + 1 for edge in edges)], [*edges, 127], strict=True))


def layers(count: int) -> list[tuple[int, int]]:
    """`count` ranges of velocity of about the same width, the softest first."""
    tops = [round(127 * (i + 1) / count) for i in range(count)]
    return list(zip([1, *(top + 1 for top in tops)], tops, strict=False))


def sfz_text(title: str, regions: Sequence[Region], *, mode: str, release_s: float) -> str:
    """The whole text.

    Args:
        title: For the reader, in a comment.
        regions: What sounds.
        mode: ``loop_continuous``, ``no_loop`` or ``one_shot``.
        release_s: How long a note sounds on after its key was let go, in seconds.
    """
    # Wholly by velocity: 40 log10(velocity / 127) dB, the law by which `midi` writes levels.
    everywhere = [f"loop_mode={mode}", f"ampeg_release={release_s:.3f}", "amp_veltrack=100"]
    if mode == "loop_continuous":
        # What repeats already fits together sample by sample: a crossfade by the player would only smear it.
        everywhere.append("loop_crossfade=0")
    comment = " ".join(title.split())
    lines = [f"// {comment}", "// made by ddsp-match", "", f"<control> default_path={FOLDER}/", ""]
    lines += ["<global> " + " ".join(everywhere), "", *(region.opcodes() for region in regions)]
    return "\n".join(lines) + "\n"
