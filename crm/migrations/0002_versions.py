from django.db import migrations

from office import version_triggers


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial"), ("office", "0003_versions")]

    operations = [
        version_triggers.counts("crm_company", "updated_at", "is_operating"),
        version_triggers.counts_for("crm_companyidentifier", "crm_company", "company_id"),
        version_triggers.counts_for("crm_companyname", "crm_company", "company_id"),
        version_triggers.counts_for("crm_companygrade", "crm_company", "company_id"),
    ]
