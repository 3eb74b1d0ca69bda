"""The one SQL file, run without a superuser; and the checks that docs/audit.md gives for psql."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from office.audit.install import SCHEMA, create_schema
from office.audit.triggers import PAGES, Table, install_sql
from office.models import Department
from tests.office.audit_trail import dsn, unguarded

# ruff: noqa: S608
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_audit")]
DOCUMENT = Path(settings.BASE_DIR) / "docs" / "audit.md"


def psql_checks() -> list[str]:
    lines = DOCUMENT.read_text(encoding="utf-8").partition("With psql and nothing else")[2].partition("\n## ")[0].splitlines()
    return [part.strip() for part in "\n".join(line for line in lines if line.startswith("    ")).split(";") if part.strip()]


def found_by_psql() -> list[Any]:
    with psycopg.connect(**dsn()) as link:
        return [link.execute(query).fetchall() for query in psql_checks()]


def test_the_checks_for_psql_find_nothing_in_a_whole_chain() -> None:
    Department.objects.bulk_create([Department(code=f"m{i}", name="m") for i in range(3)])
    Department.objects.update(name="n")
    assert found_by_psql() == [[], [], [], []]


@pytest.mark.parametrize(("place", "forgery"), [
    (0, f"UPDATE audit.page SET data = '{{}}' WHERE id = {PAGES + 1}"),
    (1, f"DELETE FROM audit.page WHERE id = {PAGES + 1}"),
    (2, "UPDATE audit.block SET actor = 'x' WHERE id = 1"),
    (3, "DELETE FROM audit.link WHERE no = 1"),
])
def test_each_check_for_psql_finds_its_forgery(place: int, forgery: str) -> None:
    Department.objects.bulk_create([Department(code=f"m{i}", name="m") for i in range(3)])
    Department.objects.update(name="n")
    with unguarded() as cursor:
        cursor.execute(forgery)
    assert found_by_psql()[place] != []


@pytest.fixture
def own_database() -> Iterator[psycopg.Connection[Any]]:
    """A database that no superuser has prepared, with the audit made by the program's role."""
    name = "audit_of_its_own"
    with psycopg.connect(**dsn(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        with psycopg.connect(**dsn(dbname=name)) as link:
            create_schema(link.cursor())
            link.execute("CREATE TABLE thing (id bigint PRIMARY KEY, name text)")
            link.execute(install_sql(Table("thing", "id", ("name",))))
            link.commit()
            yield link
        admin.execute(f"DROP DATABASE {name}")


def test_without_a_superuser_the_program_gives_up_its_rights(own_database: psycopg.Connection[Any]) -> None:
    own_database.execute("INSERT INTO thing VALUES (1, '甲')")
    own_database.commit()
    assert own_database.execute("SELECT no, pg_get_userbyid(relowner) = current_user FROM audit.link, pg_class"
                                " WHERE pg_class.oid = 'audit.block'::regclass").fetchall() == [(1, True)]
    for change in ("UPDATE audit.page SET data = ''", "DELETE FROM audit.block", "TRUNCATE audit.link"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own_database.execute(change)
        own_database.rollback()
    own_database.execute("GRANT ALL ON audit.page TO CURRENT_USER")  # as owner he can take them back
    with pytest.raises(psycopg.errors.RestrictViolation):
        own_database.execute("UPDATE audit.page SET data = ''")


def test_made_once(own_database: psycopg.Connection[Any]) -> None:
    create_schema(own_database.cursor())
    with pytest.raises(psycopg.errors.DuplicateSchema):
        own_database.execute(SCHEMA.read_text(encoding="utf-8"))


def test_another_role_that_writes_is_audited_under_its_name(own_database: psycopg.Connection[Any]) -> None:
    """A role with rights on the table and none on the audit: the triggers write as their owner."""
    with unguarded() as cursor:
        cursor.execute("DROP ROLE IF EXISTS audit_guest")
        cursor.execute("CREATE ROLE audit_guest LOGIN PASSWORD 'only-for-this-test'")
    try:
        own_database.execute("GRANT SELECT, INSERT, UPDATE ON thing TO audit_guest")
        own_database.commit()
        name = own_database.info.dbname
        with psycopg.connect(**dsn(dbname=name, user="audit_guest", password="only-for-this-test")) as guest:
            guest.execute("INSERT INTO thing VALUES (2, '乙')")
            guest.execute("UPDATE thing SET name = '丙'")
        assert own_database.execute("SELECT db_user, verb FROM audit.block ORDER BY id").fetchall() == [
            ("audit_guest", "I"), ("audit_guest", "U")
        ]
    finally:
        own_database.execute("REVOKE ALL ON thing FROM audit_guest")
        own_database.commit()
        with unguarded() as cursor:
            cursor.execute("DROP ROLE audit_guest")
