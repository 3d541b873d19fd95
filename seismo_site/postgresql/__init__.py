"""Django's PostgreSQL backend with a pool that checks the socket of a connection instead of querying it."""
