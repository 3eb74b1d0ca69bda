"""`manage.py analyse_chain FILE …`: chain files in, one compact chain-analysis/1 document a line out."""

from __future__ import annotations

import io
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import ChainFileError, read_chain


class Command(BaseCommand):
    help = "分析链文件（chain/1），每个文件在标准输出上打印一行 chain-analysis/1；无需数据库。“-”表示标准输入。"
    requires_system_checks: list[str] = []  # noqa: RUF012
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="链文件的路径，或 - 表示标准输入")

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # the same bytes whatever the terminal's own encoding
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        good = [self._analyse(name) for name in options["files"]]
        if not all(good):
            sys.exit(1)

    def _analyse(self, name: str) -> bool:
        """Print one document, or each problem on standard error; False when the file was refused."""
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            result = analyse(read_chain(content)).to_dict()
        except OSError as error:
            self.stderr.write(f"{name}: $: 无法读取文件（{error.strerror}）；请核对路径")
            return False
        except ChainFileError as error:
            for problem in error.problems:
                self.stderr.write(f"{name}: {problem.path}: {problem.message}")
            return False
        self.stdout.write(json.dumps(result, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        return True
