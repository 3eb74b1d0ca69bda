"""Buttons that write: a page that asks, and the answer's POST. A link must not write, for another site could hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from office import scope

Row = TypeVar("Row", bound=Model)
LARGEST_ID = 2**63 - 1
Answer = tuple[int, str]  # a level of django.contrib.messages and what it says


def row_or_404(request: HttpRequest, rows: type[Row] | QuerySet[Row], object_id: Any, verb: str = scope.VIEW) -> Row:
    """The row that an address names, if it lies within the person's reach."""
    text = str(object_id)
    narrowed = scope.visible_to(request.user, rows) if verb == scope.VIEW else scope.changeable_by(request.user, rows)
    usable = text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_ID
    found = narrowed.filter(pk=int(text)).first() if usable else None
    if found is None:
        raise Http404(_("没有这条记录，或者您看不到它"))
    return found


def ask(
    page: Any, request: HttpRequest, row: Model, *, title: str, lines: Sequence[str], button: str, do: Callable[[], Answer],
    form: Form | None = None,
) -> HttpResponse:
    """GET shows the question, POST does it and leads back to the row with what came of it. No `button`: nothing to do here."""
    back = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    if request.method == "POST" and button and (form is None or form.is_valid()):
        level, text = do()
        messages.add_message(request, level, text)
        return redirect(back)
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": title, "lines": lines, "button": button,
        "back": back, "form": form,
    }
    return render(request, "admin/office/question.html", context)


class LivePage:
    """For ModelAdmin: the page loads itself again while its row says that it is under way. A header does it: no script runs
    on our pages, and a reader who leaves the page stops it."""

    refresh_seconds = 3

    def is_live(self, row: Any) -> bool:
        raise NotImplementedError

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
                           form_url: str = "", obj: Any = None) -> HttpResponse:
        answer: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)  # type: ignore[misc]
        if obj is not None and self.is_live(obj):
            answer.headers["Refresh"] = str(self.refresh_seconds)
        return answer
