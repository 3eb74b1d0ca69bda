from office.admin import jobs, people

__all__ = ["jobs", "people"]
