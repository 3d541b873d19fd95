"""When what is shown of a market last changed: what answers that are kept for a while go by."""

from __future__ import annotations

from django.db import models


class Generation(models.Model):
    """The time of the last change of what is shown under `name`: a market, or something that belongs to all of them.

    Written in the transaction of the change itself, so whoever reads a generation reads the rows that belong to it.
    Two generations of a name are a second apart at least, even where two changes are not: HTTP tells no less apart.
    """

    name = models.CharField(max_length=24, unique=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.changed_at:%Y-%m-%d %H:%M:%S}"
