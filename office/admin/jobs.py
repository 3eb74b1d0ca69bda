from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from office.admin_tools import ReadOnlyAdmin, pairs
from office.jobs import kinds
from office.models import Job

STATE_COLOURS = {"queued": "info", "running": "warning", "done": "success", "dead": "danger"}


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["name", "slot", "state_label", "attempts", "created", "finished"]
    list_filter = ["state", "kind"]
    search_fields = ["kind", "slot"]
    fields = [
        "name", "slot", "state", "attempts", "created", "not_before", "lease_until", "finished", "payload_lines",
        "result_lines", "error",
    ]
    readonly_fields = ["name", "payload_lines", "result_lines"]

    @display(description=_("任务"), ordering="kind")
    def name(self, job: Job) -> str:
        known = kinds().get(job.kind)
        return known.label if known else job.kind

    @display(description=_("状态"), ordering="state", label=STATE_COLOURS)
    def state_label(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=_("参数"))
    def payload_lines(self, job: Job) -> SafeString | str:
        return pairs(job.payload)

    @display(description=_("结果"))
    def result_lines(self, job: Job) -> SafeString | str:
        return pairs(job.result)
