"""Admin of feature flags, their measurements' guard, and what it turned off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketdata.admin.market_list import MarketList
from marketdata.models import FeatureFlag, FlagRollback
from marketdata.operations import feature_flags
from marketdata.web.admin.readonly import ReadOnly


@admin.register(FeatureFlag)
class FeatureFlagAdmin(MarketList):
    """Flags, which a person turns here and their guard turns off."""

    list_display = ("feature", "enabled", "share", "metric", "threshold", "window", "changed_at", "changed_by")
    fields = ("feature", "enabled", "share", "metric", "threshold", "window", "changed_at", "changed_by")
    readonly_fields = ("feature", "metric", "changed_at", "changed_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """With a sentence in place of the share where the feature has none."""
        has_share = obj is None or not feature_flags.no_share_sentence(obj.feature)
        return [name if name != "share" or has_share else "no_share" for name in super().get_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["no_share", *self.readonly_fields]

    @admin.display(description=_("share"))
    def no_share(self, flag: FeatureFlag) -> str:
        return feature_flags.no_share_sentence(flag.feature)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: FeatureFlag, form: Any, change: bool) -> None:
        feature_flags.save(obj, who=request.user.get_username(), at=timezone.now())


@admin.register(FlagRollback)
class FlagRollbackAdmin(ReadOnly, MarketList):
    """The reasons for which guards turned flags off."""

    list_display = ("at", "feature", "metric", "mean", "threshold", "observations")
    list_filter = ("feature",)
    date_hierarchy = "at"
