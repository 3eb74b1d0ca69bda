"""SE-01: a reviewer changes ids in addresses all day and follows every link: nothing of the other side comes to light."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urljoin

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from office.money import format_yuan
from tests.matrix import expectations as expect
from tests.matrix.inventory import registered
from tests.matrix.test_matrix import ARGUMENTS, address, label_of, page_address
from tests.matrix.world import MONEY, SECRET, World

pytestmark = pytest.mark.django_db
MOST_PAGES, OPENED = 260, 200
LINK = re.compile(r'(?:href|action)="(/[^"#]*)')
PROJECT = [f"{SECRET}{word}" for word in ("项目", "下一步", "简介", "承诺", "联系人")] + ["P2026-0002"]
FIRM = [f"{SECRET}企业"]
PLACES = [f"{SECRET}大厦"]
MAP = [f"{SECRET}链", f"{SECRET}芯片", f"{SECRET}整机"]
FORBIDDEN = {
    "officer": PROJECT, "lead": PROJECT, "director": PROJECT,
    "leader": PROJECT + FIRM + MAP[1:],  # the plan itself says which chains a building is meant for
    "operator": PROJECT + FIRM + PLACES + MAP + ["甲方下一步", format_yuan(MONEY), f"{MONEY:f}", "12345.67万元"],
    "auditor": [], "sysadmin": [SECRET, "甲方"], "outsider": [SECRET, "甲方"],
}


def starting_points(world: World) -> Iterator[str]:
    """Every address of the program with every id of both sides, and what somebody might add to it."""
    for key in expect.VIEW:
        yield address(key, "changelist")
        yield f"{address(key, 'changelist')}?q={SECRET}&chain=other"
        for side in (world.own, world.other):
            row = side[key]
            for page in ("change", "history"):
                yield address(key, page, row.pk)
        for page in registered()[label_of(key)].get_urls():
            if page.name and "<" not in str(page.pattern):
                yield reverse(f"admin:{page.name}")
    for name, parts in ARGUMENTS.items():
        yield from (page_address(name, chain) for chain in (("demo", "other") if parts else ("demo",)))
    yield from ("/admin/", f"/admin/search/?s={SECRET}&extended=1", f"/admin/search/?s={SECRET}")
    yield from (f"/admin/{app}/" for app in ("crm", "projects", "chains", "office", "plans"))


def text_of(response: HttpResponse) -> str:
    if getattr(response, "streaming", False):
        return b"".join(response.streaming_content).decode(errors="replace")  # type: ignore[attr-defined]
    return response.content.decode(errors="replace")


@dataclass
class Walk:
    """What one person met: address → status, address → the pages that offer it, and what should not have been seen."""

    met: dict[str, int] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)


def walk(client: Client, start: Iterable[str], forbidden: Sequence[str], *, pages: int = MOST_PAGES) -> Walk:
    """Visit the starting points, then what they link to, each page once and each list in one order only."""
    found, waiting = Walk(), list(start)
    while waiting and len(found.met) < pages:
        place = waiting.pop(0)
        if place in found.met or re.search(r"/logout|^/static/|[?&](o|p|_facets|e)=", place):
            continue
        response = client.get(place)
        body = text_of(response)
        found.met[place] = response.status_code
        shown = body.replace(f'value="{SECRET}"', "")
        found.leaks += [f"{place}: {text}" for text in forbidden if text in shown]
        if response.status_code == OPENED and response["Content-Type"].startswith("text/html"):
            links = [urljoin(place, unescape(link)) for link in LINK.findall(body)]
            found.offered |= {link: place for link in links}
            waiting += links
    return found


@pytest.mark.parametrize("person", expect.PEOPLE)
def test_nothing_of_the_other_side_comes_to_light(world: World, as_person: dict[str, Client], person: str) -> None:
    """And every link that was offered opens: one that ends at a refusal tells that there is something. A person without a
    role meets the refusal on the first page, which says what to do."""
    found = walk(as_person[person], starting_points(world), FORBIDDEN[person])
    broken = [place for place, status in found.met.items() if status >= 500]  # noqa: PLR2004
    dead = [
        f"{found.offered[place]} → {place}" for place, status in found.met.items()
        if place in found.offered and status not in (OPENED, 302) and (person, place) != ("outsider", "/")
    ]
    assert (found.leaks, broken, dead) == ([], [], [])
    assert sum(status == OPENED for status in found.met.values()) > (1 if person == "outsider" else 20)


def test_canary_a_leak_is_seen(world: World, as_person: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from chains.reports import pages

    places = [page_address("report", "other"), page_address("chain-node", "other")]
    assert walk(as_person["officer"], places, PROJECT, pages=len(places)).leaks == []
    monkeypatch.setattr(pages, "mask_row", lambda row, seen: row)
    assert len(walk(as_person["officer"], places, PROJECT, pages=len(places)).leaks) > 1
