"""Checks of the record for data that looks wrong: `report.findings` runs every check."""
