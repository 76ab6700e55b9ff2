"""The nouns of the score card: what a metric is, a sound's row, a group's figures, two runs side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["lower", "higher", "neither"]
Outcome = Literal["better", "worse", "higher", "lower", "no clear difference"]
OVERALL = "all"  # the name of the group that every scored sound is in
REFIT, REDRAWN = "fit", "noise"  # what the second take of a sound is: a row's fact ``second_take``
SILENCE, WHITE_NOISE = "silence", "white noise"  # what a target is measured against for the ceilings


@dataclass(frozen=True)
class Metric:
    """The definition of a figure.

    Attributes:
        key: Its key in every mapping of figures, and its column.
        label: Its name in tables.
        unit: ``dB``, ``cents``, ``s``, ``MB``, ``1 to 5``, ``share`` (0 to 1), or empty for a plain number.
        better: Which way is better; ``neither`` for what only describes, as how the energy is split.
        meaning: One sentence.
        source: Where the definition comes from.
        decimals: Digits after the point that are worth showing.
    """

    key: str
    label: str
    unit: str
    better: Better
    meaning: str
    source: str
    decimals: int = 2


@dataclass
class Row:
    """One sound's scores.

    A figure that does not apply (cents of a sound without pitch) or was not measured has no key in the mappings;
    no mapping holds a NaN or an infinity.

    Attributes:
        name: The sound's name, unique in its run.
        family: What it is grouped by; may be empty.
        status: ``scored`` or ``failed``.
        reason: Why it failed, whether in the fit or in the scoring; empty where it did not.
        target: The sound file, absolute; empty where it is not known.
        match: The match's sound file, absolute; empty where only a patch was kept and nothing was written to hear.
        folder: The sound's folder, absolute; empty where the fit failed.
        report: The fit's own page, absolute; empty where there is none.
        metrics: Figures by `Metric.key`.
        ceilings: The same figures of a match that is ``silence``, and ``white noise`` at the target's level.
        floor: The same figures between two takes that differ by chance alone.
        seconds: Wall seconds of the fit by stage.
        hints: Why the match may be bad, in words, the gravest first; empty where nothing stands out.
        facts: What else is known: ``sample_rate``, ``duration_s``, ``channels``, ``pitched``, ``f0_median_hz``,
            ``match_f0_hz``, ``level_db``, ``pitch_midi``, ``headline``, ``second_take``.
        fingerprint: Changes when target or match does; empty where nothing can be kept.
        measured: The parts of the row, ``spectra match`` or ``mos floor``, each with how it was measured: what was
            measured in the same way is not measured again, and what is not asked for is kept.
    """

    name: str
    family: str = ""
    status: Literal["scored", "failed"] = "scored"
    reason: str = ""
    target: str = ""
    match: str = ""
    folder: str = ""
    report: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    ceilings: dict[str, dict[str, float]] = field(default_factory=dict)
    floor: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    measured: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """One metric over the sounds of a group that have it.

    Attributes:
        n: Sounds that have it, at least 1.
        mean: Their mean.
        low: Lower end of the mean's 95 % bootstrap confidence interval; None for one sound.
        high: Its upper end.
        median: Their median.
        worst: The worst figure; of a metric that is neither better nor worse, the largest.
        worst_name: The sound that has it.
    """

    n: int
    mean: float
    low: float | None
    high: float | None
    median: float
    worst: float
    worst_name: str


@dataclass
class Group:
    """The sounds of a family, or all.

    Attributes:
        name: The family, or `OVERALL`.
        scored: Sounds that were scored.
        failed: Sounds that were not.
        metrics: Figures by `Metric.key`; a metric that no sound has is not in it.
    """

    name: str
    scored: int
    failed: int
    metrics: dict[str, Summary] = field(default_factory=dict)


@dataclass
class Card:
    """The score card of a run.

    Attributes:
        name: The run's folder's name.
        folder: The run's folder, absolute.
        metrics: What was measured, in the order of columns.
        rows: Every sound of the run, in the run's order, failed ones included.
        overall: All sounds.
        families: One group a family, in alphabetical order; empty where every sound has the same.
        floor: Means over all sounds of the figures between two takes (`Row.floor`).
        ceilings: The same against ``silence`` and ``white noise``.
        floor_meaning: What the two takes are, in one sentence.
        sort: `Metric.key` by which the worst are named.
        scoring: How it was scored: ``mos_pads``, ``tracker``, ``references``, ``refit``.
        settings: Of the run, as far as they are known.
        command: That made the run.
        created_at: When it was scored, UTC, ISO 8601.
        notes: What the reader should know: metrics left out and how to get them, an interrupted scoring.
        complete: False where Ctrl-C came before every sound was scored.
    """

    name: str
    folder: str
    metrics: list[Metric]
    rows: list[Row]
    overall: Group
    families: list[Group] = field(default_factory=list)
    floor: Group | None = None
    ceilings: dict[str, Group] = field(default_factory=dict)
    floor_meaning: str = ""
    sort: str = "mrstft"
    scoring: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    created_at: str = ""
    notes: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def scored(self) -> list[Row]:
        """The rows that have scores."""
        return [row for row in self.rows if row.status == "scored"]

    @property
    def failed(self) -> list[Row]:
        """The rows that have none, each with its reason."""
        return [row for row in self.rows if row.status == "failed"]


@dataclass(frozen=True)
class Difference:
    """One metric over the sounds that both runs have it of: B minus A.

    Attributes:
        key: `Metric.key`.
        n: Pairs, at least 1.
        mean_a: Mean of A over these pairs.
        mean_b: Mean of B over them.
        mean: Mean of B minus A.
        low: Lower end of its 95 % bootstrap confidence interval; None for one pair.
        high: Its upper end.
        better_share: Share of pairs in which B is better, 0 to 1 (higher, where neither way is better).
        worse_share: Share in which B is worse (lower).
        p: Of the Wilcoxon signed-rank test; None where it cannot be made (one pair, or no two differ).
        p_holm: The same, corrected by Holm for the number of metrics compared.
        verdict: Of B: ``better`` or ``worse`` where the interval excludes 0 and `p_holm` is below 0.05, ``higher`` or
            ``lower`` the same for a metric that is neither; ``no clear difference`` otherwise.
    """

    key: str
    n: int
    mean_a: float
    mean_b: float
    mean: float
    low: float | None
    high: float | None
    better_share: float
    worse_share: float
    p: float | None
    p_holm: float | None
    verdict: Outcome


@dataclass(frozen=True)
class Pair:
    """One sound that both runs have scores of."""

    name: str
    a: Row
    b: Row

    def change(self, key: str) -> float | None:
        """B minus A, or None where one of them lacks the metric."""
        if key not in self.a.metrics or key not in self.b.metrics:
            return None
        return self.b.metrics[key] - self.a.metrics[key]


@dataclass
class Comparison:
    """Two runs on the same sounds.

    Attributes:
        a: The first run's card.
        b: The second's.
        label_a: What the first is called in tables; unique.
        label_b: What the second is called.
        metrics: Those that both have.
        pairs: The sounds that both have scores of, in A's order.
        differences: One a metric, over all pairs.
        families: The same a family, where there is more than one.
        sort: `Metric.key` by which improvements and regressions are named.
        improved: The pairs in which B is better by `sort`, the largest improvement first.
        regressed: The pairs in which B is worse, the largest regression first.
        only_a: Sounds that only A has scores of, each with why: not in B, or failed there.
        only_b: The same for B.
        settings_changed: Settings that differ: key to (A's value, B's value); None where it is not set.
        notes: What the reader should know.
        created_at: UTC, ISO 8601.
    """

    a: Card
    b: Card
    label_a: str
    label_b: str
    metrics: list[Metric]
    pairs: list[Pair]
    differences: list[Difference]
    families: dict[str, list[Difference]] = field(default_factory=dict)
    sort: str = "mrstft"
    improved: list[Pair] = field(default_factory=list)
    regressed: list[Pair] = field(default_factory=list)
    only_a: dict[str, str] = field(default_factory=dict)
    only_b: dict[str, str] = field(default_factory=dict)
    settings_changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    created_at: str = ""
