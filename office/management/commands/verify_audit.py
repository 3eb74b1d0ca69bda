from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from office.audit.install import missing
from office.audit.verify import FAULTS, Anchor, Fault, Result, verify


class Command(BaseCommand):
    help = "核验审计链：逐条重算指纹，指出第一处改动"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchor", type=Path, help="与先前导出的存证文件核对，能发现链尾被截")
        parser.add_argument("--export-anchor", type=Path, help="核验无误后把链尾写成存证文件，请存到别处")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="输出格式")

    def handle(self, **options: Any) -> None:
        result = verify(anchor=_read(options["anchor"]))
        fault = result.fault or _untriggered()
        if options["format"] == "json":
            self.stdout.write(json.dumps(result.to_dict() | {"fault": fault and vars(fault)}, ensure_ascii=False))
        elif fault is None:
            self.stdout.write(_all_well(result))
        if fault is not None:
            raise CommandError(fault.text, returncode=FAULTS[fault.kind])
        if options["export_anchor"] is not None:
            options["export_anchor"].write_text(json.dumps(vars(result.anchor)) + "\n", encoding="utf-8")


def _read(path: Path | None) -> Anchor | None:
    try:
        return Anchor.of(json.loads(path.read_text(encoding="utf-8"))) if path else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"读不出存证文件 {path}：{error}", returncode=2) from error


def _untriggered() -> Fault | None:
    tables = missing()
    return Fault("no_trigger", tables[0], f"这些表缺少审计触发器：{'、'.join(tables)}") if tables else None


def _all_well(result: Result) -> str:
    return f"审计链完好：{result.links} 环、{result.entries} 条；链尾第 {result.anchor.no} 环 {result.anchor.hash}"
