from __future__ import annotations

import contextlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from crm.sandbox.server import DEMO_KEY, serve


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="监听端口，0 为自动选择")
    parser.add_argument("--port-file", type=Path, default=None, help="就绪后写入端口号的文件")
    parser.add_argument("--seed", type=int, default=145, help="随机种子：同一种子得到同一批企业")
    parser.add_argument("--companies", type=int, default=3_600, help="企业数量")


def run(options: dict[str, Any]) -> None:
    """Serve until interrupted; the key comes from ENTERPRISE_DB_KEY so that client and server share one setting."""
    key = os.environ.get("ENTERPRISE_DB_KEY") or DEMO_KEY
    with contextlib.suppress(KeyboardInterrupt):
        serve(port=options["port"], port_file=options["port_file"], seed=options["seed"],
              companies=options["companies"], key=key)
