"""Ranking of nodes against EASE and personalised PageRank on policy chains: `python -m benchmarks.ranking DATA_DIR`.

DATA_DIR holds one JSON file a chain, in which a block's name stands under a key ending in 名称 and its companies under
代表公司. A company is placed at every block that lists it. Three splits: that of the command, and two with salted names.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chains.analysis.ranking.evaluation import evaluate
from chains.analysis.ranking.known import Pair

SHOWN = ("recall@1", "recall@5", "recall@10", "mrr", "auc")


def placements(block: Any, name: str = "") -> Iterator[Pair]:
    if isinstance(block, list):
        for part in block:
            yield from placements(part, name)
    if not isinstance(block, dict):
        return
    name = next((value for key, value in block.items() if key.endswith("名称") and isinstance(value, str)), name)
    for key, value in block.items():
        if key == "代表公司":
            companies = value if isinstance(value, list) else [value]
            yield from ((re.split("[(（]", text)[0].strip(), name) for text in companies if isinstance(text, str))
        else:
            yield from placements(value, name)


def main() -> None:
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    pairs = [pair for file in files for pair in placements(json.loads(file.read_text(encoding="utf-8"))) if all(pair)]
    for salt in ("", "a", "b"):
        result = evaluate([(company + salt, node) for company, node in pairs])
        print(f"split {salt or 'of the command'}: {result['examined']} companies on {result['nodes']} nodes")
        for name, row in (("ranking", result), *result["baselines"].items()):
            print(f"  {name:8}", *(f"{row[figure]:.3f}" for figure in SHOWN))
        for name, bounds in result["difference"].items():
            print(f"  ahead of {name}:", *(f"{figure} {bounds[figure]}" for figure in SHOWN))


if __name__ == "__main__":
    main()
