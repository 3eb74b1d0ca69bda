"""The project form: money as people write it, and a move or a handover asked for beside the record."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from office.conflicts import VersionedForm
from office.forms import AmountField
from office.models import User
from office.money import AmountError, exact_decimal
from projects import lifecycle
from projects.models import Commitment, Project
from projects.services.handover import HandoverError, check_handover_date, officers
from projects.services.update import EDITABLE

UNCHANGED = ("", "（不变）")
MOVES = ("move_to", "side_to", "move_reason")


class ProjectForm(VersionedForm):
    commands = ("move_to", "side_to")
    total_investment = AmountField(label=_("计划总投资"), required=False)
    expected_output = AmountField(
        label=_("达产年产值"), required=False,
        help_text=_("缺口模型按此计算项目给环节带来的能力，不详请留空；可写 3000万元、1.2亿元，只写数字按元计"),
    )
    officer = forms.ModelChoiceField(
        User.objects.none(), label=_("专人"), widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": _("此人不能担任专人：须为在用账号，并担任招商专员或招商组长")},
    )
    move_to = forms.ChoiceField(
        label=_("变更阶段为"), required=False, widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": _("现在不能变更到这个阶段，请按当前阶段重选")},
    )
    side_to = forms.ChoiceField(
        label=_("变更状态为"), required=False, widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": _("现在不能变更为这个状态，请按当前状态重选")},
    )
    move_date = forms.DateField(label=_("生效日期"), required=False, widget=UnfoldAdminSingleDateWidget)
    move_reason = forms.CharField(
        label=_("原因"), required=False, max_length=255, widget=UnfoldAdminTextInputWidget,
        help_text=_("退回、暂停、缓办、终止和交接须写明"),
    )

    class Meta:
        model = Project
        fields = EDITABLE
        # The admin adds every field that it shows to `fields`; the officer changes by a handover only.
        exclude = ["officer"]  # noqa: DJ006

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project = self.instance
        self.fields["officer"].queryset = officers(keep=project.officer_id)
        self.fields["move_date"].initial = timezone.localdate()
        if project.pk is None:
            self.fields["move_date"].label = _("登记日期")
            for name in MOVES:
                del self.fields[name]
            return
        self.fields["officer"].initial = project.officer_id
        self.fields["move_to"].choices = [UNCHANGED, *_stages(project)]
        self.fields["side_to"].choices = [
            UNCHANGED, *((name, lifecycle.SIDE_STATES[name]) for name in lifecycle.SIDE_MOVES[project.side_state])
        ]

    @property
    def on(self) -> dt.date:
        return self.cleaned_data.get("move_date") or timezone.localdate()

    def entered_text(self, name: str) -> str:
        """A move that is not possible any more is no choice of the field, and still has a name."""
        asked = str(self[name].data or "")
        return {**lifecycle.STAGES, **lifecycle.SIDE_STATES}.get(asked) or super().entered_text(name)

    def clean_move_date(self) -> dt.date | None:
        on: dt.date | None = self.cleaned_data.get("move_date")
        if on is not None and on > timezone.localdate():
            raise forms.ValidationError(_("日期不能晚于今天：事情发生后再登记"))
        return on

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk is not None and not self.stale:
            self._check_moves(self.stored)
            self._check_track(self.stored)
            self._check_handover(self.stored)
        return data

    def _check_moves(self, stored: Project) -> None:
        data, reason = self.cleaned_data, self.cleaned_data.get("move_reason") or ""
        side, target = data.get("side_to") or stored.side_state, data.get("move_to")
        try:
            if data.get("side_to"):
                lifecycle.check_side_move(side_state=stored.side_state, target=side, reason=reason)
        except lifecycle.LifecycleError as error:
            self.add_error("side_to", str(error))
        try:
            if target:
                track = data.get("track") or stored.track
                lifecycle.check_move(track=track, stage=stored.stage, side_state=side, target=target, reason=reason)
        except lifecycle.LifecycleError as error:
            self.add_error("move_to", str(error))
        if (target or data.get("side_to")) and self.on < stored.stage_since:
            self.add_error("move_date", f"日期早于上一次变动 {stored.stage_since}，请核对")

    def _check_track(self, stored: Project) -> None:
        track = self.cleaned_data.get("track")
        try:
            lifecycle.check_track(track=track or stored.track, stage=stored.stage)
        except lifecycle.LifecycleError as error:
            self.add_error("track", str(error))

    def _check_handover(self, stored: Project) -> None:
        officer = self.cleaned_data.get("officer")
        if officer is None or officer.pk == stored.officer_id:
            return
        if not (self.cleaned_data.get("move_reason") or "").strip():
            self.add_error("move_reason", f"交接给“{officer}”须写明原因")
        try:
            check_handover_date(since=stored.assignments.get(period__endswith__isnull=True).period.lower, on=self.on)
        except HandoverError as error:
            self.add_error("move_date", str(error))


def _stages(project: Project) -> list[tuple[str, str]]:
    moves = lifecycle.allowed_moves(project.track, project.stage)
    return [(move.target, lifecycle.STAGES[move.target] + ("（退回）" if move.needs_reason else "")) for move in moves]


class CommitmentForm(forms.ModelForm):
    amount = AmountField(label=_("承诺值"), help_text=_("金额可写 3000万元、1.2亿元；用工写人数"))

    class Meta:
        model = Commitment
        fields = ["agreement_version", "metric", "year", "amount"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.metric == Commitment.Metric.JOBS:
            self.initial["amount"] = f"{self.instance.amount.normalize():f}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        text = (self.data.get(self.add_prefix("amount")) or "").strip()
        if "amount" not in data or "amount" not in self.changed_data:
            return data
        if data.get("metric") == Commitment.Metric.JOBS:
            self._check_people(text)
        self.instance.entered_as = text[:64]
        return data

    def _check_people(self, text: str) -> None:
        try:
            if exact_decimal(text, text) % 1:
                self.add_error("amount", "用工须为整数人数")
        except AmountError:
            self.add_error("amount", "用工只写人数，例如 120")
