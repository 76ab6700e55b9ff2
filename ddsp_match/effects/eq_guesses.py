"""First guesses for an equaliser: band after band where it helps most, and again without each of them.

The error-to-signal ratio of a still filter is a sum over frequency of ``S_dd |H|^2 - 2 Re(conj(H) S_dw)``, with the
power of the dry sound and its cross power with the wet one (Parseval). What one more band would gain is then a product
of matrices over a grid of bands. All bands so far are refined together after each new one: orthogonal matching pursuit
(Y. C. Pati, R. Rezaiifar and P. S. Krishnaprasad, 1993), with bands that may move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float

from ddsp_match.dsp import recursive
from ddsp_match.effects import response_fit
from ddsp_match.effects.processor import Value
from ddsp_match.effects.sections import Sections, rows

LONGEST = 1 << 19  # samples that are analysed
BANDS_PER_OCTAVE = 40
LOWEST_HZ = 15.0
FLOOR = 1e-3  # of the highest response: deeper valleys are not traced
QUIETEST = 1e-12  # of the loudest power: below, the dry sound cannot tell
GRID_HZ, GRID_Q, GRID_DB = 60, 5, (-22.0, -12.0, -4.0, 4.0, 12.0, 22.0)
BEAM, ROUNDS, LAST_ROUNDS = 4, 5, 15
EXCHANGES = 2  # times that each band is taken out and put where it helps most
ALIKE = 1.03  # ratio of two errors of one valley
KEPT = 6


@dataclass(frozen=True)
class _Spectra:
    """Powers in narrow bands; `square` and `cross` are those of the error-to-signal ratio."""

    hz: Float[np.ndarray, " bands"]
    square: Float[np.ndarray, " bands"]
    cross: Complex[np.ndarray, " bands"]

    def relative(self) -> _Spectra:
        """Return the same response with equal weight of every band, however loud it is."""
        response = np.abs(self.cross) / self.square
        weight = 1 / (response + FLOOR * response.max()) ** 2 / len(self.hz)
        return _Spectra(self.hz, weight, weight * self.cross / self.square)


def guesses(
    part: Sections,
    bands: int,
    dry: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    sample_rate: int,
) -> list[dict[str, Value]]:
    """Settings of an equaliser near the response from dry to wet, the nearest first.

    Args:
        part: The equaliser: knobs ``cutoff_hz``, ``gain_db`` and ``q``, each a row.
        bands: Of it.
        dry: Its input.
        wet: What should come out.
        sample_rate: In Hz.
    """
    spectra = _spectra(dry[:, :LONGEST], wet[:, :LONGEST], sample_rate)
    if spectra is None:
        return []
    beam = BEAM if bands <= 6 else 1
    views = []
    near = _Search(part, bands, sample_rate, spectra)
    for search in (near, _Search(part, bands, sample_rate, spectra.relative(), near.shapes)):
        places = search.refined(search.grown(beam), LAST_ROUNDS)[:beam]
        for _ in range(EXCHANGES if bands <= 6 else 0):
            places = search.refined(np.vstack([places, search.exchanged(places[:2])]), LAST_ROUNDS)[:beam]
        views.append(places)
    # Places of the relative view are refined by the error itself, and stay candidates as they are, too.
    final = near.refined(np.vstack([*views, near.refined(views[1], LAST_ROUNDS)]), 0)[:KEPT]
    return [response_fit.one_setting(part, place) for place in final]


def _spectra(dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> _Spectra | None:
    size = 1 << max(int(2 * dry.shape[1] - 1).bit_length(), 10)
    before, after = np.fft.rfft(dry, size), np.fft.rfft(wet, size)
    bin_hz = np.fft.rfftfreq(size, 1 / sample_rate)
    inside = (bin_hz >= LOWEST_HZ) & (bin_hz < 0.495 * sample_rate)
    band = np.floor(BANDS_PER_OCTAVE * np.log2(np.maximum(bin_hz, 1e-9) / LOWEST_HZ)).astype(int)
    _, of_bin = np.unique(band[inside], return_inverse=True)
    power = np.square(np.abs(before)).sum(0)[inside]
    product = (before.conj() * after).sum(0)[inside]
    square = np.bincount(of_bin, power)
    cross = np.bincount(of_bin, product.real) + 1j * np.bincount(of_bin, product.imag)
    total = np.square(np.abs(after)).sum(0)[inside].sum()
    reliable = square > QUIETEST * square.max(initial=0.0)
    if reliable.sum() < 8 or total <= 0:
        return None
    # Where the dry sound's power lies in the band: between the partials of a tone there is nothing to tell.
    hz = np.bincount(of_bin, power * bin_hz[inside])[reliable] / square[reliable]
    return _Spectra(hz, square[reliable] / total, cross[reliable] / total)


class _Search:
    """Bands in one view of the response."""

    def __init__(
        self,
        part: Sections,
        bands: int,
        sample_rate: int,
        spectra: _Spectra,
        shapes: dict[int, Complex[np.ndarray, "grid bands"]] | None = None,
    ) -> None:
        self.part, self.bands, self.sample_rate, self.spectra = part, bands, sample_rate, spectra
        self.hz = torch.from_numpy(spectra.hz)
        self.root = np.sqrt(spectra.square)
        self.goal = spectra.cross / self.root
        self.neutral = response_fit.neutral_places(part)
        ranges = {knob.name: knob for knob in part.knobs}
        levels = ranges["gain_db"].position(torch.tensor(GRID_DB)).numpy()
        mesh = np.meshgrid(np.linspace(0.02, 0.95, GRID_HZ), levels, np.linspace(0.15, 0.9, GRID_Q), indexing="ij")
        self.grid = np.stack([axis.ravel() for axis in mesh], axis=1)
        # All bells alike.
        edge = 1 if bands > 2 else 0
        self.kinds = [0 if edge and band == 0 else 2 if edge and band == bands - 1 else 1 for band in range(bands)]
        self.shapes = shapes or {kind: self._alone(self.kinds.index(kind)) for kind in set(self.kinds)}

    def made(self, places: np.ndarray) -> Complex[np.ndarray, "rows bands"]:
        """Responses of settings."""
        with torch.no_grad():
            knobs = response_fit.knobs_at(self.part, places)
            return self.part.response(knobs, self.sample_rate, self.hz).expand(len(places), -1).numpy()

    def slopes(self, places: np.ndarray) -> Float[np.ndarray, "rows numbers misses"]:
        """Slopes of `misses`: one difference per kind of knob serves all bands, for each knob moves its own alone."""
        step = response_fit.inward(places)
        each = self._each(places)
        others = self.root * each.prod(1)[:, None] / each
        columns_of = []
        for first in range(0, places.shape[1], self.bands):
            columns = slice(first, first + self.bands)
            shifted = places.copy()
            shifted[:, columns] += step[:, columns]
            columns_of.append((self._each(shifted) - each) * others / step[:, columns, None])
        slopes = np.concatenate(columns_of, axis=1)
        return np.concatenate([np.real(slopes), np.imag(slopes)], axis=2)

    def _each(self, places: np.ndarray) -> Complex[np.ndarray, "rows sections bands"]:
        with torch.no_grad():
            knobs = rows(response_fit.knobs_at(self.part, places))
            b, a = self.part.cascade(knobs, self.sample_rate)
            return recursive.response(b, a, self.sample_rate, self.hz).numpy()

    def misses(self, places: np.ndarray) -> Float[np.ndarray, "rows misses"]:
        """Weighted errors of settings."""
        miss = self.made(places) * self.root - self.goal
        return np.concatenate([miss.real, miss.imag], axis=1)

    def refined(self, places: np.ndarray, rounds: int) -> np.ndarray:
        """All settings after some steps, the nearest first, near doubles left out."""
        if rounds:
            places, costs = response_fit.refined(self.misses, places, rounds, self.slopes)
        else:
            costs = np.square(self.misses(places)).sum(1)
        # Places in one flat valley have nearly the same error.
        kept: list[int] = []
        for row in np.argsort(costs):
            if not kept or costs[row] > ALIKE * costs[kept[-1]]:
                kept.append(int(row))
        return places[kept]

    def grown(self, beam: int) -> np.ndarray:
        """Settings grown band by band from neutral."""
        lines: list[tuple[np.ndarray, frozenset[int]]] = [(self.neutral, frozenset())]
        for _ in range(self.bands):
            ways = []
            for place, used in lines:
                tried_kinds = set()
                for band in range(self.bands):
                    if band in used or self.kinds[band] in tried_kinds:
                        continue
                    tried_kinds.add(self.kinds[band])
                    ways += [(cost, new, used | {band}) for cost, new in self._placed(place, band, 3)]
            ways.sort(key=lambda way: way[0])
            ways = ways[: 3 * beam]
            starts = np.stack([new for _, new, _ in ways])
            places, costs = response_fit.refined(self.misses, starts, ROUNDS, self.slopes)
            lines = []
            for row in np.argsort(costs):
                if all(np.abs(places[row] - other).max() > response_fit.NEAR for other, _ in lines):
                    lines.append((places[row], ways[row][2]))
            lines = lines[:beam]
        return np.stack([place for place, _ in lines])

    def exchanged(self, places: np.ndarray) -> np.ndarray:
        """Each setting with each of its bands taken out and put where it helps most."""
        fresh = []
        for place in places:
            for band in range(self.bands):
                without = place.copy()
                columns = self._columns(band)
                without[columns] = self.neutral[columns]
                fresh += [new for _, new in self._placed(without, band, 2)]
        return np.stack(fresh)

    def _columns(self, band: int) -> list[int]:
        return [band, self.bands + band, 2 * self.bands + band]

    def _alone(self, band: int) -> Complex[np.ndarray, "grid bands"]:
        places = np.tile(self.neutral, (len(self.grid), 1))
        places[:, self._columns(band)] = self.grid
        return self.made(places)

    def _placed(self, place: np.ndarray, band: int, count: int) -> list[tuple[float, np.ndarray]]:
        """The setting with an unused band where it helps most, and at the next best places of it."""
        shapes, there = self.shapes[self.kinds[band]], self.made(place[None])[0]
        power = np.square(np.abs(shapes)) @ (self.spectra.square * np.square(np.abs(there)))
        costs = power - 2 * np.real(shapes @ (there * self.spectra.cross.conj()))
        additions: list[tuple[float, np.ndarray]] = []
        for row in np.argsort(costs)[:200]:
            if all(np.abs(self.grid[row] - new[self._columns(band)]).max() > 0.15 for _, new in additions):
                new = place.copy()
                new[self._columns(band)] = self.grid[row]
                additions.append((float(costs[row]), new))
            if len(additions) == count:
                break
        return additions
