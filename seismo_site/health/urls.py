"""URLs of liveness and readiness."""

from django.urls import path

from seismo_site.health import views

urlpatterns = [path("health/live", views.Live.as_view()), path("health/ready", views.Ready.as_view())]
