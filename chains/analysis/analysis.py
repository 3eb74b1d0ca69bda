"""The whole judgement of one chain: document in, chain-analysis/1 out. No clock, no database, no network.

Everything is computed twice: `current` counts what is here, `with_pipeline` also what projects will bring. Where a chain
has no output (or its outputs weigh nothing) completeness, resilience and the worst company are null and criticality is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chains.analysis.actions import Decision, Evidence, reach_of, reaches
from chains.analysis.arrays import ChainArrays, arrays_of
from chains.analysis.chainfile import ChainDocument
from chains.analysis.companies import Departures, WorstCompany, worst_company
from chains.analysis.confidence import Confidence, World, confidence, generator
from chains.analysis.extraction import Outputs
from chains.analysis.gaps import (
    PLACES,
    Needs,
    PrintedGap,
    availability,
    completeness,
    criticality_full,
    criticality_now,
    dominance,
    local_demand,
    printed_gaps,
)
from chains.analysis.graph import Floats, Ints, Order, cycles, hard_twins, order_of
from chains.analysis.parameters import MODEL_1, ModelParameters
from chains.analysis.printing import printed
from chains.analysis.relatedness import median_of_defined, proximity, relatedness
from chains.analysis.spread import Wiring
from chains.analysis.strength import NodeStrength, covered, node_strength, pipeline_cover, strength_without_each
from chains.analysis.sweep import Sweeper


@dataclass(frozen=True)
class Variant:
    """The chain today, or with its pipeline. strength, available, now, criticality: (V,)."""

    strength: Floats
    available: Floats
    now: Floats
    criticality: Floats
    needs: Needs
    gaps: list[PrintedGap]
    completeness: float | None
    resilience: float | None
    worst: WorstCompany | None


@dataclass(frozen=True)
class ChainAnalysis:
    """All figures of one chain; `to_dict` prints them as chain-analysis/1."""

    document: ChainDocument
    parameters: ModelParameters
    chain: ChainArrays
    order: Order
    node: NodeStrength
    cover: Floats  # (V,) pi
    current: Variant
    with_pipeline: Variant
    full: Floats  # (V,) B_full
    decision: Decision
    confidence: Confidence

    @property
    def closed_paths(self) -> list[list[int]]:
        return cycles(self.chain.graph, self.order)

    def to_dict(self) -> dict[str, Any]:
        """chain-analysis/1 as plain JSON values, floats rounded to 10 decimals."""
        return printed(self)


@dataclass(frozen=True)
class _Frame:
    """What both variants share."""

    chain: ChainArrays
    parameters: ModelParameters
    sweeper: Sweeper
    wiring: Wiring
    twins: Ints
    full: Floats
    dominance: Floats
    demand: Floats
    without: Floats  # (n,) s without each placement


def analyse(document: ChainDocument, *, parameters: ModelParameters = MODEL_1) -> ChainAnalysis:
    """Every figure of the chain. Same document and parameters, same result, on any machine."""
    chain = arrays_of(document, parameters)
    order = order_of(chain.graph)
    node = node_strength(chain.nodes, chain.placements, chain.placements.probability[:, None], parameters)
    cover = pipeline_cover(chain.nodes, chain.pipeline, chain.pipeline.chance[:, None])[:, 0]
    frame = _frame(chain, order, node, parameters)
    strength = node.strength[:, 0]
    current = _variant(frame, strength, np.zeros_like(cover))
    coming = _variant(frame, covered(strength, cover), cover) if cover.any() else current
    phi = proximity(chain.placements, len(chain.codes))
    world = World(chain, frame.sweeper, coming.needs, phi, parameters)
    omega = relatedness(phi, reaches(node.presence, parameters.presence_threshold))
    reach = reach_of(chain.graph, current.available[:, None])
    evidence = Evidence.of(node, reach, omega, median_of_defined(omega), frame.dominance)
    return ChainAnalysis(
        document=document, parameters=parameters, chain=chain, order=order, node=node, cover=cover,
        current=current, with_pipeline=coming, full=frame.full,
        decision=Decision(chain, evidence, parameters),
        confidence=confidence(world, generator(document.input_hash)),
    )


def _frame(chain: ChainArrays, order: Order, node: NodeStrength, parameters: ModelParameters) -> _Frame:
    sweeper, wiring, twins = Sweeper(chain.graph, order), Wiring(chain.graph), hard_twins(chain.graph)
    weight = chain.nodes.output_weight
    return _Frame(
        chain=chain, parameters=parameters, sweeper=sweeper, wiring=wiring, twins=twins,
        full=criticality_full(sweeper, wiring, weight, twins) if weight.sum() > 0 else np.zeros(len(weight)),
        dominance=dominance(chain.graph, order, weight),
        demand=local_demand(chain.graph, node.mass, chain.nodes.capacity)[:, 0],
        without=strength_without_each(chain.nodes, chain.placements, parameters),
    )


def _variant(frame: _Frame, strength: Floats, cover: Floats) -> Variant:
    chain, weight = frame.chain, frame.chain.nodes.output_weight
    available = availability(frame.sweeper, strength[:, None])[:, 0]
    now, lost, whole = np.zeros(len(strength)), np.zeros(len(strength)), None
    worst = None
    if weight.sum() > 0:
        # What prints as 0 is 0: a dying cycle leaves crumbs that mean nothing, least of all as a denominator.
        whole = float(completeness(weight, available[:, None])[0])
        whole = whole if round(whole, PLACES) else 0.0
        outputs = Outputs(frame.sweeper, frame.wiring, weight, strength, available)
        found = criticality_now(outputs, frame.twins)
        now, lost = found.now, found.without
        if whole > 0:
            worst = worst_company(outputs, whole, Departures(chain.placements, frame.without, cover, lost))
    needs = Needs((now + frame.full) / 2, frame.dominance, frame.demand, chain.nodes.policy)
    return Variant(
        strength=strength, available=available, now=now, criticality=needs.criticality, needs=needs,
        gaps=printed_gaps(strength, needs, frame.parameters),
        completeness=whole, resilience=_resilience(chain.nodes.weight, lost, whole), worst=worst,
    )


def _resilience(weight: Floats, lost: Floats, whole: float | None) -> float | None:
    """Z = 1 - weighted mean of (F - F^-v) / F, from the (V,) changes F^-v - F; None where F is 0 or nothing weighs."""
    if not whole or weight.sum() == 0:
        return None
    share = np.minimum(-lost / whole, 1)
    return float(1 - (weight * share).sum() / weight.sum())
