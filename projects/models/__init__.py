from projects.models.carriers import Carrier, CarrierOperator, Zone
from projects.models.commitments import Commitment
from projects.models.projects import OfficerAssignment, Project, StageChange

__all__ = ["Carrier", "CarrierOperator", "Commitment", "OfficerAssignment", "Project", "StageChange", "Zone"]
