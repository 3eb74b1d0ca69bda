"""Secrets do not reach logs, error pages, job errors or the admin."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter

from office import jobs
from office.models import Job, User
from office.redaction import HIDDEN, RedactingFilter, redact, secrets_of
from office.roles import ADMINISTRATOR, OFFICER
from tests import factories as make

PLANTED = "Zx81-planted-value"


@pytest.mark.parametrize("text", [
    f"password={PLANTED}", f"'password': '{PLANTED}'", f'{{"client_secret": "{PLANTED}"}}', f"Authorization: Bearer {PLANTED}",
    f"token={PLANTED}&a=1", f"postgresql://app:{PLANTED}@db/app", f"redis://:{PLANTED}@cache:6379/0", f"API_KEY: {PLANTED}",
    f"sessionid={PLANTED}; csrftoken=x", f"https://user:{PLANTED}@host/x?y",
])
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert PLANTED not in redact(text, known=())
    assert HIDDEN in redact(text, known=())


@pytest.mark.parametrize("text", ["用户名或密码不对", "12 companies, 3 new", "GET /chains/demo/ 200", "https://host/x?y=1"])
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text, known=()) == text


def test_known_values_are_hidden_wherever_they_stand() -> None:
    known = secrets_of(["abcdef-secret", "abc", ""], ["postgresql://app:p%40ss-word@db/app", "unix:///x"])
    assert known == ("abcdef-secret", "p%40ss-word", "p@ss-word")
    assert redact("x abcdef-secret y p@ss-word abc", known=known) == f"x {HIDDEN} y {HIDDEN} abc"


def log(record: Any, *args: Any, filtered: bool = True, **more: Any) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    if filtered:
        handler.addFilter(RedactingFilter())
    logger = logging.Logger("planted")
    logger.addHandler(handler)
    logger.warning(record, *args, **more)
    return out.getvalue()


def test_the_log_hides_message_arguments_and_traceback() -> None:
    assert PLANTED not in log("asked with token=%s", PLANTED)
    try:
        raise ValueError(f"password={PLANTED}")
    except ValueError:
        text = log("failed", exc_info=True)
        assert PLANTED in log("failed", exc_info=True, filtered=False)  # canary
    assert "ValueError" in text
    assert PLANTED not in text
    assert "%d" in log("wrong %d", "arguments")


def test_the_program_logs_through_it() -> None:
    assert all("redact" in handler["filters"] for handler in django_settings.LOGGING["handlers"].values())


def test_an_error_report_hides_settings_and_what_was_typed() -> None:
    request = RequestFactory().post("/login/", {"username": "zhang", "password": PLANTED})
    request.sensitive_post_parameters = ["password"]
    try:
        raise RuntimeError
    except RuntimeError as error:
        page = ExceptionReporter(request, type(error), error, error.__traceback__).get_traceback_html()
    assert PLANTED not in page
    assert django_settings.SECRET_KEY not in page
    assert django_settings.DATABASE_URL not in page
    assert django_settings.REDIS_URL not in page


@pytest.mark.django_db
def test_a_page_that_breaks_tells_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"password={PLANTED} {django_settings.SECRET_KEY}")

    client.raise_request_exception = False
    client.force_login(make.user("zhang", OFFICER))
    monkeypatch.setattr("chains.reports.pages.overview", broken)
    answer = client.get("/")
    html = answer.content.decode()
    assert answer.status_code == 500
    assert "系统出错" in html
    for word in (PLANTED, django_settings.SECRET_KEY, "RuntimeError", "Traceback"):
        assert word not in html


@pytest.mark.django_db
def test_a_failed_job_keeps_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(payload: Any, now: Any) -> Any:
        raise RuntimeError(f"https://app:{PLANTED}@host refused, token={PLANTED}")

    monkeypatch.setitem(jobs._kinds, "planted", jobs.JobKind("planted", "", fail, None))
    jobs.enqueue(kind="planted", slot="1", now=make.NOW)
    jobs.run_due(clock=lambda: make.NOW, limit=1)
    assert "RuntimeError" in Job.objects.get().error
    assert PLANTED not in Job.objects.get().error


@pytest.mark.django_db
def test_the_admin_shows_no_hash_and_no_second_factor(client: Client) -> None:
    client.force_login(make.user("boss", ADMINISTRATOR))
    person = User.objects.create_user("zhang", password="pass-word-1234")
    html = client.get(reverse("admin:office_user_change", args=[person.pk])).content.decode()
    assert person.password not in html
    assert person.password.split("$")[-1] not in html
    labels = {model._meta.app_label for model in admin.site._registry}
    assert labels.isdisjoint({"mfa", "socialaccount", "account", "axes", "sessions"})
