"""URLs of the system's figures."""

from django.urls import path

from seismo_site.system import views

urlpatterns = [path("system/cache-stats", views.CacheStats.as_view())]
