"""The project form: money as people write it, and a move or a handover asked for beside the record."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from office.forms import AmountField
from office.models import User
from projects import lifecycle
from projects.models import Project
from projects.services.handover import HandoverError, check_handover_date


def _officers() -> Any:
    return User.objects.filter(is_active=True, groups__permissions__codename="change_project").distinct()


class ProjectForm(forms.ModelForm):
    total_investment = AmountField(label=_("计划总投资"), required=False)
    expected_output = AmountField(label=_("达产年产值"), required=False)
    officer = forms.ModelChoiceField(User.objects.none(), label=_("专人"), widget=UnfoldAdminSelectWidget)
    move_to = forms.ChoiceField(label=_("变更阶段为"), required=False, widget=UnfoldAdminSelectWidget)
    side_to = forms.ChoiceField(label=_("变更状态为"), required=False, widget=UnfoldAdminSelectWidget)
    move_date = forms.DateField(label=_("生效日期"), required=False, widget=UnfoldAdminSingleDateWidget)
    move_reason = forms.CharField(
        label=_("原因"), required=False, max_length=255, widget=UnfoldAdminTextInputWidget,
        help_text=_("退回、暂停、缓办、终止和交接须写明"),
    )

    class Meta:
        model = Project
        fields = [
            "name", "company", "track", "carrier", "total_investment", "expected_output", "source_place", "summary",
            "next_step",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["officer"].queryset = _officers()
        self.fields["move_date"].initial = timezone.localdate()
        if self.instance.pk is None:
            for name in ("move_to", "side_to", "move_reason"):
                del self.fields[name]
            return
        self.fields["officer"].initial = self.instance.officer_id
        moves = lifecycle.allowed_moves(self.instance.track, self.instance.stage)
        self.fields["move_to"].choices = [
            ("", "（不变）"), *((m.target, lifecycle.STAGES[m.target] + ("（退回）" if m.needs_reason else "")) for m in moves)
        ]
        self.fields["side_to"].choices = [
            ("", "（不变）"), *((name, lifecycle.SIDE_STATES[name]) for name in lifecycle.SIDE_MOVES[self.instance.side_state])
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk is None:
            return data
        reason = data.get("move_reason") or ""
        stored = Project.objects.get(pk=self.instance.pk)
        try:
            if data.get("move_to"):
                lifecycle.check_move(
                    track=stored.track, stage=stored.stage, side_state=stored.side_state, target=data["move_to"], reason=reason
                )
        except lifecycle.LifecycleError as error:
            self.add_error("move_to", str(error))
        try:
            if data.get("side_to"):
                lifecycle.check_side_move(side_state=stored.side_state, target=data["side_to"], reason=reason)
        except lifecycle.LifecycleError as error:
            self.add_error("side_to", str(error))
        moved = data.get("move_to") or data.get("side_to")
        if moved and (data.get("move_date") or timezone.localdate()) < stored.stage_since:
            self.add_error("move_date", f"日期早于上一次变动 {stored.stage_since}，请核对")
        self._check_handover(data)
        if data.get("track") and data["track"] != stored.track and stored.stage not in lifecycle.SEQUENCE[data["track"]]:
            self.add_error("track", f"已到“{lifecycle.STAGES[stored.stage]}”，该类型没有这个阶段；请先退回再改类型")
        return data

    def _check_handover(self, data: dict[str, Any]) -> None:
        officer = data.get("officer")
        if officer is None or officer.pk == self.instance.officer_id:
            return
        since = self.instance.assignments.get(period__endswith__isnull=True).period.lower
        try:
            check_handover_date(since=since, on=data.get("move_date") or timezone.localdate())
        except HandoverError as error:
            self.add_error("move_date", str(error))
