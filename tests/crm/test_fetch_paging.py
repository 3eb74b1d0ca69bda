"""Every way to page and every way to read only what changed, against a scripted source."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from crm.sync.fetch import Rebaseline, SourceBroken, StartOver
from office.http import AnswerTooLarge, BudgetSpent, Unavailable
from tests.crm.scripted import NOW, Reply, Scripted, Told, described, read_all, reader_on

ROWS = [{"id": f"k{n}", "at": f"2026-11-2{n}T08:00:00+08:00"} for n in range(5)]
KEYS = [row["id"] for row in ROWS]


def by_page(told: Told) -> Reply:
    at = (int(told.query["p"]) - 1) * 2
    return Reply({"rows": ROWS[at : at + 2], "pages": 3, "total": 5, "seq": 7})


def by_offset(told: Told) -> Reply:
    return Reply({"rows": ROWS[int(told.query["skip"]) :][:2]})


def by_cursor(told: Told) -> Reply:
    at = int(told.query.get("at") or "0")
    return Reply({"rows": ROWS[at : at + 2], "next": str(at + 2) if at + 2 < 5 else None})


def by_same_cursor(told: Told) -> Reply:
    at = int(told.query["at"])
    return Reply({"rows": ROWS[at : at + 2] or [{"id": "k4"}], "next": str(min(at + 2, 4))})


def by_body_link(told: Told) -> Reply:
    at = int(told.query.get("at", "0"))
    return Reply({"rows": ROWS[at : at + 2], "next": f"/list?at={at + 2}" if at + 2 < 5 else None})


def by_header_link(told: Told) -> Reply:
    at = int(told.query.get("at", "0"))
    link = f'<http://{told.headers["host"]}/list?at={at + 2}>; rel="next", </list>; rel="first"'
    return Reply({"rows": ROWS[at : at + 2]}, headers={"Link": link} if at + 2 < 5 else {})


WAYS: dict[str, tuple[Callable[[Told], Reply], dict[str, Any]]] = {
    "page": (by_page, {"kind": "page", "number": "p", "per": 2, "pages": "pages"}),
    "offset": (by_offset, {"kind": "offset", "offset": "skip", "per": 2}),
    "cursor": (by_cursor, {"kind": "cursor", "param": "at", "path": "next"}),
    "cursor that stands still at the end": (
        by_same_cursor,
        {"kind": "cursor", "param": "at", "start": "0", "path": "next", "stop": "same"},
    ),
    "link in the body": (by_body_link, {"kind": "next_link", "path": "next"}),
    "link in the header": (by_header_link, {"kind": "next_link", "header": "Link"}),
    "one page": (lambda _: Reply({"rows": ROWS}), {"kind": "none"}),
}


@pytest.mark.parametrize(("answer", "paging"), WAYS.values(), ids=WAYS.keys())
def test_every_way_of_paging_reads_all_and_stops(
    source: Callable[..., Scripted], answer: Any, paging: dict[str, Any]
) -> None:
    asked = source(answer)
    batches = read_all(
        reader_on(described(listing={"request": {"path": "/list"}, "items": "rows", "paging": paging}), asked.url)
    )
    assert [key for batch in batches for key in batch.keys] == KEYS
    assert [batch.page for batch in batches] == list(range(1, len(batches) + 1))
    assert len(asked.asked) == len(batches)


PAGED = {"items": "rows", "total": "total", "mark": "seq", "paging": {"kind": "page", "number": "p", "per": 2}}


def test_a_killed_reading_goes_on_where_the_source_stood_still(source: Callable[..., Scripted]) -> None:
    asked = source(by_page)
    whole = read_all(reader_on(described(listing=PAGED), asked.url))
    for done in range(len(whole)):
        reader = reader_on(described(listing=PAGED), asked.url)
        rest = read_all(reader, position=json.loads(json.dumps(whole[done].position)))
        assert [batch.keys for batch in whole[: done + 1] + rest] == [batch.keys for batch in whole]
        assert reader.complete


def test_a_killed_reading_starts_over_where_it_moved_or_cannot_tell(source: Callable[..., Scripted]) -> None:
    first = read_all(reader_on(described(listing=PAGED), source(by_page).url))[0]
    moved = source(lambda told: Reply(json.loads(by_page(told).data()) | {"seq": 8}))
    with pytest.raises(StartOver):
        read_all(reader_on(described(listing=PAGED), moved.url), position=first.position)
    unmarked = described(listing={name: part for name, part in PAGED.items() if name != "mark"})
    with pytest.raises(StartOver):
        read_all(reader_on(unmarked, source(by_page).url), position=first.position)


def test_a_listing_during_which_the_source_moves_is_not_complete(source: Callable[..., Scripted]) -> None:
    moving = source(lambda told: Reply(json.loads(by_page(told).data()) | {"seq": 7 + int(told.query["p"])}))
    reader = reader_on(described(listing=PAGED), moving.url)
    read_all(reader)
    assert not reader.complete
    still = reader_on(described(listing=PAGED), source(by_page).url)
    read_all(still)
    assert still.complete


FEED = {
    "request": {"path": "/feed"},
    "items": "rows",
    "paging": {"kind": "none", "size": "n", "per": 2},
    "record": "it",
    "events": {"from": "op", "upsert": ["put"], "removed": ["del"], "redacted": ["hide"]},
}
LOG = [
    {"n": n, "op": op, "it": {"id": key}}
    for n, op, key in [(1, "put", "a"), (2, "put", "b"), (3, "del", "a"), (4, "hide", "b"), (5, "put", "c")]
]


def feed(told: Told) -> Reply:
    since = int(told.query["since"])
    found = [entry for entry in LOG if entry["n"] > since][:2]
    return Reply({"rows": found, "next": found[-1]["n"] if found else since, "top": 5})


def sequence(**more: Any) -> Any:
    told = {"kind": "sequence", "param": "since", "seq": "n", "next": "next", "watermark": "top"} | more
    return described(changes=FEED | {"incremental": told})


def test_a_sequence_is_read_with_its_overlap_and_tells_what_kind_of_gone(source: Callable[..., Scripted]) -> None:
    reader = reader_on(sequence(overlap=2), source(feed).url)
    batches = read_all(reader, {"since": 3})
    assert [list(zip(b.keys, b.ops, b.seqs, strict=True)) for b in batches] == [
        [("b", "upsert", 2), ("a", "removed", 3)],
        [("b", "redacted", 4), ("c", "upsert", 5)],
    ]
    assert batches[0].raws == [b'{"id": "b"}', b""]
    assert reader.cursor == {"since": 5}
    again = reader_on(sequence(overlap=2), source(feed).url)
    assert [b.keys for b in read_all(again, {"since": 3}, position=batches[0].position)] == [["b", "c"]]


@pytest.mark.parametrize("after", [3, 2, None, "4", True])
def test_a_feed_that_does_not_move_is_broken(source: Callable[..., Scripted], after: Any) -> None:
    stuck = source(lambda _: Reply({"rows": LOG[3:], "next": after, "top": 9}))
    with pytest.raises(SourceBroken, match="没有前进"):
        read_all(reader_on(sequence(), stuck.url), {"since": 3})


def test_a_feed_that_was_rebuilt_is_noticed(source: Callable[..., Scripted]) -> None:
    with pytest.raises(SourceBroken, match="倒退.*改设置"):
        read_all(reader_on(sequence(), source(feed).url), {"since": 900})


@pytest.mark.parametrize(
    "entry",
    [
        {"op": "put", "it": {"id": "x"}},
        {"n": True, "op": "put", "it": {"id": "x"}},
        {"n": -1, "op": "put", "it": {"id": "x"}},
        5,
        None,
        {"n": 6, "op": "del", "it": {}},
        {"n": 6, "op": "new word", "it": {"id": "x"}},
        {"n": 6, "op": "put", "it": None, "id": "x"},
    ],
)
def test_a_change_that_cannot_be_placed_is_rejected_alone(source: Callable[..., Scripted], entry: Any) -> None:
    mixed = source(
        lambda told: Reply(
            {
                "rows": [entry, LOG[4]] if told.query["since"] == "0" else [],
                "next": 5 if told.query["since"] == "0" else 5,
                "top": 5,
            }
        )
    )
    [batch] = read_all(reader_on(sequence(), mixed.url), {"since": 0})
    assert (batch.keys, len(batch.rejects)) == (["c"], 1)


def test_a_watermark_is_asked_with_its_overlap_and_never_from_the_future(source: Callable[..., Scripted]) -> None:
    rows = [*ROWS, {"id": "k9", "at": "2099-01-01T00:00:00+08:00"}]
    asked = source(lambda _: Reply({"rows": rows}))
    told = {"kind": "watermark", "param": "from", "from": "at", "format": "datetime", "overlap_seconds": 600}
    connector = described(changes={"items": "rows", "paging": {"kind": "none"}, "incremental": told})
    full = reader_on(connector, asked.url)
    read_all(full)
    assert full.cursor == {"at": "2026-11-24T08:00:00.000Z"}
    reader = reader_on(connector, asked.url)
    read_all(reader, {"at": "2026-11-20T08:00:00.000Z"})
    assert asked.asked[-1].query == {"from": "2026-11-20 15:50:00"}
    assert reader.cursor == {"at": NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")}


def stream_of(*entries: Any) -> list[bytes]:
    return [b"\n", *(json.dumps(entry).encode() + b"\n" for entry in entries), b"\r\n"]


TIMEPOINT = described(
    changes={
        "request": {"path": "/stream"},
        "paging": {"kind": "ndjson", "batch": 2},
        "record": "data",
        "key": "id",
        "events": {"from": "event.type", "removed": ["deleted"]},
        "incremental": {"kind": "timepoint", "param": "timepoint", "path": "event.timepoint"},
    }
)


def event(number: int, key: str, kind: str = "changed") -> dict[str, Any]:
    return {"id": key, "data": {"name": key}, "event": {"timepoint": number, "type": kind}}


def test_a_stream_is_taken_up_where_it_was_left(source: Callable[..., Scripted]) -> None:
    log = [event(8, "a"), event(9, "b", "deleted"), event(12, "c")]
    asked = source(
        lambda told: (
            stream_of(*(one for one in log if one["event"]["timepoint"] > int(told.query["timepoint"])))
            + [b'{"id": "half']
        )
    )
    reader = reader_on(TIMEPOINT, asked.url)
    batches = read_all(reader, {"timepoint": 7})
    assert [list(zip(b.keys, b.ops, strict=True)) for b in batches] == [
        [("a", "upsert"), ("b", "removed")],
        [("c", "upsert")],
    ]
    assert (asked.asked[0].query, reader.cursor) == ({"timepoint": "7"}, {"timepoint": 12})
    read_all(reader_on(TIMEPOINT, asked.url), {"timepoint": 7}, position=batches[0].position)
    assert asked.asked[1].query == {"timepoint": "9"}


def test_a_position_that_the_stream_has_forgotten_asks_for_a_new_baseline(source: Callable[..., Scripted]) -> None:
    with pytest.raises(Rebaseline):
        read_all(reader_on(TIMEPOINT, source(lambda _: Reply(status=416)).url), {"timepoint": 7})


def test_a_stream_that_goes_back_is_broken_and_a_bad_line_is_rejected_alone(source: Callable[..., Scripted]) -> None:
    back = source(lambda _: stream_of(event(8, "a"), event(9, "b"), event(3, "c")))
    with pytest.raises(SourceBroken, match="倒退"):
        read_all(reader_on(TIMEPOINT, back.url), {"timepoint": 7})
    bad = source(lambda _: [*stream_of(event(8, "a")), b"{oops\n", *stream_of(event(9, "b"))])
    batches = read_all(reader_on(TIMEPOINT, bad.url), {"timepoint": 7})
    assert ([key for b in batches for key in b.keys], sum(len(b.rejects) for b in batches)) == (["a", "b"], 1)


LOOKUP = described(
    listing={
        "request": {"path": "/one/{key}"},
        "items": "",
        "single": True,
        "paging": {"kind": "lookup", "batch": 2},
    },
    refresh={"by": "key", "older_than_days": 30},
    gone={"statuses": {"410": "removed", "451": "redacted"}},
    response={"statuses": [404], "empty_when": "status == `404`"},
)


def one(told: Told) -> Reply:
    name = told.path.rsplit("/", 1)[-1]
    return Reply({"id": name}, status={"gone": 410, "hidden": 451, "none": 404}.get(name, 200))


def test_lookups_tell_the_three_ways_to_be_gone_apart(source: Callable[..., Scripted]) -> None:
    reader = reader_on(LOOKUP, source(one).url, keys=lambda: ["a", "gone", "none", "hidden", "b"])
    batches = read_all(reader, full=True)
    assert [(key, op) for b in batches for key, op in zip(b.keys, b.ops, strict=True)] == [
        ("a", "upsert"),
        ("gone", "removed"),
        ("hidden", "redacted"),
        ("b", "upsert"),
    ]
    assert not reader.complete
    rest = read_all(
        reader_on(LOOKUP, source(one).url, keys=lambda: ["a", "gone", "none", "hidden", "b"]),
        position=batches[0].position,
    )
    assert [key for b in rest for key in b.keys] == ["hidden", "b"]
    with pytest.raises(StartOver):
        read_all(reader_on(LOOKUP, source(one).url, keys=lambda: ["b"]), position=batches[0].position)


def test_when_the_days_calls_are_used_up_what_was_read_counts(source: Callable[..., Scripted]) -> None:
    batches = read_all(reader_on(LOOKUP, source(one).url, keys=lambda: ["a", "b", "c", "d", "e"], max_calls=3))
    assert [key for b in batches for key in b.keys] == ["a", "b", "c"]
    with pytest.raises(BudgetSpent):
        read_all(reader_on(LOOKUP, source(one).url, keys=lambda: ["a"], max_calls=0))


DUMP = described(listing={"request": {"path": "/dump"}, "paging": {"kind": "ndjson", "batch": 2}})


def test_a_dump_of_lines_is_a_whole_listing(source: Callable[..., Scripted]) -> None:
    reader = reader_on(DUMP, source(lambda _: [b'{"id": "a"}\n\n', b'{"id": "b"}\n{"id"', b': "c"}']).url)
    assert [batch.keys for batch in read_all(reader)] == [["a", "b"], ["c"]]
    assert reader.complete
    with pytest.raises(StartOver):
        read_all(reader, position={"rows": 2})


def test_a_dump_that_breaks_off_is_no_listing(source: Callable[..., Scripted]) -> None:
    """What is missing would look absent."""
    torn = source(lambda _: Reply(b'{"id": "a"}\n{"id": "b"}\n{"id": "c"}\n', headers={"Content-Encoding": "gzip"}))
    reader = reader_on(DUMP, torn.url)
    with pytest.raises(Unavailable):
        read_all(reader)
    assert not reader.complete


def test_a_line_without_end_is_refused(source: Callable[..., Scripted]) -> None:
    connector = described(listing={"paging": {"kind": "ndjson"}}, limits={"page_megabytes": 1})
    with pytest.raises(AnswerTooLarge):
        read_all(reader_on(connector, source(lambda _: [b"x" * 700_000] * 3).url))


def test_items_without_a_key_are_rejected_alone(source: Callable[..., Scripted]) -> None:
    rows = [{"id": "a"}, {"id": ""}, {"name": "no key", "phone": "1"}, 5, {"id": 7}]
    [batch] = read_all(reader_on(described(), source(lambda _: Reply({"rows": rows})).url))
    assert (batch.keys, [bad.payload for bad in batch.rejects]) == (["a", "7"], [{"id": ""}, {"name": "no key"}, 5])


def test_the_version_of_a_record_is_its_sequence(source: Callable[..., Scripted]) -> None:
    connector = described(listing={"items": "rows", "version": "v", "paging": {"kind": "none"}})
    rows = [{"id": "a", "v": 3}, {"id": "b", "v": "4"}, {"id": "c"}]
    [batch] = read_all(reader_on(connector, source(lambda _: Reply({"rows": rows})).url))
    assert (batch.keys, batch.seqs, len(batch.rejects)) == (["a", "b"], [3, 4], 1)


def test_a_feed_without_a_known_number_begins_at_the_moment_of_the_listing(source: Callable[..., Scripted]) -> None:
    def answer(told: Told) -> Reply:
        begun = told.query.get("from") == "2026-11-24T08:00:00.000Z" or int(told.query.get("since", "99")) < 6
        return Reply({"rows": [{"n": 6, "op": "put", "it": {"id": "x"}}] if begun else []})

    told = {"kind": "sequence", "param": "since", "seq": "n", "inclusive": True, "start": {"from": "{at}"}}
    connector = described(changes=FEED | {"incremental": told})
    asked = source(answer)
    full = reader_on(connector, asked.url)
    read_all(full)
    assert full.cursor == {"at": "2026-11-24T08:00:00.000Z"}
    reader = reader_on(connector, asked.url)
    assert [batch.keys for batch in read_all(reader, full.cursor)] == [["x"]]
    assert reader.cursor == {"since": 6}
    quiet = reader_on(connector, source(lambda _: Reply({"rows": []})).url)
    read_all(quiet, full.cursor)
    assert quiet.cursor == full.cursor
