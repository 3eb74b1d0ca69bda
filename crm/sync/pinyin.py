"""Pinyin of names, fast: pypinyin's own phrases found by one automaton instead of prefix by prefix. Pure.

pypinyin cuts Chinese text by its longest known phrase from the left, which is what a leftmost-longest automaton does in
one pass. The readings themselves are asked of pypinyin, once per phrase and per letter. Where the two differ:
pypinyin gives up looking for phrases when what is left of the text could be the beginning of a longer phrase and no
phrase starts right there; it then reads that rest letter by letter. We still find the phrase inside (tests/crm/test_pinyin.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ahocorasick_rs import AhoCorasick, MatchKind
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, RE_HANS

Reading = tuple[str, str]
_MOST_REMEMBERED = 20_000


@lru_cache(maxsize=1)
def _automaton() -> tuple[Any, list[str]]:
    phrases = [phrase for phrase in PHRASES_DICT if len(phrase) > 1 and all(map(RE_HANS.match, phrase))]
    return AhoCorasick(phrases, matchkind=MatchKind.LeftmostLongest), phrases


def _read(piece: str) -> Reading:
    """Syllables and initials of a phrase or letter. What has no reading stays as its own lower-case letters."""
    letters: Any = lambda rest: list(rest.lower())  # noqa: E731  (the library takes lists, its stubs do not say so)
    syllables = lazy_pinyin(piece, style=Style.NORMAL, errors=letters)
    kept = [syllable for syllable in syllables if syllable.strip().isalnum()]
    return "".join(kept), "".join(syllable[0] for syllable in kept)


_known: dict[str, Reading] = {}


def _reading(piece: str) -> Reading:
    found = _known.get(piece)
    if found is None:
        if len(_known) >= _MOST_REMEMBERED:
            _known.clear()
        found = _known[piece] = _read(piece)
    return found


def reading_of(name: str) -> Reading:
    """(syllables, initials) of a whole name."""
    automaton, phrases = _automaton()
    syllables, initials, end = [], [], 0
    known = _known
    for index, start, stop in automaton.find_matches_as_indexes(name):
        pieces = [*name[end:start], phrases[index]] if start > end else (phrases[index],)
        end = stop
        for piece in pieces:
            whole, first = known.get(piece) or _reading(piece)
            syllables.append(whole)
            initials.append(first)
    for piece in name[end:]:
        whole, first = known.get(piece) or _reading(piece)
        syllables.append(whole)
        initials.append(first)
    return "".join(syllables), "".join(initials)
