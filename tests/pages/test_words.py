"""Text from outside means nothing to Markdown; numbers read as people write them."""

from datetime import timedelta

import pytest

from core.training.intervals import rate
from pages.components.numbers import duration_text, rate_text
from pages.components.words import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 바지 100", "plain 바지 100"),
        ("**bold** [x](http://y)", "\\*\\*bold\\*\\* \\[x\\]\\(http\\:\u2060//y\\)"),
        ("HTTPS://evil.example/login", "HTTPS\\:\u2060//evil\\.example/login"),
        ("바지Www.evil.example wwwx", "바지Www\u2060\\.evil\\.example wwwx"),
        ("P@1", "P@1"),
        ("me@evil.example", "me\u2060@evil\\.example"),
        ("<b>&lt;", r"\<b\>\&lt;"),
        ("a\n\n# head", r"a \# head"),
        (":material/home: $x$", r"\:material/home\: \$x\$"),
    ],
)
def test_every_sign_of_markdown_loses_its_meaning(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_rate_says_its_n_and_too_few_says_so() -> None:
    assert rate_text(rate(897, 1000)) == "89.7 % (87.7 to 91.4, n = 1,000)"
    assert rate_text(rate(9, 10)) == "too few (n = 10)"


@pytest.mark.parametrize(("seconds", "said"), [(7, "7 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")])
def test_durations(seconds: int, said: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == said
