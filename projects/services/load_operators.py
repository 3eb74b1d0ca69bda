"""Who runs which carrier in the demo; safe to repeat."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from office.csvfile import read_lines
from office.models import User
from projects.models import Carrier, CarrierOperator


def load_demo_operators(*, folder: Path) -> int:
    """Appoint the operators of `operators.csv` where a carrier has none yet; returns how many. Raises FixtureError."""
    made = 0
    with transaction.atomic():
        for line in read_lines(folder / "operators.csv", ["carrier", "operator", "since"]):
            carrier = Carrier.objects.filter(code=line["carrier"]).first()
            person = User.objects.filter(username=line["operator"], is_sample=True).first()
            if carrier is None or person is None:
                raise line.error("carrier" if carrier is None else "operator", "没有这个载体或示例用户")
            if not carrier.operators.exists():
                term = DateRange(dt.date.fromisoformat(line["since"]), None)
                CarrierOperator.objects.create(carrier=carrier, user=person, term=term)
                made += 1
    return made
