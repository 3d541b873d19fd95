"""A lack of memory is one sentence, wherever it shows."""

from __future__ import annotations

import pytest

from seismo_site.cli_errors import NO_MEMORY, explain_memory, run


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        ImportError("libarrow.so.2600: failed to map segment from shared object"),
        ImportError("libx.so: cannot allocate memory in static TLS block"),
    ],
)
def test_a_lack_of_memory_is_one_sentence(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(arguments: list[str]) -> None:
        raise error

    assert run(["manage.py", "candles"], fail) == 1
    assert capsys.readouterr().err.strip() == NO_MEMORY


def test_another_import_error_keeps_its_traceback() -> None:
    assert explain_memory(ImportError("No module named 'numpy'")) is None
