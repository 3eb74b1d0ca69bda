from office.models.audit import AuditBlock, AuditEntry, AuditLink
from office.models.jobs import Job
from office.models.people import Department, User

__all__ = ["AuditBlock", "AuditEntry", "AuditLink", "Department", "Job", "User"]
