"""Write docs/options.md from the declarations of the settings and the job's flags.

python docs/make_options.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from videostyle.cli.flags import JobFlags
from videostyle.settings import GROUPS, Settings
from videostyle.sources import PRESETS

PAGE = Path(__file__).with_name("options.md")

HEAD = """# Options

Made by `docs/make_options.py` from `videostyle/settings.py` and `videostyle/cli/flags.py`.

Every setting below can be said four ways; a later one wins: the preset (`--preset`), a TOML file or a finished result
(`--config`), a flag, and in Python `Settings(…)`. In TOML and in Python its name has `_` for `-`.
"""


def main() -> None:
    """Write the page, or with --check see that it is up to date."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, "utf-8")
    elif PAGE.read_text("utf-8") != text:
        sys.exit("docs/options.md is out of date: run python docs/make_options.py")


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_job(), *(line for group in GROUPS for line in _group(group)), *_presets()]) + "\n"


def _job() -> Iterator[str]:
    yield from ("## Job", "", "| flag | what it does |", "| --- | --- |")
    hints = get_type_hints(JobFlags, include_extras=True)
    for f in fields(JobFlags):
        _, parameter = get_args(hints[f.name])
        value = "" if f.type == "bool" or f.default in (None, False) else f" Default: `{f.default}`."
        yield f"| `--{_dashed(f.name)}` | {parameter.help}{value} |"
    yield ""


def _group(group: str) -> Iterator[str]:
    yield from (f"## {group}", "", "| flag | what it does | values | default |", "| --- | --- | --- | --- |")
    hints = get_type_hints(Settings)
    for f in fields(Settings):
        if f.metadata["group"] == group:
            yield f"| `--{_dashed(f.name)}` | {f.metadata['help']} | {_values(hints[f.name], f)} | {_said(f.default)} |"
    yield ""


def _presets() -> Iterator[str]:
    yield from ("## Presets", "", "| preset | what differs from `standard` |", "| --- | --- |")
    standard = PRESETS["standard"]
    for name, settings in PRESETS.items():
        names = [f.name for f in fields(Settings) if getattr(settings, f.name) != getattr(standard, f.name)]
        changed = ", ".join(f"`{_dashed(n)}` {_said(getattr(settings, n))}" for n in names)
        yield f"| `{name}` | {changed or 'nothing'} |"


def _values(hint: Any, f: Any) -> str:
    """What a setting may be."""
    if type(None) in get_args(hint):
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(hint))
    if hint in (str, bool) or hint == tuple[str, ...]:
        return {str: "text", bool: "yes or no"}.get(hint, "names")
    several = "one number or more, each " if get_origin(hint) is tuple else ""
    low, high = f.metadata["low"], f.metadata["high"]
    return f"{several}{low:g} to {high:g}"


def _said(value: Any) -> str:
    """A value as it is typed."""
    if value is MISSING or value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{' '.join(map(_said_bare, value))}`" if isinstance(value, tuple) else f"`{_said_bare(value)}`"


def _said_bare(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


if __name__ == "__main__":
    main()
