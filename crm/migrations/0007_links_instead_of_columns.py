from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0006_links_from_companies")]

    operations = [
        migrations.RemoveField(
            model_name='company',
            name='source_hash',
        ),
        migrations.RemoveField(
            model_name='company',
            name='source_key',
        ),
        migrations.RemoveField(
            model_name='company',
            name='source_updated_at',
        ),
        migrations.RunSQL("CREATE SCHEMA staging", "DROP SCHEMA staging CASCADE"),
    ]
