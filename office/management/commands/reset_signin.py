"""For whoever can reach the server: a lost second factor, a changed identity, a lock."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from office.models import User
from office.services.reset_signin import reset_signin

WORDS = {"second_factor": "两步验证", "single_sign_on": "单点登录绑定", "lock": "登录锁定"}


class Command(BaseCommand):
    help = "清除某人的两步验证、单点登录绑定或登录锁定；执行前请当面核实本人"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="用户名")
        parser.add_argument("--second-factor", action="store_true", help="清除两步验证：本人下次登录时重新设置")
        parser.add_argument("--single-sign-on", action="store_true", help="解除单点登录绑定：下次按用户名重新绑定")
        parser.add_argument("--lock", action="store_true", help="解除登录锁定")
        parser.add_argument("--yes", action="store_true", help="不再询问")

    def handle(self, username: str, yes: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"没有用户名为 {username} 的用户")
        wanted = {name: options[name] for name in WORDS}
        if not any(wanted.values()):
            raise CommandError("请指明要清除什么：--second-factor、--single-sign-on 或 --lock")
        if not yes and input(f"确认清除 {user}（{username}）的登录设置？已当面核实本人请输入 是：").strip() != "是":
            raise CommandError("已取消")
        done = reset_signin(user=user, **wanted)
        self.stdout.write("；".join(f"{WORDS[name]}：清除 {count} 条" for name, count in done.items()))
