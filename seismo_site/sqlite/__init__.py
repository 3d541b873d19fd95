"""Django's SQLite backend with connections that may stay open between requests."""
