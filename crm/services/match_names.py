"""Pairs that may be one firm, for people to decide: records that wait for an identity, and companies among themselves.

Companies are read and indexed in blocks, so that memory does not grow with their number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from crm.models import Company, CompanyName, PossibleMatch, QuarantinedRow
from crm.roots import live, root_of
from crm.sync.names import NO_MATCH, NameIndex, normalise

BLOCK = 250_000
ASKED = 20_000
CANDIDATES = 5  # of a record
ROW_SCORE = 0.5  # a record waits for a person in any case: better a weak candidate than none
DUPLICATE_SCORE = 0.92
NIGHTLY_LIMIT = 500
SIMILAR_NAME = "名称（或曾用名）相近"
SAME_NAME = "名称相同（不计全半角、括号、地名位置与组织形式）"


def propose_for_rows(*, run_id: int, now: dt.datetime) -> int:
    """Candidates for the rows of a run that were read and wait for a decision; returns how many were written."""
    waiting = QuarantinedRow.objects.filter(run_id=run_id, state=QuarantinedRow.State.OPEN, payload__has_key="values")
    names = {row.pk: name for row in waiting.order_by("pk").iterator() if (name := _name_of(row))}
    if not names:
        return 0
    rows, asked = list(names), list(names.values())
    best: dict[int, dict[int, float]] = {row: {} for row in rows}
    for ids, block in _blocks(_present_and_former()):
        index = NameIndex(ids, block)
        for row, found, scores in zip(rows, *index.best(asked, k=CANDIDATES), strict=True):
            _keep(best[row], found.tolist(), scores.tolist())
    said = {company for row in rows for company, _score in _first(best[row], CANDIDATES)}
    present = dict(Company.objects.filter(pk__in=said).values_list("pk", "name"))
    return _write(
        PossibleMatch(row_id=row, company_id=company, score=_rounded(score), reasons=_reasons(names[row], present[company]))
        for row in rows for company, score in _first(best[row], CANDIDATES)
    )


def find_duplicates(*, now: dt.datetime, limit: int) -> int:
    """The likeliest pairs of live companies that nobody has judged yet, `limit` at most; returns how many are new."""
    known = set(PossibleMatch.objects.filter(other__isnull=False).values_list("company_id", "other_id"))
    pairs: dict[tuple[int, int], float] = {}
    for ids, block in _blocks(_present()):
        index = NameIndex(ids, block)
        for asked_ids, asked in _blocks(_present(), size=ASKED):
            found, scores = index.best(asked, k=CANDIDATES)
            for one, others, its_scores in zip(asked_ids, found.tolist(), scores.tolist(), strict=True):
                _pair_up(pairs, known, one, others, its_scores)
        pairs = dict(sorted(pairs.items(), key=lambda pair: -pair[1])[:limit])
    names = dict(Company.objects.filter(pk__in={pk for pair in pairs for pk in pair}).values_list("pk", "name"))
    return _write(
        PossibleMatch(company_id=one, other_id=other, score=_rounded(score), reasons=_reasons(names[one], names[other]))
        for (one, other), score in pairs.items()
    )


def nightly_duplicates(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    """The body of a job: at most so many a night, so that the queue stays one that people can finish."""
    return {"proposed": find_duplicates(now=now, limit=int(payload.get("limit", NIGHTLY_LIMIT)))}


def _name_of(row: QuarantinedRow) -> str:
    content = row.corrected if row.corrected is not None else row.payload
    values = content.get("values") if isinstance(content, dict) else None
    return str(values.get("name") or "") if isinstance(values, dict) else ""


def _present() -> Iterator[tuple[int, str]]:
    return live().order_by("pk").values_list("pk", "name").iterator(chunk_size=10_000)


def _present_and_former() -> Iterator[tuple[int, str]]:
    """Every name under which a live company is or was known, those of what it has absorbed among them."""
    present = Company.objects.order_by("pk").values_list(root_of(), "name").iterator(chunk_size=10_000)
    former = CompanyName.objects.order_by("pk").values_list(root_of("company__"), "name").iterator(chunk_size=10_000)
    return chain(present, former)


def _blocks(rows: Iterator[tuple[int, str]], *, size: int = BLOCK) -> Iterator[tuple[list[int], list[str]]]:
    while block := list(islice(rows, size)):
        yield [pk for pk, _ in block], [name for _, name in block]


def _keep(best: dict[int, float], found: Sequence[int], scores: Sequence[float]) -> None:
    for company, score in zip(found, scores, strict=True):
        if company != NO_MATCH and score >= ROW_SCORE:
            best[company] = max(score, best.get(company, 0.0))


def _first(best: Mapping[int, float], count: int) -> list[tuple[int, float]]:
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:count]


def _pair_up(pairs: dict[tuple[int, int], float], known: set[tuple[int, int]], one: int, others: Sequence[int],
             scores: Sequence[float]) -> None:
    for other, score in zip(others, scores, strict=True):
        if other in (NO_MATCH, one) or score < DUPLICATE_SCORE:
            continue
        pair = (min(one, other), max(one, other))
        if pair not in known and pair[::-1] not in known:
            pairs[pair] = max(score, pairs.get(pair, 0.0))


def _reasons(one: str, other: str) -> list[str]:
    return [SAME_NAME if normalise(one) == normalise(other) else SIMILAR_NAME]


def _rounded(score: float) -> Decimal:
    return Decimal(f"{min(score, 1.0):.3f}")


def _write(matches: Iterable[PossibleMatch]) -> int:
    """Those that are not there yet: who said once that two firms are two is not asked again."""
    before = PossibleMatch.objects.count()
    PossibleMatch.objects.bulk_create(matches, batch_size=1_000, ignore_conflicts=True)
    return PossibleMatch.objects.count() - before
