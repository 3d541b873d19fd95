"""The user of a session, read by the compiled statement and by Django's own backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from seismo_site.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of_reader() -> HttpRequest:
    client = Client()
    client.force_login(User.objects.create_user("reader", email="reader@example.org", first_name="A"))
    request = RequestFactory().get("/")
    request.session = SessionStore(client.cookies["sessionid"].value)
    return request


def test_reader_is_read_in_one_query_as_django_reads_it(request_of_reader: HttpRequest) -> None:
    assert request_of_reader.session["_auth_user_id"]
    with CaptureQueriesContext(connection) as made:
        user = auth.get_user(request_of_reader)
    assert len(made) == 1
    expected = ModelBackend().get_user(user.pk)
    assert type(user) is type(expected) is User
    names = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(user, name) for name in names] == [getattr(expected, name) for name in names]


def deactivate(request: HttpRequest) -> None:
    User.objects.update(is_active=False)


def change_password(request: HttpRequest) -> None:
    user = User.objects.get()
    user.set_password("another one")
    user.save()


def delete(request: HttpRequest) -> None:
    User.objects.all().delete()


def use_unknown_backend(request: HttpRequest) -> None:
    request.session["_auth_user_backend"] = "some.other.Backend"


def forget_hash(request: HttpRequest) -> None:
    del request.session["_auth_user_hash"]


@pytest.mark.parametrize("change", [deactivate, change_password, delete, use_unknown_backend, forget_hash])
def test_reader_who_is_none_any_more(change: Callable[[Any], None], request_of_reader: HttpRequest) -> None:
    assert auth.get_user(request_of_reader).is_authenticated
    change(request_of_reader)
    assert isinstance(auth.get_user(request_of_reader), AnonymousUser)


def test_session_without_a_user() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    assert isinstance(auth.get_user(request), AnonymousUser)
