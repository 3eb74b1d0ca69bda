from crm.admin.company import CompanyAdmin
from crm.admin.sync import IndustryCodeAdmin, SourceAdmin, SyncIssueAdmin, SyncRunAdmin

__all__ = ["CompanyAdmin", "IndustryCodeAdmin", "SourceAdmin", "SyncIssueAdmin", "SyncRunAdmin"]
