"""Keywords of a chain's nodes found in a text: longest match wins, shared words count less."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from chains.analysis.placement.parameters import PlacerParameters
from chains.analysis.placement.records import NodeText
from chains.analysis.placement.text import fold, is_stop_item, split_items

# Level marks that classifications put behind a name, and words that name a rest rather than a thing.
_NAME_NOISE = re.compile(r"(?<=[^a-z])i{1,3}$|^(?:其他|其它)|(?:及|和|与)?(?:其他|其它)$")


@dataclass(frozen=True)
class Hit:
    """A keyword of node number `node` in a text; `weight` is rarity x length, in (0, 1]."""

    node: int
    keyword: str
    weight: float


def rarity(holders: int, nodes: int) -> float:
    """Inverse document frequency over the chain's nodes, 1 for a word that one node alone has."""
    return math.log1p(nodes / holders) / math.log1p(nodes)


def terms(node: NodeText) -> list[str]:
    """The node's name and keywords, folded, each once, without classification marks and boilerplate."""
    names = [_NAME_NOISE.sub("", part) for part in split_items(fold(node.name))]
    words = [part for keyword in node.keywords for part in split_items(fold(keyword))]
    return list(dict.fromkeys(word for word in (*names, *words) if word and not is_stop_item(word)))


class KeywordIndex:
    """All terms of a chain's nodes in one Aho-Corasick automaton."""

    def __init__(self, nodes: Sequence[NodeText], parameters: PlacerParameters) -> None:
        holders: dict[str, list[int]] = defaultdict(list)
        vetoes: dict[str, list[int]] = defaultdict(list)
        for number, node in enumerate(nodes):
            for term in terms(node):
                holders[term].append(number)
            for word in dict.fromkeys(fold(keyword) for keyword in node.negative_keywords):
                if word:
                    vetoes[word].append(number)
        self._words = sorted({*holders, *vetoes})
        self._vetoes = vetoes
        self._hits = {
            word: [Hit(number, word, self._weight(word, len(owners), len(nodes), parameters)) for number in owners]
            for word, owners in holders.items()
        }
        self._automaton = AhoCorasick(self._words) if self._words else None

    @staticmethod
    def _weight(word: str, holders: int, nodes: int, parameters: PlacerParameters) -> float:
        return rarity(holders, nodes) * parameters.length_weights.get(len(word), 1.0)

    def find(self, text: str) -> tuple[list[Hit], frozenset[int]]:
        """All hits in one item of text, and the nodes for which a negative keyword silences the whole item."""
        if self._automaton is None:
            return [], frozenset()
        spans = [
            (start, end, self._words[which])
            for which, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True)
            if _stands_alone(text, start, end)
        ]
        silenced = frozenset(number for _, _, word in spans for number in self._vetoes.get(word, ()))
        words = dict.fromkeys(word for start, end, word in spans if not _inside_longer(start, end, spans))
        hits = [hit for word in words for hit in self._hits.get(word, ())]
        return hits, silenced

    def exact(self, phrase: str) -> Sequence[Hit]:
        """Hits of a keyword that is the whole phrase."""
        return self._hits.get(phrase, ())


def _inside_longer(start: int, end: int, spans: list[tuple[int, int, str]]) -> bool:
    return any(left <= start and end <= right and right - left > end - start for left, right, _ in spans)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Latin words count whole only (ic not in basic); a single character only when it is all there is."""
    if end - start == 1 and len(text) > 1:
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_joined(before, text[start]) or _joined(text[end - 1], after))


def _joined(left: str, right: str) -> bool:
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
