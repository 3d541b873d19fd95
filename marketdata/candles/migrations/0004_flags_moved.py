"""The flags' tables are those of `marketdata` from now on."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("candles", "0003_chunk_figures")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AlterModelTable("FeatureFlag", "marketdata_featureflag"),
                migrations.AlterModelTable("FlagRollback", "marketdata_flagrollback"),
            ],
            state_operations=[migrations.DeleteModel("FeatureFlag"), migrations.DeleteModel("FlagRollback")],
        )
    ]
