"""Who changed what, written by the database itself: see docs/audit.md.

    registry.py   which models are audited, and how      each app's audit_tables.py declares its own
    triggers.py   the SQL of one table (pure)            install.py puts it into the database after every migrate
    context.py    who is at work in this thread          office/database/base.py tells PostgreSQL before a write
    schema.sql    the audit's own tables                 verify.py recomputes the chain
    history.py    a record's entries                     as_of.py a list as it stood
"""

from office.audit.registry import watch, watch_app

__all__ = ["watch", "watch_app"]
