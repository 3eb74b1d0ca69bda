"""Masks, the one written form of a number, and logs that carry none."""

from __future__ import annotations

import csv
import io
import logging
import logging.config
import re
import sys
import uuid
from typing import Any

import pytest
from celery import signals
from django.conf import settings
from django.test import RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_class, get_exception_reporter_filter
from hypothesis import given
from hypothesis import strategies as st

from config import celery
from config.startup.postgres import DISCREET
from config.startup.serve import ACCESS_LINE
from office import jobs
from office.csvfile import FORMULA, csv_lines, safe_cell
from office.privacy import (
    PhoneError,
    canonical_phone,
    carries_personal,
    format_phone,
    mask_email,
    mask_phone,
    mask_text,
    mask_word,
)
from office.redaction import RedactingFilter
from tests import factories as make

NUMBER = "13987650123"  # invented, and looked for in every log line below
WRITTEN = [NUMBER, "139-8765-0123", "139 8765 0123", "+8613987650123", "+86 139 8765 0123", "0086-139-8765-0123",
           "１３９８７６５０１２３", "８６１３９８７６５０１２３"]


@pytest.mark.parametrize(("written", "stored", "shown", "masked"), [
    ("138 0000 1234", "13800001234", "13800001234", "138****1234"),
    ("+86 138-0000-1234", "13800001234", "13800001234", "138****1234"),
    ("（0755）2233 4455", "075522334455", "0755-22334455", "0755-****4455"),
    ("０７５５－２２３３４４５５", "075522334455", "0755-22334455", "0755-****4455"),
    ("0755-2233445", "07552233445", "0755-2233445", "0755-****445"),
    ("010-62345678转8012", "01062345678-8012", "010-62345678转8012", "010-****5678转****"),
    ("010-62345678-8012", "01062345678-8012", "010-62345678转8012", "010-****5678转****"),
    ("400-123-4567", "4001234567", "4001234567", "400****567"),
    ("+852 5123 4567", "+85251234567", "+85251234567", "+852****4567"),
    ("2233 4455", "22334455", "22334455", "****4455"),
    ("8012", "8012", "8012", "****"),
])
def test_one_written_form(written: str, stored: str, shown: str, masked: str) -> None:
    assert canonical_phone(written) == stored
    assert canonical_phone(stored) == stored
    assert canonical_phone(shown) == stored
    assert format_phone(stored) == shown
    assert mask_phone(written) == mask_phone(stored) == masked


@pytest.mark.parametrize("text", ["", "电话", "1", "12", "12345678901", "1380000123a", "075522334455667", "=1+1", "+", "-"])
def test_what_is_no_number_is_refused_and_still_masked(text: str) -> None:
    with pytest.raises(PhoneError):
        canonical_phone(text)
    assert mask_phone(text) == ("****" if text else "")


NUMBERS = re.compile(r"1[3-9]\d{9}|0755\d{7,8}|010\d{8}|\d{3,8}|\+\d{6,15}", re.ASCII)


@given(st.from_regex(NUMBERS, fullmatch=True))
def test_at_least_four_digits_are_hidden(number: str) -> None:
    shown = sum(letter.isdigit() for letter in mask_phone(number))
    digits = sum(letter.isdigit() for letter in canonical_phone(number))
    assert digits - shown >= min(4, digits)


def test_other_masks() -> None:
    assert mask_email("zhang.san@example.com") == "z****@example.com"
    assert mask_email("z@example.com") == "****@example.com"
    assert mask_email("broken") == "****"
    assert mask_email("") == mask_word("") == ""
    assert mask_word("wx_1") == "****"


@pytest.mark.parametrize("written", WRITTEN)
def test_every_way_of_writing_is_found_in_a_text(written: str) -> None:
    text = f"致电{written}，失败 q={written}&x=1"
    assert carries_personal(text)
    assert "8765" not in mask_text(text)
    assert "８７６５" not in mask_text(text)


@pytest.mark.parametrize("text", [
    "2026-11-24 09:30:00.123456", "91440300MA5G0T9B4X", "C000123", "投资 13800万元", "项目 P2026-0001", "20261124193012",
    "1b2c8f64-9a37-4e51-8d20-13987650a123", "127.0.0.1:8000", "第１２期",
])
def test_other_figures_are_left_alone(text: str) -> None:
    assert not carries_personal(text)


def _line(write: Any, *, filters: list[logging.Filter]) -> str:
    """What a handler prints of whatever `write` logs."""
    stream, logger = io.StringIO(), logging.getLogger(f"test.{uuid.uuid4()}")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for one in filters:
        handler.addFilter(one)
    logger.addHandler(handler)
    write(logger)
    return stream.getvalue()


def _fails(logger: logging.Logger) -> None:
    try:
        raise ValueError(f"bad row ({NUMBER}, a.person@example.com)")
    except ValueError:
        logger.exception("could not save %s", {"phone": NUMBER}, stack_info=True)


WRITERS = [
    lambda logger: logger.warning("number %s", NUMBER),
    lambda logger: logger.warning("number %(phone)s", {"phone": f"+86 {NUMBER}"}),
    lambda logger: logger.warning(NUMBER),
    _fails,
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_log_line_is_masked(write: Any) -> None:
    line = _line(write, filters=[RedactingFilter()])
    assert "139****0123" in line
    assert NUMBER not in line
    assert "a.person@" not in line


@pytest.mark.parametrize("write", WRITERS)
def test_canary_without_the_filter_the_number_is_found(write: Any) -> None:
    assert NUMBER in _line(write, filters=[])


def unmasked(logging_settings: dict[str, Any]) -> list[str]:
    """Handlers without the filter."""
    return [name for name, one in logging_settings["handlers"].items() if "redact" not in one.get("filters", [])]


def test_every_handler_masks() -> None:
    assert unmasked(settings.LOGGING) == []
    planted = {"handlers": {**settings.LOGGING["handlers"], "file": {"class": "logging.FileHandler"}}}
    assert unmasked(planted) == ["file"]


def test_djangos_own_handlers_are_out_of_the_way() -> None:
    before = {name: list(logging.getLogger(name).handlers) for name in ("", "django", "django.server")}
    try:
        logging.config.dictConfig(settings.LOGGING)
        assert logging.getLogger("django").handlers == logging.getLogger("django.server").handlers == []
        assert logging.getLogger("django.server").propagate
    finally:
        for name, handlers in before.items():
            logging.getLogger(name).handlers = handlers


def test_celery_leaves_our_handlers_in_place() -> None:
    assert any(receiver() is celery.our_logging for _key, receiver, *_ in signals.setup_logging.receivers)


def test_servers_log_neither_rows_nor_query_strings() -> None:
    assert {"log_error_verbosity=terse", "log_min_error_statement=panic"} <= set(DISCREET)
    assert not {"%(r)s", "%(q)s", "%(f)s"} & {part.strip('"') for part in ACCESS_LINE.split()}


def _report(path: str, data: dict[str, str]) -> ExceptionReporter:
    request = RequestFactory().post(path, data)
    phone = data["phone"]  # a local variable, which a report prints
    try:
        raise ValueError(f"cannot call {phone}")
    except ValueError:
        reporter = get_exception_reporter_class(request)
        return reporter(request, *sys.exc_info())


def test_error_reports_are_masked_even_when_debugging() -> None:
    report = _report(f"/x/?q={NUMBER}", {"phone": NUMBER, "name": "示例人名", "wechat": "wx_secret_1"})
    for text in (report.get_traceback_text(), report.get_traceback_html()):
        assert "139****0123" in text
        assert NUMBER not in text
    posted = get_exception_reporter_filter(report.request).get_post_parameters(report.request)
    assert set(posted) == {"phone", "name", "wechat"}
    assert len(set(posted.values())) == 1


def test_canary_djangos_report_carries_the_number() -> None:
    report = _report("/x/", {"phone": NUMBER})
    assert NUMBER in ExceptionReporter.get_traceback_text(report)


@pytest.mark.django_db
def test_a_failed_job_keeps_no_number() -> None:
    @jobs.register("test.fails_with_a_number")
    def fail(payload: Any, now: Any) -> Any:
        raise ValueError(f"Failing row contains ({NUMBER})")

    try:
        job, _new = jobs.enqueue(kind="test.fails_with_a_number", slot="1", now=make.NOW)
        jobs.run_due(clock=lambda: make.NOW)
        job.refresh_from_db()
    finally:
        jobs._kinds.pop("test.fails_with_a_number")
    assert "139****0123" in job.error
    assert NUMBER not in job.error


@pytest.mark.parametrize("start", FORMULA)
@pytest.mark.parametrize("before", ["", " ", "　"])
def test_no_cell_starts_a_formula(start: str, before: str) -> None:
    text = f"{before}{start}1+1"
    assert safe_cell(text) == f"'{text}"
    line = "".join(csv_lines(["a"], [[text]])).removeprefix("﻿")
    assert list(csv.reader(io.StringIO(line, newline="")))[1] == [f"'{text}"]


def test_other_cells_are_kept_and_the_file_says_that_it_is_utf_8() -> None:
    lines = list(csv_lines(["姓名", "数"], [["甲,乙\n丙", None], ["a=b", 3]]))
    assert lines[0].encode()[:3] == b"\xef\xbb\xbf"
    rows = list(csv.reader(io.StringIO("".join(lines).removeprefix("﻿"), newline="")))
    assert rows == [["姓名", "数"], ["甲,乙\n丙", ""], ["a=b", "3"]]
