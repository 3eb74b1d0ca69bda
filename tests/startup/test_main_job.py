"""The main job as a user runs it: this checkout, real servers, real HTTP, twice; then the site, signed in."""

from __future__ import annotations

import csv
import http.cookiejar
import json
import re
import signal
import socket
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from tests.startup.harness import Start, processes_of, wait_for

CHAINS = [
    "软件信息", "智能终端", "新材料", "安全节能环保", "大健康", "数字创意", "现代时尚", "区块链", "金融业", "营利性服务业",
    "商贸流通业", "黄金珠宝", "文化创意",
]
RUN = [sys.executable, "-m", "config.startup", "run", "--no-install"]
LINE = re.compile(r"^(\S+)\s+(\d+\.\d%|—)\s+(\d+\.\d%|—)\s+(.+)$")
PATIENCE = 240.0


def figures(summary: str) -> dict[str, tuple[str, str, str]]:
    """Chain → completeness, resilience, widest gaps, as the summary prints them."""
    found = (LINE.match(line) for line in summary.splitlines())
    return {hit[1]: (hit[2], hit[3], hit[4]) for hit in found if hit and hit[1] in CHAINS}


def test_the_main_job_twice_and_then_the_site(var: Path) -> None:
    code, first, errors = Start([*RUN, "--once"], var).end(patience=PATIENCE)
    assert code == 0, errors
    told = figures(first)
    assert list(told) == CHAINS
    assert all(gaps.count("；") == 2 for _completeness, _resilience, gaps in told.values()), told
    assert "NEW 3600" in first
    check_reports(var / "reports")

    code, second, errors = Start([*RUN, "--once"], var).end(patience=PATIENCE)
    assert code == 0, errors
    assert "NEW 0，UPDATE 0，SKIP 3600，INVALID 0，ERROR 0，REVIEW 0，CONFLICT 0" in second
    assert "新增 0，更新 0" in second
    assert "新生成 0 份，无变化 13 份" in second
    assert figures(second) == told
    assert processes_of(var) == []

    check_site(var)
    assert processes_of(var) == []


def check_reports(folder: Path) -> None:
    for kind in ("chain.json", "analysis.json", "csv"):
        assert len(list(folder.glob(f"*.{kind}"))) == 13
    analysis = json.loads((folder / "smart-terminal.analysis.json").read_text(encoding="utf-8"))
    with (folder / "smart-terminal.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    gaps = {node["name"]: node["current"]["gap"] for node in analysis["nodes"]}
    assert [float(row["分值"]) for row in rows] == [gaps[row["环节"]] for row in rows]
    assert any(row["在谈/签约项目"] for row in rows)
    assert any(row["候选企业"] for row in rows)


def check_site(var: Path) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    serving = Start([*RUN, "--port", str(port)], var)
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(f"{address}/healthz"), "the site", patience=PATIENCE)
    users = (var / "run" / "demo_users.txt").read_text(encoding="utf-8")
    password = users.rstrip().rsplit("：", 1)[1]
    page = sign_in(address, "leader", password, "/chains/smart-terminal/")
    for text in ("智能终端产业链缺口报告", "主控芯片", "补链", "候选企业", "示例专员甲", "<svg"):
        assert text in page
    code, _out, errors = serving.end(signal.SIGINT)
    assert code == 0, errors


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def sign_in(address: str, name: str, password: str, page: str) -> str:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = opener.open(f"{address}/login/", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    data = {"csrfmiddlewaretoken": token[1], "username": name, "password": password, "next": page}
    body = urllib.parse.urlencode(data).encode()
    text: str = opener.open(f"{address}/login/", body, timeout=60).read().decode()
    return text
