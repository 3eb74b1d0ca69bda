"""Upload of a chain file: refused whole with the place of every bad value, or published as the next version."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from chains.analysis.chainfile import ChainFileError, read_chain
from chains.services.publish import Published, UnknownClause, check_clauses, publish_chain
from office.models import User

MOST_BYTES = 5 * 1024 * 1024
MOST_PROBLEMS = 50


class ChainFileForm(forms.Form):
    file = forms.FileField(label="链文件（chain/1，JSON）", widget=UnfoldAdminFileFieldWidget)
    note = forms.CharField(label="版本说明", required=False, max_length=255, widget=UnfoldAdminTextInputWidget)

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > MOST_BYTES:
            raise ValidationError("文件超过 5 MB：链文件一般不足 1 MB，请确认选对了文件")
        try:
            return read_chain(upload.read())
        except ChainFileError as error:
            lines = [f"{problem.path}：{problem.message}" for problem in error.problems[:MOST_PROBLEMS]]
            if len(error.problems) > MOST_PROBLEMS:
                lines.append(f"……共 {len(error.problems)} 处，请先改正以上各处")
            raise ValidationError(lines) from error

    def publish(self, *, by: User, now: dt.datetime) -> Published:
        return publish_chain(document=self.cleaned_data["file"], now=now, by=by, note=self.cleaned_data["note"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "file" in data:
            try:
                check_clauses(data["file"])
            except UnknownClause as error:
                self.add_error("file", str(error))
        return data
