"""The site itself, and the admin under its name."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from seismo_site import forking


class SiteConfig(AppConfig):
    name = "seismo_site"
    verbose_name = "Seismo"

    def ready(self) -> None:
        from seismo_site import task_log, task_signing  # which read the queue's models

        forking.install()
        task_log.install()
        task_signing.install()


class SeismoAdminConfig(AdminConfig):
    """Django's admin with Seismo's site (title, header)."""

    default_site = "seismo_site.admin_site.SeismoAdminSite"
