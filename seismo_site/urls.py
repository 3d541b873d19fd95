"""The URL configuration."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from marketdata.web.api.problems import no_such_endpoint
from seismo_site.first_user import FirstUser
from seismo_site.metrics import MetricsView
from seismo_site.openapi.documentation import DocumentationView

admin.autodiscover()  # here and not at Django's start: see SeismoAdminConfig

urlpatterns = [
    path("admin/", admin.site.urls),
    path("metrics", MetricsView.as_view()),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", DocumentationView.as_view(url_name="schema"), name="docs"),
    path("api/", include("seismo_site.health.urls")),
    path("api/", include("seismo_site.system.urls")),
    path("api/", include("scans.api.urls")),
    path("api/", include("marketdata.api.urls")),
    path("api/", include("marketdata.candles.api.urls")),
    re_path(r"^api(?:/.*)?$", no_such_endpoint),
    path("first-user/<str:secret>", FirstUser.as_view(), name="first_user"),
    path("language", set_language, name="set_language"),
    path("", include("marketdata.candles.pages.urls")),
    path("", include("scans.pages.urls")),
]
handler500 = "marketdata.web.api.problems.server_error"
