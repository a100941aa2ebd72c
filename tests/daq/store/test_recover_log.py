"""Recovery looks at ``run.log`` too: rows are brought in order, and what it cannot mend it names."""

from __future__ import annotations

import pytest

from luggin.errors import StoreCorrupt
from luggin.store import RunLog, open_store, recover


@pytest.fixture
def cut_off(lab, start, tmp_path):
    """A run whose writer is gone: ten rows in the journal alone, two records in ``run.log``."""
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.sync()
    writer.abandon()
    with RunLog.create(tmp_path / "run") as log:
        log.append({"kind": "run"}, sync=True)
        log.append({"kind": "session"})
    return tmp_path / "run"


def test_a_whole_log_is_left_as_it_is(cut_off):
    before = (cut_off / "run.log").read_bytes()
    assert dict(recover(cut_off).rows) == {"cv": 10}
    assert str(recover(cut_off)) == "nothing to do"
    assert (cut_off / "run.log").read_bytes() == before


def test_a_torn_tail_of_the_log_is_no_damage(cut_off):
    with (cut_off / "run.log").open("ab") as file:
        file.write(b'{"crc32c":"0000')
    assert dict(recover(cut_off).rows) == {"cv": 10}


def test_damage_in_the_log_is_named_after_the_rows_were_published(cut_off, lab):
    content = bytearray((cut_off / "run.log").read_bytes())
    second = content.index(b"\n") + 1
    content[second + 40] ^= 0x01
    (cut_off / "run.log").write_bytes(content)
    with pytest.raises(StoreCorrupt, match=rf"run.log: line 2 \(byte {second}\) is damaged") as refusal:
        recover(cut_off)
    assert refusal.value.__notes__ == ["The rows are in order: 10 rows of cv taken over from the journal."]
    assert open_store(cut_off).committed("cv") == 10
    with pytest.raises(StoreCorrupt, match="line 2") as refusal:
        recover(cut_off, accept_damage=True)
    assert refusal.value.__notes__ == ["The rows are in order: nothing to do."]
    assert (cut_off / "run.log").read_bytes() == content
