"""The site itself, and the admin under its name."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

from caching.policies import set_ttls
from seismo_site import fork_safety
from seismo_site.checks import check_unknown_settings


class SiteConfig(AppConfig):
    name = "seismo_site"
    verbose_name = "Seismo"

    def ready(self) -> None:
        from seismo_site import sql_comments, task_log, task_signing  # which read models and settings

        set_ttls(settings.CACHE_TTLS)
        checks.register(check_unknown_settings)
        fork_safety.install()
        task_log.install()
        sql_comments.install()
        task_signing.install()
        if settings.TRACES:
            from seismo_site.tracing import start  # which reads OpenTelemetry's libraries

            start.install()


class SeismoAdminConfig(SimpleAdminConfig):
    """Django's admin with Seismo's site (title, header), which the URLconf registers.

    Only a web server and `manage.py check` need the admin's modules, which are a third of Django's start-up: a command
    or a task worker starts without them.
    """

    default_site = "seismo_site.admin_site.SeismoAdminSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_admin, checks.Tags.admin)


def check_admin(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """Django's check of the admin, of every class and not of those only that are imported by chance."""
    admin.autodiscover()
    return check_admin_app(app_configs, **options)
