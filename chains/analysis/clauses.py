"""The sentence beside each action: the one clause that decided, with its figures."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from chains.analysis.actions import EXTEND, FILL, STRENGTHEN, Decision


class Clauses:
    """Sentences for the first column of a decision."""

    def __init__(self, decision: Decision) -> None:
        self._decision, self._parameters = decision, decision.parameters
        self._names, self._graph = decision.chain.names, decision.chain.graph
        evidence = decision.evidence
        self._presence, self._strength = evidence.presence[:, 0], evidence.strength[:, 0]
        self._n1_adequacy, self._dominance = evidence.n1_adequacy[:, 0], evidence.dominance
        self._relatedness, self._median = evidence.relatedness[:, 0], evidence.median[0]
        self._asking: dict[int, list[int]] = defaultdict(list)  # node → open groups that ask for it
        self._around: dict[int, set[int]] = defaultdict(set)  # node → its neighbours in either direction
        graph = self._graph
        ends = zip(
            graph.edge_supplier.tolist(), graph.edge_consumer.tolist(), graph.edge_group.tolist(),
            (decision.open_group[graph.edge_group, 0] & (graph.edge_substitution > 0)).tolist(), strict=True,
        )
        for supplier, consumer, group, asks in ends:
            self._around[supplier].add(consumer)
            self._around[consumer].add(supplier)
            if asks:
                self._asking[supplier].append(group)
        self._group_ends = list(pairwise([*graph.group_starts.tolist(), len(graph.edge_group)]))

    def sentence(self, node: int) -> str:
        action = self._decision.action[node, 0]
        if action == FILL:
            return self._fill(node)
        if action == STRENGTHEN:
            return self._strengthen(node)
        return self._extend(node) if action == EXTEND else self._none(node)

    def _fill(self, node: int) -> str:
        empty = f"空白（存在度 {self._presence[node]:.2f}，低于 {self._parameters.presence_threshold:.2f}）"
        if self._decision.chain.nodes.is_output[node]:
            return f"补链：终端产出“{self._names[node]}”{empty}，终端产出本身即为本链所需。"
        group = self._most_important(self._asking[node])
        user = int(self._graph.group_node[group])
        kind = f"存在度 {self._presence[user]:.2f}" if self._decision.present[user, 0] else "终端产出"
        return (
            f"补链：“{self._names[node]}”{empty}，而“{self._names[user]}”（{kind}）需要它；所在供应组（重要度 "
            f"{self._graph.group_importance[group]:.2f}）没有足够的来源，最好的是“{self._names[self._best_of(group)]}”，"
            f"可得 {self._decision.best[group, 0]:.2f}，低于 {self._parameters.theta:.2f}。"
        )

    def _most_important(self, groups: list[int]) -> int:
        """The first in the file where several are equally important."""
        return min(groups, key=lambda group: (-self._graph.group_importance[group], group))

    def _best_of(self, group: int) -> int:
        low, high = self._group_ends[group]
        return int(self._graph.edge_supplier[low + int(np.argmax(self._decision.evidence.reach[low:high, 0]))])

    def _strengthen(self, node: int) -> str:
        if self._decision.weak[node, 0]:
            strength, bar = self._strength[node], self._parameters.weak_threshold
            return f"强链：“{self._names[node]}”已有但薄弱，强度 {strength:.2f} 低于 {bar:.2f}。"
        if self._decision.fragile[node, 0]:
            left = self._n1_adequacy[node]
            return f"强链：“{self._names[node]}”为单点，去掉最大的一家企业后充足度为 {left:.2f}。"
        share, bar = self._dominance[node], self._parameters.dominance_threshold
        return f"强链：“{self._names[node]}”支配度 {share:.2f} 不低于 {bar:.2f}，这一份额的终端产出都绕不开它。"

    def _extend(self, node: int) -> str:
        neighbour = max(sorted(self._around[node]), key=lambda other: self._presence[other])
        return (
            f"延链：“{self._names[node]}”空白，但无人等用；它与已有的“{self._names[neighbour]}”相邻，关联度 "
            f"{self._relatedness[node]:.2f} 不低于全链中位数 {self._median:.2f}。"
        )

    def _none(self, node: int) -> str:
        name = self._names[node]
        if self._decision.present[node, 0]:
            return (
                f"暂无行动：“{name}”强度 {self._strength[node]:.2f}、去一充足度 {self._n1_adequacy[node]:.2f}、"
                f"支配度 {self._dominance[node]:.2f}，都未触及强链条件。"
            )
        start = f"暂无行动：“{name}”空白（存在度 {self._presence[node]:.2f}），但无人等用"
        if not self._decision.adjacent[node, 0]:
            return f"{start}，也不与已有环节相邻。"
        if np.isnan(self._relatedness[node]):
            return f"{start}；没有企业同时在它与其他环节，关联度数据不足。"
        related, median = self._relatedness[node], self._median
        return f"{start}；关联度 {related:.2f}，须大于 0 且不低于全链中位数 {median:.2f} 才可延链。"
