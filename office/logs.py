"""Error reports carry neither secrets nor telephone numbers and e-mail addresses; office/redaction.py cleans the log lines."""

from __future__ import annotations

from typing import Any

from django.views.debug import ExceptionReporter

from office.redaction import ReportFilter, clean


class MaskedReporter(ExceptionReporter):
    """Django's own error report (the DEBUG page, the mail to ADMINS), cleaned as a whole."""

    def get_traceback_html(self) -> str:
        return clean(super().get_traceback_html())

    def get_traceback_text(self) -> str:
        return clean(super().get_traceback_text())


class HidePosted(ReportFilter):
    """Names and WeChat ids have no shape to recognise: of a posted form the report shows the field names only."""

    def is_active(self, request: Any) -> bool:
        return True  # under DEBUG too

    def get_post_parameters(self, request: Any) -> dict[str, str]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request is not None else {}
