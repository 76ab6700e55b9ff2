"""The comparison of a sweep's best settings with the next: better, or perhaps by chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

HOW_TO_TELL = "repeat with synth.noise_seed=0,1,2,3,4,5, or seed=... where the start is random"
SEEDS = ("seed", "synth.noise_seed")
SOUND = "sound"  # key of the sound's name in a sweep over many
CLEAR_P = 0.05


def winner_words(runs: Sequence[tuple[Mapping[str, str], float]]) -> str:
    """Name the best settings of a sweep, and tell whether they are clearly better than the next.

    Runs that differ in nothing but a seed are repetitions: two settings are told apart over the seeds that both have,
    by the 95 % interval of the paired difference and by Wilcoxon's signed-rank test, corrected for all settings. Over
    many sounds, the sounds are the repetitions, and a sound's seeds are averaged.

    Args:
        runs: The swept settings of each run that came to a result (over many sounds, of each sound of each run, with
            its name as the setting `SOUND`), and its figure, of which less is better.

    Returns:
        A sentence; empty for fewer than two runs.
    """
    if len(runs) < 2:
        return ""
    unit, repeated = ("sound", (SOUND,)) if any(values.get(SOUND) for values, _ in runs) else ("seed", SEEDS)
    figures: dict[str, dict[tuple[str, ...], list[float]]] = defaultdict(lambda: defaultdict(list))
    for values, figure in runs:
        label = ", ".join(f"{key}={value}" for key, value in values.items() if key not in (*SEEDS, SOUND))
        figures[label][tuple(values.get(key, "") for key in repeated)].append(figure)
    groups = {
        label: {key: sum(some) / len(some) for key, some in by_key.items()} for label, by_key in figures.items()
    }
    if len(groups) == 1:
        seeds = {tuple(values.get(key, "") for key in SEEDS) for values, _ in runs}
        return f"best of {len(seeds)} seeds of the same settings: the differences are chance" if len(seeds) > 1 else ""
    by_mean = sorted(groups, key=lambda label: sum(groups[label].values()) / len(groups[label]))
    best, following = by_mean[:2]
    both = sorted(groups[best].keys() & groups[following].keys())
    if len(both) < 2:
        how = HOW_TO_TELL if unit == "seed" else "fit more sounds"
        each = "run" if unit == "seed" else unit
        return f"best of {len(groups)}: {best}; one {each} each, differences may be chance: {how}"
    if unit == "seed" and all(len({groups[label][seed] for seed in both}) == 1 for label in (best, following)):
        same = groups[best][both[0]] == groups[following][both[0]]
        relation = "as good as" if same else "better than"
        seeds = f"{len(both)} seeds, which change nothing"
        return f"best of {len(groups)}: {best}; {relation} {following} with each of {seeds}"
    p, excludes_0 = _paired([groups[following][seed] - groups[best][seed] for seed in both])
    p = min(1.0, p * (len(groups) - 1))
    relation = "clearly better than" if excludes_0 and p < CLEAR_P else "no clear difference to"
    corrected = f", corrected for {len(groups) - 1} comparisons" if len(groups) > 2 else ""
    words = f"best of {len(groups)}, by the mean over {unit}s: {best}; {relation} {following}"
    words += f" ({len(both)} {unit}s, p = {p:.2g}{corrected})"
    return words if len(both) > 5 else f"{words}; it takes 6 {unit}s or more to tell"


def _paired(changes: Sequence[float]) -> tuple[float, bool]:
    """Return the p of paired differences, and whether the interval of their mean excludes 0."""
    import numpy as np
    from scipy import stats

    from ddsp_match.score.bootstrap import mean_intervals

    change = np.array(changes)
    ends = mean_intervals(change[:, None])
    if ends is None or not change.any():
        return 1.0, False
    low, high = ends[0]
    return float(np.asarray(stats.wilcoxon(change))[1]), not low <= 0 <= high
