"""Channel layouts and samples, read around what PyAV 18.1 gets wrong with them.

`AudioLayout` shares a custom channel map with what it was read from, and both free it: the process dies. So every
layout that is read from a file is kept for good, some bytes each. And a planar frame of eight channels or more claims
one plane too many, so that samples are taken from packed frames only.
"""

from __future__ import annotations

import ctypes

from av import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream

_keep = ctypes.pythonapi.Py_IncRef
_keep.argtypes, _keep.restype = [ctypes.py_object], None


def read_layout(source: AudioStream | AudioFrame) -> AudioLayout:
    """Return the channel layout of a stream or a decoded frame; never read its `layout` or `channels` otherwise."""
    layout = source.layout
    _keep(layout)
    return layout


def channels(stream: AudioStream) -> int:
    """Return how many channels a stream has."""
    return read_layout(stream).nb_channels
