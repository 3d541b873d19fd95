"""Sections and models of the admin have Korean names for a Korean operator."""

from __future__ import annotations

import re

from django.contrib import admin
from django.test import Client

from seismo_site.admin_names import MODELS

OWN = {"scans", "marketdata", "candles", "seismo_site", "django_q"}


def test_every_model_has_a_name(admin_client: Client) -> None:
    admin_client.get("/admin/")  # loads the admin classes
    kinds = {model: model_admin.inlines for model, model_admin in admin.site._registry.items()}
    inlines = {inline.model for kind, own in kinds.items() if kind._meta.app_label in OWN for inline in own}
    models = {model.__name__ for model in {*kinds, *inlines} if model._meta.app_label in OWN}
    assert models | {"OrmQ"} == set(MODELS)  # with Redis the queue has no list


def test_a_korean_operator_reads_korean_names(admin_client: Client) -> None:
    index = admin_client.get("/admin/", headers={"Accept-Language": "ko"}).content.decode()
    names = re.findall(r'<a href="/admin/(?:scans|marketdata|candles)/[^"]*"[^>]*>([^<]+)</a>', index)
    assert {"스캐너 버전", "스캔 실행", "일별 시세", "캔들 수집"} <= {name.strip() for name in names}
    rows = admin_client.get("/admin/scans/scanrun/", headers={"Accept-Language": "ko"}).content.decode()
    assert "스캔 실행" in re.findall(r"<h1>(.*?)</h1>", rows)[-1] + rows.split("<title>")[1]
    assert "Scan runs" in admin_client.get("/admin/scans/scanrun/").content.decode()
