from crm.admin.company import CompanyAdmin
from crm.admin.contacts import ContactAdmin, DisclosureAdmin
from crm.admin.identity import IdentityChangeAdmin, PossibleMatchAdmin
from crm.admin.sync import IndustryCodeAdmin, SourceAdmin, SyncIssueAdmin, SyncRunAdmin

__all__ = [
    "CompanyAdmin", "ContactAdmin", "DisclosureAdmin", "IdentityChangeAdmin", "IndustryCodeAdmin", "PossibleMatchAdmin",
    "SourceAdmin", "SyncIssueAdmin", "SyncRunAdmin",
]
