"""SE-09: nobody raises himself, by no way that the program offers; accounts, business and audit stay in three hands."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from chains.models import ChainLeader
from office.admin.people import PersonForm
from office.models import User
from office.roles import (
    ADMINISTRATOR,
    ALONE,
    AUDITOR,
    CHAIN_LEADER,
    DEPARTMENT,
    OFFICER,
    OPERATOR,
    PERMISSIONS,
    ROLES,
    TEAM_LEAD,
    RolesClash,
    check_roles,
)
from projects.models import Carrier, CarrierOperator
from tests import factories as make

pytestmark = pytest.mark.django_db
BUSINESS = [role for role in ROLES if role not in ALONE]


def person_address(user: User) -> str:
    return reverse("admin:office_user_change", args=[user.pk])


@pytest.mark.parametrize("role", BUSINESS + [AUDITOR])
def test_nobody_but_the_administrator_writes_accounts(client: Client, role: str) -> None:
    person = make.user("person", role)
    client.force_login(person)
    data = {"username": "person", "groups": [group.pk for group in Group.objects.all()], "is_superuser": "on", "is_staff": "on"}
    for other in (person, make.user("other", OFFICER)):
        assert client.post(person_address(other), data).status_code == 403
    assert client.post(reverse("admin:office_user_add"), data).status_code == 403
    person.refresh_from_db()
    assert ([group.name for group in person.groups.all()], person.is_superuser) == ([role], False)


def test_a_person_without_a_role_opens_no_page_of_data(client: Client) -> None:
    client.force_login(make.user("outsider"))
    for model, page in admin.site._registry.items():
        assert client.get(reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")).status_code == 403, model


@pytest.mark.parametrize("model", [LogEntry, ContentType, Permission, Session])
def test_what_rights_are_made_of_has_no_page(model: type) -> None:
    assert not admin.site.is_registered(model)


def test_roles_are_read_only_on_screen(client: Client) -> None:
    client.force_login(make.user("boss", ADMINISTRATOR))
    group = Group.objects.get(name=ADMINISTRATOR)
    every = list(Permission.objects.values_list("pk", flat=True))
    address = reverse("admin:auth_group_change", args=[group.pk])
    assert client.post(address, {"name": ADMINISTRATOR, "permissions": every}).status_code == 403
    assert client.post(reverse("admin:auth_group_add"), {"name": "新角色", "permissions": every}).status_code == 403


def test_permission_rows_of_the_database_grant_nothing() -> None:
    """Rights come from the table in the code: a row slipped into the database's permission tables opens no door."""
    person = make.user("person", CHAIN_LEADER)
    person.user_permissions.set(Permission.objects.all())
    Group.objects.get(name=CHAIN_LEADER).permissions.set(Permission.objects.all())
    made_up = Group.objects.create(name="万能")
    made_up.permissions.set(Permission.objects.all())
    person.groups.add(made_up)
    again = User.objects.get(pk=person.pk)
    assert not again.has_perm("office.change_user")
    assert not again.has_perm("projects.change_project")
    assert again.has_perm("chains.view_chain")


def test_a_superuser_is_an_administrator_and_no_more() -> None:
    root = User.objects.create_superuser("root", password="root-pass-word-1")
    every = {f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")}
    assert {name for name in every if root.has_perm(name)} == set(PERMISSIONS[ADMINISTRATOR]) & every
    assert not root.has_module_perms("crm")


def test_an_inactive_person_may_do_nothing() -> None:
    person = make.user("gone", OFFICER, is_active=False)
    assert not person.has_perm("crm.view_company")
    assert not person.has_module_perms("crm")


@pytest.mark.parametrize("alone", sorted(ALONE))
@pytest.mark.parametrize("other", ROLES)
def test_powers_that_must_be_apart(alone: str, other: str) -> None:
    """In the form by a sentence, in the database by a trigger."""
    person = make.user("person", alone)
    if other == alone:
        check_roles([alone])
        return
    with pytest.raises(RolesClash, match=alone):
        check_roles([alone, other])
    for add in (
        lambda: person.groups.add(Group.objects.get(name=other)),
        lambda: Group.objects.get(name=other).user_set.add(person),
        lambda: _raw(person, other),
    ):
        with pytest.raises(IntegrityError, match="apart"), transaction.atomic():
            add()
    assert [group.name for group in person.groups.all()] == [alone]


def _raw(person: User, role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO office_user_groups (user_id, group_id) SELECT %s, id FROM auth_group WHERE name = %s",
            [person.pk, role],
        )


def test_canary_without_the_trigger_the_powers_meet() -> None:
    person = make.user("person", AUDITOR)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks outstanding cannot be altered
        cursor.execute("ALTER TABLE office_user_groups DISABLE TRIGGER office_user_groups_apart")
    _raw(person, OFFICER)
    assert User.objects.get(pk=person.pk).role_names == {AUDITOR, OFFICER}


def test_business_roles_may_meet_in_one_hand() -> None:
    assert make.user("both", OFFICER, CHAIN_LEADER, TEAM_LEAD).role_names == {OFFICER, CHAIN_LEADER, TEAM_LEAD}


def test_a_superuser_holds_no_business_role() -> None:
    with pytest.raises(IntegrityError, match="apart"), transaction.atomic():
        User.objects.filter(pk=make.user("person", OFFICER).pk).update(is_superuser=True)


def test_the_form_says_which_roles_do_not_go_together(client: Client) -> None:
    client.force_login(make.user("boss", ADMINISTRATOR))
    officer = make.user("officer", OFFICER)
    form = PersonForm(instance=officer)
    form.cleaned_data = {"groups": Group.objects.filter(name__in=[OFFICER, AUDITOR])}
    with pytest.raises(ValidationError, match="分开"):
        form.clean_groups()


@pytest.mark.parametrize("role", [OFFICER, TEAM_LEAD, CHAIN_LEADER, AUDITOR])
def test_nobody_appoints_himself_to_a_chain(client: Client, role: str) -> None:
    """Only the department does, and it appoints people of the role."""
    person, chain = make.user("person", role), make.chain()
    client.force_login(person)
    prefix = "leaders"
    data = {
        f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0", f"{prefix}-0-user": person.pk,
        f"{prefix}-0-term_0": "2020-01-01", f"{prefix}-0-term_1": "",
    }
    assert client.post(reverse("admin:chains_chain_change", args=[chain.pk]), data).status_code in (403, 404)
    assert not ChainLeader.objects.exists()


def test_nobody_appoints_himself_to_a_building(client: Client) -> None:
    person, carrier = make.user("person", OPERATOR), Carrier.objects.create(code="c", name="楼", kind="building")
    CarrierOperator.objects.create(carrier=carrier, user=person, term=make.since())
    client.force_login(person)
    other = Carrier.objects.create(code="d", name="另一座楼", kind="building")
    for target, status in ((carrier, 403), (other, 403)):
        assert client.post(reverse("admin:projects_carrier_change", args=[target.pk]), {"name": "x"}).status_code == status
    assert CarrierOperator.objects.count() == 1


def test_the_department_cannot_make_an_officer_a_chain_leader(client: Client) -> None:
    from tests.matrix.pages import form_values

    chain, officer = make.chain(), make.user("officer", OFFICER)
    client.force_login(make.user("director", DEPARTMENT))
    address = reverse("admin:chains_chain_change", args=[chain.pk])
    data = form_values(client.get(address).content.decode())
    data |= {"leaders-TOTAL_FORMS": "1", "leaders-0-term_0": "2026-01-01", "leaders-0-term_1": ""}
    data |= {"leaders-0-user": str(officer.pk)}
    assert client.post(address, data).status_code == 200, "an officer is no 链长"
    assert not ChainLeader.objects.exists()
    leader = make.user("leader", CHAIN_LEADER)
    assert client.post(address, data | {"leaders-0-user": str(leader.pk)}).status_code == 302
    assert ChainLeader.objects.get().user == leader


def test_every_permission_of_the_table_exists() -> None:
    named = {name for names in PERMISSIONS.values() for name in names}
    models = {f"{model._meta.app_label}.{verb}_{model._meta.model_name}" for model in apps.get_models()
              for verb in model._meta.default_permissions}
    own = {f"{model._meta.app_label}.{code}" for model in apps.get_models() for code, _text in model._meta.permissions}
    assert named <= models | own
