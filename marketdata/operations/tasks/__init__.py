"""Background tasks: records of them, their attempts, retries and groups."""
