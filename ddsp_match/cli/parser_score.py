"""The part of the command line, and of its help, that is about scores. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_match.cli.values import add_writing

_METRICS = """\
metrics (--sort): mrstft, mel_db, mel_net_db, mel_steady_db, lsd_db, mfcc_distance, loudness_l1_db, f0_l1_cents,
octave_errors, voicing_agreement, snr_db, mos, harmonic_share, noise_share, unexplained_share,
voiced_share, doubt_share, numbers_per_second, kbit_per_second, seconds, peak_mb
"""

_SCORE_EXAMPLES = f"""\
examples:
  ddsp-match score outputs/my-kit                    every match: scores.html to listen to, .csv, .json
  ddsp-match score outputs/my-kit --sort mos         the ten worst by opinion score
  ddsp-match score outputs/nsynth --mos-pads 1 --tracker tiny --limit 500
                                                     a first impression of a long run; again, and it goes on
  ddsp-match score outputs/my-kit --refit 8          the floor from eight sounds fitted once more
  ddsp-match score outputs/sound                     the fit of one sound, or a sweep over it

{_METRICS}
Beside each metric stand what silence and white noise would get, and the floor: what two takes of the match
that differ by chance alone are apart. Intervals are 95 %, by bootstrap over the sounds. What was scored
before and has not changed is not scored again. Exit codes: 0 done, 100 + n where n sounds could not be
scored (200: 100 or more), 130 after Ctrl-C, which keeps what was scored.
"""

_COMPARE_EXAMPLES = f"""\
examples:
  ddsp-match compare outputs/before outputs/after    to outputs/compare-before-after/
  ddsp-match compare outputs/a outputs/b --sort mos -o ab

{_METRICS}
Sounds are paired by name. B is called better or worse in a metric where the 95 % interval of the mean
difference excludes 0; p is of Wilcoxon's signed-rank test, corrected for the number of metrics (Holm).
Runs without fresh scores are scored first, as `ddsp-match score` does.
"""


def add_score(parser: argparse.ArgumentParser) -> None:
    """Declare ``score``."""
    parser.description = "How close the matches of a run are: per sound, per family, overall; the worst first."
    parser.epilog = _SCORE_EXAMPLES
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what fit has written: over many sounds, of one, or a sweep"
    )
    add_writing(
        parser, "DIR", "where scores.html, .csv and .json go (default: the run)",
        force="score again what was scored before",
    )  # fmt: skip
    parser.add_argument("--worst", type=_count, default=10, metavar="N", help="how many of the worst to print (10)")
    parser.add_argument("--limit", type=_one_or_more, metavar="N", help="score N more sounds at most, then stop")
    figures = _add_common(parser)
    figures.add_argument(
        "--references",
        type=_count,
        default=16,
        metavar="N",
        help="sounds whose floor and ceilings are measured in mos and f0, too (16)",
    )
    figures.add_argument(
        "--refit", type=_count, default=0, metavar="N", help="fit N sounds again with other seeds for the floor"
    )


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Declare ``compare``."""
    parser.description = "Two runs on the same sounds: what got better in B than in A, what got worse, what is chance."
    parser.epilog = _COMPARE_EXAMPLES
    parser.add_argument("a", type=Path, metavar="A", help="the run before")
    parser.add_argument("b", type=Path, metavar="B", help="the run after")
    add_writing(parser, "DIR", "where compare.html, .csv and .json go (outputs/compare-A-B)", force=None)
    parser.add_argument(
        "--worst", type=_count, default=5, metavar="N", help="how many improvements and regressions to print (5)"
    )
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    parser.add_argument("--sort", metavar="METRIC", default="mrstft", help="metric that ranks the sounds (mrstft)")
    parser.add_argument("--source", type=Path, metavar="DIR", help="where the sounds lie now, if they were moved")
    parser.add_argument("--workers", type=_one_or_more, metavar="N", help="processes (default: one a core)")
    figures = parser.add_argument_group("what is measured")
    mos = figures.add_mutually_exclusive_group()
    mos.add_argument("--no-mos", action="store_const", const=0, dest="mos_pads", help="no opinion score")
    mos.add_argument(
        "--mos-pads",
        type=_pads,
        metavar="N",
        help="shifts the opinion score is the median of, 1 to 7 (7): fewer are faster, less steady",
    )
    figures.add_argument(
        "--tracker",
        choices=("run", "full", "tiny", "pyin", "none"),
        help="what hears f0 in target and match: as in the fit (default), CREPE full or tiny, pyin, or nothing",
    )
    return figures


def _count(text: str) -> int:
    return _whole(text, 0, 10**9)


def _one_or_more(text: str) -> int:
    return _whole(text, 1, 10**9)


def _pads(text: str) -> int:
    return _whole(text, 1, 7)


def _whole(text: str, low: int, high: int) -> int:
    value = int(text) if text.strip().isdecimal() else -1
    if not low <= value <= high:
        range_in_words = f"{low} or more" if high == 10**9 else f"{low} to {high}"
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a whole number, {range_in_words}")
    return value
