"""Evidence for one company at the nodes of one chain, added up to log-odds."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from chains.analysis.placement.matching import Hit, KeywordIndex, rarity
from chains.analysis.placement.parameters import PlacerParameters
from chains.analysis.placement.records import Evidence, EvidenceKind, NodeText, Where
from chains.analysis.placement.similarity import SimilarityIndex
from chains.analysis.placement.text import Segment

_CODE = re.compile(r"[A-Ta-t]?(\d{2,4})")
_Key = TypeVar("_Key")
_Raw = tuple[EvidenceKind, Where, str, float]

# What was found in one item of text: keyword hits, similar nodes (number, cosine above the floor), silenced nodes.
Found = tuple[Sequence[Hit], Sequence[tuple[int, float]], frozenset[int]]


@dataclass
class Tally:
    """Raw evidence for one company at one node; a key that comes twice keeps its larger amount."""

    keywords: dict[tuple[Where, str], float] = field(default_factory=dict)
    products: dict[tuple[int, str], float] = field(default_factory=dict)
    similar: dict[tuple[Where, str], float] = field(default_factory=dict)
    industry: tuple[str, float] | None = None


class ChainIndex:
    """The nodes of one chain, ready to be asked."""

    def __init__(self, nodes: Sequence[NodeText], parameters: PlacerParameters) -> None:
        self.nodes = nodes
        self.parameters = parameters
        self._keywords = KeywordIndex(nodes, parameters)
        self._similarity = SimilarityIndex(nodes, parameters)
        self._codes = [[code for raw in node.industry_codes if (code := digits(raw))] for node in nodes]
        self._industry: dict[str, list[tuple[int, str, float]]] = {}

    def look_up(self, texts: Sequence[str]) -> dict[str, Found]:
        """What each text holds; ask once for the distinct texts of a block of companies."""
        found: dict[str, Found] = {}
        for text, similar in zip(texts, self._similarity.find(texts), strict=True):
            hits, silenced = self._keywords.find(text)
            found[text] = (hits, [pair for pair in similar if pair[0] not in silenced], silenced)
        return found

    def tally(
        self, parts: Iterable[Segment], industry_code: str | None, found: Mapping[str, Found]
    ) -> dict[int, Tally]:
        """Raw evidence by node number for one company."""
        tallies: dict[int, Tally] = defaultdict(Tally)
        for part in parts:
            hits, similar, silenced = found[part.text]
            for hit in chain(hits, *map(self._keywords.exact, part.phrases)):
                if hit.node in silenced:
                    continue
                amount = part.weight * self._activity(hit.node, part) * hit.weight
                if part.where == "products":
                    _keep(tallies[hit.node].products, (part.row, hit.keyword), amount)
                else:
                    _keep(tallies[hit.node].keywords, (part.where, hit.keyword), amount)
            for number, excess in similar:
                amount = part.weight * self._activity(number, part) * excess
                _keep(tallies[number].similar, (part.where, part.text), amount)
        for number, code, amount in self._by_industry(digits(industry_code or "")):
            tallies[number].industry = (code, amount)
        return tallies

    def _activity(self, number: int, part: Segment) -> float:
        wanted = self.nodes[number].activity
        if wanted is None:
            return 1.0
        factors = self.parameters.activity_factors
        if not part.activities:
            return 1.0 if part.where == "products" else factors[wanted, ""]
        return max(factors[wanted, does] for does in part.activities)

    def _by_industry(self, code: str) -> list[tuple[int, str, float]]:
        if code and code not in self._industry:
            self._industry[code] = self._match_industry(code)
        return self._industry.get(code, [])

    def _match_industry(self, code: str) -> list[tuple[int, str, float]]:
        lengths = [max((_common_prefix(code, other) for other in codes), default=0) for codes in self._codes]
        found = []
        for number, length in enumerate(lengths):
            if weight := self.parameters.prefix_weights.get(length):
                holders = sum(other >= length for other in lengths)
                found.append((number, code[:length], weight * rarity(holders, len(self.nodes))))
        return found


def ceiling(tally: Tally, parameters: PlacerParameters) -> float:
    """A quick upper bound of the probability (no fading, no best place), to pass over the many faint pairs."""
    words = math.fsum(tally.keywords.values()) + math.fsum(tally.products.values())
    odds = parameters.intercept - parameters.keyword * math.expm1(-words)
    odds -= parameters.similarity * math.expm1(-math.fsum(tally.similar.values()))
    odds += parameters.industry * tally.industry[1] if tally.industry else 0.0
    return 1 / (1 + math.exp(-odds))


def judge(tally: Tally, parameters: PlacerParameters) -> tuple[float, tuple[Evidence, ...]]:
    """Probability and evidence, strongest first; intercept + weights are the log-odds before the cap."""
    raw: list[list[_Raw]] = [
        [("keyword", where, word, amount) for word, (amount, where) in _best_place(tally.keywords).items()]
        + [("product", "products", word, amount) for word, amount in _best_word(tally.products).items()],
        _fading(tally.similar, parameters.similarity_fading),
    ]
    odds, evidence = parameters.intercept, list[Evidence]()
    for points, finds in zip((parameters.keyword, parameters.similarity), raw, strict=True):
        total = math.fsum(amount for *_, amount in finds)
        odds += points * -math.expm1(-total)
        evidence += _split(points * -math.expm1(-total), total, finds)
    if tally.industry:
        code, amount = tally.industry
        odds += parameters.industry * amount
        evidence.append(Evidence("industry", "industry_code", code, round(parameters.industry * amount, 6)))
    evidence.sort(key=lambda item: (-item.weight, item.kind, item.where, item.text))
    return round(min(parameters.cap, 1 / (1 + math.exp(-odds))), 6), tuple(evidence)


def _fading(similar: Mapping[tuple[Where, str], float], fading: float) -> list[_Raw]:
    """Each further item counts `fading` times less than the one before it, strongest first.

    A long scope full of faint likeness stays faint, and since the weights fall with the rank an added item cannot lower
    the sum: what it pushes back loses at most (1 - fading) x the geometric tail, which is no more than its own amount.
    """
    ranked = sorted(similar.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        ("similarity", where, text, amount * fading**rank) for rank, ((where, text), amount) in enumerate(ranked)
    ]


def _split(points: float, total: float, raw: Sequence[_Raw]) -> list[Evidence]:
    """Share points out over the finds in proportion to what each adds to the total."""
    return [
        Evidence(kind, where, text, round(points * amount / total, 6))
        for kind, where, text, amount in raw
        if amount > 0
    ]


def _best_place(keywords: Mapping[tuple[Where, str], float]) -> dict[str, tuple[float, Where]]:
    """Of each keyword the place that counts most: saying a word often is not more evidence."""
    best: dict[str, tuple[float, Where]] = {}
    for (where, word), amount in keywords.items():
        if word not in best or amount > best[word][0]:
            best[word] = (amount, where)
    return best


def _best_word(products: Mapping[tuple[int, str], float]) -> dict[str, float]:
    """Of each product the keyword that counts most, then revenue added up over the products with that keyword."""
    best: dict[int, tuple[float, str]] = {}
    for (row, word), amount in products.items():
        if row not in best or amount > best[row][0]:
            best[row] = (amount, word)
    total: dict[str, float] = defaultdict(float)
    for amount, word in best.values():
        total[word] += amount
    return total


def _keep(amounts: dict[_Key, float], key: _Key, amount: float) -> None:
    if amount > amounts.get(key, 0.0):
        amounts[key] = amount


def digits(code: str) -> str:
    """The digits of a GB/T 4754 code, with or without its section letter; empty for a bare letter or anything else."""
    match = _CODE.fullmatch(code.strip())
    return match[1] if match else ""


def _common_prefix(left: str, right: str) -> int:
    length = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        length += 1
    return length
