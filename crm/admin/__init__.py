from crm.admin.company import CompanyAdmin
from crm.admin.readonly import IndustryCodeAdmin, SourceAdmin, SyncIssueAdmin, SyncRunAdmin

__all__ = ["CompanyAdmin", "IndustryCodeAdmin", "SourceAdmin", "SyncIssueAdmin", "SyncRunAdmin"]
