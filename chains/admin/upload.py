"""Upload of a chain file: refused whole with the place of every bad value, or published as the next version."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from chains.analysis.chainfile import ChainFileError, read_chain
from chains.models import Chain, Node, NodeSpec, SupplyGroup
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
        if "file" not in data:
            return data
        problems = unstorable(data["file"].to_dict())
        try:
            check_clauses(data["file"])
        except UnknownClause as error:
            problems.append(str(error))
        if problems:
            self.add_error("file", problems)
        return data


def unstorable(whole: dict[str, Any]) -> list[str]:
    """What the format allows and the tables do not: texts that are too long, a name that another chain has."""
    head = whole["chain"]
    places: list[tuple[str, type[Model], dict[str, Any], list[str]]] = [
        ("chain", Chain, head, ["code", "name", "group", "summary"])
    ]
    places += [(f"nodes[{i}]", NodeSpec, row, ["name", "reason"]) for i, row in enumerate(whole["nodes"])]
    places += [(f"nodes[{i}]", Node, row, ["code"]) for i, row in enumerate(whole["nodes"])]
    places += [(f"supply[{i}]", SupplyGroup, row, ["label"]) for i, row in enumerate(whole["supply"])]
    found = []
    for path, model, row, names in places:
        for name in names:
            most, text = model._meta.get_field(name).max_length, str(row.get(name) or "")
            if len(text) > most:
                found.append(f"{path}.{name}：{len(text)} 字，最多 {most} 字")
            if "\x00" in text:
                found.append(f"{path}.{name}：含有不可见的控制字符（U+0000），请删去")
    if Chain.objects.filter(name=head["name"]).exclude(code=head["code"]).exists():
        found.append(f"chain.name：另一条产业链已叫“{head['name']}”；如要更新那条链，chain.code 须与它一致")
    return found[:MOST_PROBLEMS]
