"""Names without a code against a million: speed and recall, beside PostgreSQL's pg_trgm on the same noisy names.

    ./test --only-tests benchmarks/name_matching.py -s            100,000 names
    NAMES=1000000 ./test --only-tests benchmarks/name_matching.py -s

A test run gives it a database of its own. The names are invented: rare letters for the brand, the sandbox's words for the
trade. Each kind of noise is asked for equally often; recall is how often the name that was distorted is found again.
"""

from __future__ import annotations

import json
import os
import random
import resource
import time
import unicodedata
from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from crm.sandbox.generate import vocabulary
from crm.sync.names import NameIndex
from crm.sync.traditional import SIMPLIFIED

NAMES, ASKED, SAMPLE = int(os.environ.get("NAMES", "100000")), 60_000, int(os.environ.get("SAMPLE", "120"))
FORMS = (["有限公司", "股份有限公司", "集团有限公司"], [90, 7, 3])
CITIES = (["深圳市", "广州市", "东莞市", "惠州市", "佛山市", ""], [60, 12, 10, 6, 6, 6])
TRADITIONAL = {new: old for old, new in sorted(SIMPLIFIED.items(), reverse=True)}
Noise = Callable[[random.Random, str], str]


def invented(count: int) -> list[str]:
    rng, words = random.Random(5), vocabulary()
    trades = [name for activity in words["activities"] for name in activity["names"]]
    found: set[str] = set()
    while len(found) < count:
        brand = rng.choice(words["brand_first"]) + rng.choice(words["brand_second"])
        brand += rng.choice(words["road_words"]) if rng.random() < 0.4 else ""
        found.add(f"{rng.choices(*CITIES)[0]}{brand}{rng.choice(trades)}{rng.choices(*FORMS)[0]}")
    return sorted(found)


def typo(rng: random.Random, name: str) -> str:
    at = rng.randrange(len(name))
    wrong = chr(rng.randrange(0x4E00, 0x9000))
    return rng.choice([name[:at] + wrong + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + wrong + name[at:]])


def without_place(rng: random.Random, name: str) -> str:
    return name[3:] if name[2:3] == "市" else name


def without_form(rng: random.Random, name: str) -> str:
    return name.removesuffix("有限公司").removesuffix("股份").removesuffix("集团")


def traditional(rng: random.Random, name: str) -> str:
    return name.translate(TRADITIONAL)


def full_width(rng: random.Random, name: str) -> str:
    wide = name.translate({at: at + 0xFEE0 for at in range(0x21, 0x7F)})
    return f"\u3000{wide}".replace("市", "市\u3000")


def brackets(rng: random.Random, name: str) -> str:
    return f"{name[3:-4]}（{name[:2]}）{name[-4:]}" if name[2:3] == "市" else name.replace("有限公司", "（有限公司）")


NOISES: dict[str, Noise] = {
    "typo": typo, "place dropped": without_place, "form dropped": without_form, "traditional": traditional,
    "full width": full_width, "place in brackets": brackets,
}


def questions(names: Sequence[str], count: int) -> tuple[list[int], list[str], list[str]]:
    rng, kinds = random.Random(6), list(NOISES)
    wanted = [rng.randrange(len(names)) for _ in range(count)]
    what = [kinds[at % len(kinds)] for at in range(count)]
    return wanted, what, [NOISES[kind](rng, names[at]) for at, kind in zip(wanted, what, strict=True)]


def trigrams(asked: Sequence[str]) -> tuple[float, list[list[int]]]:
    """The ten most alike for each, by similarity over a GIN index; spaces and width made plain, as anybody would."""
    answers, began = [], time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pg_trgm.similarity_threshold = 0.3")
        for name in asked:
            plain = "".join(unicodedata.normalize("NFKC", name).split())
            cursor.execute(
                "SELECT id FROM bench_names WHERE name %% %s ORDER BY similarity(name, %s) DESC, id LIMIT 10", [plain, plain]
            )
            answers.append([pk for (pk,) in cursor.fetchall()])
    return time.perf_counter() - began, answers


def recall(wanted: Sequence[int], found: Sequence[Sequence[int]], first: int) -> float:
    return sum(want in answer[:first] for want, answer in zip(wanted, found, strict=True)) / len(wanted)


@pytest.mark.django_db
def test_name_matching() -> None:
    names = invented(NAMES)
    wanted, kinds, asked = questions(names, ASKED)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    index = NameIndex(range(len(names)), names)
    built = time.perf_counter() - began
    began, busy = time.perf_counter(), time.process_time()
    found = index.best(asked, k=10)[0].tolist()
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute("CREATE TEMPORARY TABLE bench_names (id integer, name text COLLATE \"C\")")
        with cursor.copy("COPY bench_names FROM STDIN") as copy:
            for row in enumerate(names):
                copy.write_row(row)
        cursor.execute("CREATE INDEX ON bench_names USING gin (name gin_trgm_ops)")
        cursor.execute("ANALYZE bench_names")
    peer_seconds, peer = trigrams(asked[:SAMPLE])
    figures = {
        "names": len(names), "built_s": round(built, 1), "memory_mb": round(memory),
        "ours_per_second": round(ASKED / seconds),
        "ours_per_cpu_second": round(ASKED / busy), "pg_trgm_per_second": round(SAMPLE / peer_seconds, 1),
        "ours": [round(recall(wanted, found, k), 3) for k in (1, 10)],
        "ours_on_sample": [round(recall(wanted[:SAMPLE], found[:SAMPLE], k), 3) for k in (1, 10)],
        "pg_trgm_on_sample": [round(recall(wanted[:SAMPLE], peer, k), 3) for k in (1, 10)],
        "by_noise": {
            kind: [round(recall(*zip(*[(w, f) for w, f, what in zip(wanted, found, kinds, strict=True) if what == kind],
                                     strict=True), k), 3) for k in (1, 10)] for kind in NOISES
        },
    }
    print(json.dumps(figures, ensure_ascii=False, indent=1))
    assert recall(wanted[:SAMPLE], found[:SAMPLE], 10) >= recall(wanted[:SAMPLE], peer, 10)
