from office.models.audit import AuditBlock, AuditEntry, AuditLink
from office.models.jobs import Job
from office.models.people import Department, User
from office.models.versioned import Versioned

__all__ = ["AuditBlock", "AuditEntry", "AuditLink", "Department", "Job", "User", "Versioned"]
