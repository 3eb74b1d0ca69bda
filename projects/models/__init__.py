from projects.models.carriers import Carrier, Zone
from projects.models.commitments import Commitment
from projects.models.projects import OfficerAssignment, Project, StageChange

__all__ = ["Carrier", "Commitment", "OfficerAssignment", "Project", "StageChange", "Zone"]
