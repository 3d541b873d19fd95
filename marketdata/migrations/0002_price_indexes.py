"""The indexes of the price table, built concurrently on PostgreSQL: rows may be coming in meanwhile."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

from marketdata.models.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("marketdata", "0001_schema")]

    operations = [
        AddIndexOnline(
            model_name="stockprice", index=models.Index(fields=["stock_code", "date"], name="price_code_date")
        ),
        AddIndexOnline(
            model_name="stockprice", index=models.Index(fields=["date", "source"], name="price_date_source")
        ),
        AddIndexOnline(model_name="stockprice", index=BrinIndex(fields=["created_at"], name="price_created_at")),
    ]
