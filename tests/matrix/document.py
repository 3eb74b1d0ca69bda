"""The expectations as a page to read: docs/permissions.md is this text and nothing else."""

from __future__ import annotations

from django.apps import apps

from tests.matrix import expectations as expect

ROLE_NAMES = ("招商专员", "招商组长", "部门负责人", "链长", "楼宇运营方", "审计员", "系统管理员", "无角色")
WORDS = {"all": "全部", "own": "范围内", "-": "—"}
HEAD = """# 权限矩阵

谁能看到、新增、修改哪些数据。本页由 `tests/matrix/expectations.py` 生成（`python -m tests.matrix.document`），测试逐格核对：
列表、详情、检索、筛选、联想、历史、批量操作、页面与接口一律同一范围。任何人都不能删除数据。

“范围内”的含义：招商专员为自己负责的项目与自己保管的联系人；招商组长、部门负责人为本部门及下级部门的人负责的；链长为任期内自己的链
及链上的企业、项目；楼宇运营方为任期内自己的载体及拟入驻的项目与企业。范围之外的记录一律“不存在”（404），没有这类权限则“没有权限”（403）。
"""


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(rows: dict[str, list[str]], first: str) -> list[str]:
    body = [_row([name, *cells]) for name, cells in rows.items()]
    return [_row([first, *ROLE_NAMES]), _row(["---"] * (len(ROLE_NAMES) + 1)), *body]


def _name(key: str) -> str:
    label, _hash, part = key.partition("#")
    return str(apps.get_model(label)._meta.verbose_name) + ("（项目）" if part else "")


def text() -> str:
    view = {_name(key): [WORDS[cell] for cell in row.split()] for key, row in expect.VIEW.items()}
    change = {_name(key): [WORDS[cell] for cell in row.split()] for key, row in {**expect.CHANGE, **expect.DECIDE}.items()}
    add = {_name(key): ["可" if person in row.split() else "—" for person in expect.PEOPLE] for key, row in expect.ADD.items()}
    hidden = [
        f"- {ROLE_NAMES[expect.PEOPLE.index(person)]}看不到{apps.get_model(label)._meta.verbose_name}的"
        + "、".join(str(apps.get_model(label)._meta.get_field(name).verbose_name) for name in names)
        for (person, label), names in expect.HIDDEN.items()
    ]
    return "\n".join([
        HEAD, "## 查看", "", *_table(view, "数据"), "", "## 修改", "", *_table(change, "数据"), "", "## 新增", "",
        *_table(add, "数据"), "", "## 不显示的栏目", "", *hidden,
        "- 联系人的电话、邮箱、微信对所有角色遮盖，查阅与导出须写用途并留痕", "",
    ])


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    (settings.BASE_DIR / "docs" / "permissions.md").write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
