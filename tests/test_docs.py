"""The documents know every setting, and have the pictures that they show."""

import re
from pathlib import Path

import pytest

from videostyle.settings import NAMES

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)")


def text(path):
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained_as_a_flag(name):
    flag = re.compile(rf"--{name.replace('_', '-')}(?![\w-])")
    assert any(flag.search(text(ROOT / document)) for document in ("README.md", "docs/looks.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_or_names_is_there(document):
    named = [*PICTURE.findall(text(document)), *LINK.findall(text(document))]
    assert [name for name in named if not (document.parent / name).exists()] == []


def test_every_strip_is_shown():
    shown = {Path(name).name for name in PICTURE.findall(text(ROOT / "docs/looks.md"))}
    assert {path.name for path in (ROOT / "docs/looks").iterdir()} == shown


def test_the_strips_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "docs/looks").iterdir()) < 2_000_000
