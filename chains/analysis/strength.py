"""How strong a node is by itself: what companies bring to it, and what projects will.

    m = sum p r x                   mass, in the file's unit
    P = 1 - prod(1 - p)             presence: the chance that at least one company is really here
    A = min(1, m / M)               adequacy
    R = min(1, (m - largest) / M)   the same without the largest company (N-1)
    L = LQ / (1 + LQ), LQ = (m / N) / f, that is L = m / (m + N f)    specialisation
    s = P (.5 A + .2 L + .3 R)      or P (.625 A + .375 R) where N or f is unknown
    pi = min(1, sum q x / M),  S = 1 - (1 - s)(1 - pi)

Only operating companies count. N and f are frozen with the model version: a quotient over the district's total of today
would let a landing elsewhere weaken this node. Each figure never falls when a company is added, which 1 - HHI would not
keep: shares of 90/5/5 look *better* when the 90 leaves. So HHI and CR1 are shown and never scored.

Five nodes by hand, M = 10 each, no N known:
    a  no company                           P 0    A 0    R 0                              s 0
    b  one company, p 1, size 10            P 1    A 1    R 0                              s .625
    c  two companies, p 1, size 5 each      P 1    A 1    R .5                             s .625 + .1875 = .8125
    d  one company, p .5, size 10           P .5   A .5   R 0                              s .5 * .3125 = .15625
    e  as d, and a project signed, size 10  s .15625, pi .4                                S 1 - .84375 * .6 = .49375
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from operator import add, mul

import numpy as np

from chains.analysis.arrays import Nodes, Pipeline, Placements
from chains.analysis.graph import Floats, Ints
from chains.analysis.parameters import ModelParameters


@dataclass(frozen=True)
class NodeStrength:
    """All (V, C), C the number of states looked at; specialisation is NaN where it is unknown."""

    mass: Floats
    presence: Floats
    adequacy: Floats
    n1_adequacy: Floats
    specialisation: Floats
    strength: Floats


def node_strength(
    nodes: Nodes, placements: Placements, probability: Floats, parameters: ModelParameters
) -> NodeStrength:
    """Strength from placement probabilities (n, C): the file's own as one column, or draws of 0 and 1."""
    size = len(nodes.capacity)
    shape = (size, probability.shape[1])
    mass, presence, largest = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    if len(placements.node):
        brought = probability * placements.size[:, None]
        mass[placements.occupied] = np.add.reduceat(brought, placements.starts, axis=0)
        largest[placements.occupied] = np.maximum.reduceat(brought, placements.starts, axis=0)
        absent = np.multiply.reduceat(1 - probability, placements.starts, axis=0)
        presence[placements.occupied] = 1 - absent
    return _combine(nodes, mass, presence, largest, parameters)


def _combine(
    nodes: Nodes, mass: Floats, presence: Floats, largest: Floats, parameters: ModelParameters, at: Ints | None = None
) -> NodeStrength:
    """The formulas above; row i is node at[i], or node i."""
    rows = slice(None) if at is None else at
    capacity, national = nodes.capacity[rows][:, None], nodes.national[rows][:, None]
    adequacy = np.minimum(mass, capacity) / capacity
    n1_adequacy = np.minimum(np.maximum(mass - largest, 0), capacity) / capacity
    specialisation = mass / (mass + national)
    with_it = (
        parameters.adequacy_weight * adequacy
        + parameters.specialisation_weight * specialisation
        + parameters.n1_weight * n1_adequacy
    )
    without = (
        parameters.adequacy_weight_without_specialisation * adequacy
        + parameters.n1_weight_without_specialisation * n1_adequacy
    )
    strength = np.clip(presence * np.where(np.isnan(national), without, with_it), 0, 1)
    return NodeStrength(mass, presence, adequacy, n1_adequacy, specialisation, strength)


def strength_without_each(nodes: Nodes, placements: Placements, parameters: ModelParameters) -> Floats:
    """(n,) strength of each placement's node without that one placement."""
    brought = (placements.probability * placements.size).tolist()
    absent = (1 - placements.probability).tolist()
    mass, absence, largest = [], [], []
    ends = [*placements.starts.tolist()[1:], len(brought)] if brought else []
    for low, high in zip(placements.starts.tolist(), ends, strict=True):
        mass += _without_each(brought[low:high], add, 0.0)
        absence += _without_each(absent[low:high], mul, 1.0)
        largest += _without_each(brought[low:high], max, 0.0)
    columns = [np.array(values)[:, None] for values in (mass, absence, largest)]
    left = _combine(nodes, columns[0], 1 - columns[1], columns[2], parameters, placements.node)
    return left.strength[:, 0]


def _without_each(values: list[float], combine: Callable[[float, float], float], empty: float) -> list[float]:
    """Fold of all values but the i-th, for each i, without subtracting or dividing (which would lose small ones)."""
    before = list(accumulate(values, combine, initial=empty))
    after = list(accumulate(reversed(values), combine, initial=empty))[::-1]
    return [combine(low, high) for low, high in zip(before, after[1:], strict=False)]


def pipeline_cover(nodes: Nodes, pipeline: Pipeline, chance: Floats) -> Floats:
    """(V, C) pi from the chances (n, C) that each project brings its capacity."""
    total = np.zeros((len(nodes.capacity), chance.shape[1]))
    np.add.at(total, pipeline.node, chance * pipeline.capacity[:, None])
    capacity = nodes.capacity[:, None]
    return np.minimum(total, capacity) / capacity


def covered(strength: Floats, cover: Floats) -> Floats:
    """S = 1 - (1 - s)(1 - pi)."""
    # Written so that S is exactly s where there is no project.
    return np.minimum(strength + cover * (1 - strength), 1)


def concentration(placements: Placements, mass: Floats, size: int) -> tuple[Floats, Floats]:
    """(HHI, CR1) of each node, (V,), NaN where the node has no mass. Shown, never scored."""
    share = placements.probability * placements.size
    whole = mass[placements.node]
    share = np.divide(share, whole, out=np.zeros_like(share), where=whole > 0)
    hhi, most = np.zeros(size), np.zeros(size)
    np.add.at(hhi, placements.node, share**2)
    np.maximum.at(most, placements.node, share)
    empty = mass == 0
    hhi[empty], most[empty] = np.nan, np.nan
    return hhi, most
