"""The starts of an identification: neutral, the guesses of each processor, and random settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.effects.chain import DryWet, Parallel, Serial, share
from ddsp_match.effects.processor import Processor, Value

BEAM = 6  # settings that are followed up while the parts of a chain are guessed one after the other
LED = 3  # of these, settings from which the next part is guessed: guesses take longer than scores
MOVED = 0.25  # share of the numbers that a part elsewhere takes
FLOOR = 1e-4  # of a response's peak power, below which it is not inverted

Setting = dict[str, np.ndarray]
Score = Callable[[list[Setting]], Float[np.ndarray, " settings"]]


class Guesses:
    """The guesses of processors, computed once for each pair of sounds: a search needs them again and again.

    Args:
        sample_rate: Of the sounds, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._known: dict[tuple[Processor, bytes, bytes], list[dict[str, Value]]] = {}

    def of(
        self,
        part: Processor,
        source: Float[np.ndarray, "channels samples"],
        target: Float[np.ndarray, "channels samples"],
    ) -> list[dict[str, Value]]:
        """See `Processor.guesses`."""
        key = (part, _digest(source), _digest(target))
        if key not in self._known:
            self._known[key] = part.guesses(source, target, self._sample_rate)
        return self._known[key]


def guessed(
    chain: Processor,
    fixed: Setting,
    dry: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    sample_rate: int,
    score: Score,
    starts: Sequence[Setting] = (),
    guesses: Guesses | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> list[Setting]:
    """Settings of a whole chain made from its parts' guesses, the best first.

    Each part in turn is shown what reaches it and what should leave it, given the others' present settings: forward
    through the parts before it, and backward through the linear parts behind it.

    Args:
        chain: What is to be set.
        fixed: Knobs that stay at their values.
        dry: Input.
        wet: What should come out.
        sample_rate: In Hz.
        score: Error of each of a list of settings, lower is better.
        starts: Settings to better; neutral when left out.
        guesses: Those of the parts that are known from before.
        ended: Asked before each part whether to stop with what there is.
    """
    beam = list(starts) or [chain.arrays(fixed)]
    parts, known = parts_of(chain), guesses or Guesses(sample_rate)
    for index, (prefix, part) in enumerate(parts):
        if ended():
            break
        if all(prefix + knob.name in fixed for knob in part.knobs):
            continue
        tried, others_seen = list(beam), set()
        # A room is read from the response between two sounds, which takes seconds: from the best setting alone.
        for setting in beam[: 1 if part.by_chance else LED]:
            others = _key({name: v for name, v in setting.items() if not name.startswith(prefix)})
            if others in others_seen:
                continue  # the guess would be the same
            others_seen.add(others)
            own = _of_part(parts, index, setting, dry, wet, sample_rate, known)
            tried += [{**setting, **guess, **fixed} for guess in own]
        tried = distinct(tried)
        order = np.argsort(score(tried), kind="stable")
        beam = [tried[i] for i in order[:BEAM]]
    return beam


def scattered(chain: Processor, fixed: Setting, around: Setting, count: int, seed: int) -> list[Setting]:
    """Random settings: a third anywhere in the ranges, a third near a given one, a third with some numbers elsewhere.

    Long rows (taps) stay as they are around the given setting: a random row is never close to an impulse response.
    """
    rng = np.random.default_rng(seed)
    settings = []
    for number in range(count):
        setting = dict(around)
        for knob in chain.knobs:
            if knob.name in fixed or knob.count > 16:
                continue
            place = knob.position(torch.from_numpy(np.atleast_1d(around[knob.name]))).numpy()
            anywhere = rng.uniform(0, 1, place.shape)
            near = np.clip(place + 0.1 * rng.standard_normal(place.shape), 0, 1)
            some = np.where(rng.uniform(0, 1, place.shape) < MOVED, anywhere, place)
            value = knob.at(torch.from_numpy((anywhere, near, some)[number % 3])).numpy()
            setting[knob.name] = value.reshape(around[knob.name].shape)
        settings.append(setting)
    return settings


def parts_of(chain: Processor) -> list[tuple[str, Processor]]:
    """The parts of a row with the prefix of their knobs; anything else is one part."""
    if isinstance(chain, Serial):
        return [(f"{name}.", part) for name, part in chain.named]
    return [("", chain)]


def _of_part(
    parts: list[tuple[str, Processor]],
    index: int,
    setting: Setting,
    dry: np.ndarray,
    wet: np.ndarray,
    sample_rate: int,
    known: Guesses,
) -> list[Setting]:
    prefix, part = parts[index]
    source = _through(parts[:index], setting, dry, sample_rate)
    behind = parts[index + 1 :]
    targets = [wet]
    if behind and all(other.linear for _, other in behind) and not _is_neutral(behind, setting):
        targets.append(_backward(behind, setting, wet, sample_rate))
    settings: list[Setting] = []
    for target in targets:
        for guess in _guesses(part, source, target, known):
            values = {key: value for key, value in guess.items() if np.isfinite(np.asarray(value)).all()}
            arrays = part.arrays(part.clipped(values))
            settings.append({prefix + key: value for key, value in arrays.items()})
    return settings


def _guesses(part: Processor, source: np.ndarray, target: np.ndarray, known: Guesses) -> list[dict[str, Value]]:
    """A part's own guesses; those of the branches of a composite, each as if it were alone."""
    if isinstance(part, Serial):
        # A row within a branch: each of its parts by itself.
        return [
            {f"{name}.{key}": value for key, value in guess.items()}
            for name, inner in part.named
            for guess in _guesses(inner, source, target, known)
        ]
    if isinstance(part, Parallel | DryWet):
        settings: list[dict[str, Value]] = []
        for position, (name, inner) in enumerate(part.named):
            for guess in [{}, *_guesses(inner, source, target, known)]:
                inside: dict[str, Value] = {f"{name}.{key}": value for key, value in guess.items()}
                if isinstance(part, Parallel):
                    levels = np.zeros(len(part.parts))
                    levels[position] = 1.0
                    settings.append({**inside, "dry": 0.0, "levels": levels})
                    settings.append({**inside, "dry": 1.0, "levels": 0.5 * levels})
                else:
                    settings += [{**inside, "mix": 1.0}, {**inside, "mix": 0.5}]
        return settings
    return known.of(part, source, target)


def _through(parts: list[tuple[str, Processor]], setting: Setting, dry: np.ndarray, sample_rate: int) -> np.ndarray:
    if not parts:
        return dry
    audio = torch.from_numpy(dry)[None]
    with torch.inference_mode():
        for prefix, part in parts:
            audio = part.process(audio, part.tensors(share(setting, prefix)), sample_rate)
    return audio[0].numpy()


def _backward(behind: list[tuple[str, Processor]], setting: Setting, wet: np.ndarray, sample_rate: int) -> np.ndarray:
    """The input of the linear parts behind, by their inverse; silent at frequencies that they stop."""
    n = wet.shape[1]
    size = 1 << (2 * n - 1).bit_length()
    hz = torch.fft.rfftfreq(size, 1 / sample_rate, dtype=torch.float64)
    with torch.inference_mode():
        response = torch.ones(len(hz), dtype=torch.complex128)
        for prefix, part in behind:
            response = response * part.response(part.tensors(share(setting, prefix)), sample_rate, hz)[0]
        power = response.abs().square()
        inverse = response.conj() / (power + FLOOR * power.max())
        return torch.fft.irfft(torch.fft.rfft(torch.from_numpy(wet), size) * inverse, size)[:, :n].numpy()


def _is_neutral(parts: list[tuple[str, Processor]], setting: Setting) -> bool:
    return all(np.allclose(setting[prefix + knob.name], knob.default) for prefix, part in parts for knob in part.knobs)


def distinct(settings: Sequence[Setting]) -> list[Setting]:
    """The settings without those that an earlier one equals."""
    kept: dict[bytes, Setting] = {}
    for setting in settings:
        kept.setdefault(_key(setting), setting)
    return list(kept.values())


def _digest(sound: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(sound).tobytes(), digest_size=16).digest()


def _key(setting: Setting) -> bytes:
    return b"".join(np.asarray(value).round(9).tobytes() for _, value in sorted(setting.items()))
