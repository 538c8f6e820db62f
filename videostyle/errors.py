"""What can go wrong, as types. Every message is one sentence or two: what, where, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class VideostyleError(Exception):
    """Anything videostyle reports to its user; the command ends with `exit_code`."""

    exit_code = 1


class InputError(VideostyleError):
    """The request cannot be met as asked: nothing was written, and the same words will fail again."""

    exit_code = 2


class SettingError(InputError):
    """A setting has a value outside what it may be."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {value!r}; it must be {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class UnreadableError(InputError):
    """A picture or video cannot be opened, or has nothing in it to style."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot read {path}: {reason}")
        self.path, self.reason = path, reason


class OutputError(InputError):
    """The output cannot be written where, or as what, it was asked for."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot write {path}: {reason}")
        self.path, self.reason = path, reason


class AppearedError(VideostyleError):
    """A file that was not there when the work was planned has the name of the result now."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} appeared during the work, and stays as it is; move it away, or say --overwrite")
        self.path = path


class WeightsError(InputError):
    """A VGG19 weights source is missing, damaged, or not a VGG19."""


class MediaError(VideostyleError):
    """Decoding or encoding broke off in the middle of the work."""


class DivergedError(VideostyleError):
    """The optimizer of a frame found no finite loss."""

    def __init__(self, frame_index: int) -> None:
        super().__init__(
            f"the loss is not finite on frame {frame_index}; try --precision fp32, smaller weights, or --optimizer adam"
        )
        self.frame_index = frame_index


@contextmanager
def as_input_errors() -> Iterator[None]:
    """What the disk refuses before the work, as an error of the request; also a decorator."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename or 'the disk'}: {error.strerror or error}; name another file") from error


@contextmanager
def as_media_errors() -> Iterator[None]:
    """What cannot be read although it could when the work was planned, as a failure of the work."""
    try:
        yield
    except UnreadableError as error:
        raise MediaError(str(error)) from error
