"""Logs and error reports carry no telephone number and no e-mail address, whoever wrote the line."""

from __future__ import annotations

import logging
from typing import Any

from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from office.privacy import mask_text

_plain = logging.Formatter()


class MaskPersonal(logging.Filter):
    """For every handler: message, arguments, traceback and stack are put together first and then masked as one text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask_text(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _plain.formatException(record.exc_info)  # formatters print this and do not look again
        if record.exc_text:
            record.exc_text = mask_text(record.exc_text)
        if record.stack_info:
            record.stack_info = mask_text(record.stack_info)
        return True


class MaskedReporter(ExceptionReporter):
    """Django's own error report (the DEBUG page, the mail to ADMINS), masked as a whole."""

    def get_traceback_html(self) -> str:
        return mask_text(super().get_traceback_html())

    def get_traceback_text(self) -> str:
        return mask_text(super().get_traceback_text())


class HidePosted(SafeExceptionReporterFilter):
    """Names and WeChat ids have no shape to recognise: of a posted form the report shows the field names only."""

    def is_active(self, request: Any) -> bool:
        return True  # under DEBUG too

    def get_post_parameters(self, request: Any) -> dict[str, str]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request is not None else {}
