"""What other systems lack is not needed: a job runs with the modules blocked that only POSIX has."""

import subprocess
import sys

from tests.helpers.jobs import packets

WITHOUT = """
import sys
for name in ("fcntl", "resource", "termios", "pwd", "grp", "posix_ipc"):
    sys.modules[name] = None
from videostyle.cli import main
main(sys.argv[1:])
"""


def test_a_job_runs_without_what_only_posix_has(clip, style, tmp_path):
    words = [clip, style, "--weights", "builtin", "--first-iterations", "2", "--iterations", "1", "--device", "cpu"]
    for name, start in (
        ("there.mkv", ["-m", "videostyle"]),
        ("without.mkv", ["-W", "ignore:only soft file lock", "-c", WITHOUT]),
    ):
        made = [sys.executable, *start, *words[:2], tmp_path / name, *words[2:], "--quiet"]
        done = subprocess.run(list(map(str, made)), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    assert packets(tmp_path / "without.mkv") == packets(tmp_path / "there.mkv")
