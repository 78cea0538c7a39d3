"""Settings are checked where they are made, and survive JSON."""

import json

import pytest

from models.config import TitleModelConfig


def test_settings_survive_json() -> None:
    config = TitleModelConfig(epochs=3, char_ngrams=(3, 4), mall_category_dropout=0.0)
    assert TitleModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("vocabulary_size", -1),
        ("dropout", 1.0),
        ("mall_category_dropout", -0.1),
        ("learning_rate", 0.0),
        ("char_ngrams", (5, 2)),
        ("word_ngrams", (1, 3)),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        TitleModelConfig(**{name: value})  # type: ignore[arg-type]


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="warp_speed"):
        TitleModelConfig.from_dict({"warp_speed": 9})
