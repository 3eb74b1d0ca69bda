"""Secrets and personal data stay out of logs, error reports and the errors of jobs: known secrets by value, the rest by
their look."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter

from office.privacy import mask_text

HIDDEN = "******"
SHORTEST = 6  # a shorter value would hide half of every sentence
NAMES = ("SECRET_KEY", "OIDC_CLIENT_SECRET", "ENTERPRISE_DB_KEY")
ADDRESSES = ("DATABASE_URL", "REDIS_URL")
LOOKS = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|api_?key|authorization|sessionid|csrftoken|client_secret|code_verifier)"
    r"[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)([^\s\"'&,;}\])]{3,})"
)
IN_ADDRESS = re.compile(r"(?<=://)([^\s/:@]*):([^\s/@]+)(?=@)")


def secrets_of(named: Iterable[str], addresses: Iterable[str]) -> tuple[str, ...]:
    """The values to hide, longest first so that none is cut by another."""
    passwords = []
    for address in addresses:
        raw = urlsplit(address).password or ""
        passwords += [raw, unquote(raw)]
    return tuple(sorted({value for value in (*named, *passwords) if len(value) >= SHORTEST}, key=len, reverse=True))


@functools.lru_cache(maxsize=1)
def _known() -> tuple[str, ...]:
    named = [*(getattr(settings, name, "") for name in NAMES), *settings.SECRET_KEY_FALLBACKS]
    return secrets_of(named, (getattr(settings, name, "") for name in ADDRESSES))


def redact(text: str, *, known: Iterable[str] | None = None) -> str:
    for value in _known() if known is None else known:
        text = text.replace(value, HIDDEN)
    return IN_ADDRESS.sub(rf"\1:{HIDDEN}", LOOKS.sub(rf"\1{HIDDEN}", text))


def clean(text: str) -> str:
    """Without secrets, telephone numbers and e-mail addresses."""
    return mask_text(redact(text))


class RedactingFilter(logging.Filter):
    """For every handler: message, arguments, traceback and stack are put together first and then cleaned as one text."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a call with wrong arguments must not fail here, in the middle of the work
            message = f"{record.msg} {record.args}"
        record.msg, record.args = clean(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)  # printed by formatters as it stands
        record.exc_text = clean(record.exc_text) if record.exc_text else record.exc_text
        record.stack_info = clean(record.stack_info) if record.stack_info else record.stack_info
        return True


class ReportFilter(SafeExceptionReporterFilter):
    """Django hides what is called key or secret; addresses hold passwords too."""

    hidden_settings = re.compile("API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|BROKER|OIDC|LOCATION", re.I)
