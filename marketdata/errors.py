"""What can be wrong with market data, one sentence each: what, where, and what to do."""

from __future__ import annotations


class DataProblem(Exception):
    """The record cannot answer what was asked."""


class LakeError(DataProblem):
    """A file of the lake is missing, broken or behind the record; projecting it anew mends that."""
