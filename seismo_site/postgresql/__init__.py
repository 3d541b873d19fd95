"""Django's PostgreSQL backend with a pool whose connections are looked at before they are used, not asked."""
