"""Published maps and reports do not change: the database says so as well.

A row of these tables may be added, and removed only by removing what it belongs to through a superuser's own statement
with the trigger disabled; an UPDATE or DELETE by the program is refused with the table's name.
"""

from django.db import migrations

FROZEN = ["chains_nodespec", "chains_supplygroup", "chains_supplyalternative", "chains_gapreport", "chains_gapreportrow"]

CREATE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is frozen: publish a new version or make a new report instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""

TRIGGER = """
CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("chains", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE, "DROP FUNCTION refuse_change()"),
        *(
            migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER {table}_frozen ON {table}")
            for table in FROZEN
        ),
    ]
