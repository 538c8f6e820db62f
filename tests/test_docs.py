"""The documents agree with the code: commands parse, links lead somewhere, pages made from the code are up to date."""

import ast
import re
import runpy
import shlex
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from videostyle.cli.app import app
from videostyle.cli.flags import settings_from
from videostyle.cli.parse import make_span, parse_rate
from videostyle.settings import NAMES
from videostyle.sources import PRESETS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "videostyle"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
SPAN = re.compile(r"`([^`]+)`")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
PLACE = re.compile(r"[\w/]+\.py(?::[\w.]+)?")
OTHERS = {"--help"}  # cyclopts adds it


def named(paths):
    return pytest.mark.parametrize("document", paths, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def text(path):
    return path.read_text(encoding="utf-8")


def blocks(document):
    """The lines of code blocks, without their indentation."""
    fenced = False
    for line in text(document).splitlines():
        fenced ^= line.startswith("```")
        if fenced or line.startswith("    "):
            yield line.strip()


def prose(document):
    """The text outside fenced blocks."""
    return "".join(text(document).split("```")[::2])


def spans(document):
    """Code spans, each on one line."""
    indented = re.compile(r"^ {4}.*$", re.MULTILINE)
    return [" ".join(span.split()) for span in SPAN.findall(indented.sub("", prose(document)))]


# --- settings and flags


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained_as_a_flag(name):
    flag = re.compile(rf"--{name.replace('_', '-')}(?![\w-])")
    assert flag.search(text(ROOT / "docs" / "options.md"))


def test_the_page_of_options_is_up_to_date():
    made = runpy.run_path(str(ROOT / "docs" / "make_options.py"))["page"]()
    assert text(ROOT / "docs" / "options.md") == made, "run python docs/make_options.py"


@pytest.mark.parametrize("name", PRESETS)
def test_the_settings_files_are_up_to_date(name):
    made = runpy.run_path(str(ROOT / "configs" / "make_configs.py"))["config"](name)
    assert text(ROOT / "configs" / f"{name}.toml") == made, "run python configs/make_configs.py"


@cache
def flags():
    """All flags of all commands."""
    collections = [app, app["evaluate"], app["bench"], app["train"], app["export"]]
    return {name for each in collections for argument in each.assemble_argument_collection() for name in argument.names}


@named(DOCUMENTS)
def test_every_flag_that_stands_alone_exists(document):
    found = {flag for span in spans(document) if span.startswith("--") for flag in FLAG.findall(span)}
    assert found - flags() - OTHERS == set()


# --- commands


def commands(document):
    """The words of every `videostyle …` in a document."""
    for line in [*blocks(document), *(span for span in spans(document) if " --" in span)]:
        line = line.rpartition("&& ")[2].removeprefix("nohup ").removeprefix(".venv/bin/")
        if line.startswith("videostyle ") and not re.search(r"[\[…]", line):
            words = shlex.split(line, comments=True)
            yield tuple(words[1 : next((n for n, word in enumerate(words) if re.match(r"\d?>|&$|\|", word)), None)])


COMMANDS = sorted({(document, words) for document in DOCUMENTS for words in commands(document)})


@pytest.mark.parametrize(
    ("document", "words"), COMMANDS, ids=[f"{d.stem}: {' '.join(words)[:60]}" for d, words in COMMANDS]
)
def test_every_command_parses(document, words, monkeypatch):
    monkeypatch.setattr(app, "config", ())  # neither presets nor files: only what is typed
    command, bound, _ = app.parse_args(list(words), exit_on_error=False, print_error=False)
    if command.__name__ == "_stylize":
        job, settings = bound.arguments.get("job"), bound.arguments.get("settings")
        assert len(bound.args) >= 3 or (job is not None and job.version)
        if job is not None:
            make_span(None if job.frames == "A:B" else job.frames, job.start, job.end)
            assert job.fps is None or parse_rate(job.fps)
        if settings is not None:
            settings_from(settings)


def test_commands_are_found_where_they_are():
    found = {document.name for document, _ in COMMANDS}
    assert {"README.md", "first-film.md", "long-jobs.md", "scripts.md", "looks.md"} <= found
    assert len(COMMANDS) > 40


def test_the_readme_has_the_commands_of_its_pictures():
    made = runpy.run_path(str(ROOT / "docs" / "make_readme.py"))
    assert [command for command in made["COMMANDS"] if command not in list(blocks(ROOT / "README.md"))] == []


# --- links, pictures, sizes


@named(DOCUMENTS)
def test_what_a_document_shows_or_names_is_there(document):
    named = [*PICTURE.findall(text(document)), *(link.partition("#")[0] for link in LINK.findall(text(document)))]
    assert [name for name in named if not (document.parent / name).exists()] == []


def anchors(document):
    """The anchors of a document's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ +(.+)$", text(document), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@named(DOCUMENTS)
def test_every_anchor_is_a_heading(document):
    links = (link.partition("#") for link in LINK.findall(text(document)) if "#" in link)
    there = [(document.parent / path if path else document, anchor) for path, _, anchor in links]
    assert [(path.name, anchor) for path, anchor in there if anchor not in anchors(path)] == []


def test_the_readme_is_short():
    assert len(text(ROOT / "README.md").splitlines()) <= 120


def test_the_readme_shows_large_pictures():
    width = 2 * runpy.run_path(str(ROOT / "docs" / "make_readme.py"))["SIZE"]
    shown = sorted(ROOT / name for name in PICTURE.findall(text(ROOT / "README.md")) if "readme-" in name)
    assert [path.name for path in shown if path.exists()] == ["readme-film.jpg", "readme-still.jpg"]
    for path in shown:
        with Image.open(path) as picture:
            assert picture.width >= width


def test_every_page_is_in_the_index():
    listed = set(LINK.findall(text(ROOT / "docs" / "README.md")))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_every_strip_is_shown():
    shown = {Path(name).name for name in PICTURE.findall(text(ROOT / "docs/looks.md"))}
    assert {path.name for path in (ROOT / "docs/looks").iterdir()} == shown


def test_the_strips_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "docs/looks").iterdir()) < 2_000_000


# --- architecture


def tree():
    """The files that the page's tree names, relative to the repository."""
    folders = []
    for line in text(ARCHITECTURE).split("```")[1].splitlines()[1:]:
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        folders[depth:] = [name] if name.endswith("/") else []
        if not name.endswith("/"):
            yield "".join([*folders[:depth], name])


def test_the_tree_is_the_package():
    files = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py") if ast.parse(text(path)).body[1:]}
    assert sorted(tree()) == sorted(files)


def names_in(path):
    """Names of a module's functions, classes and variables; of a class's methods as `Class.method`."""
    for node in ast.parse(text(path)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef))
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if hasattr(node, "target") else []
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_every_place_in_the_architecture_exists():
    places = [span for span in spans(ARCHITECTURE) if PLACE.fullmatch(span)]
    assert len(places) > 60
    missing = []
    for place in places:
        name, _, thing = place.partition(":")
        path = next((base / name for base in (PACKAGE, ROOT) if (base / name).is_file()), None)
        if path is None or (thing and thing not in names_in(path)):
            missing.append(place)
    assert missing == []
