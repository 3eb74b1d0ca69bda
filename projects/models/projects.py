"""A project and how far it has come.

    Project ─── stage            repeats the newest StageChange, written by services/transition.py alone
       │    └── officer          repeats the newest OfficerAssignment, written by services/handover.py alone
       ├── StageChange           who, when, from, to, why: delays and rates are computed from these rows
       └── OfficerAssignment     one officer at any date: an exclusion constraint forbids two, NOT NULL forbids none

The node that a project is aimed at is a placement, and placements live in `chains`.
"""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Company
from office.models import User, Versioned
from projects import lifecycle
from projects.models.carriers import Carrier

TRACK_CHOICES = list(lifecycle.TRACKS.items())
STAGE_CHOICES = list(lifecycle.STAGES.items())
SIDE_STATE_CHOICES = list(lifecycle.SIDE_STATES.items())


def _stage_fits_track() -> models.Q:
    fits = models.Q()
    for track, sequence in lifecycle.SEQUENCE.items():
        fits |= models.Q(track=track, stage__in=sequence)
    return fits


class Project(Versioned):
    code = models.CharField(_("项目编号"), max_length=32, unique=True)
    name = models.CharField(_("项目名称"), max_length=128)
    company = models.ForeignKey(Company, verbose_name=_("投资主体"), on_delete=models.PROTECT, related_name="projects")
    track = models.CharField(_("类型"), max_length=8, choices=TRACK_CHOICES, default=lifecycle.BUILDING)
    stage = models.CharField(_("阶段"), max_length=24, choices=STAGE_CHOICES, default=lifecycle.FIRST_STAGE, editable=False)
    stage_since = models.DateField(_("进入阶段日期"), editable=False)
    side_state = models.CharField(
        _("状态"), max_length=12, choices=SIDE_STATE_CHOICES, default=lifecycle.ACTIVE, editable=False
    )
    officer = models.ForeignKey(
        User, verbose_name=_("专人"), on_delete=models.PROTECT, related_name="projects"
    )
    carrier = models.ForeignKey(
        Carrier, verbose_name=_("拟用载体"), null=True, blank=True, on_delete=models.PROTECT, related_name="projects"
    )
    total_investment = models.DecimalField(
        _("计划总投资（元）"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    expected_output = models.DecimalField(
        _("达产年产值（元）"), max_digits=20, decimal_places=2, null=True, blank=True,
        help_text=_("缺口模型按此计算项目给环节带来的能力；不详请留空"),
    )
    source_place = models.CharField(_("来源地"), max_length=64, blank=True)
    summary = models.CharField(_("简介"), max_length=255, blank=True)
    next_step = models.CharField(_("下一步"), max_length=255, blank=True)
    is_sample = models.BooleanField(_("示例"), default=False, editable=False)
    created = models.DateTimeField(_("登记时间"), auto_now_add=True)
    updated = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta:
        verbose_name = _("项目")
        verbose_name_plural = _("项目")
        ordering = ["-stage_since", "code"]
        constraints = [
            models.CheckConstraint(condition=_stage_fits_track(), name="project_stage_fits_track"),
            models.CheckConstraint(
                condition=models.Q(expected_output__isnull=True) | models.Q(expected_output__gt=0),
                name="project_output_positive", violation_error_message=_("达产年产值须大于 0；不详请留空"),
            ),
            models.CheckConstraint(
                condition=models.Q(total_investment__isnull=True) | models.Q(total_investment__gt=0),
                name="project_investment_positive", violation_error_message=_("计划总投资须大于 0；不详请留空"),
            ),
        ]
        indexes = [
            models.Index(fields=["stage"], name="project_stage"),
            models.Index(fields=["officer"], name="project_officer"),
        ]

    def __str__(self) -> str:
        return self.name


class StageChange(models.Model):
    """One move of stage or side state. Rows are added, never edited."""

    project = models.ForeignKey(Project, verbose_name=_("项目"), on_delete=models.CASCADE, related_name="stage_changes")
    date = models.DateField(_("日期"))
    from_stage = models.CharField(_("原阶段"), max_length=24, choices=STAGE_CHOICES, blank=True)
    to_stage = models.CharField(_("新阶段"), max_length=24, choices=STAGE_CHOICES)
    from_side_state = models.CharField(_("原状态"), max_length=12, choices=SIDE_STATE_CHOICES, blank=True)
    to_side_state = models.CharField(_("新状态"), max_length=12, choices=SIDE_STATE_CHOICES)
    by = models.ForeignKey(User, verbose_name=_("操作人"), on_delete=models.PROTECT)
    reason = models.CharField(_("原因"), max_length=255, blank=True)
    recorded = models.DateTimeField(_("登记时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("阶段变动")
        verbose_name_plural = _("阶段变动")
        ordering = ["project", "date", "id"]

    def __str__(self) -> str:
        return f"{self.get_from_stage_display() or '—'} → {self.get_to_stage_display()}"


class OfficerAssignment(models.Model):
    """Who answers for the project, from when to when; the open range is today's 专人."""

    project = models.ForeignKey(Project, verbose_name=_("项目"), on_delete=models.CASCADE, related_name="assignments")
    officer = models.ForeignKey(User, verbose_name=_("专人"), on_delete=models.PROTECT)
    period = DateRangeField(_("任期"))
    reason = models.CharField(_("交接说明"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("专人任期")
        verbose_name_plural = _("专人任期")
        ordering = ["project", "period"]
        constraints = [
            ExclusionConstraint(
                name="project_one_officer_at_a_date",
                expressions=[("project", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
            )
        ]

    def __str__(self) -> str:
        return f"{self.officer} {self.period}"
