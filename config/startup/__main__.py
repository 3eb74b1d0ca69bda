"""python -m config.startup run|test|servers …"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (whoever starts this may have an older one)
    sys.exit("需要 Python 3.11 或更新版本：请安装后重试，或用环境变量 PYTHON 指定")

from config.startup.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
