from django.db import migrations, models

STATUSES = [
    ("active", "存续/在业"), ("moved_in", "迁入"), ("moved_out", "迁出"), ("suspended", "停业/歇业"), ("liquidation", "清算"),
    ("revoked", "吊销"), ("revoked_deregistered", "吊销已注销"), ("deregistered", "注销"), ("cancelled", "撤销"),
    ("removed", "来源已移除"), ("absent", "来源清单中缺席"),
]


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
        # A company that its source's listing no longer holds is told apart from one that the source removed.
        migrations.RemoveConstraint(model_name="company", name="company_status_known"),
        migrations.AlterField(
            model_name="company", name="status",
            field=models.CharField(choices=STATUSES, default="active", max_length=24, verbose_name="登记状态"),
        ),
        migrations.AddConstraint(
            model_name="company",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", [code for code, _label in STATUSES])), name="company_status_known"),
        ),
        migrations.AddField(
            model_name="quarantinedrow", name="digest", field=models.BigIntegerField(db_default=0, default=0, editable=False, verbose_name="内容指纹"),
        ),
        migrations.AddField(
            model_name="source", name="connector",
            field=models.CharField(blank=True, db_default="", editable=False, help_text="随程序的名称，或定义文件的路径", max_length=300,
                                   verbose_name="连接器"),
        ),
        migrations.RunSQL("CREATE SCHEMA staging", "DROP SCHEMA staging CASCADE"),
    ]
