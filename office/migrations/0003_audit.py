"""The audit's tables, where the database administrator has not made them with more rights (office/audit/schema.sql)."""

from django.db import migrations, models

from office.audit.install import create_schema


def make_tables(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        create_schema(cursor)


class Migration(migrations.Migration):
    dependencies = [("office", "0002_separated_roles")]

    operations = [
        migrations.RunPython(make_tables, migrations.RunPython.noop),
        migrations.CreateModel(
            name='AuditBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('txid', models.BigIntegerField(verbose_name='事务号')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('actor_id', models.BigIntegerField(null=True, verbose_name='用户编号')),
                ('actor', models.TextField(verbose_name='操作人')),
                ('channel', models.CharField(max_length=16, choices=[('web', '网页'), ('admin', '业务后台'), ('api', '接口'), ('job', '后台任务'), ('command', '管理命令'), ('import', '导入'), ('sync', '企业库同步'), ('sql', '直接操作数据库')], verbose_name='途径')),
                ('request_id', models.CharField(max_length=64, verbose_name='请求号')),
                ('db_user', models.CharField(max_length=64, verbose_name='数据库账号')),
                ('table_name', models.CharField(max_length=64, verbose_name='数据表')),
                ('verb', models.CharField(max_length=1, choices=[('I', '新增'), ('U', '修改'), ('D', '删除'), ('T', '清空')], verbose_name='动作')),
                ('entries', models.BigIntegerField(verbose_name='行数')),
                ('digest', models.BinaryField(verbose_name='摘要')),
            ],
            options={
                'verbose_name': '审计记录',
                'verbose_name_plural': '审计记录',
                'db_table': 'audit"."block',
                'ordering': ['-id'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row_id', models.BigIntegerField(verbose_name='记录编号')),
                ('kind', models.CharField(choices=[('I', '新增'), ('U', '修改'), ('D', '删除'), ('T', '清空')], max_length=1, verbose_name='动作')),
                ('data', models.TextField(verbose_name='内容')),
                ('block_id', models.BigIntegerField(verbose_name='审计记录')),
            ],
            options={
                'verbose_name': '审计条目',
                'verbose_name_plural': '审计条目',
                'db_table': 'audit"."entry',
                'ordering': ['-id'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
        migrations.CreateModel(
            name='AuditLink',
            fields=[
                ('no', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='序号')),
                ('block_id', models.BigIntegerField(verbose_name='审计记录')),
                ('prev', models.BinaryField(verbose_name='前一指纹')),
                ('hash', models.BinaryField(verbose_name='指纹')),
            ],
            options={
                'verbose_name': '审计链',
                'verbose_name_plural': '审计链',
                'db_table': 'audit"."link',
                'ordering': ['-no'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
    ]
