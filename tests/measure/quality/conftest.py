"""What tests of measures use."""

import pytest

from tests.helpers import media
from videostyle.measure.quality.evaluate import Request, evaluate


@pytest.fixture
def measured(tmp_path):
    """Write both clips without loss and evaluate them: (evaluation, measures of every frame)."""

    def run(content, output, **request):
        media.write_clip(tmp_path / "content.mkv", content, sound=None)
        media.write_clip(tmp_path / "output.mkv", output, sound=None)
        found = []
        words = {"content": tmp_path / "content.mkv", "output": tmp_path / "output.mkv", **request}
        return evaluate(Request(**words), found.append), found

    return run
