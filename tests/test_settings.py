from pathlib import Path

import pytest

from videostyle.errors import InputError, SettingError
from videostyle.settings import NAMES, Settings
from videostyle.sources import PRESETS, load, read_toml

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_config_that_says_all_of_it(name):
    found = read_toml(CONFIGS / f"{name}.toml")
    assert load(CONFIGS / f"{name}.toml") == PRESETS[name]
    assert set(NAMES) - set(found) <= {"size", "max_size", "crf", "scales", "workers"}


def test_there_is_no_config_without_a_preset():
    assert {path.stem for path in CONFIGS.glob("*.toml")} == set(PRESETS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iterations", -1),
        ("iterations", 2.5),
        ("iterations", True),
        ("style_weight", float("nan")),
        ("style_weight", "much"),
        ("optimizer", "sgd"),
        ("independent", 1),
        ("content_layers", ()),
        ("size", 1),
        ("brightness", 1),
        ("style_scale", ()),
        ("style_scale", (1.0, 0.0)),
        ("scales", (0.5,)),
        ("scales", (1.0, 0.5, 1.0)),
        ("attention", 2),
    ],
)
def test_what_a_setting_may_not_be_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        Settings().override(**{name: value})


def test_whole_numbers_serve_as_floats_and_lists_as_tuples():
    settings = Settings(style_weight=3, content_layers=["relu3_2"])
    assert settings.style_weight == 3.0
    assert isinstance(settings.style_weight, float)
    assert settings.content_layers == ("relu3_2",)


def test_a_file_varies_the_preset_it_names(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "draft"\nstyle_weight = 3\n')
    assert load(path) == PRESETS["draft"].override(style_weight=3)


@pytest.mark.parametrize("text", ["styl_weight = 3", "= 3", "\xff"])
def test_a_file_that_is_wrong_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"mine\.toml"):
        load(path)


def test_a_preview_takes_fewer_steps_but_for_its_look():
    preview = Settings().for_preview()
    assert 0 < preview.iterations < Settings().iterations
    assert preview.first_iterations == Settings().first_iterations
