"""Records of finished segments."""

import json

from videostyle.journal.folder import state_folder
from videostyle.journal.journal import Journal


def test_a_record_of_other_fields_is_no_record(tmp_path):
    output, facts = tmp_path / "out.mp4", {"a": "1"}
    with Journal(output, facts, resume=False) as journal:
        journal.draft(0).write_bytes(b"packets")
        journal.publish(0, 3, None, lambda number: False)
    path = state_folder(output) / "000000.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": 1}))
    with Journal(output, facts, resume=True) as journal:
        assert journal.records == ()
