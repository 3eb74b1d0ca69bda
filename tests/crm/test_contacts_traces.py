"""CR-13: after every journey with a number, the number is in the contact's row and nowhere else.

Looked through: what the handlers wrote, every other table, every key of Valkey (broker and cache), error pages.
Each search is proved by a canary that plants the number where it looks.
"""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Contact
from crm.services import reveal_contact as revealing
from crm.services.retire_contacts import retire_contacts
from office import jobs
from office.models import Job
from tests.crm.contacts_world import PURPOSE, World, make_world
from tests.crm.test_contacts_pages import ADD, EXPORT, LIST, form_data

pytestmark = pytest.mark.django_db
NUMBER, SECOND, MAIL, CHAT, WHO = "13961728394", "075561728395", "qiu.traces@example.com", "wx_traces_617", "示例丘某某"
SECRETS = (NUMBER, "61728394", "6172-8394", SECOND, "61728395", MAIL, CHAT)


@pytest.fixture
def world() -> World:
    return make_world(timezone.now())


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that the program's own handlers write, at their lowest level."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = list(root.handlers), root.level
    logging.config.dictConfig({**settings.LOGGING, "root": {**settings.LOGGING["root"], "level": "DEBUG"}})
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler not in before:
            handler.setStream(stream)
    yield stream
    root.handlers, root.level = before, level


def tables_with(text: str) -> list[str]:
    """Tables other than the contacts' own with the text in any column of any row."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table != Contact._meta.db_table:
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{text}%"])  # noqa: S608
                found += [table] if cursor.fetchone() != (0,) else []
    return found


def keys_with(text: str) -> list[str]:
    """Keys of the broker's and the cache's server with the text in their name or their value."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    readers = {
        b"string": server.get, b"list": lambda key: server.lrange(key, 0, -1), b"set": server.smembers, b"hash": server.hgetall,
        b"zset": lambda key: server.zrange(key, 0, -1), b"stream": server.xrange,
    }
    return [
        key.decode(errors="replace") for key in server.scan_iter()
        if text in f"{key!r}{readers[server.type(key)](key)!r}"
    ]


def journeys(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Add, edit, be refused, search, reveal, export, fail, erase; returns the bodies of the error pages."""
    officer, lead = world.client("officer"), world.client("lead")
    values = {"name": WHO, "new_phone": "139-6172-8394", "new_other_phone": SECOND, "new_email": MAIL, "new_wechat": CHAT}
    officer.post(reverse(ADD), form_data(world, **values))
    made = Contact.objects.get(name=WHO)
    change, reveal, erase = (reverse(f"admin:crm_contact_{name}", args=[made.pk]) for name in ("change", "reveal", "erase"))
    officer.post(change, form_data(world, **values, keeper=made.keeper_id, title="董事长"))
    officer.post(change, form_data(world, **values, keeper=made.keeper_id, purpose=""))
    officer.get(reverse(LIST), {"q": NUMBER})
    officer.get(reverse(LIST), {"phone__startswith": NUMBER})
    officer.get(f"/admin/crm/contact/{NUMBER}/change/")
    officer.post(reveal, {"purpose": f"拨打 {NUMBER}"})
    assert NUMBER in officer.post(reveal, {"purpose": PURPOSE}).content.decode()
    assert NUMBER.encode() in officer.post(reverse(EXPORT), {"contact": [made.pk], "purpose": PURPOSE}).getvalue()
    broken = [_fail(world, reveal, monkeypatch), *(_broken_job(made))]
    broken.append(officer.get(reverse(LIST), {"phone__startswith": "139"}).content.decode())
    lead.post(erase, {"purpose": f"{WHO}本人要求"})
    lead.post(erase, {"purpose": "本人要求删除"})
    retire_contacts(now=timezone.now())
    return broken


def _fail(world: World, reveal: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A page that breaks while it holds the clear values."""

    def explode(contacts: Any, **fields: Any) -> None:
        raise RuntimeError(f"Failing row contains ({contacts[0].clear_values()}, {contacts[0].phone})")

    client = Client(raise_request_exception=False)
    client.force_login(world.people["officer"])
    with monkeypatch.context() as patch:
        patch.setattr(revealing, "record", explode)
        answer = client.post(reveal, {"purpose": PURPOSE})
    assert answer.status_code == 500
    return str(answer.content.decode())


def _broken_job(contact: Contact) -> list[str]:
    @jobs.register("test.breaks_with_a_contact")
    def handler(payload: Any, now: Any) -> Any:
        raise RuntimeError(f"{contact} {contact.phone} {contact.email}")

    try:
        jobs.enqueue(kind="test.breaks_with_a_contact", slot="1", now=timezone.now())
        jobs.run_due(clock=timezone.now)
    finally:
        jobs._kinds.pop("test.breaks_with_a_contact")
    return list(Job.objects.values_list("error", flat=True))


def test_no_clear_number_anywhere_but_in_its_row(
    world: World, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    error_pages = journeys(world, monkeypatch)
    lines = logged.getvalue()
    assert "Failing row contains" in lines
    assert "139****8394" in lines, "the faults were logged, and masked"
    assert [text for text in SECRETS if text != CHAT and text in lines] == []
    assert {text: tables_with(text) for text in (*SECRETS, WHO)} == dict.fromkeys((*SECRETS, WHO), [])
    assert {text: keys_with(text) for text in (*SECRETS, WHO)} == dict.fromkeys((*SECRETS, WHO), [])
    assert [text for text in (*SECRETS, WHO) for page in error_pages if text in page] == []
    row = Contact.objects.filter(status="erased").values().get()
    assert not any(text in str(row) for text in (*SECRETS, WHO)), "erased means erased"


def test_canary_a_number_in_a_table_is_found(world: World) -> None:
    jobs.enqueue(kind="crm.retire_contacts", slot="1", now=timezone.now(), payload={"phone": NUMBER})
    assert tables_with(NUMBER) == ["office_job"]


def test_canary_a_number_in_the_cache_is_found(world: World) -> None:
    try:
        cache.set("planted", NUMBER, timeout=30)
        cache.set(f"planted-{SECOND}", 1, timeout=30)
        assert len(keys_with(NUMBER)) == len(keys_with(SECOND)) == 1
    finally:
        cache.delete_many(["planted", f"planted-{SECOND}"])


def test_canary_a_line_without_the_filter_is_found(logged: io.StringIO, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for handler in logging.getLogger().handlers:
        handler.filters.clear()
    journeys(world, monkeypatch)
    assert NUMBER in logged.getvalue()
