from office.admin import audit, jobs, people

__all__ = ["audit", "jobs", "people"]
