"""Users of the tests, with the permissions that each needs and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def staff(name: str, *permissions: str) -> User:
    """A staff user with these permissions ("scans.add_scanrequest")."""
    from django.contrib.auth.models import User

    user = User.objects.create_user(name, is_staff=True)
    grant(user, *permissions)
    return user


def grant(user: User, *permissions: str) -> None:
    """Give the user exactly these permissions."""
    from django.contrib.auth.models import Permission

    pairs = [one.split(".") for one in permissions]
    rows = [Permission.objects.get(content_type__app_label=app, codename=name) for app, name in pairs]
    user.user_permissions.set(rows)


def scan_chief(name: str = "chief") -> User:
    """A staff user who may write all that the API offers."""
    return staff(
        name,
        "scans.add_scanrequest",
        "scans.change_scanrequest",
        "scans.add_scannerversion",
        "scans.change_scannerversion",
    )
