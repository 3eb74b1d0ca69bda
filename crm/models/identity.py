"""Which companies are the same: pairs to look at, and merges that can be taken back.

A merge rewrites no foreign key: the absorbed company keeps its rows and points at the survivor (Company.merged_into).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PossibleMatch(models.Model):
    """A scored pair. `row`: a source's record that waits for the decision; `other`: a company that may be the same."""

    class State(models.TextChoices):
        OPEN = "open", _("待判断")
        SAME = "same", _("同一家")
        DIFFERENT = "different", _("不是同一家")

    company = models.ForeignKey(
        "crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="possible_matches"
    )
    row = models.ForeignKey(
        "crm.QuarantinedRow", verbose_name=_("来源记录"), null=True, blank=True, on_delete=models.CASCADE,
        related_name="candidates",
    )
    other = models.ForeignKey(
        "crm.Company", verbose_name=_("疑似同一家"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    score = models.DecimalField(_("相似度"), max_digits=4, decimal_places=3)
    reasons = models.JSONField(_("依据"), default=list)
    state = models.CharField(_("判断"), max_length=12, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(
        "office.User", verbose_name=_("判断人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("判断时间"), null=True, blank=True)
    created_at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("疑似同一企业")
        verbose_name_plural = _("疑似同一企业")
        ordering = ["-score", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(row__isnull=False, other__isnull=True) | models.Q(row__isnull=True, other__isnull=False),
                name="possiblematch_one_side",
            ),
            models.UniqueConstraint(fields=["company", "row"], name="possiblematch_row_once"),
            models.UniqueConstraint(fields=["company", "other"], name="possiblematch_pair_once"),
        ]
        indexes = [models.Index(fields=["state"], condition=models.Q(state="open"), name="possiblematch_open")]

    def __str__(self) -> str:
        return f"{self.company_id} {self.score}"


class IdentityChange(models.Model):
    """A merge or a split, with everything that is needed to take it back."""

    class Kind(models.TextChoices):
        MERGE = "merge", _("合并")
        SPLIT = "split", _("拆分")

    kind = models.CharField(_("类别"), max_length=8, choices=Kind)
    survivor = models.ForeignKey(
        "crm.Company", verbose_name=_("留存企业"), on_delete=models.PROTECT, related_name="absorptions"
    )
    other = models.ForeignKey(
        "crm.Company", verbose_name=_("并入或拆出的企业"), on_delete=models.PROTECT, related_name="identity_changes"
    )
    moved = models.JSONField(_("变动明细"), default=dict, editable=False)
    reason = models.CharField(_("理由"), max_length=300)
    by = models.ForeignKey("office.User", verbose_name=_("经办人"), on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("时间"))
    undone_by = models.ForeignKey(
        "office.User", verbose_name=_("撤销人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(_("撤销时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("合并与拆分")
        verbose_name_plural = _("合并与拆分")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(survivor=models.F("other")), name="identitychange_two_companies"),
        ]

    def __str__(self) -> str:
        return f"{self.other_id} → {self.survivor_id}"
