from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.services.export_companies import export_companies


class Command(BaseCommand):
    help = "导出企业：每个字段带来源与时间"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["jsonl"], default="jsonl", help="每行一家企业的 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        for company in export_companies():
            self.stdout.write(json.dumps(company, ensure_ascii=False))
