"""A chain document as plain arrays: the form in which everything else computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chains.analysis.chainfile import ChainDocument
from chains.analysis.graph import Bools, Floats, Ints, SupplyGraph
from chains.analysis.parameters import ModelParameters


@dataclass(frozen=True)
class Nodes:
    """All (V,). Amounts are in the file's unit; `national` is N_v f, NaN where either is unknown or 0."""

    weight: Floats  # w_v
    capacity: Floats  # M_v
    national: Floats
    policy: Floats  # O_v
    is_output: Bools

    @property
    def output_weight(self) -> Floats:
        """w_t of each output, 0 elsewhere."""
        return np.where(self.is_output, self.weight, 0.0)


@dataclass(frozen=True)
class Placements:
    """Operating companies at nodes, sorted by node, then by company: all (n,).

    companies: codes, sorted, which `company` counts into. size is r_cv x_c: the mass that the company would bring here.
    """

    companies: list[str]
    company: Ints
    node: Ints
    probability: Floats
    size: Floats

    @property
    def starts(self) -> Ints:
        """First row of each node that has rows, in the order of `occupied`."""
        return np.flatnonzero(np.diff(self.node, prepend=-1))

    @property
    def occupied(self) -> Ints:
        """Nodes that have rows."""
        return self.node[self.starts]


@dataclass(frozen=True)
class Pipeline:
    """Projects aimed at nodes, sorted by node: all (n,). chance is the stage probability q."""

    node: Ints
    capacity: Floats
    chance: Floats


@dataclass(frozen=True)
class ChainArrays:
    codes: list[str]
    names: list[str]
    nodes: Nodes
    graph: SupplyGraph
    placements: Placements
    pipeline: Pipeline


def arrays_of(document: ChainDocument, parameters: ModelParameters) -> ChainArrays:
    rows = document.nodes
    index = {row["code"]: number for number, row in enumerate(rows)}
    groups = [
        (index[group["node"]], group["importance"], [(index[o["node"]], o["substitution"]) for o in group["alternatives"]])
        for group in document.supply
    ]
    return ChainArrays(
        codes=list(index),
        names=_labels(rows),
        nodes=_nodes(rows, document.chain["district_share"]),
        graph=SupplyGraph.of((row["external_availability"] for row in rows), groups),
        placements=_placements(document, index),
        pipeline=_pipeline(document, index, parameters),
    )


def _labels(rows: list[dict[str, Any]]) -> list[str]:
    """The name of each node for a sentence, with its code where two nodes share a name."""
    names = [row["name"] for row in rows]
    count: dict[str, int] = {}
    for name in names:
        count[name] = count.get(name, 0) + 1
    return [row["name"] if count[row["name"]] == 1 else f"{row['name']}（{row['code']}）" for row in rows]


def _nodes(rows: list[dict[str, Any]], share: float | None) -> Nodes:
    mass = [(row["national_mass"] or 0.0) * (share or 0.0) for row in rows]
    return Nodes(
        weight=_column(rows, "weight"),
        capacity=_column(rows, "target_capacity"),
        national=np.array([value or np.nan for value in mass], float),
        policy=_column(rows, "policy_weight"),
        is_output=np.array([row["is_output"] for row in rows], bool),
    )


def _placements(document: ChainDocument, index: dict[str, int]) -> Placements:
    rows = [row for row in document.placements if row["operating"]]
    companies = sorted({row["company"] for row in rows})
    number = {code: place for place, code in enumerate(companies)}
    rows.sort(key=lambda row: (index[row["node"]], number[row["company"]]))
    return Placements(
        companies=companies,
        company=np.array([number[row["company"]] for row in rows], np.int64),
        node=np.array([index[row["node"]] for row in rows], np.int64),
        probability=_column(rows, "probability"),
        size=_column(rows, "revenue_share") * _column(rows, "size"),
    )


def _pipeline(document: ChainDocument, index: dict[str, int], parameters: ModelParameters) -> Pipeline:
    rows = sorted(document.pipeline, key=lambda row: index[row["node"]])
    return Pipeline(
        node=np.array([index[row["node"]] for row in rows], np.int64),
        capacity=_column(rows, "capacity"),
        chance=np.array([parameters.stage_probabilities[row["stage"]] for row in rows], float),
    )


def _column(rows: list[dict[str, Any]], key: str) -> Floats:
    return np.array([row[key] for row in rows], float)
