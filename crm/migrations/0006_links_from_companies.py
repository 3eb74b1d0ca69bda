from django.db import migrations

# What a company's columns said about its source becomes a link; a "new" event becomes the company's first run.
FORWARD = """
INSERT INTO crm_sourcelink (source_id, key, company_id, key_hash, source_updated_at, gone, digest, absent_runs)
SELECT source_id, source_key, id, ('x' || left(md5(source_key), 16))::bit(64)::bigint, source_updated_at,
       CASE WHEN status = 'removed' THEN 'removed' ELSE '' END, 0, 0
FROM crm_company WHERE source_id IS NOT NULL AND source_key <> '';
UPDATE crm_company c SET first_run_id = e.run_id FROM crm_companyevent e WHERE e.company_id = c.id AND e.kind = 'new';
DELETE FROM crm_companyevent WHERE kind = 'new';
"""
BACKWARD = """
UPDATE crm_company c SET source_key = l.key, source_updated_at = l.source_updated_at
FROM crm_sourcelink l WHERE l.company_id = c.id AND l.source_id = c.source_id;
INSERT INTO crm_companyevent (company_id, run_id, kind, before, after, at)
SELECT id, first_run_id, 'new', '{}', jsonb_build_object('name', name, 'status', status), created_at
FROM crm_company WHERE first_run_id IS NOT NULL;
DELETE FROM crm_sourcelink;
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_sync_origins")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
