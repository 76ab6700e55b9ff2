"""The published data sets that can be fetched: address, size, sums, content, licence."""

from __future__ import annotations

from dataclasses import dataclass

BLOCK_BYTES = 4096  # what file systems allot at a time
WAV_HEADER_BYTES = 44


@dataclass(frozen=True)
class DataSet:
    """A set of clips of one form, in a ``.tar.gz`` with the folder ``NAME/audio``.

    Attributes:
        name: Also the folder in its archive.
        url: Its official address.
        other_url: The same file at another address of the same owner, or "".
        size_bytes: Of the archive; None where it is not known.
        md5: Of the archive, in hex; "" where it is not known.
        sha256: The same.
        clips: How many WAV files are in it.
        sample_rate: Of every clip, in Hz.
        n_samples: In every clip.
        licence: Its name.
        licence_url: Its text.
        by: Whom to name.
        page: Where the set is described.
    """

    name: str
    url: str
    clips: int
    other_url: str = ""
    size_bytes: int | None = None
    md5: str = ""
    sha256: str = ""
    sample_rate: int = 16000
    n_samples: int = 64000
    licence: str = ""
    licence_url: str = ""
    by: str = ""
    page: str = ""

    @property
    def archive_name(self) -> str:
        """The name of its archive on disk."""
        return f"{self.name}.jsonwav.tar.gz"

    @property
    def clip_bytes(self) -> int:
        """Length of a clip's file: header and 16-bit samples."""
        return WAV_HEADER_BYTES + 2 * self.n_samples

    @property
    def unpacked_bytes(self) -> int:
        """Room that the unpacked set takes on disk, its table ``examples.json`` (about 1 KB a clip) included."""
        blocks = -(-self.clip_bytes // BLOCK_BYTES)
        return self.clips * (blocks * BLOCK_BYTES + 1024)


def _nsynth(part: str, *, clips: int, size_bytes: int, md5: str, sha256: str = "") -> DataSet:
    file = f"datasets/nsynth/nsynth-{part}.jsonwav.tar.gz"
    return DataSet(
        name=f"nsynth-{part}",
        url=f"http://download.magenta.tensorflow.org/{file}",
        # The official host has no certificate of its own; this is the bucket that it serves.
        other_url=f"https://storage.googleapis.com/download.magenta.tensorflow.org/{file}",
        clips=clips,
        size_bytes=size_bytes,
        md5=md5,
        sha256=sha256,
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        by="Google Inc.; Engel et al., Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders, 2017",
        page="https://magenta.tensorflow.org/datasets/nsynth",
    )


# Lengths and MD5 are those that the server itself announces, as recorded by those who fetched the files: the HEAR
# benchmark checks all three MD5 (hearpreprocess/nsynth_pitch.py); the SHA-256 are those that several who fetched
# the same lengths and MD5 published. The files have not changed since April 2017.
SETS = {
    data_set.name: data_set
    for data_set in (
        _nsynth(
            "test",
            clips=4096,
            size_bytes=349_501_546,
            md5="5e6f8719bf7e16ad0a00d518b78af77d",
            sha256="0f9ba5d62beba9ec4612f918d19f5e87a681822f1c566124f05fe8b27a51934c",
        ),
        _nsynth(
            "valid",
            clips=12678,
            size_bytes=1_068_767_009,
            md5="87e94a00a19b6dbc99cf6d4c0c0cae87",
            sha256="00dea2645fbe0069258567da30807a90825e0bab54c077d6481f253096c4e2a0",
        ),
        _nsynth("train", clips=289205, size_bytes=23_815_298_079, md5="fde6665a93865503ba598b9fac388660"),
    )
}
