"""Demo departments and people: sample names, one random password made on this machine and kept beside the data."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from office.csvfile import Line, read_lines
from office.models import Department, User


@dataclass(frozen=True)
class DemoPeople:
    people: tuple[User, ...]
    created: int
    password: str

    def __str__(self) -> str:
        return f"{len(self.people)} 人（新建 {self.created}）"

    def sign_in_lines(self) -> str:
        """What ./run prints: who can sign in, as what, with which password."""
        rows = [f"  {user.username:<12}{user.title}（{user.display_name}）" for user in self.people if user.is_active]
        return "\n".join(["演示用户（仅限本机演示，密码相同）：", *rows, f"  密码：{self.password}"]) + "\n"


def load_demo_people(*, folder: Path) -> DemoPeople:
    """Create the departments and people of `departments.csv` and `people.csv` that do not exist yet."""
    password = _demo_password(Path(settings.VAR_DIR) / "demo_password")
    with transaction.atomic():
        departments: dict[str, Department] = {}
        for line in read_lines(folder / "departments.csv", ["code", "name", "parent"]):
            departments[line["code"]] = Department.objects.get_or_create(
                code=line["code"], defaults={"name": line["name"], "parent": departments.get(line["parent"])}
            )[0]
        columns = ["username", "display_name", "title", "department", "roles"]
        made = [_person(line, departments, password) for line in read_lines(folder / "people.csv", columns)]
    return DemoPeople(tuple(user for user, _new in made), sum(new for _user, new in made), password)


def _person(line: Line, departments: dict[str, Department], password: str) -> tuple[User, bool]:
    if line["department"] and line["department"] not in departments:
        raise line.error("department", f"没有代码为“{line['department']}”的部门")
    user, created = User.objects.get_or_create(
        username=line["username"],
        defaults={
            "display_name": line["display_name"], "title": line["title"], "is_staff": True, "is_sample": True,
            "department": departments.get(line["department"]),
        },
    )
    if created:
        user.set_password(password)
        user.save(update_fields=["password"])
        names = [name for name in line["roles"].split(";") if name]
        groups = list(Group.objects.filter(name__in=names))
        if len(groups) != len(names):
            raise line.error("roles", f"未知角色：{line['roles']}")
        user.groups.set(groups)
    return user, created


def _demo_password(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(9))
    return path.read_text(encoding="utf-8")
