"""Write a commented TOML file for each preset: `python configs/make_configs.py`."""

import json
import textwrap
from dataclasses import fields
from pathlib import Path
from typing import Any

from videostyle.settings import Settings
from videostyle.sources import PRESETS

ABOUT = {
    "draft": "A quick look: half the steps, quick flow.",
    "standard": "The default.",
    "quality": "For the final film: two and a half times the steps.",
    "gatys": "The recipe of Gatys et al. 2016 as it is printed: sums of squares, 1000 steps; for stills.",
}
EXAMPLES = {
    "size": 640,
    "max_size": 640,
    "crf": 17,
    "scales": [0.25, 0.5, 1],
    "workers": 2,
}  # of settings that no preset sets


def written(value: Any) -> str:
    """A setting's value as TOML; one of several is written alone."""
    if isinstance(value, tuple):
        return written(value[0]) if len(value) == 1 and isinstance(value[0], float) else json.dumps(value)
    return json.dumps(value)


def config(name: str) -> str:
    """The text of a preset's file."""
    parts = [f"# {ABOUT[name]}\n# videostyle IN STYLE OUT --config configs/{name}.toml"]
    for field in fields(Settings):
        value = getattr(PRESETS[name], field.name)
        line = f"{field.name} = {written(value)}" if value is not None else f"# {field.name} = {EXAMPLES[field.name]}"
        parts.append("\n".join([*(f"# {text}" for text in textwrap.wrap(field.metadata["help"], 110)), line]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    for name in PRESETS:
        (Path(__file__).parent / f"{name}.toml").write_text(config(name), encoding="utf-8")
