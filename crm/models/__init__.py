from crm.models.company import Company
from crm.models.contacts import Contact
from crm.models.dated import CompanyGrade, CompanyIdentifier, CompanyName
from crm.models.disclosure import Disclosure
from crm.models.industry import IndustryCode
from crm.models.sync import CompanyEvent, Source, StagedRecord, SyncIssue, SyncRun

__all__ = [
    "Company", "CompanyEvent", "CompanyGrade", "CompanyIdentifier", "CompanyName", "Contact", "Disclosure",
    "IndustryCode", "Source", "StagedRecord", "SyncIssue", "SyncRun",
]
