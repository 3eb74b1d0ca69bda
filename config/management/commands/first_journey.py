"""The main job: companies in over HTTP, placed on chains, gap reports out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chains.reports.summary import summary
from chains.reports.write import write_reports
from chains.services.journey import place_and_report
from chains.services.load_demo import load_demo_projects
from crm.services.load_contacts import load_demo_contacts
from crm.services.sync_companies import sync_companies


class Command(BaseCommand):
    help = "同步企业库、挂链、生成各链缺口报告"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reports-dir", type=Path, help="把每条链的报告写到这个目录")
        parser.add_argument("--summary", action="store_true", help="在标准输出打印一屏摘要")

    def handle(self, **options: Any) -> None:
        now = timezone.localtime()
        synced = self._sync(now)
        if settings.DEMO_USERS:
            demo = Path(settings.FIXTURES_DIR) / "demo"
            load_demo_projects(folder=demo, now=now)
            load_demo_contacts(folder=demo, now=now)
        placed, reports = place_and_report(as_of=now.date(), now=now)
        if options["reports_dir"] is not None:
            write_reports(reports.reports, folder=options["reports_dir"])
        if options["summary"]:
            self.stdout.write(summary(synced, placed, reports))
        if synced is not None and not synced.ok:
            raise CommandError(f"企业库同步未完成：{synced.reason}（下一步：{synced.next_step}）")
        if reports.failures:
            raise CommandError("；".join(f"{name}：{reason}" for name, reason in reports.failures.items()))

    def _sync(self, now: dt.datetime) -> Any:
        if not settings.ENTERPRISE_DB_URL:
            return None
        return sync_companies(
            source_code=settings.ENTERPRISE_DB_SOURCE, base_url=settings.ENTERPRISE_DB_URL,
            slot=f"{now:%Y-%m-%dT%H:%M:%S.%f}", as_of=now.date(),
        )
