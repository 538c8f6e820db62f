"""Whole jobs, from file to file, as the tests of several rooms run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from videostyle import Settings, Summary
from videostyle.cli import main
from videostyle.render.pipeline import run as run_plan
from videostyle.render.plan import Request, make_plan

UNTOUCHED = Settings(iterations=0, first_iterations=0, device="cpu")


def copied(content: Path, style: Path, output: Path, **more: object) -> Summary:
    """The whole way from file to file, without a step of styling."""
    return run_plan(make_plan(Request(content, (style,), output, UNTOUCHED, **more)))


def run(*words: str) -> int:
    """The command in this process; its exit status."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


def command(*words: object, code: int = 0) -> str:
    """What the command says on stdout and stderr, in a process of its own, without a step of styling."""
    untouched = ["--iterations", 0, "--first-iterations", 0]
    program = [sys.executable, "-m", "videostyle", *map(str, [*words, *untouched])]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
