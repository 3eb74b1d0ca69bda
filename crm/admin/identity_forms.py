"""What a person fills in to merge, split, take out or judge: always a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import site
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.models import Company, IdentityChange, PossibleMatch
from crm.roots import live
from office import scope

PART_LABELS = {"identifiers": _("代码"), "former_names": _("曾用名"), "links": _("来源记录"), "grades": _("企业等级")}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("理由"), max_length=IdentityChange._meta.get_field("reason").max_length, widget=UnfoldAdminTextInputWidget,
        help_text=_("依据什么判断，例如：工商档案载明吸收合并；会写入记录，撤销时可查"),
    )


class MergeForm(ReasonForm):
    survivor = forms.ModelChoiceField(
        label=_("合并到"), queryset=Company.objects.none(), help_text=_("按名称、编号或代码查找；只列现存企业"),
        widget=AutocompleteSelect(Company._meta.get_field("merged_into"), site),
    )
    field_order = ["survivor", "reason"]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["survivor"].queryset = scope.visible_to(user, live())


class SplitForm(ReasonForm):
    name = forms.CharField(label=_("拆出的企业名称"), max_length=200, widget=UnfoldAdminTextInputWidget)
    parts = forms.MultipleChoiceField(
        label=_("随之拆出"), widget=forms.CheckboxSelectMultiple, help_text=_("项目与挂链留在原企业，需要时到各自的页面更改"),
    )
    field_order = ["name", "parts", "reason"]

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parts"].choices = [
            (f"{kind}:{row.pk}", f"{label}：{_words(row)}") for kind, label in PART_LABELS.items()
            for row in getattr(company, kind).all()
        ]

    def chosen(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for text in self.cleaned_data["parts"]:
            kind, key = text.split(":")
            found.setdefault(kind, []).append(int(key))
        return found


def _words(row: Any) -> str:
    return f"{row.source.name} {row.key}" if hasattr(row, "key") else str(row)


class JudgeForm(forms.Form):
    """`answer` is the button; a pair of companies that are one needs the survivor and a reason."""

    answer = forms.ChoiceField(choices=[("same", _("同一家")), ("different", _("不是同一家"))])
    survivor = forms.TypedChoiceField(label=_("留存"), required=False, coerce=int, empty_value=None, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("理由"), required=False, max_length=IdentityChange._meta.get_field("reason").max_length,
        widget=UnfoldAdminTextInputWidget, help_text=_("判断为同一家时必填"),
    )

    def __init__(self, *args: Any, match: PossibleMatch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sides = [match.company, match.other] if match.other else []
        self.fields["survivor"].choices = [(side.pk, f"{side.code} {side.name}") for side in sides]
