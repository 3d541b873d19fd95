"""Static files under hashed names, which browsers keep for a long time, once `collectstatic` has run."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """The storage of static files. Addresses inside a file stay as they are: some packages name maps that they lack."""

    patterns = ()

    def stored_name(self, name: str) -> str:
        """The hashed name; the name itself before `collectstatic`, as in tests."""
        return str(self.hashed_files.get(self.hash_key(self.clean_name(name)), name))
