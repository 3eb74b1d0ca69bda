"""Which companies are known to stand at which nodes: the only input of the ranking."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

Pair = tuple[str, str]


class PlacementsError(ValueError):
    """The placements cannot be evaluated; the message says why and what to do, in Chinese."""


class BadLine(PlacementsError):
    """A line that names no placement; the message gives its number and what is wrong, in Chinese."""


@dataclass(frozen=True)
class Known:
    """`matrix` is (C, V), 1 where company c is placed at node v. Names are sorted, so that equal input gives equal rows."""

    companies: tuple[str, ...]
    nodes: tuple[str, ...]
    matrix: csr_array

    def cell(self, company: str, node: str) -> tuple[int, int]:
        """Row and column; both are sorted."""
        return bisect_left(self.companies, company), bisect_left(self.nodes, node)


def read_pairs(lines: Iterable[str]) -> list[Pair]:
    """One {"company": …, "node": …} a line, other keys ignored, empty lines skipped. Raises BadLine."""
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise BadLine(f"第 {number} 行不是 JSON；请核对该行") from error
        company, node = (entry.get(key) if isinstance(entry, dict) else None for key in ("company", "node"))
        if not (isinstance(company, str) and company.strip() and isinstance(node, str) and node.strip()):
            raise BadLine(f"第 {number} 行缺少 company 或 node（应为非空文字）；请补上")
        pairs.append((company.strip(), node.strip()))
    return pairs


def known(pairs: Iterable[Pair], *, nodes: Iterable[str] = ()) -> Known:
    """`nodes` names those that may be ranked although no pair places anyone there."""
    distinct = sorted(set(pairs))
    companies = tuple(sorted({company for company, _ in distinct}))
    places = tuple(sorted({node for _, node in distinct} | set(nodes)))
    row = {company: number for number, company in enumerate(companies)}
    column = {node: number for number, node in enumerate(places)}
    cells = ([row[company] for company, _ in distinct], [column[node] for _, node in distinct])
    return Known(companies, places, csr_array((np.ones(len(distinct)), cells), shape=(len(companies), len(places))))


def without(matrix: csr_array, hidden: Iterable[tuple[int, int]]) -> csr_array:
    """The same placements but for the named (row, column) cells."""
    rest = matrix.copy()
    for row, column in hidden:
        start, end = rest.indptr[row], rest.indptr[row + 1]
        rest.data[start:end][rest.indices[start:end] == column] = 0
    rest.eliminate_zeros()
    return rest


@dataclass(frozen=True)
class Split:
    """What a ranker may see, and the one placement of each examined company that it may not."""

    seen: tuple[Pair, ...]
    hidden: Mapping[str, str]


def split(pairs: Iterable[Pair]) -> Split:
    """Hide one placement of every company that has two or more and whose sha1 is even.

    Which of its placements goes is settled by the hash of company and node, not by the order of the file, so that
    anybody hides the same ones.
    """
    at: dict[str, set[str]] = defaultdict(set)
    for company, node in pairs:
        at[company].add(node)
    hidden = {
        company: min(nodes, key=lambda node: (_sha1(f"{company}\t{node}"), node))  # noqa: B023 (used at once)
        for company, nodes in sorted(at.items()) if len(nodes) > 1 and _sha1(company) % 2 == 0
    }
    seen = ((company, node) for company, nodes in at.items() for node in nodes if hidden.get(company) != node)
    return Split(tuple(sorted(seen)), hidden)


def _sha1(text: str) -> int:
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)
