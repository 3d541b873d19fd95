"""The admin under Seismo's name."""

from django.contrib.admin.apps import AdminConfig


class SeismoAdminConfig(AdminConfig):
    """Django's admin with Seismo's site (title, header)."""

    default_site = "seismo_site.admin_site.SeismoAdminSite"
