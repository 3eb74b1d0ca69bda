from office.models.jobs import Job
from office.models.people import Department, User

__all__ = ["Department", "Job", "User"]
