from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.services.sync_companies import SyncBusy, SyncResult, sync_companies
from crm.sync.connector import ConnectorError


class Command(BaseCommand):
    help = "从企业数据源同步企业"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connector", nargs="?", default="",
                            help="连接器名称，或连接器文件的路径；默认取设置 ENTERPRISE_DB_SOURCE")
        parser.add_argument("--base-url", default="", help="数据源地址；默认取设置 ENTERPRISE_DB_URL 或连接器文件")
        parser.add_argument("--slot", default="", help="时段名；同一时段只并入一次，默认为当前时刻")
        parser.add_argument("--full", action="store_true", help="读全量而不是变更")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="结果的写法")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.localtime()
        name = options["connector"] or settings.ENTERPRISE_DB_SOURCE
        base_url = options["base_url"] or (settings.ENTERPRISE_DB_URL if name == settings.ENTERPRISE_DB_SOURCE else "")
        slot = options["slot"] or f"manual-{now:%Y%m%dT%H%M%S.%f}"
        try:
            result = sync_companies(source_code=name, base_url=base_url, slot=slot, as_of=now.date(), full=options["full"])
        except (SyncBusy, ConnectorError) as error:
            raise CommandError(str(error)) from None
        if options["format"] == "json":
            self.stdout.write(json.dumps(_as_json(result), ensure_ascii=False))
        else:
            self.stdout.write(" ".join(f"{name}={count}" for name, count in result.counts.items()))
        if not result.ok:
            raise CommandError(f"{result.reason} [{result.next_step}]")


def _as_json(result: SyncResult) -> dict[str, Any]:
    gone = {kind: result.counts.get(kind, 0) for kind in ("ended", "removed", "absent", "redacted")}
    counts = {name: count for name, count in result.counts.items() if name not in gone}
    return {"run": result.run_id, "status": result.status, "mode": result.mode, **counts, "gone": gone,
            "reason": result.reason, "next_step": result.next_step}
