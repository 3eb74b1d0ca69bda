from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.services.sync_companies import SyncBusy, sync_companies
from crm.sync.connector import ConnectorError


class Command(BaseCommand):
    help = "从企业数据源同步企业"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", default="sandbox", help="数据源代码")
        parser.add_argument("--base-url", default="", help="数据源地址，默认取设置 ENTERPRISE_DB_URL")
        parser.add_argument("--slot", default="", help="时段名；同一时段只并入一次，默认为当前时刻")
        parser.add_argument("--full", action="store_true", help="读全量而不是变更")

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = options["base_url"] or settings.ENTERPRISE_DB_URL
        if not base_url:
            raise CommandError("没有数据源地址：请设置 ENTERPRISE_DB_URL 或给出 --base-url")
        now = timezone.localtime()
        slot = options["slot"] or f"manual-{now:%Y%m%dT%H%M%S.%f}"
        try:
            result = sync_companies(source_code=options["source"], base_url=base_url, slot=slot, as_of=now.date(),
                                    full=options["full"])
        except (SyncBusy, ConnectorError) as error:
            raise CommandError(str(error)) from None
        if not result.ok:
            raise CommandError(f"{result.reason} [{result.next_step}]")
        self.stdout.write(" ".join(f"{name}={count}" for name, count in result.counts.items()))
