"""Who is at work reaches PostgreSQL before a write, costs a reader nothing, and never outlives its transaction."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from office.audit import context
from office.models import Department, User
from tests.office.audit_trail import trail


def acting(name: str):
    return context.acting(context.Context(context.WEB, actor=name, request_id=f"r-{name}"))


def told() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('audit.context', true), '')")
        return cursor.fetchone()[0]


def actors() -> list[str]:
    return [step.actor for step in trail(Department)]


def department(code: str) -> None:
    Department.objects.create(code=code, name=code)


@pytest.mark.usefixtures("empty_audit")
@pytest.mark.django_db(transaction=True)
class TestOneConnection:
    def test_nothing_is_left_for_the_next_person(self) -> None:
        with acting("li"):
            department("a")
            with transaction.atomic():
                department("b")
        assert told() == ""
        department("c")
        with acting("wang"):
            department("d")
        assert actors() == ["li", "li", "", "wang"]

    def test_not_after_a_rollback_either(self) -> None:
        with suppress(RuntimeError), acting("li"), transaction.atomic():
            department("a")
            raise RuntimeError
        department("b")
        with acting("wang"), transaction.atomic():
            department("c")
        assert actors() == ["", "wang"]

    def test_a_savepoint_rolled_back_takes_the_name_along_and_gets_it_again(self) -> None:
        with acting("li"), transaction.atomic():
            with suppress(RuntimeError), transaction.atomic():
                department("a")
                raise RuntimeError
            department("b")
        assert actors() == ["li"]

    def test_another_person_within_one_transaction(self) -> None:
        with transaction.atomic():
            with acting("li"):
                department("a")
                with acting("wang"):
                    department("b")
                department("c")
            department("d")
        assert actors() == ["li", "wang", "li", ""]

    def test_a_function_that_writes_behind_a_select_is_not_anothers(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION pg_temp.add(c text) RETURNS void LANGUAGE sql AS"
                " $$ INSERT INTO public.office_department (code, name) VALUES (c, c) $$"
            )
        with transaction.atomic():
            with acting("li"):
                department("a")
            with acting("wang"), connection.cursor() as cursor:
                cursor.execute("SELECT pg_temp.add('b')")
        assert actors() == ["li", "wang"]

    def test_a_failed_statement_does_not_confuse(self) -> None:
        from django.db import IntegrityError

        with acting("li"):
            department("a")
            with pytest.raises(IntegrityError):
                department("a")
            department("b")
        assert actors() == ["li", "li"]
        assert told() == ""

    def test_executemany_and_copy_outside_a_transaction(self) -> None:
        with acting("li"), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO office_department (code, name) VALUES (%s, 'x')", [["a"], ["b"]])
            with cursor.copy("COPY office_department (code, name) FROM STDIN") as copy:
                copy.write_row(("c", "c"))
        assert actors() == ["li"] * 3
        assert told() == ""

    def test_statements_that_must_stand_alone_still_do(self) -> None:
        with acting("li"), connection.cursor() as cursor:
            cursor.execute("VACUUM office_department")

    def test_threads_do_not_share_a_name(self) -> None:
        def other() -> None:
            try:
                department("b")
            finally:
                connection.close()

        with acting("li"):
            department("a")
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert sorted(actors()) == ["", "li"]

    def test_canary_a_setting_of_the_session_would_leak(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('audit.context', '{\"actor\": \"li\"}', false)")
        try:
            department("a")
            assert actors() == ["li"]  # what the tests above would see, were the setting not the transaction's
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('audit.context', '', false)")


@pytest.mark.django_db
def test_reading_costs_nothing() -> None:
    asked: list[int] = []
    reader = context.Context(context.WEB, user=lambda: asked.append(1))
    with context.acting(reader), CaptureQueriesContext(connection) as queries:
        list(Department.objects.all())
        assert told() == ""
    assert asked == []
    assert len(queries) == 2


@pytest.mark.django_db
def test_the_request_says_who_and_by_which_way(client: Client) -> None:
    li = User.objects.create_superuser("li", password="long-enough-pass")
    client.force_login(li)
    first, second = client.get("/plan/"), client.get("/plan/")
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert context.current() is None


@pytest.mark.django_db
def test_a_forged_request_number_is_not_taken(client: Client) -> None:
    assert client.get("/login/", headers={"X-Request-ID": "mine"})["X-Request-ID"] != "mine"


def test_through_keeps_the_person_and_changes_the_way() -> None:
    with acting("li"), context.through(context.IMPORT):
        now = context.current()
    assert now is not None
    assert (now.actor, now.channel, now.request_id) == ("li", "import", "r-li")


def test_a_command_is_named_without_its_arguments() -> None:
    made = context.of_command(["manage.py", "sync_companies", "--key=secret"])
    assert made.actor.startswith("sync_companies · ")
    assert "secret" not in made.actor
