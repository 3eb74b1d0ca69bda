"""Everything between an empty database and a program that can be used: one process, safe to repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chains.services.load_chains import load_chains, load_people_of_chains
from crm.services.load_codes import load_codes
from office.csvfile import FixtureError
from office.roles import ensure_roles
from office.services.load_people import load_demo_people
from plans.services.load_plan import load_plan
from projects.services.load_operators import load_demo_operators
from projects.services.load_places import load_places


class Command(BaseCommand):
    help = "迁移数据库，载入代码表、规划、载体、产业链与（演示环境的）演示用户，收集静态文件"
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_roles()
        try:
            lines = self._load(Path(settings.FIXTURES_DIR))
        except FixtureError as error:
            raise CommandError(f"示例与规划数据不合规：{error}") from error
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("check", databases=["default"])
        self.stderr.write("\n".join(lines))

    def _load(self, fixtures: Path) -> list[str]:
        codes = load_codes()
        plan = load_plan(folder=fixtures / "luohu")
        if not plan.applied:
            raise FixtureError("；".join(str(row) for row in plan.invalid[:5]))
        lines = [
            f"代码表：{codes}", f"规划：{plan}", f"片区与载体：{load_places(folder=fixtures / 'luohu')}",
            f"产业链：{load_chains(folder=fixtures / 'chains', now=timezone.now())}",
        ]
        if settings.DEMO_USERS:
            people = load_demo_people(folder=fixtures / "demo")
            load_demo_operators(folder=fixtures / "demo")
            load_people_of_chains(folder=fixtures / "demo", firms=fixtures / "luohu" / "lead_firms.csv")
            path = Path(settings.VAR_DIR) / "run" / "demo_users.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(people.sign_in_lines(), encoding="utf-8")
            lines.append(f"演示用户：{people}")
        return lines
