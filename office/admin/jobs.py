from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from office.admin_questions import Answer, LivePage, ask, row_or_404
from office.admin_tools import ReadOnlyAdmin, pairs
from office.clock import database_now
from office.jobs import MAX_ATTEMPTS, kinds
from office.models import Job
from office.services.retry_job import NotDead, retry_job

STATE_COLOURS = {"queued": "info", "running": "warning", "done": "success", "dead": "danger", "merged": "info"}


@admin.register(Job)
class JobAdmin(LivePage, ReadOnlyAdmin):
    list_display = ["name", "slot", "state_label", "attempts", "created", "finished"]
    list_filter = ["state", "kind"]
    search_fields = ["kind", "slot"]
    search_help_text = _("按种类、时段检索")
    fields = [
        "name", "slot", "state", "progress_lines", "attempts", "created", "not_before", "lease_until", "finished",
        "payload_lines", "result_lines", "error",
    ]
    readonly_fields = ["name", "progress_lines", "payload_lines", "result_lines"]
    actions_detail = ["retry"]

    def is_live(self, row: Job) -> bool:
        return row.state in (Job.State.QUEUED, Job.State.RUNNING)

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("office.retry_job")

    @action(description=_("重试"), url_path="retry", permissions=["retry"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = row_or_404(request, Job, object_id)
        dead = job.state == Job.State.DEAD
        lines = [
            f"“{self.name(job)}”（{job.slot}）已试 {job.attempts} 次后放弃。请先排除所示错误；重试再给 {MAX_ATTEMPTS} 次机会。"
            if dead else f"任务现在是“{job.get_state_display()}”，只有已放弃的任务需要人工重试。"
        ]
        return ask(self, request, job, title="重试任务", lines=lines, button="重试" if dead else "", do=lambda: _retry(job))

    @display(description=_("任务"), ordering="kind")
    def name(self, job: Job) -> str:
        known = kinds().get(job.kind)
        return known.label if known else job.kind

    @display(description=_("状态"), ordering="state", label=STATE_COLOURS)
    def state_label(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=_("进度"))
    def progress_lines(self, job: Job) -> SafeString | str:
        return pairs(job.progress)

    @display(description=_("参数"))
    def payload_lines(self, job: Job) -> SafeString | str:
        return pairs(job.payload)

    @display(description=_("结果"))
    def result_lines(self, job: Job) -> SafeString | str:
        return pairs(job.result)


def _retry(job: Job) -> Answer:
    try:
        retry_job(job_id=job.pk, now=database_now())
    except NotDead as error:
        return messages.WARNING, f"没有重试：任务现在是“{error}”"
    return messages.SUCCESS, "已重新排队，几秒内开始"
