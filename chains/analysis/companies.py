"""Which single company the chain can least afford to lose: min over companies c of F^-c / F."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chains.analysis.arrays import Placements
from chains.analysis.extraction import Outputs
from chains.analysis.graph import Bools, Floats, Ints
from chains.analysis.spread import Changes
from chains.analysis.strength import covered

TIE = 5e-10  # shares of completeness closer than this are the same; a small completeness magnifies the last bits


@dataclass(frozen=True)
class WorstCompany:
    """The company and the share of completeness that remains without it, in [0, 1]."""

    company: str
    remaining: float


@dataclass(frozen=True)
class Departures:
    """What is needed to try every company's departure.

    without: (n,) strength s of each placement's node without that placement; cover: (V,) pipeline pi of the variant
    (0 for `current`); lost: (V,) change of F when a whole node falls out.
    """

    placements: Placements
    without: Floats
    cover: Floats
    lost: Floats


def worst_company(outputs: Outputs, whole: float, departures: Departures) -> WorstCompany | None:
    """None where no company operates; `whole` is F, above 0. Ties go to the smaller code.

    A company at one node can take no more than the node itself, so it is tried only where the node matters; and of
    several such companies at a node the one that leaves least behind comes first: the others are tried only where they
    could tie with it and have the smaller code. A company at several nodes is always tried: two sources that stand in
    for each other matter only together.
    """
    placements = departures.placements
    if not placements.companies:
        return None
    at_many = np.bincount(placements.company, minlength=len(placements.companies))[placements.company] > 1
    single = np.flatnonzero(~at_many & (departures.lost[placements.node] < 0))
    leading = np.union1d(np.flatnonzero(at_many), _least_left(departures, single))
    remaining = np.ones(len(placements.companies))
    _try(outputs, whole, departures, leading, remaining)
    worst = _first_least(remaining)
    tied = leading[_tied(remaining)[placements.company[leading]]]
    followers = np.setdiff1d(single, leading)
    followers = followers[np.isin(placements.node[followers], placements.node[tied])]
    _try(outputs, whole, departures, followers[placements.company[followers] < worst], remaining)
    worst = _first_least(remaining)
    return WorstCompany(placements.companies[worst], float(remaining[worst]))


def _tied(remaining: Floats) -> Bools:
    return np.asarray(remaining <= remaining.min() + TIE)


def _first_least(remaining: Floats) -> int:
    """The first of equals; companies are sorted by code."""
    return int(np.argmax(_tied(remaining)))


def _least_left(departures: Departures, rows: Ints) -> Ints:
    """Of these placement rows, the one at each node whose departure leaves least strength; the smaller code of equals."""
    placements = departures.placements
    by = rows[np.lexsort((placements.company[rows], departures.without[rows], placements.node[rows]))]
    return np.asarray(by[np.diff(placements.node[by], prepend=-1) != 0])


def _try(outputs: Outputs, whole: float, departures: Departures, rows: Ints, remaining: Floats) -> None:
    """Write F^-c / F of the companies of these placement rows into `remaining`."""
    placements = departures.placements
    rows = rows[np.argsort(placements.company[rows], kind="stable")]
    companies, column = np.unique(placements.company[rows], return_inverse=True)
    nodes = placements.node[rows]
    left = covered(departures.without[rows], departures.cover[nodes])
    changes = Changes(len(companies), column, nodes, np.minimum(left, outputs.strength[nodes]))
    remaining[companies] = np.clip(1 + outputs.change(changes) / whole, 0, 1)
