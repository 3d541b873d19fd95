"""The first user of an installation: by SEISMO_ADMIN_EMAIL and SEISMO_ADMIN_PASSWORD, or by a link that is printed in
the terminal.

The link is valid once, for `VALIDITY`, while there is no user, and only for a browser on this machine, without a
proxy in between. Of its secret only a hash is kept.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from seismo_site.models import SetupLink, secret_digest

if TYPE_CHECKING:
    SetupView = FormView["UserCreationForm[Any]"]
else:
    SetupView = FormView

VALIDITY = timedelta(minutes=30)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def has_users() -> bool:
    """Whether the installation has any user."""
    return get_user_model().objects.exists()


def create_configured_user() -> str:
    """Create the administrator whom the settings name; returns the name, "" where they name none. ImproperlyConfigured
    where the password is too weak."""
    if not settings.ADMIN_EMAIL:
        return ""
    user = get_user_model()(username=settings.ADMIN_EMAIL, email=settings.ADMIN_EMAIL)
    try:
        validate_password(settings.ADMIN_PASSWORD, user)
    except ValidationError as error:
        raise ImproperlyConfigured(f"SEISMO_ADMIN_PASSWORD: {' '.join(error.messages)}") from None
    user.is_staff = user.is_superuser = True
    user.set_password(settings.ADMIN_PASSWORD)
    user.save()
    return str(settings.ADMIN_EMAIL)


def new_link(*, at: datetime) -> str:
    """The path of a new link; those printed before end."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        SetupLink.objects.all().delete()
        SetupLink.objects.create(digest=secret_digest(secret), expires_at=at + VALIDITY)
    return reverse("first_user", args=[secret])


@method_decorator(never_cache, name="dispatch")
class FirstUser(SetupView):
    """`/first-user/{secret}`: a form for the name and the password of the first administrator; 404 where the link is
    not valid here and now."""

    template_name = "pages/first_user.html"
    form_class = UserCreationForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_local(request) or not self.valid_links().exists() or has_users():
            raise Http404("The link is not valid.")
        return super().dispatch(request, *args, **kwargs)

    def valid_links(self) -> Any:
        """The link of the address, where it is neither used nor expired."""
        digest = secret_digest(self.kwargs["secret"])
        return SetupLink.objects.filter(digest=digest, expires_at__gt=timezone.now())

    def form_valid(self, form: UserCreationForm[Any]) -> HttpResponse:
        with transaction.atomic():
            used, _ = self.valid_links().delete()
            if not used:  # another request was first
                raise Http404("The link is not valid.")
            user = form.save(commit=False)
            user.is_staff = user.is_superuser = True
            user.save()
        login(self.request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return redirect("pages:home")


def is_local(request: HttpRequest) -> bool:
    """Whether the request comes from a browser on this machine, directly and to a name of it."""
    try:
        near = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    is_named = urlsplit(f"//{request.get_host()}").hostname in LOOPBACK_NAMES
    return near and is_named and not any(name in request.META for name in PROXY_HEADERS)
