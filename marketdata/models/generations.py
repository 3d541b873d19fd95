"""Generations: the times of the last change of each market's data, which caches of answers compare."""

from __future__ import annotations

from django.db import models


class Generation(models.Model):
    """The time of the last change of the data called `name`: a market, or data of all markets.

    Written in the transaction of the change itself, so a reader of a generation reads the rows that belong to it. Two
    generations of a name are a second apart at least, even where two changes are not: the resolution of HTTP dates.

    `shared_at`: the last change that may show in answers on any instrument; None: the last change did. `instruments`:
    code -> time (ISO) of its last change, of those instruments that alone have changed since.
    """

    name = models.CharField(max_length=24, unique=True)
    changed_at = models.DateTimeField()
    shared_at = models.DateTimeField(null=True)
    instruments = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.changed_at:%Y-%m-%d %H:%M:%S}"
