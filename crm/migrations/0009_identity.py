from django.db import migrations

# Merges are one level deep: whoever points at a survivor points at a live company. So no cycle can be written, by whomever,
# and every reader finds the live company in one step. The target is locked, so that two merges cannot pass each other.
FORWARD = """
CREATE FUNCTION crm_company_merged_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    beyond bigint;
BEGIN
    SELECT merged_into_id INTO beyond FROM crm_company WHERE id = NEW.merged_into_id FOR UPDATE;
    IF beyond IS NOT NULL OR EXISTS (SELECT FROM crm_company WHERE merged_into_id = NEW.id) THEN
        RAISE EXCEPTION 'company % cannot be merged into %: merges are one level deep', NEW.id, NEW.merged_into_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'company_merged_once';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER merged_once AFTER INSERT OR UPDATE OF merged_into_id ON crm_company FOR EACH ROW
    WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION crm_company_merged_once();
"""
BACKWARD = "DROP TRIGGER merged_once ON crm_company; DROP FUNCTION crm_company_merged_once();"


class Migration(migrations.Migration):
    dependencies = [("crm", "0008_quarantine_versions")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
