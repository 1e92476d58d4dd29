"""The list of a server's models, as one reads it from a variable or a command line."""

import pytest

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.named_models import as_text, read_models


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("default", [("default", "default")]),
        ("small=tiny, big=default", [("small", "tiny"), ("big", "default")]),
        ("/models/mine/,my model.gguf", [("mine", "/models/mine/"), ("my-model", "my model.gguf")]),
        ("gs://songs/models/v1", [("v1", "gs://songs/models/v1")]),
        ("./a=b/c=d", [("c-d", "./a=b/c=d")]),
        ("here=./a=b", [("here", "./a=b")]),
        (".", [("model", ".")]),
        (",a=x,,", [("a", "x")]),
    ],
)
def test_a_model_has_the_name_that_is_said_or_that_of_its_place(
    text: str, models: list[tuple[str, str]]
) -> None:
    read = read_models(text)
    assert [(model.name, model.place) for model in read] == models
    assert read_models(as_text(read)) == read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" , ", "names no model"),
        ("a=x,a=y", "two models are called a; name them"),
        ("x/mine,y/mine", "two models are called mine"),
        ("my model=x", "'my model' cannot be a model's name"),
        ("-a=x", "cannot be"),
        (f"{'a' * 65}=x", "1 to 64"),
        ("a=", "no path behind a="),
    ],
)
def test_a_list_that_names_no_models_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_models(text)


def test_the_setting_names_the_variable_where_it_cannot_be_read() -> None:
    with pytest.raises(StartupError, match=r"^VERSEQUEUE_MODEL='a=x,a=y' is not valid: two models"):
        Settings.from_environ({"VERSEQUEUE_MODEL": "a=x,a=y"})


def test_a_model_that_writes_no_songs_is_the_only_one() -> None:
    several = {"VERSEQUEUE_MODEL": "a=x,b=y", "VERSEQUEUE_OWN_OPTIONS": "1"}
    with pytest.raises(StartupError, match="VERSEQUEUE_OWN_OPTIONS is for a server with one"):
        Settings.from_environ(several)


def test_a_job_keeps_a_name_only_where_there_is_something_to_choose_from() -> None:
    one, two = Settings(models=read_models("a=x")), Settings(models=read_models("a=x,b=y"))
    assert [one.told_model(asked) for asked in ("", "a")] == ["", ""]
    assert [two.told_model(asked) for asked in ("", "a", "b")] == ["a", "a", "b"]
    for settings in (one, two):
        assert settings.model_of("") == settings.model_of("a") == settings.models[0]
        assert settings.model_of("c") is None
