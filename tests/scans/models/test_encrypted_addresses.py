"""Addresses of message channels in the database: encrypted, read with old keys, kept where no key fits."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.core.management import CommandError, call_command
from django.db import connection

from marketdata.errors import NotDelivered
from scans.models import MessageChannel
from scans.models.encrypted_text import UnreadableText
from scans.operations.evening.channels import send_to_reader
from scans.wording.evening_message import sample_message

pytestmark = pytest.mark.django_db
ADDRESS = "tgram://123456789:a-secret-token/12315544"
OLD, NEW = "an old key of thirty-two letters or more", "a new key of thirty-two letters or more"


@pytest.fixture
def channel() -> MessageChannel:
    user = User.objects.create_user("ann")
    return MessageChannel.objects.create(user=user, name="phone", kind="service", address=ADDRESS)


def column() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM scans_messagechannel")
        return str(cursor.fetchone()[0])


def test_the_column_and_a_fixture_have_no_secret(channel: MessageChannel) -> None:
    assert column().startswith("gAAAA")
    assert MessageChannel.objects.get().address == ADDRESS
    fixture = serializers.serialize("json", [channel])
    assert "secret" not in column() + fixture
    (row,) = serializers.deserialize("json", fixture)
    row.save()
    assert MessageChannel.objects.get().address == ADDRESS


def test_a_new_key_reads_what_the_keys_behind_it_encrypted(channel: MessageChannel, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)  # the secret key is the last of the keys
    MessageChannel.objects.get().save()
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "another", (NEW, OLD)
    MessageChannel.objects.get().save()
    settings.ENCRYPTION_KEYS = (NEW,)
    assert MessageChannel.objects.get().address == ADDRESS


def test_an_address_of_a_lost_key_is_kept_and_reported(channel: MessageChannel, settings: Any) -> None:
    token, secret_key = column(), settings.SECRET_KEY
    settings.SECRET_KEY = "another"  # noqa: S105 - a test
    row = MessageChannel.objects.get()
    assert isinstance(row.address, UnreadableText)
    assert row.address == ""
    with pytest.raises(NotDelivered, match="cannot be read with the present key: enter it again"):
        send_to_reader(row, sample_message("en", link=""), is_problem=False)
    row.save()
    assert column() == token
    settings.SECRET_KEY = secret_key
    assert MessageChannel.objects.get().address == ADDRESS


def test_command_encrypts_with_the_newest_key(channel: MessageChannel, settings: Any, capsys: Any) -> None:
    MessageChannel.objects.create(user=channel.user, name="mail", kind="email")
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    call_command("encrypt_addresses")
    assert capsys.readouterr().out == "1 channel: the address is encrypted with the first of SEISMO_ENCRYPTION_KEYS.\n"
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "another", (NEW,)
    assert MessageChannel.objects.get(name="phone").address == ADDRESS
    assert MessageChannel.objects.get(name="mail").address == ""


def test_command_names_the_channels_of_a_lost_key(channel: MessageChannel, settings: Any, capsys: Any) -> None:
    token = column()
    settings.SECRET_KEY = "another"  # noqa: S105 - a test
    with pytest.raises(CommandError, match=r"1 channel: no present key .* \(phone of ann\)\. Add its key"):
        call_command("encrypt_addresses")
    assert capsys.readouterr().out == "0 channels: the address is encrypted with the secret key.\n"
    assert column() == token
