from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from crm.models import Company
from office.admin_tools import ReadOnlyInline, add_inline, link_to
from office.templatetags.office import yuan
from projects.admin.forms import ProjectForm
from projects.models import Commitment, OfficerAssignment, Project, StageChange
from projects.services.register import next_code, register_project
from projects.services.update import update_project

STAGE_COLOURS = {
    "lead": "info", "screening": "info", "negotiating": "info", "pre_signing": "warning", "signed": "warning",
}


class StageChangeInline(ReadOnlyInline):
    model = StageChange
    tab = True
    fields = ["date", "from_stage", "to_stage", "to_side_state", "by", "reason"]


class OfficerAssignmentInline(ReadOnlyInline):
    model = OfficerAssignment
    tab = True
    fields = ["officer", "period", "reason"]


class CommitmentInline(TabularInline):
    model = Commitment
    extra = 0
    tab = True
    fields = ["agreement_version", "metric", "year", "amount", "entered_as"]


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    form = ProjectForm
    list_display = ["name", "company_link", "stage_label", "stage_since", "side_state", "officer", "carrier", "output"]
    list_filter = ["stage", "side_state", "track", "officer", "carrier__zone", "is_sample"]
    list_select_related = ["company", "officer", "carrier"]
    search_fields = ["name", "code", "company__name", "company__short_name", "summary"]
    search_help_text = _("按项目名称、编号、企业名称检索")
    autocomplete_fields = ["company", "carrier"]
    date_hierarchy = None
    inlines = [CommitmentInline, StageChangeInline, OfficerAssignmentInline]

    @display(description=_("投资主体"), ordering="company__name")
    def company_link(self, project: Project) -> SafeString | str:
        return link_to(project.company)

    @display(description=_("阶段"), ordering="stage", label=STAGE_COLOURS)
    def stage_label(self, project: Project) -> tuple[str, str]:
        return project.stage, project.get_stage_display()

    @display(description=_("达产年产值"), ordering="expected_output")
    def output(self, project: Project) -> str:
        return yuan(project.expected_output)

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> list[Any]:
        basics = ["name", "company", "track", "officer", "carrier", "source_place", "summary", "next_step"]
        money = ["total_investment", "expected_output"]
        if obj is None:
            return [(None, {"fields": [*basics, *money, "move_date"]})]
        return [
            (None, {"fields": ["code", "stage", "side_state", "stage_since", *basics]}),
            (_("金额"), {"fields": money}),
            (_("变更阶段、状态或专人"), {"fields": ["move_to", "side_to", "move_date", "move_reason"]}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"officer": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        return [] if obj is None else ["code", "stage", "side_state", "stage_since"]

    def save_model(self, request: HttpRequest, obj: Project, form: ProjectForm, change: bool) -> None:
        data = form.cleaned_data
        on = data.get("move_date") or timezone.localdate()
        if not change:
            fields = {name: data[name] for name in form.Meta.fields if name not in ("name", "company")}
            made = register_project(
                code=next_code(on=on), name=data["name"], company=data["company"], officer=data["officer"],
                by=request.user, on=on, **fields,
            )
            obj.pk, obj.code = made.pk, made.code
            obj.refresh_from_db()
            return
        update_project(
            project=obj, by=request.user, on=on, officer=data["officer"], move_to=data.get("move_to", ""),
            side_to=data.get("side_to", ""), reason=data.get("move_reason", ""),
        )


class CompanyProjectInline(ReadOnlyInline):
    model = Project
    fields = ["link", "stage", "stage_since", "officer", "next_step"]
    readonly_fields = ["link", "stage", "stage_since", "officer"]
    verbose_name_plural = _("项目")
    tab = True

    @display(description=_("项目"))
    def link(self, project: Project) -> SafeString | str:
        return link_to(project)


add_inline(Company, CompanyProjectInline)
