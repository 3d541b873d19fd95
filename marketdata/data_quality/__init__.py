"""What looks wrong with the record, for a person to judge: `report.findings` runs every check."""
