"""SFZ: a text that says which sample sounds on which key."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ddsp_match.dsp.notes import note_name

FOLDER = "samples"


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
    # Wholly by velocity: 40 log10(velocity / 127) dB, the law by which `formats.midi` writes levels.
    everywhere = [f"loop_mode={mode}", f"ampeg_release={release_s:.3f}", "amp_veltrack=100"]
    if mode == "loop_continuous":
        # What repeats already fits together sample by sample: a crossfade by the player would only smear it.
        everywhere.append("loop_crossfade=0")
    comment = " ".join(title.split())
    lines = [f"// {comment}", "// made by ddsp-match", "", f"<control> default_path={FOLDER}/", ""]
    lines += ["<global> " + " ".join(everywhere), "", *(region.opcodes() for region in regions)]
    return "\n".join(lines) + "\n"
