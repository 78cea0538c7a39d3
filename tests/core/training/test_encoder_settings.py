"""An encoder's own settings: read from lines, checked before a job starts, passed on where they have an effect."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InvalidInput, NotReady
from core.settings import Settings
from core.training import encoder_settings
from core.training.encoder_settings import (
    encoder_config,
    find_obstacle,
    has_effect,
    image_settings,
    own_settings,
    read_own_settings,
    write_own_settings,
)
from core.training.reading_pace import ReadingPace
from core.training.search_space import SPACES, OneOf, nested, space_of
from core.training.training_settings import ENCODERS, TrainingSettings, describe_changes


@pytest.mark.parametrize("encoder", [encoder for encoder in ENCODERS if encoder != "sentence"])
def test_every_encoder_can_be_used_as_it_is(encoder: str) -> None:
    assert find_obstacle(TrainingSettings(encoder=encoder)) is None
    assert own_settings(encoder)


def test_lines_are_read_as_what_the_defaults_are() -> None:
    lines = ["vocabulary_size=500", " dropout = 0.25 ", "", "bidirectional=no", "layer_sizes=64,32", "activation=gelu"]
    assert read_own_settings("gru", lines) == {
        "vocabulary_size": 500,
        "dropout": 0.25,
        "bidirectional": False,
        "layer_sizes": [64, 32],
        "activation": "gelu",
    }
    assert read_own_settings("joint", ["rows_at_once=64"]) == {"rows_at_once": 64}


def test_members_and_images_are_told_by_their_names() -> None:
    found = read_own_settings("ensemble", ["members=ngrams,dan", "dan.dropout=0.2", "image.fc_dim=64"])
    assert found == {"members": ["ngrams", "dan"], "settings": {"dan": {"dropout": 0.2}}, "image": {"fc_dim": 64}}
    assert find_obstacle(TrainingSettings(encoder="ensemble", model=found)) is None


@pytest.mark.parametrize("line", ["layer_sizes=", "layer_sizes=()", "layer_sizes=none"])
def test_no_layers_can_be_told(line: str) -> None:
    assert read_own_settings("dan", [line]) == {"layer_sizes": []}


@pytest.mark.parametrize("encoder", SPACES)
def test_whatever_is_tuned_can_be_written_and_read_again(encoder: str) -> None:
    space = {name: part for name, part in space_of(encoder, True).items() if name != "epochs"}
    for name, part in space.items():
        for value in part.values if isinstance(part, OneOf) else (part.low, part.high, 0.5 * (part.low + part.high)):
            model = nested({name: list(value) if isinstance(value, tuple) else value})
            assert read_own_settings(encoder, write_own_settings(model)) == model
    assert read_own_settings("ensemble", write_own_settings({"settings": {"dan": {"layer_sizes": []}}})) == {
        "settings": {"dan": {"layer_sizes": []}}
    }


def test_what_images_can_be_told_can_be_written_as_it_is_listed() -> None:
    listed = image_settings()
    assert listed["image.fc_dim"] == 512
    read = read_own_settings("joint", write_own_settings(listed))["image"]
    assert {f"image.{name}": value for name, value in read.items()} == listed


def test_images_are_exactly_repeatable_where_that_is_asked_for() -> None:
    for encoder in ("joint", "label_tree"):  # the second knows no such switch itself
        asked = TrainingSettings(encoder=encoder, use_images=True, deterministic=True, model={"image": {"fc_dim": 64}})
        assert encoder_config(asked)["image"] == {"deterministic": True, "fc_dim": 64}
        assert find_obstacle(asked) is None
    assert "image" not in encoder_config(TrainingSettings(deterministic=True))


@pytest.mark.parametrize(
    "line",
    [
        "dropout",
        "=1",
        "dropout=",
        "activation=",
        "image.fc_dim=",
        "wings=2",
        "dropout=much",
        "vocabulary_size=1.5",
        "bidirectional=perhaps",
    ],
)
def test_what_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(InvalidInput):
        read_own_settings("gru", [line])


def test_what_an_encoder_does_not_have_is_left_out() -> None:
    assert not has_effect("ngrams", "head")
    assert not {"head", "epochs"} & set(encoder_config(TrainingSettings(encoder="ngrams", head="hierarchical")))
    assert encoder_config(TrainingSettings(encoder="dan", head="hierarchical", epochs=3))["head"] == "hierarchical"
    assert encoder_config(TrainingSettings(encoder="dan", epochs=3))["epochs"] == 3


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encoder_settings.LIBRARIES, "sentence", ("no_such_library",))
    found = find_obstacle(TrainingSettings(encoder="sentence"))
    assert isinstance(found, NotReady)
    assert str(found) == (
        "The encoder 'sentence' needs no_such_library, not installed here: pip install -r requirements-sentence.txt"
    )


def test_what_differs_from_the_defaults_in_words() -> None:
    assert describe_changes(TrainingSettings().to_dict()) == ""
    asked = TrainingSettings(encoder="dan", cap="log", recommend_catch_alls=False, model={"dropout": 0.1})
    assert describe_changes(asked.to_dict()) == "encoder dan, dropout 0.1, cap log, no recommend_catch_alls"
    assert describe_changes({"epochs": 3}) == "epochs 3"  # of a version that knew less


def test_what_images_are_read_with_is_looked_at_before_a_job_starts(tmp_path: Path) -> None:
    asked, file = TrainingSettings(use_images=True), tmp_path / "weights.pt"
    machine = replace(Settings(), image_weights=str(file))
    assert find_obstacle(TrainingSettings(), machine) is None
    assert "weights.pt is missing" in str(find_obstacle(asked, machine))
    file.touch()
    assert "SHELFWRIGHT_IMAGE_SCALING" in str(find_obstacle(asked, machine))
    assert find_obstacle(asked, replace(machine, image_scaling="imagenet")) is None
    for name in ("scratch", "IMAGENET1K_V2"):
        assert find_obstacle(asked, replace(machine, image_weights=name)) is None


def test_the_pace_of_reading_says_rows_and_time_left() -> None:
    pace = ReadingPace(200)
    assert pace(0.25) == {"rows": 50, "n_rows": 200, "seconds_left": None}
    later = pace(0.5)
    assert later["rows"] == 100
    assert later["seconds_left"] >= 0
