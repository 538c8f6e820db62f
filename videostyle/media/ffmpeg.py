"""FFmpeg's errors while a file is written, as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from videostyle.errors import MediaError, OutputError


@contextmanager
def ffmpeg_errors(path: Path) -> Iterator[None]:
    """Turn FFmpeg's errors into ours, about the file `path`; also a decorator.

    Raises:
        OutputError: The container does not take what was put into it, or the user may not write there.
        MediaError: Encoding or writing broke off.

    """
    try:
        yield
    except (ValueError, av.error.ArgumentError) as error:
        suffix = path.suffix or "no suffix"
        raise OutputError(path, f"{suffix} cannot hold this video ({error}); try .mp4 or .mkv") from error
    except PermissionError as error:
        raise OutputError(path, f"{error.strerror}; choose a directory that you may write to") from error
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"writing {path} failed: {error.strerror or error}; is the disk full?") from error
