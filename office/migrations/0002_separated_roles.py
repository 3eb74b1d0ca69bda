"""三权分立 as a law of the database: an administrator or an auditor holds no other role, by whatever way it is granted."""

from django.db import migrations

CREATE = """
CREATE FUNCTION office_refuse_mixed_roles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person bigint;
    held text[];
BEGIN
    IF TG_TABLE_NAME = 'office_user' THEN
        person := NEW.id;
    ELSE
        person := NEW.user_id;
    END IF;
    SELECT array_agg(g.name ORDER BY g.name) INTO held
      FROM office_user_groups m JOIN auth_group g ON g.id = m.group_id WHERE m.user_id = person;
    IF EXISTS (SELECT FROM office_user WHERE id = person AND is_superuser) THEN
        held := array_append(array_remove(held, '系统管理员'), '系统管理员');
    END IF;
    IF held && ARRAY['系统管理员', '审计员'] AND cardinality(held) > 1 THEN
        RAISE EXCEPTION 'roles that must be apart: %', array_to_string(held, ', ')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'roles_apart';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER office_user_groups_apart AFTER INSERT OR UPDATE ON office_user_groups
    FOR EACH ROW EXECUTE FUNCTION office_refuse_mixed_roles();
CREATE TRIGGER office_user_superuser_apart AFTER INSERT OR UPDATE OF is_superuser ON office_user
    FOR EACH ROW EXECUTE FUNCTION office_refuse_mixed_roles();
"""
DROP = """
DROP TRIGGER office_user_superuser_apart ON office_user;
DROP TRIGGER office_user_groups_apart ON office_user_groups;
DROP FUNCTION office_refuse_mixed_roles();
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunSQL(CREATE, DROP)]
