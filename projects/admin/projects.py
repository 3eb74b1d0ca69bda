from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.admin.family import FamilyFormSet
from crm.models import Company
from office import scope
from office.admin_tools import (
    DASH,
    ModelAdmin,
    ReadOnlyInline,
    TabularInline,
    add_inline,
    as_text,
    lines_of,
    link_to,
    span_text,
)
from office.models import User
from office.money import format_yuan
from projects import lifecycle
from projects.admin.forms import CommitmentForm, ProjectForm
from projects.models import Commitment, OfficerAssignment, Project, StageChange
from projects.services.register import register_next
from projects.services.update import EDITABLE, update_project

PHASE_COLOURS = {"在谈": "info", "签约": "warning", "落地": "primary", "运营": "success"}
STAGE_COLOURS = {stage: PHASE_COLOURS[lifecycle.phase(stage)] for stage in lifecycle.STAGES}
BY, OFFICER = as_text("by", _("操作人")), as_text("officer", _("专人"))
SIDE_COLOURS = {"active": "success", "paused": "warning", "deferred": "warning", "terminated": "danger", "closed": "default"}


class ProjectOfficerFilter(admin.SimpleListFilter):
    """Those who have projects, not everybody who signs in."""

    title = _("专人")
    parameter_name = "officer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = scope.visible_to(request.user, Project)
        people = User.objects.filter(pk__in=seen.values("officer")).order_by("username")
        return [("me", "我的项目"), *((str(person.pk), str(person)) for person in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> QuerySet[Project]:
        value = self.value()
        if not value:
            return queryset
        wanted = str(request.user.pk) if value == "me" else value
        return queryset.filter(officer_id=int(wanted)) if wanted.isascii() and wanted.isdigit() else queryset.none()


class StageChangeInline(ReadOnlyInline):
    model = StageChange
    tab = True
    fields = ["date", "from_stage", "to_stage", "from_side_state", "to_side_state", BY, "reason"]
    readonly_fields = [BY]
    list_select_related = ["by"]


class OfficerAssignmentInline(ReadOnlyInline):
    model = OfficerAssignment
    tab = True
    fields = [OFFICER, "term", "reason"]
    readonly_fields = [OFFICER, "term"]
    list_select_related = ["officer"]

    @display(description=_("任期"))
    def term(self, row: OfficerAssignment) -> str:
        return span_text(row.period)


class CommitmentInline(TabularInline):
    model = Commitment
    form = CommitmentForm
    extra = 0
    tab = True
    hide_title = True
    fields = ["agreement_version", "metric", "year", "amount", "entered_as"]
    readonly_fields = ["entered_as"]


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    form = ProjectForm
    list_display = [
        "name", "company_link", "stage_label", "stage_since", "side_label", "officer", "carrier_link", "output",
    ]
    list_filter = ["stage", "side_state", "track", ProjectOfficerFilter, "carrier__zone", "is_sample"]
    list_select_related = ["company__merged_into", "officer", "carrier"]
    search_fields = ["name", "code", "company__name", "company__short_name", "summary"]
    search_help_text = _("按项目名称、编号、企业名称检索")
    autocomplete_fields = ["company", "carrier"]
    readonly_fields = ["code", "stage", "side_state", "stage_since", "pages", "investment", "output", "sample", OFFICER]
    inlines = [CommitmentInline, StageChangeInline, OfficerAssignmentInline]
    columns = {"investment": "total_investment", "output": "expected_output"}
    conflict_notes = ["stage", "side_state"]

    @display(description=_("投资主体"), ordering="company__name")
    def company_link(self, project: Project) -> SafeString | str:
        return link_to(project.company.root)

    @display(description=_("拟用载体"), ordering="carrier__name")
    def carrier_link(self, project: Project) -> SafeString | str:
        return link_to(project.carrier)

    @display(description=_("阶段"), ordering="stage", label=STAGE_COLOURS)
    def stage_label(self, project: Project) -> tuple[str, str]:
        return project.stage, project.get_stage_display()

    @display(description=_("状态"), ordering="side_state", label=SIDE_COLOURS)
    def side_label(self, project: Project) -> tuple[str, str]:
        return project.side_state, project.get_side_state_display()

    @display(description=_("计划总投资"))
    def investment(self, project: Project) -> str:
        return format_yuan(project.total_investment)

    @display(description=_("达产年产值"), ordering="expected_output")
    def output(self, project: Project) -> str:
        return format_yuan(project.expected_output)

    @display(description=_("示例"))
    def sample(self, project: Project) -> str:
        return "示例数据" if project.is_sample else DASH

    @display(description=_("相关页面"))
    def pages(self, project: Project) -> SafeString | str:
        carrier = project.carrier
        places = [carrier, carrier.zone, carrier.clause] if carrier else []
        return lines_of(link_to(place) for place in [project.company.root, *places] if place)

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> list[Any]:
        basics = ["name", "company", "track", "officer", "carrier", "source_place", "summary", "next_step"]
        money = ["total_investment", "expected_output"]
        if obj is None:
            return self.masked(request, [(None, {"fields": [*basics, *money, "move_date"]})])
        state = ["code", "stage", "side_state", "stage_since", "pages", "sample"]
        if not self.has_change_permission(request, obj):
            shown = [OFFICER if name == "officer" else name for name in basics]
            return self.masked(request, [(None, {"fields": [*state, *shown, "investment", "output"]})])
        return self.masked(request, [
            (None, {"fields": [*state, *basics]}),
            (_("金额"), {"fields": money}),
            (_("变更阶段、状态或专人"), {"fields": ["move_to", "side_to", "move_date", "move_reason"]}),
        ])

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"officer": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Project, form: ProjectForm, change: bool) -> None:
        data = form.cleaned_data
        if change:
            asked = {name: data.get(name, "") for name in ("move_to", "side_to")}
            update_project(
                project=obj, by=request.user, on=form.on, officer=data["officer"], reason=data.get("move_reason", ""), **asked
            )
            return
        made = register_next(
            officer=data["officer"], by=request.user, on=form.on, **{name: data[name] for name in EDITABLE}
        )
        obj.__dict__.update(made.__dict__)


class CompanyProjectInline(ReadOnlyInline):
    model = Project
    formset = FamilyFormSet
    fields = ["link", "stage", "side_state", "stage_since", OFFICER, "next_step"]
    readonly_fields = ["link", "stage", "side_state", "stage_since", OFFICER]
    list_select_related = ["officer"]
    verbose_name_plural = _("项目")
    tab = True

    @display(description=_("项目"))
    def link(self, project: Project) -> SafeString | str:
        return link_to(project)


class CourtedInline(ReadOnlyInline):
    """谁在跟进: that somebody else is at work on this firm and how far, so that two officers do not court it; no more."""

    model = Project
    formset = FamilyFormSet
    fields = ["follower", "phase"]
    readonly_fields = fields
    verbose_name_plural = _("其他专员在跟进")
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Past the scope on purpose, for the bureau's own people, and without the project's name, money or page."""
        others = Project.objects.exclude(pk__in=scope.visible_to(request.user, Project).values("pk"))
        live = others.filter(side_state__in=[lifecycle.ACTIVE, lifecycle.PAUSED]).select_related("officer__department")
        return live if request.user.has_perm("projects.add_project") else live.none()

    @display(description=_("专人"))
    def follower(self, project: Project) -> str:
        return f"{project.officer}（{project.officer.department or DASH}）"

    @display(description=_("进展"))
    def phase(self, project: Project) -> str:
        return lifecycle.phase(project.stage)


add_inline(Company, CompanyProjectInline)
add_inline(Company, CourtedInline)
