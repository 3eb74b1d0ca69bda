from __future__ import annotations

from crm import codes
from crm.models import IndustryCode


def load_codes() -> int:
    """Bring the industry table in line with fixtures/codes; returns how many rows there are. Safe to repeat."""
    rows = [
        IndustryCode(
            standard=codes.INDUSTRY_STANDARD, code=code, name=name, level=level, parent_code=parent, section=section
        )
        for code, (name, level, parent, section) in codes.industries().items()
    ]
    IndustryCode.objects.bulk_create(
        rows, batch_size=1_000, update_conflicts=True, unique_fields=["standard", "code"],
        update_fields=["name", "level", "parent_code", "section"],
    )
    return len(rows)
