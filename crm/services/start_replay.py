"""Many quarantined rows: a worker replays them, batch by batch, while the page has long answered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from office import jobs
from office.models import Job, User
from office.services.start_job import start_job

KIND = "crm.replay_quarantine"
AT_ONCE = 200  # a page waits for no more than these
BATCH = 2_000  # rows held in memory, and merged in one transaction


def start_replay(*, rows: Sequence[int], by: User, now: dt.datetime) -> Job:
    """Whoever asks has made sure that he may. Rows that are closed meanwhile are left alone."""
    slot = f"{by.pk}-{now:%Y%m%dT%H%M%S.%f}"
    return start_job(kind=KIND, slot=slot, now=now, payload={"rows": as_spans(rows), "by": by.pk})[0]


def replay_in_batches(*, rows: str, by: int | None, now: dt.datetime) -> dict[str, int]:
    """The counts of `replay_quarantine` over all of them. Begun again, it finds those that arrived no longer open."""
    from crm.services.replay_quarantine import replay_quarantine  # it reads the connectors' whole machinery

    person, counts = User.objects.filter(pk=by).first(), Counter[str]()
    numbers = from_spans(rows)
    for done in range(0, len(numbers), BATCH):
        jobs.still_ours()
        jobs.report(rows=done, total=len(numbers))
        counts += Counter(replay_quarantine(rows=numbers[done : done + BATCH], by=person, now=now))
    return dict(counts)


def as_spans(numbers: Iterable[int]) -> str:
    """{1, 2, 3, 7} → "1-3,7": a job's parameters are read by people, and a hundred thousand numbers are not."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def from_spans(text: str) -> list[int]:
    numbers: list[int] = []
    for span in filter(None, text.split(",")):
        first, _dash, last = span.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers
