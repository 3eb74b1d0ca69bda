"""Two teams of one bureau, a person of every role, and three contacts.

    bureau ── head
      ├── team 1 ── lead, officer      officer keeps `own`; answers for a project of the company of `shared`
      └── team 2 ── colleague          colleague keeps `shared` and `other`
    leader leads the chain on which the company of `own` stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from chains.models import ChainLeader
from crm.models import Contact
from crm.services.save_contact import save_contact
from office.models import Department, User
from office.roles import ADMINISTRATOR, AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, OPERATOR, TEAM_LEAD
from tests import factories as make

PHONE, OTHER, EMAIL, WECHAT, NAME = "13987650123", "075587650124", "li.person@example.com", "wx_li_8765", "示例李某某"
SHARED_PHONE, OTHER_PHONE = "13987650223", "13987650323"
CLEAR = (PHONE, "139-8765-0123", OTHER, "0755-87650124", EMAIL, WECHAT)
PURPOSE = "约定现场踏勘时间"
PEOPLE = ("officer", "colleague", "lead", "head", "leader", "operator", "auditor", "administrator", "outsider")


@dataclass
class World:
    people: dict[str, User]
    own: Contact
    shared: Contact
    other: Contact

    def client(self, name: str) -> Client:
        client = Client()
        client.force_login(self.people[name])
        return client

    def named(self, name: str) -> Contact:
        contact: Contact = getattr(self, name)
        return contact


def contact(company: object, keeper: User, *, now: dt.datetime = make.NOW, **fields: object) -> Contact:
    whole = {"name": "示例王某某", "purpose": "project", "basis": "self", "collected_on": now.date(), **fields}
    return save_contact(contact=Contact(company=company, keeper=keeper, **whole), by=keeper, now=now)


def make_world(now: dt.datetime = make.NOW) -> World:
    bureau = Department.objects.create(code="bureau", name="示例局")
    teams = [Department.objects.create(code=f"t{n}", name=f"示例{n}组", parent=bureau) for n in (1, 2)]
    roles = dict(zip(PEOPLE, (
        OFFICER, OFFICER, TEAM_LEAD, DEPARTMENT, CHAIN_LEADER, OPERATOR, AUDITOR, ADMINISTRATOR, None,
    ), strict=True))
    people = {name: make.user(name, *filter(None, [role])) for name, role in roles.items()}
    places = {"officer": teams[0], "lead": teams[0], "colleague": teams[1], "head": bureau}
    for name, place in places.items():
        people[name].department = place
        people[name].save()
    firms = [make.company(f"深圳市示例{word}有限公司", number=n) for n, word in enumerate("芯屏链", start=1)]
    own = contact(
        firms[0], people["officer"], now=now, name=NAME, title="总经理", phone=PHONE, other_phone=OTHER, email=EMAIL,
        wechat=WECHAT,
    )
    shared = contact(firms[1], people["colleague"], now=now, phone=SHARED_PHONE)
    other = contact(firms[2], people["colleague"], now=now, phone=OTHER_PHONE)
    make.project(people["officer"], firms[1], on=make.DAY)
    chain = make.chain()
    make.place(chain, "chip", firms[0])
    ChainLeader.objects.create(chain=chain, user=people["leader"], term=(dt.date(2020, 1, 1), None))
    return World({name: User.objects.get(pk=person.pk) for name, person in people.items()}, own, shared, other)


@contextmanager
def standing_world(blocker: DjangoDbBlocker, now: dt.datetime = make.NOW) -> Iterator[World]:
    """One world for a whole file: each test undoes what it did, and takes a copy of these objects."""
    with blocker.unblock(), transaction.atomic():
        yield make_world(now)
        transaction.set_rollback(True)
