"""Reading a source: a Reader gives Batches of raw records; parsing and merging come after it. See docs/connectors.md."""

from __future__ import annotations

from crm.sync.fetch.batches import Batch
from crm.sync.fetch.budgets import policy_for
from crm.sync.fetch.errors import Rebaseline, SourceBroken, SourceRefused, StartOver
from crm.sync.fetch.reader import Reader, open_reader

__all__ = ["Batch", "Reader", "Rebaseline", "SourceBroken", "SourceRefused", "StartOver", "open_reader", "policy_for"]
