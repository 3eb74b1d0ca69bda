from office.models.jobs import Job
from office.models.people import Department, User
from office.models.versioned import Versioned

__all__ = ["Department", "Job", "User", "Versioned"]
