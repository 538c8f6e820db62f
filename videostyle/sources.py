"""Where settings come from: presets, TOML files, and results that say how they were made."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from videostyle.errors import InputError, SettingError
from videostyle.settings import NAMES, Settings, named_files

PRESETS: Mapping[str, Settings] = {
    "draft": Settings(iterations=6, first_iterations=32, flow="dis-fast"),
    "standard": Settings(),
    "quality": Settings(iterations=32, first_iterations=200),
    "gatys": Settings(
        max_size=512,
        first_iterations=1000,
        scales=(1.0,),
        content_layers=("relu4_2",),
        pooling="average",
        style_loss="gram",
        normalization="none",
        style_weight=1e7,
        tv_weight=0,
        temporal_weight=1e6,
        log_every=100,
    ),
}


def preset(name: str) -> Settings:
    """The settings of a preset by name.

    Raises:
        SettingError: There is no such preset.

    """
    if name not in [*PRESETS]:  # it may be anything that TOML has
        raise SettingError("preset", name, f"one of {', '.join(PRESETS)}")
    return PRESETS[name]


def read_toml(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, by name; `preset = "draft"` names what they vary. Values are checked later.

    Raises:
        InputError: The file cannot be read, is no TOML, or names something that is no setting.

    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"cannot read the settings in {path}: {error}") from error
    return _known(found, path)


def read_made(comment: str, path: Path, said: Collection[str] = ()) -> dict[str, Any]:
    """The settings that a finished file, `path`, says in its comment that it was made with.

    A comment opens no file: what was made with files takes them from the user, who knows where they are.

    Args:
        comment: Of the file.
        path: Its name, for errors.
        said: Names of the settings that the user says; the comment's do not count.

    Raises:
        InputError: It says none, or some that this version does not know, or some that name files.

    """
    try:
        found = dict(json.loads(comment)["settings"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} does not say how it was made; give a TOML file of settings") from error
    found = {name: value for name, value in found.items() if value is not None and name not in said}
    for name in found:
        if files := named_files(name, found[name]):
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{path} was made with {flag} {_described(files)}; say {flag} with that file, or another")
    return _known(found, path)


def _described(files: Sequence[Any]) -> str:
    """Name the files that a comment describes, which may hold anything."""
    names = (file["name"] if isinstance(file, dict) and "name" in file else file for file in files)
    return ", ".join(str(name)[:100] for name in names)


def _known(found: dict[str, Any], path: Path) -> dict[str, Any]:
    for name in found:
        if name not in (*NAMES, "preset"):
            raise InputError(f"{path} sets {name!r}, which is no setting; known are {', '.join(NAMES)}")
    return found


def load(path: Path) -> Settings:
    """The complete settings that a TOML file describes."""
    found = read_toml(path)
    return preset(found.pop("preset", "standard")).override(**found)
