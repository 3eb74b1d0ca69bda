from projects.admin import carriers, projects

__all__ = ["carriers", "projects"]
