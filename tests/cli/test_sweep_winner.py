"""A sweep's winner, told together with whether it can be told from the next."""

from __future__ import annotations

import numpy as np

from ddsp_match.cli.sweep_winner import winner_words

RNG = np.random.default_rng(0)


def runs(seeds: int, apart: float) -> list[tuple[dict[str, str], float]]:
    """Two settings with as many seeds each; their means are so far apart, in units of the spread between seeds."""
    return [
        ({"loss": loss, "seed": str(seed)}, 1 + 0.01 * (RNG.normal() + apart * place))
        for place, loss in enumerate(("mel", "mrstft"))
        for seed in range(seeds)
    ]


def test_one_run_each_may_be_chance():
    words = winner_words([({"loss": "mel"}, 0.2), ({"loss": "mrstft"}, 0.1)])
    assert words.startswith("best of 2: loss=mrstft; one run each, differences may be chance")
    assert winner_words([({"loss": "mel"}, 0.2)]) == ""


def test_seeds_alone_are_chance():
    assert "differences are chance" in winner_words([({"seed": "1"}, 0.2), ({"seed": "2"}, 0.1)])


def test_repetitions_tell_a_clear_winner_from_a_lucky_one():
    assert "loss=mel; clearly better than loss=mrstft (8 seeds, p = 0.00" in winner_words(runs(8, 5.0))
    assert "; no clear difference to " in winner_words(runs(8, 0.0))
    assert winner_words(runs(3, 50.0)).endswith("it takes 6 seeds or more to tell")


def test_where_seeds_change_nothing_nothing_is_chance():
    runs = [({"loss": loss, "seed": seed}, figure) for loss, figure in (("mel", 0.2), ("mrstft", 0.1)) for seed in "12"]
    assert winner_words(runs) == (
        "best of 2: loss=mrstft; better than loss=mel with each of 2 seeds, which change nothing"
    )
    assert "; as good as " in winner_words([(values, 0.1) for values, _ in runs])


def test_the_p_counts_the_settings_compared():
    more = [({"loss": f"loss{k}", "seed": str(seed)}, 9.0 + k) for k in range(10) for seed in range(6)]
    words = winner_words(runs(6, 9.0) + more)
    assert "no clear difference" in words and "corrected for 11 comparisons" in words
