"""The supply graph in plain arrays, and the order in which a sweep visits it.

V nodes, G supply groups, E alternatives. A node needs every one of its groups (AND); inside a group any one
alternative will do (OR), as in a directed hypergraph (Gallo, Longo, Pallottino and Nguyen 1993). Nodes are the integers
0..V-1. An edge runs from the alternative (supplier) to the node that owns the group (consumer).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SupplyGraph:
    """Shapes: external (V,), group_* (G,), edge_* (E,). `edge_group` never decreases. All shares lie in [0, 1]."""

    external: Floats  # e_v
    group_node: Ints  # the node that owns the group
    group_importance: Floats  # k_g
    edge_group: Ints
    edge_supplier: Ints  # u
    edge_substitution: Floats  # s_ug

    @classmethod
    def of(
        cls, external: Iterable[float], groups: Iterable[tuple[int, float, Sequence[tuple[int, float]]]]
    ) -> SupplyGraph:
        """Build from (node, importance, [(supplier, substitution), …]) triples."""
        listed = list(groups)
        edges = [(g, u, s) for g, (_, _, options) in enumerate(listed) for u, s in options]
        return cls(
            external=np.array(list(external), float),
            group_node=np.array([node for node, _, _ in listed], np.int64),
            group_importance=np.array([importance for _, importance, _ in listed], float),
            edge_group=np.array([g for g, _, _ in edges], np.int64),
            edge_supplier=np.array([u for _, u, _ in edges], np.int64),
            edge_substitution=np.array([s for _, _, s in edges], float),
        )

    @property
    def node_count(self) -> int:
        return len(self.external)

    @cached_property
    def edge_consumer(self) -> Ints:
        return self.group_node[self.edge_group]

    @cached_property
    def edge_importance(self) -> Floats:
        return self.group_importance[self.edge_group]

    @cached_property
    def group_starts(self) -> Ints:
        """First edge of each group; every group has at least one."""
        return np.searchsorted(self.edge_group, np.arange(len(self.group_node)))

    @cached_property
    def suppliers_first(self) -> csr_array:
        """V x V adjacency, row = supplier, column = consumer; parallel edges merged."""
        return _adjacency(self.node_count, self.edge_supplier, self.edge_consumer)

    def ancestors(self, targets: Ints) -> Bools:
        """(V,) mask of the nodes from which some target can be reached, targets included."""
        backwards = _adjacency(self.node_count, self.edge_consumer, self.edge_supplier)
        return reachable(backwards, targets)


def _adjacency(size: int, rows: Ints, columns: Ints) -> csr_array:
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    graph.sum_duplicates()
    return graph


def reachable(adjacency: csr_array, sources: Ints) -> Bools:
    """(V,) mask of the nodes reachable from any source, sources included."""
    size = adjacency.shape[0]
    indices = np.concatenate([adjacency.indices, sources.astype(adjacency.indices.dtype)])
    indptr = np.append(adjacency.indptr, len(indices)).astype(adjacency.indptr.dtype)
    # One more row, the virtual source, points at all sources at once.
    joined = csr_array((np.ones(len(indices)), indices, indptr), shape=(size + 1, size + 1))
    visited = breadth_first_order(joined, size, directed=True, return_predecessors=False)
    mask = np.zeros(size + 1, bool)
    mask[visited] = True
    return mask[:size]


@dataclass(frozen=True)
class Order:
    """When a sweep visits each node: by level; inside a level acyclic nodes first; inside a cycle by layer.

    component: strongly connected component of each node; cyclic: whether it has more than one node;
    level: length of the longest path of components leading to it; layer: breadth-first distance from the first node of
    its component (0 for acyclic nodes). All (V,).
    """

    component: Ints
    cyclic: Bools
    level: Ints
    layer: Ints


def order_of(graph: SupplyGraph) -> Order:
    """Condense strongly connected components (Pearce's iterative algorithm, from scipy) and level them. O(V + E)."""
    count, labels = connected_components(graph.suppliers_first, directed=True, connection="strong")
    component = labels.astype(np.int64)
    cyclic = np.bincount(component, minlength=max(count, 1))[component] > 1
    between = component[graph.edge_supplier] != component[graph.edge_consumer]
    level = _levels(count, component[graph.edge_supplier[between]], component[graph.edge_consumer[between]])
    inside = ~between
    layer = _layers(component, cyclic, graph.edge_supplier[inside], graph.edge_consumer[inside])
    return Order(component, cyclic, level[component], layer)


def _neighbours(size: int, sources: Ints, targets: Ints) -> list[list[int]]:
    out: list[list[int]] = [[] for _ in range(size)]
    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        out[source].append(target)
    return out


def _levels(size: int, sources: Ints, targets: Ints) -> Ints:
    """Longest-path level of each vertex of an acyclic graph (Kahn 1962)."""
    out = _neighbours(size, sources, targets)
    waiting = np.bincount(targets, minlength=size).tolist()
    level = [0] * size
    ready = deque(vertex for vertex in range(size) if waiting[vertex] == 0)
    while ready:
        vertex = ready.popleft()
        for target in out[vertex]:
            level[target] = max(level[target], level[vertex] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return np.array(level, np.int64)


def _layers(component: Ints, cyclic: Bools, sources: Ints, targets: Ints) -> Ints:
    """Breadth-first distance of each cyclic node from the first node of its component, along edges inside it."""
    out = _neighbours(len(component), sources, targets)
    _, first = np.unique(component, return_index=True)
    roots = [int(node) for node in first if cyclic[node]]
    layer = np.zeros(len(component), np.int64)
    seen = np.zeros(len(component), bool)
    seen[roots] = True
    queue = deque(roots)
    while queue:
        node = queue.popleft()
        for target in out[node]:
            if not seen[target]:
                seen[target] = True
                layer[target] = layer[node] + 1
                queue.append(target)
    return layer


def cycles(graph: SupplyGraph, order: Order) -> list[list[int]]:
    """One shortest closed path of each cyclic component, from its first node on a cycle back to it: [a, b, …, a].

    Shortest among the cycles through the component's first node, so that a person can read it; O(V + E) in all.
    """
    inside = order.component[graph.edge_supplier] == order.component[graph.edge_consumer]
    out = _neighbours(graph.node_count, graph.edge_supplier[inside], graph.edge_consumer[inside])
    _, first = np.unique(order.component, return_index=True)
    return [_closed_path(out, int(root)) for root in sorted(first) if order.cyclic[root]]


def _closed_path(out: list[list[int]], root: int) -> list[int]:
    before: dict[int, int] = {}
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for target in sorted(set(out[node])):
            if target == root:
                path = [root, node]
                while path[-1] != root:
                    path.append(before[path[-1]])
                return path[::-1]
            if target not in before:
                before[target] = node
                queue.append(target)
    raise AssertionError("a strongly connected component of two nodes or more has a cycle through each of them")


def hard_twins(graph: SupplyGraph) -> Ints:
    """(V,) class of each node; without any one node of a class, all of the class is unavailable.

    u forces w where a group of w with importance 1 has no source but u and u cannot be bought from outside: y_u = 0
    makes y_w = 0. Nodes that force one another, by whatever path, fall together, so the chain loses the same with any
    of them, and only one need be tried.
    """
    useful = graph.edge_substitution > 0
    supplier = graph.edge_supplier
    least = np.full(len(graph.group_node), graph.node_count, np.int64)
    most = np.full(len(graph.group_node), -1, np.int64)
    np.minimum.at(least, graph.edge_group[useful], supplier[useful])
    np.maximum.at(most, graph.edge_group[useful], supplier[useful])
    single = (graph.group_importance == 1) & (least == most)
    single[single] = graph.external[least[single]] == 0
    forced: Any = _adjacency(graph.node_count, least[single], graph.group_node[single])
    return np.asarray(connected_components(forced, directed=True, connection="strong")[1], np.int64)
