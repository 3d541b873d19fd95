"""A text with places is filled in, plain and as gzip, as if it were put together and compressed each time."""

from __future__ import annotations

import gzip

import pytest

from marketdata.web.compression import FilledResponse, TextWithPlaces, compress

PLACE = "<!--place-->"


@pytest.mark.parametrize(
    "text",
    [
        "",
        PLACE,
        "without any",
        f"{PLACE}{PLACE}",
        f"앞 {PLACE} 가운데 {PLACE} 뒤",
        f"{'a row of a table ' * 9_000}{PLACE}{'다른 행 ' * 30_000}",
    ],
)
@pytest.mark.parametrize("filling", ["", "t", "x" * 65_535])
def test_gzip_is_that_of_the_filled_text(text: str, filling: str) -> None:
    kept = TextWithPlaces(text, PLACE)
    expected = text.replace(PLACE, filling).encode()
    for _ in range(2):
        assert kept.plain(filling) == expected
        assert gzip.decompress(kept.gzip(filling)) == expected  # with its checksum and length


def test_next_answer_has_another_filling() -> None:
    kept = TextWithPlaces(f"a token: {PLACE}", PLACE)
    pages = [FilledResponse(kept, filling) for filling in ("first", "second")]
    assert [page.content for page in pages] == [b"a token: first", b"a token: second"]
    assert [gzip.decompress(page.compressed) for page in pages] == [b"a token: first", b"a token: second"]


def test_size_does_not_tell_what_a_filling_repeats() -> None:
    """BREACH: a guess of the token beside the token would be compressed away. The header's name varies by 100 bytes."""
    token = "q7Xw" * 16
    sizes = {
        guess: min(len(TextWithPlaces(f"?guess={guess} {PLACE}", PLACE).gzip(token)) for _ in range(3_000))
        for guess in (token, "Zm3p" * 16)
    }
    assert len(set(sizes.values())) == 1


def test_whole_body() -> None:
    assert gzip.decompress(compress(b"a" * 5_000)) == b"a" * 5_000
