"""Settings of the neural encoders: checked, and the same again from JSON."""

import json
from typing import Any

import pytest

from models.encoders.config import CONFIGS, GruConfig


@pytest.mark.parametrize("encoder", CONFIGS)
def test_settings_come_back_from_json(encoder: str) -> None:
    kind = CONFIGS[encoder]
    config = kind(layer_sizes=(64, 32), symbols=("1+1",), rows_at_once=8)
    assert kind.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("head", "greedy"),
        ("activation", "sin"),
        ("epochs", 0),
        ("batch_size", 0),
        ("rows_at_once", 0),
        ("vocabulary_size", 0),
        ("max_ngram_buckets", -1),
        ("char_ngrams", (0, 3)),
        ("word_ngrams", (1, 3)),
        ("symbols", ("",)),
        ("layer_sizes", (0,)),
        ("dropout", 1.0),
        ("token_dropout", -0.1),
        ("mall_category_dropout", 1.0),
        ("brand_dropout", 2.0),
        ("label_frequency", 0.0),
        ("subword_alpha", 1.5),
        ("subword_cuts", 0),
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("gru_dim", 0),
        ("gru_layers", 0),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        GruConfig.from_dict({name: value})


def test_a_setting_of_another_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown settings: gru_dim"):
        CONFIGS["dan"].from_dict({"gru_dim": 16})
