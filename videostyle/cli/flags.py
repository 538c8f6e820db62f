"""Flags of the main command: one for each setting, in the groups that settings declare; and how they are filled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import Field, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin, get_type_hints

from cyclopts import App, Group, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict

from videostyle.settings import GROUPS, Gaps, Settings
from videostyle.sources import PRESETS, preset, read_made, read_toml

ProgressMode = Literal["auto", "bar", "plain", "json", "none"]

JOB_GROUP = Group("Job", sort_key=0)
_GROUPS = {name: Group(name, sort_key=number) for number, name in enumerate(GROUPS, 1)}


def _job(help: str) -> Parameter:
    return Parameter(help=help, group=JOB_GROUP)


@dataclass(frozen=True, kw_only=True)
class JobFlags:
    """What is done, to which frames, and what is said of it."""

    frames: Annotated[str | None, _job("A:B, the frames from A up to but not B, from 0; A for one.")] = None
    start: Annotated[str | None, _job("Begin here: seconds, HH:MM:SS.mmm, or the film's timecode HH:MM:SS:FF.")] = None
    end: Annotated[str | None, _job("End before here: the same.")] = None
    fps: Annotated[str | None, _job("Numbered pictures per second: 24 unless told, or as 24000/1001.")] = None
    gaps: Annotated[Gaps, _job("Missing numbers among numbered pictures: refuse, hold the one before, or skip.")] = (
        "refuse"
    )
    sound: Annotated[Path | None, _job("Sound to lay beside numbered pictures that become a film.")] = None
    first_number: Annotated[
        int | None, _job("Number of the picture that CONTENT's first frame becomes; its own unless told.")
    ] = None
    preview: Annotated[bool, _job("A fast draft of the same look: quarter the pixels, enlarged; fewer steps.")] = False
    preset: Annotated[str, _job(f"Settings to start from: {', '.join(PRESETS)}.")] = "standard"
    config: Annotated[Path | None, _job("TOML file of settings, or a result to repeat; flags win over it.")] = None
    attention_map: Annotated[Path | None, _job("Write what stands out in the first frame as a picture.")] = None
    side_by_side: Annotated[bool, _job("Put the content to the left of the result.")] = False
    overwrite: Annotated[bool, _job("Replace OUTPUT if it exists.")] = False
    resume: Annotated[bool, _job("Go on with a job that was stopped.")] = False
    into: Annotated[bool, _job("Make only these frames anew, in an OUTPUT that is finished; as it was made.")] = False
    crossfade: Annotated[int, _job("With --into: frames over which the new look fades in and out at its ends.")] = 0
    dry_run: Annotated[bool, _job("Say what would be done and how long it would take, and stop.")] = False
    progress: Annotated[
        ProgressMode, _job("How progress is shown: a bar, plain lines, JSON lines for programs, or not at all.")
    ] = "auto"
    quiet: Annotated[bool, _job("Say nothing but errors.")] = False
    verbose: Annotated[bool, _job("Say more, and show where an error came from.")] = False
    version: Annotated[bool, _job("Show the version; with --verbose, of everything.")] = False


def _flag(f: Field[Any], hint: Any) -> tuple[str, Any, Any]:
    parameter = Parameter(help=f.metadata["help"], group=_GROUPS[f.metadata["group"]])
    return f.name, Annotated[hint, parameter], field(default=f.default)


_HINTS = get_type_hints(Settings)
SettingFlags = make_dataclass(
    "SettingFlags", [_flag(f, _HINTS[f.name]) for f in fields(Settings)], frozen=True, kw_only=True
)


SettingFlags.__module__ = __name__


def settings_from(flags: Any) -> Settings:
    """The settings that the flags say.

    Raises:
        SettingError: A value is not allowed.

    """
    return Settings(**{f.name: getattr(flags, f.name) for f in fields(Settings)})


_LISTS = {"--" + f.name.replace("_", "-") for f in fields(Settings) if get_origin(_HINTS[f.name]) is tuple}


def last_lists(words: Sequence[str]) -> list[str]:
    """The words without lists that come again later: of a repeated option, the last counts."""
    groups = list[list[str]]([[]])
    for word in words:
        if word.startswith("--"):
            groups.append([])
        groups[-1].append(word)
    names = [group[0].partition("=")[0] if group else "" for group in groups]
    kept = (g for n, g in enumerate(groups) if names[n] not in _LISTS or names[n] not in names[n + 1 :])
    return [word for group in kept for word in group]


def fill_gaps(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Take what the flags leave open from --config, then from the preset: cyclopts fills only the gaps."""
    if path := _given(arguments, "--config") or _finished(arguments):
        Dict(_dashed(_read_config(Path(path), _said(arguments))), source=path)(app, commands, arguments)
    name = _given(arguments, "--preset") or "standard"
    chosen = preset(name)
    values = _dashed({f.name: getattr(chosen, f.name) for f in fields(Settings)})
    Dict(values, source=f"preset {name}")(app, commands, arguments)


def _said(arguments: ArgumentCollection) -> set[str]:
    """Names of the settings that flags say."""
    return {f.name for f in fields(Settings) if arguments["--" + f.name.replace("_", "-")].tokens}


def _read_config(path: Path, said: Collection[str]) -> dict[str, Any]:
    """Settings from a TOML file, or from a result that says how it was made."""
    from videostyle.media import sequence
    from videostyle.media.provenance import has_comment, read_comment
    from videostyle.plan.paths import check_readable

    if sequence.is_sequence(path) and (images := sequence.files(path)):
        path = images[0]
    check_readable(path)
    return read_made(read_comment(path), path, said) if has_comment(path) else read_toml(path)


def _given(arguments: ArgumentCollection, name: str) -> str | None:
    tokens = arguments[name].tokens
    return tokens[0].value if tokens else None


def _finished(arguments: ArgumentCollection) -> str | None:
    """OUTPUT, where a range of it is rendered again."""
    if not arguments["--into"].tokens or not (paths := arguments["PATHS"].tokens):
        return None
    return paths[-1].value


def _dashed(values: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None}
