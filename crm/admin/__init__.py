from crm.admin.company import CompanyAdmin
from crm.admin.conflicts import FieldConflictAdmin
from crm.admin.contacts import ContactAdmin, DisclosureAdmin
from crm.admin.identity import IdentityChangeAdmin, PossibleMatchAdmin
from crm.admin.quarantine import QuarantinedRowAdmin
from crm.admin.sync import IndustryCodeAdmin, SourceAdmin, SyncIssueAdmin, SyncRunAdmin

__all__ = [
    "CompanyAdmin", "ContactAdmin", "DisclosureAdmin", "FieldConflictAdmin", "IdentityChangeAdmin", "IndustryCodeAdmin",
    "PossibleMatchAdmin", "QuarantinedRowAdmin", "SourceAdmin", "SyncIssueAdmin", "SyncRunAdmin",
]
