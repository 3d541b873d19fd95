"""The admin site's title and header."""

from django.contrib.admin import AdminSite


class SeismoAdminSite(AdminSite):
    site_header = "Seismo"
    site_title = "Seismo"
    index_title = "Scanners, runs and market data"
