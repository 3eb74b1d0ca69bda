"""`manage.py evaluate_ranking --placements FILE`: hide known placements, rank, and print how many were found again."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chains.analysis.ranking.evaluation import evaluate
from chains.analysis.ranking.known import PlacementsError, read_pairs


class Command(BaseCommand):
    help = "检验挂链推荐：隐去一部分已知挂链再排序，打印命中率、MRR、AUC 及与 EASE、PPR 的对照；无需数据库。"
    requires_system_checks: list[str] = []  # noqa: RUF012
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--placements", required=True, metavar="FILE", help="每行一个 JSON：{\"company\": …, \"node\": …}；- 表示标准输入"
        )
        parser.add_argument("--seed", type=int, default=0, help="学习与自助抽样所用的种子，默认 0")
        parser.add_argument("--format", choices=["json"], default="json")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        try:
            result = evaluate(_pairs(options["placements"]), seed=options["seed"])
        except OSError as error:
            raise CommandError(f"{options['placements']}: 无法读取文件（{error.strerror}）；请核对路径") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{options['placements']}: 不是 UTF-8 文本；请另存为 UTF-8 再试") from error
        except PlacementsError as error:
            raise CommandError(f"{options['placements']}: {error}") from error
        result["seconds"] = round(time.perf_counter() - started, 1)
        self.stdout.write(json.dumps(result, ensure_ascii=False))


def _pairs(name: str) -> list[tuple[str, str]]:
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return read_pairs(content.decode("utf-8-sig").split("\n"))  # splitlines would also break inside a JSON text (U+2028)
