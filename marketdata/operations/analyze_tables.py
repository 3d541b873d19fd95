"""What the database knows of its tables' contents when it plans a query."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

MANY = 10_000


def analyze(rows: int, *models: type[Model]) -> None:
    """Have PostgreSQL look at tables that `rows` were just written to, where those are many. It does so by itself a
    minute or two later; until then it plans as for what was there before, which after a first import is nothing."""
    if rows < MANY or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
