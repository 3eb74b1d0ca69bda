"""Company names without a code: made comparable, and looked up among a million.

    name_parts("深圳市羅湖區砚檀珠寶（集團）有限公司")  →  place 深圳罗湖, core 砚檀珠宝, form 集团
    NameIndex(ids, names).best(names, k)               →  the ids most alike, with scores 0 to 1

The product of two sparse matrices of character bigrams, weighted by their rarity, finds the ten best of a block of the
index; rapidfuzz then scores those few pairs. A bigram that a hundred thousand names share says nothing and costs much: of
every name asked for, only its rarest bigrams are looked up, as many as fit into a budget.

Against 1,000,000 names: 14,000 a second of processor time, recall .96 at the first and .98 among ten (pg_trgm .78 and .93), an
index of 320 MB, 35 seconds to build (benchmarks/README.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn, zip_sp_matmul_topn

from crm.codes import divisions
from crm.sync.traditional import SIMPLIFIED

Ids = np.ndarray[Any, np.dtype[np.int64]]
Labels = np.ndarray[Any, np.dtype[np.int32]]
Scores = np.ndarray[Any, np.dtype[np.float32]]

Parts = tuple[list[str], Labels, Labels]

COLUMNS = 1 << 19  # bigrams are hashed: no vocabulary to keep
CANDIDATES = 10
LEAST = 0.1  # of the bigram product: below it nothing is found that anybody would take for the same
BLOCK = 1 << 18  # names whose running sums stay in the processor's cache
BUDGET = 2_000  # postings looked up for one name
RAREST = 2  # bigrams that are looked up whatever they cost
CHUNK = 20_000  # names asked for at a time
THREADS = 2
PLACE_WEIGHT, FORM_WEIGHT = 0.10, 0.04
NO_MATCH = -1

# Class of a legal form → how names end; longest first.
FORMS = (
    ("集团", ("集团股份有限公司", "集团有限责任公司", "集团有限公司", "集团公司", "集团")),
    ("股份", ("股份有限公司", "股份公司")),
    ("有限", ("有限责任公司", "有限公司", "责任公司", "公司")),
    ("合伙", ("有限合伙企业", "合伙企业", "有限合伙", "普通合伙")),
    ("个体", ("个体工商户", "商行", "经营部", "工作室")),
)
_ENDINGS = {ending: form for form, endings in FORMS for ending in endings}
_ENDING_LENGTHS = sorted({len(ending) for ending in _ENDINGS}, reverse=True)
_LAST_LETTERS = {ending[-1] for ending in _ENDINGS}
_BRACKETS = re.compile(r"[(\[{〔【<《](.*?)[)\]}〕】>》]")
_NOISE = re.compile(r"[^0-9A-Z\u3400-\u9fff]+")
_FULL_PLACE = re.compile(r"(?:特别行政区|自治区|自治州|自治县|地区|省|市|区|县|盟|旗)$")


@dataclass(frozen=True, slots=True)
class NameParts:
    place: str
    core: str
    form: str

    @property
    def whole(self) -> str:
        return f"{self.place}{self.core}{self.form}"


@lru_cache(maxsize=1)
def _places() -> dict[str, str]:
    """How a place is written → its short name. A district is known by its full name alone: 和平 is also a brand."""
    found = {"中国": "中国", "中华": "中国"}
    for code, name in divisions().items():
        short = _FULL_PLACE.sub("", name)
        if len(short) < 2:  # noqa: PLR2004
            continue
        found[name] = short
        if code.endswith("00"):
            found[short] = short
    return found


def name_parts(name: str) -> NameParts:
    text = unicodedata.normalize("NFKC", name).upper().translate(SIMPLIFIED)
    places: list[str] = []
    if not text.isalnum():  # saves the searches where there is nothing to find
        text = _BRACKETS.sub(lambda found: _bracketed(found[1], places), text)
    text, form = _without_form(_NOISE.sub("", text))
    start = _leading_places(text, places)
    core = text[start:]
    return NameParts("".join(dict.fromkeys(sorted(places))), core or text, form)


def normalise(name: str) -> str:
    """Two names that differ in width, brackets, script, the word for their form or where the place stands are one."""
    return name_parts(name).whole


def _bracketed(inner: str, places: list[str]) -> str:
    """A place in brackets goes to the places; anything else stays where it stood."""
    inner = _NOISE.sub("", inner)
    known = _places().get(inner)
    if known is None:
        return inner
    places.append(known)
    return ""


def _without_form(text: str) -> tuple[str, str]:
    """A partnership says it twice: 合伙企业（有限合伙）."""
    form = ""
    while text[-1:] in _LAST_LETTERS:
        for length in _ENDING_LENGTHS:
            found = _ENDINGS.get(text[-length:])
            if found is not None and len(text) > length and form in ("", found):
                text, form = text[:-length], found
                break
        else:
            break
    return text, form


def _leading_places(text: str, places: list[str]) -> int:
    known, at = _places(), 0
    while lengths := _place_lengths().get(text[at : at + 2]):
        if text[at:] in known:  # the name of a place and nothing else
            break
        for length in lengths:
            if (short := known.get(text[at : at + length])) is not None:
                places.append(short)
                at += length
                break
        else:
            break
    return at


@lru_cache(maxsize=1)
def _place_lengths() -> dict[str, list[int]]:
    """First two letters → lengths of the places that begin with them, longest first."""
    found: dict[str, set[int]] = {}
    for place in _places():
        found.setdefault(place[:2], set()).add(len(place))
    return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}


class NameIndex:
    """`best` answers with ids and scores, one row a name, best first; NO_MATCH and 0 where nothing is left."""

    def __init__(self, ids: Sequence[int] | Ids, names: Sequence[str]) -> None:
        self.ids: Ids = np.asarray(ids, dtype=np.int64)
        self._labels: dict[str, int] = {"": 0}
        self._cores, self._places, self._forms = self._taken_apart(names)
        starts = range(0, len(self._cores), BLOCK)
        self._frequency = np.zeros(COLUMNS, np.int32)
        for start in starts:
            found = _bigrams(self._cores[start : start + BLOCK])
            self._frequency += np.bincount(found.indices, minlength=COLUMNS).astype(np.int32)
        self._rarity = np.log1p(len(self._cores) / np.maximum(self._frequency, 1)).astype(np.float32)
        self._blocks = [
            _weighted(_bigrams(self._cores[start : start + BLOCK]), self._rarity).T.tocsr() for start in starts
        ]

    def __len__(self) -> int:
        return len(self._cores)

    def best(self, names: Sequence[str], k: int = 1) -> tuple[Ids, Scores]:
        if not len(self) or not len(names):
            return np.full((len(names), k), NO_MATCH, np.int64), np.zeros((len(names), k), np.float32)
        answers = [self._best(names[start : start + CHUNK], k) for start in range(0, len(names), CHUNK)]
        return np.concatenate([ids for ids, _ in answers]), np.concatenate([scores for _, scores in answers])

    def _best(self, names: Sequence[str], k: int) -> tuple[Ids, Scores]:
        asked = self._taken_apart(names)
        rare = self._affordable(_weighted(_bigrams(asked[0]), self._rarity))
        products = [sp_matmul_topn(rare, rows, top_n=CANDIDATES, threshold=LEAST, n_threads=THREADS) for rows in self._blocks]
        near = zip_sp_matmul_topn(CANDIDATES, products)
        scores = self._scores(asked, near)
        found = np.full((len(names), CANDIDATES), NO_MATCH, np.int64)
        ranked = np.zeros((len(names), CANDIDATES), np.float32)
        row = np.repeat(np.arange(len(names)), np.diff(near.indptr))
        place = np.arange(len(near.indices)) - near.indptr[row]
        found[row, place], ranked[row, place] = self.ids[near.indices], scores
        order = np.argsort(-ranked, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(found, order, 1), np.take_along_axis(ranked, order, 1)

    def _affordable(self, asked: Any) -> Any:
        """Of each name the rarest bigrams, as far as the budget goes."""
        row = np.repeat(np.arange(asked.shape[0]), np.diff(asked.indptr))
        cost = self._frequency[asked.indices].astype(np.int64)
        order = np.lexsort((cost, row))
        row, cost, columns, weights = row[order], cost[order], asked.indices[order], asked.data[order]
        running = np.cumsum(cost)
        before = np.concatenate([[0], running])[asked.indptr[:-1]]
        rank = np.arange(len(row)) - asked.indptr[row]
        keep = (cost > 0) & ((running - before[row] <= BUDGET) | (rank < RAREST))
        starts = np.concatenate([[0], np.cumsum(np.bincount(row[keep], minlength=asked.shape[0]))])
        return sparse.csr_matrix((weights[keep], columns[keep], starts), shape=asked.shape)

    def _scores(self, asked: Parts, near: Any) -> Scores:
        cores, places, forms = asked
        row, other = np.repeat(np.arange(len(cores)), np.diff(near.indptr)), near.indices
        alike = process.cpdist(
            [cores[at] for at in row.tolist()], [self._cores[at] for at in other.tolist()], scorer=fuzz.ratio,
            dtype=np.float32, workers=THREADS,
        )
        place, form = self._agree(places[row], self._places[other]), self._agree(forms[row], self._forms[other])
        whole: Scores = (1 - PLACE_WEIGHT - FORM_WEIGHT) * alike / 100 + PLACE_WEIGHT * place + FORM_WEIGHT * form
        return whole

    def _taken_apart(self, names: Sequence[str]) -> Parts:
        """Cores; places and forms as numbers, since a million names share a few hundred of them."""
        labels, cores, places, forms = self._labels, [], np.zeros(len(names), np.int32), np.zeros(len(names), np.int32)
        for at, name in enumerate(names):
            parts = name_parts(name)
            cores.append(parts.core)
            places[at] = labels.setdefault(parts.place, len(labels))
            forms[at] = labels.setdefault(parts.form, len(labels))
        return cores, places, forms

    def _agree(self, one: Labels, other: Labels) -> Scores:
        words = list(self._labels)
        pairs, which = np.unique(one.astype(np.int64) << 32 | other, return_inverse=True)
        agreed = [_agreement(words[pair >> 32], words[pair & 0xFFFFFFFF]) for pair in pairs.tolist()]
        return np.array(agreed, np.float32)[which]


def _agreement(one: str, other: str) -> float:
    """1 for the same, a little less where a side says less than the other or nothing, else 0."""
    if one == other:
        return 1.0
    return 0.8 if one in other or other in one else 0.0


def _bigrams(cores: Sequence[str]) -> Any:
    """One row a name: its hashed bigrams, neighbours and next but one (a wrong letter between leaves those), and its start."""
    text = "\n\n" + "\n\n".join(cores) + "\n\n"
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    ends = letters == ord("\n")
    row = np.repeat(np.arange(len(cores)), np.fromiter((len(core) + 2 for core in cores), np.int64, len(cores)))
    pairs = [(letters[:-2], letters[1:-1], ~ends[1:-1], 1), (letters[:-2], letters[2:], ~ends[:-2] & ~ends[2:], 2)]
    rows = np.concatenate([row[inside] for _, _, inside, _ in pairs])
    columns = np.concatenate([_hashed(one[inside], other[inside], salt) for one, other, inside, salt in pairs])
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(cores), COLUMNS))
    matrix.sum_duplicates()
    return matrix


def _hashed(one: Any, other: Any, salt: int) -> Any:
    mixed = (one * np.uint64(0x9E3779B1) ^ other * np.uint64(0x85EBCA77)) + np.uint64(salt * 0xC2B2AE3D)
    return ((mixed ^ (mixed >> np.uint64(15))) % np.uint64(COLUMNS)).astype(np.int32)


def _weighted(counts: Any, rarity: Scores) -> Any:
    """Rarity for every bigram that a name has, each row of length 1."""
    weights = rarity[counts.indices]
    lengths = np.sqrt(np.add.reduceat(np.append(weights**2, 0), counts.indptr[:-1]))
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    return sparse.csr_matrix((weights / lengths[row], counts.indices, counts.indptr), shape=counts.shape)
