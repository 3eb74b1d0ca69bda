from crm.models.company import Company
from crm.models.contacts import Contact
from crm.models.dated import CompanyGrade, CompanyIdentifier, CompanyName
from crm.models.disclosure import Disclosure
from crm.models.identity import IdentityChange, PossibleMatch
from crm.models.industry import IndustryCode
from crm.models.origins import FieldConflict, FieldOrigin
from crm.models.sync import CompanyEvent, QuarantinedRow, Source, SourceLink, SyncIssue, SyncRun

__all__ = [
    "Company", "CompanyEvent", "CompanyGrade", "CompanyIdentifier", "CompanyName", "Contact", "Disclosure",
    "FieldConflict", "FieldOrigin", "IdentityChange", "IndustryCode", "PossibleMatch", "QuarantinedRow", "Source", "SourceLink",
    "SyncIssue", "SyncRun",
]
