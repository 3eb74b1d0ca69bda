"""How sure the figures are: the chain computed again in 200 worlds drawn from its probabilities.

In each draw every placement is there or not (Bernoulli with p) and every project brings its capacity or not (with its
stage's chance). Strength, presence, masses and availability are computed anew; criticality B and dominance D keep their
point values, so the interval of a gap speaks about what is here, not about the shape of the chain. The interval is of
the `with_pipeline` gap; the chance of each action is decided, as the action itself, on the `current` state of the draw.

The generator is PCG64 seeded from the input hash, and draws are taken in one fixed order: same file, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chains.analysis.actions import ACTIONS, Decision, Evidence, reach_of, reaches
from chains.analysis.arrays import ChainArrays
from chains.analysis.gaps import Needs, availability, completeness, gap, local_demand
from chains.analysis.graph import Floats
from chains.analysis.parameters import ModelParameters
from chains.analysis.relatedness import median_of_defined, relatedness
from chains.analysis.strength import covered, node_strength, pipeline_cover
from chains.analysis.sweep import Sweeper

QUANTILES = (0.5, 0.1, 0.9)  # median, p10, p90
MOST_CELLS = 8_000_000  # (nodes + edges + placements) x draws of one block


@dataclass(frozen=True)
class Confidence:
    """median, p10, p90: (3, V) points; action_probability: (V, 4) in the order of ACTIONS; data_share: (V,).

    completeness: (3,) of F with the pipeline, or None for a chain without outputs.
    """

    gap: Floats
    action_probability: Floats
    data_share: Floats
    completeness: Floats | None


def generator(input_hash: str) -> np.random.Generator:
    """PCG64 seeded with the 256 bits of a `sha256:…` hash."""
    return np.random.Generator(np.random.PCG64(int(input_hash.removeprefix("sha256:"), 16)))


def draw(chances: Floats, count: int, width: int, random: np.random.Generator) -> Iterator[Floats]:
    """Blocks (n, up to width) of 0 and 1, in all `count` columns; the same draws whatever the width."""
    for low in range(0, count, width):
        uniform = random.random((min(width, count - low), len(chances)))
        yield (uniform < chances).astype(float).T


def data_share(chain: ChainArrays) -> Floats:
    """(V,) sum p r x / sum r x: how much of the mass that might be here is confirmed; 0 where there is none."""
    size = len(chain.codes)
    confirmed, possible = np.zeros(size), np.zeros(size)
    placements = chain.placements
    np.add.at(confirmed, placements.node, placements.probability * placements.size)
    np.add.at(possible, placements.node, placements.size)
    return np.divide(confirmed, possible, out=np.zeros(size), where=possible > 0)


@dataclass(frozen=True)
class World:
    """What every draw shares: the chain and the point values that are held. needs: those of `with_pipeline`, (V,)."""

    chain: ChainArrays
    sweeper: Sweeper
    needs: Needs
    phi: csr_array
    parameters: ModelParameters


def confidence(world: World, random: np.random.Generator) -> Confidence:
    """Draw, compute, count."""
    chain, draws = world.chain, world.parameters.draws
    chances = np.concatenate([chain.placements.probability, chain.pipeline.chance])
    cells = len(chain.codes) + len(chain.graph.edge_group) + len(chances)
    gaps, whole, counts = [], [], np.zeros((len(chain.codes), len(ACTIONS)))
    for block in draw(chances, draws, max(1, MOST_CELLS // max(cells, 1)), random):
        replayed = _replay(world, block)
        gaps.append(replayed.gap)
        whole.append(replayed.completeness)
        for action in range(len(ACTIONS)):
            counts[:, action] += (replayed.action == action).sum(axis=1)
    has_outputs = chain.nodes.output_weight.sum() > 0
    return Confidence(
        gap=np.quantile(np.concatenate(gaps, axis=1), QUANTILES, axis=1),
        action_probability=counts / draws,
        data_share=data_share(chain),
        completeness=np.quantile(np.concatenate(whole), QUANTILES) if has_outputs else None,
    )


@dataclass(frozen=True)
class _Replayed:
    """One block of draws: gap and action (V, C), completeness (C,)."""

    gap: Floats
    action: NDArray[np.int8]
    completeness: Floats


def _replay(world: World, drawn: Floats) -> _Replayed:
    """drawn: (placements + projects, C) of 0 and 1, in the order of the arrays."""
    chain, parameters = world.chain, world.parameters
    here, arriving = np.split(drawn, [len(chain.placements.node)])
    node = node_strength(chain.nodes, chain.placements, here, parameters)
    strength = covered(node.strength, pipeline_cover(chain.nodes, chain.pipeline, arriving))
    today = availability(world.sweeper, node.strength)
    then = availability(world.sweeper, strength) if arriving.any() else today
    omega = relatedness(world.phi, reaches(node.presence, parameters.presence_threshold))
    evidence = Evidence.of(
        node, reach_of(chain.graph, today), omega, median_of_defined(omega), world.needs.dominance
    )
    needs = Needs(
        criticality=world.needs.criticality[:, None],
        dominance=world.needs.dominance[:, None],
        local_demand=local_demand(chain.graph, node.mass, chain.nodes.capacity),
        policy=world.needs.policy[:, None],
    )
    weight = chain.nodes.output_weight
    return _Replayed(
        gap=gap(strength, needs, parameters),
        action=Decision(chain, evidence, parameters).action,
        completeness=completeness(weight, then) if weight.sum() > 0 else np.zeros(drawn.shape[1]),
    )
