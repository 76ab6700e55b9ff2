"""Makes the bundled sounds again: notes played from a free sound font, and a few free recordings.

Needs Debian's ``fluidsynth``, ``fluid-soundfont-gm`` (FluidR3, MIT) and ``sonic-pi-samples`` (CC0)::

    apt-get install fluidsynth fluid-soundfont-gm sonic-pi-samples
    python data/make_sounds.py                    # writes the sounds beside this script
    python data/make_sounds.py --check            # writes nothing, says how far the files are from that

Reverb and chorus of the player are off, so a file holds the instrument as its samples were recorded. The same
versions of the packages give the same samples.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SAMPLES = Path("/usr/share/sonic-pi/samples")
PLAYER_RATE = 48000  # the player's interpolation aliases more at low rates; soxr does the rest
PEAK_DB = -3.0
SILENCE_DB = -50.0  # relative to the peak: what comes before the first sample above it is cut
LEAD_S = 0.005  # ... but for this
FADE_S = 0.03
TICKS_PER_S = 1000  # 500 ticks a quarter at 120 quarters a minute


@dataclass(frozen=True)
class Note:
    """One MIDI note: key number, start and end in seconds, and how hard it is struck (1 to 127)."""

    midi: int
    start_s: float
    end_s: float
    velocity: int = 100


@dataclass(frozen=True)
class Sound:
    """What a bundled file holds.

    Attributes:
        name: File name.
        rate: Sample rate in Hz.
        seconds: Length at most.
        program: General MIDI program (from 0), or None for a recording.
        notes: What is played.
        controllers: ``(seconds, controller, value)`` MIDI control changes.
        recording: File of the CC0 samples, for a recording.
        stereo: Keeps both channels; otherwise the louder one, since their mean would comb a spaced pair.
    """

    name: str
    rate: int
    seconds: float
    program: int | None = None
    notes: tuple[Note, ...] = ()
    controllers: tuple[tuple[float, int, int], ...] = ()
    recording: str = ""
    stereo: bool = False


MODULATION, EXPRESSION = 1, 11


def swell(start: float, end: float, low: int, high: int) -> tuple[tuple[float, int, int], ...]:
    """Expression going from `low` to `high` over a time in seconds, in 32 steps."""
    return tuple(
        (start + (end - start) * k / 31, EXPRESSION, round(low + (high - low) * k / 31)) for k in range(32)
    )


SOUNDS = (
    Sound("trumpet-a4.flac", 16000, 2.5, 56, (Note(69, 0, 2.1),)),
    Sound("trombone-f3.flac", 22050, 2.5, 57, (Note(53, 0, 2.1),), swell(0, 1.2, 70, 127)),
    Sound(
        "violin-phrase.flac",
        44100,
        3.6,
        40,
        (Note(69, 0, 0.8), Note(72, 0.78, 1.3), Note(71, 1.28, 1.8), Note(76, 1.78, 3.2)),
        ((0.0, MODULATION, 0), (2.2, MODULATION, 50)),
    ),
    Sound("cello-g2.flac", 22050, 3.0, 42, (Note(43, 0, 2.6),), ((0.8, MODULATION, 30),)),
    Sound("clarinet-d4.flac", 16000, 2.5, 71, (Note(62, 0, 2.2),), swell(1.95, 2.15, 127, 0)),
    Sound("oboe-phrase.flac", 16000, 3.2, 68, (Note(70, 0, 0.6), Note(74, 0.62, 1.2), Note(72, 1.22, 2.8))),
    Sound("saxophone-c4.flac", 48000, 2.5, 65, (Note(60, 0, 2.1),)),
    Sound("flute-e5.flac", 16000, 2.5, 73, (Note(76, 0, 2.1),)),
    Sound("guitar-e3.flac", 44100, 3.0, 24, (Note(52, 0, 2.8),)),
    Sound("piano-c4.flac", 44100, 3.5, 0, (Note(60, 0, 3.2),), stereo=True),
    Sound("vibraphone-c5.flac", 32000, 2.5, 11, (Note(72, 0, 2.4),)),
    Sound("organ-c3.flac", 16000, 2.5, 19, (Note(48, 0, 2.1),)),
    Sound("bass-e1.flac", 16000, 2.5, 33, (Note(28, 0, 2.2),)),
    Sound("choir-a3.flac", 16000, 3.0, 52, (Note(57, 0, 2.5),)),
    Sound("tabla-tun.flac", 22050, 2.0, recording="tabla_tun1.flac"),
    Sound("snare.flac", 44100, 2.0, recording="drum_snare_hard.flac"),
)


def varint(value: int) -> bytes:
    """A MIDI variable-length number: seven bits a byte, the last one without the top bit."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def midi_file(sound: Sound) -> bytes:
    """A Standard MIDI File (format 0) that plays the sound."""
    events = [(0.0, 0, bytes((0xC0, sound.program or 0)))]
    events += [(at, 1, bytes((0xB0, controller, value))) for at, controller, value in sound.controllers]
    events += [(note.start_s, 2, bytes((0x90, note.midi, note.velocity))) for note in sound.notes]
    events += [(note.end_s, 2, bytes((0x80, note.midi, 0))) for note in sound.notes]
    events += [(sound.seconds + 0.5, 3, b"\xff\x2f\x00")]  # the player runs until the end of the track
    track, now = b"", 0
    for at, _, message in sorted(events):
        tick = round(at * TICKS_PER_S)
        track += varint(tick - now) + message
        now = tick
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_S // 2)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track


def play(sound: Sound) -> np.ndarray:
    """The sound font's rendering ``(n, 2)`` at `PLAYER_RATE`."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "in.mid"), Path(folder, "out.wav")
        midi.write_bytes(midi_file(sound))
        subprocess.run(
            ["fluidsynth", "-n", "-i", "-q", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(PLAYER_RATE),
             "-T", "wav", "-O", "float", "-F", str(wav), str(FONT), str(midi)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return soundfile.read(wav, always_2d=True)[0]


def finish(samples: np.ndarray, rate: int, sound: Sound) -> np.ndarray:
    """Channels, rate, start, length, end and level as the file needs them: ``(n, channels)``."""
    if not sound.stereo:
        samples = samples[:, [np.square(samples).sum(0).argmax()]]
    if rate != sound.rate:
        samples = soxr.resample(samples, rate, sound.rate, "VHQ")
    level = np.abs(samples).max(1)
    first = int(np.argmax(level > level.max() * 10 ** (SILENCE_DB / 20)))
    samples = samples[max(0, first - round(LEAD_S * sound.rate)) :][: round(sound.seconds * sound.rate)]
    fade = round(FADE_S * sound.rate)
    samples[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade))[:, None] ** 2
    return samples * (10 ** (PEAK_DB / 20) / np.abs(samples).max())


def make(sound: Sound) -> np.ndarray:
    """The finished samples of one sound, ``(n, channels)``."""
    if sound.recording:
        samples, rate = soundfile.read(SAMPLES / sound.recording, always_2d=True)
        return finish(samples, rate, sound)
    return finish(play(sound), PLAYER_RATE, sound)


def main() -> int:
    """Makes or checks every sound."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--check", action="store_true", help="compare with the files here, write nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder (default: this one)")
    options = parser.parse_args()
    missing = [str(path) for path in (FONT, SAMPLES) if not path.exists()]
    missing += [] if shutil.which("fluidsynth") else ["fluidsynth"]
    if missing:
        packages = "fluidsynth fluid-soundfont-gm sonic-pi-samples"
        print(f"missing: {', '.join(missing)}; try: apt-get install {packages}")
        return 2
    worst = 0.0
    for sound in SOUNDS:
        path, samples = options.out / sound.name, make(sound)
        line = f"{sound.name:22} {sound.rate:6} Hz  {samples.shape[1]} ch  {len(samples) / sound.rate:.2f} s"
        if options.check:
            kept = soundfile.read(path, always_2d=True)[0]
            error = np.abs(kept - samples).max() if kept.shape == samples.shape else np.inf
            worst = max(worst, float(error))
            line += f"  differs by at most {error:.1e}"
        else:
            soundfile.write(path, samples, sound.rate, subtype="PCM_16")
        print(line)
    return 0 if worst <= 2**-15 else 1  # one step of 16 bits


if __name__ == "__main__":
    sys.exit(main())
