"""The command line: parse, run, show progress, exit. The only room that prints or exits."""

from videostyle.cli.app import main

__all__ = ["main"]
