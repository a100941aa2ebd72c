"""Space on the disk: what a run is told before it starts, and when it is told that there is too little."""

import errno
import os

import pytest

from luggin.engine.space import RESERVE, SpaceWatch, bytes_of_run, require_space
from luggin.errors import StoreFull
from luggin.platform import DISK, Disk
from luggin.records import CURRENT, POTENTIAL, TIME, Schema

MIB = 1 << 20
CV = Schema("cv", (TIME, POTENTIAL, CURRENT))  # 24 bytes a row


class DiskWith(Disk):
    """A disk with so many bytes left; None for one that is gone."""

    def __init__(self, *free):
        self.left = list(free)
        self.asked = []

    def free(self, path):
        self.asked.append(path)
        left = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if left is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return left


def test_the_reserve_is_64_mib():
    assert RESERVE == 64 * MIB


def test_a_run_takes_its_rows_once_in_the_store_and_a_bounded_journal():
    assert bytes_of_run([]) == 0
    assert bytes_of_run([(CV, 1000)]) == 1000 * 24 + 1000 * (24 + 24)
    assert bytes_of_run([(CV, 500), (CV, 500)]) == bytes_of_run([(CV, 1000)])
    assert bytes_of_run([(CV, 10**9)]) == 24 * 10**9 + 64 * MIB


@pytest.mark.parametrize("needed", [0, 100 * MIB])
def test_a_run_that_does_not_fit_beside_the_reserve_is_not_started(tmp_path, needed):
    disk = DiskWith(needed + 64 * MIB - 1)
    with pytest.raises(StoreFull, match=r"may take .*67\.1 MB stay free .*only .* Make space.*Nothing was started"):
        require_space(tmp_path / "run", needed, disk)
    assert not (tmp_path / "run").exists()


def test_a_run_that_fits_narrowly_is_warned_of_and_one_with_room_is_not(tmp_path):
    assert "105 MB of the 172 MB" in require_space(tmp_path, 100 * MIB, DiskWith(164 * MIB))
    assert "105 MB of the 277 MB" in require_space(tmp_path, 100 * MIB, DiskWith(264 * MIB - 1))
    assert require_space(tmp_path, 100 * MIB, DiskWith(264 * MIB)) == ""


def test_the_space_is_that_of_the_disk_on_which_the_folder_will_be(tmp_path):
    assert DISK.free(tmp_path) > 0
    there = DISK.free(tmp_path / "not" / "yet" / "there")
    assert abs(there - DISK.free(tmp_path)) < 1 << 30
    require_space(tmp_path / "not" / "yet" / "there", 0)


def test_the_watch_says_once_and_for_all_that_the_disk_is_almost_full(tmp_path):
    disk = DiskWith(65 * MIB, 64 * MIB, 64 * MIB - 1, 100 * MIB)
    watch = SpaceWatch(tmp_path, disk)
    assert [watch.look(), watch.look()] == ["", ""]
    words = watch.look()
    assert "almost full: 67.1 MB are left, less than 67.1 MB" in words
    assert watch.look() == watch.words == words
    assert disk.asked == [tmp_path] * 3


def test_a_reserve_of_another_size(tmp_path):
    assert SpaceWatch(tmp_path, DiskWith(999), reserve=1000).look()
    assert not SpaceWatch(tmp_path, DiskWith(1000), reserve=1000).look()


def test_a_disk_that_is_gone_ends_the_run_too(tmp_path):
    assert "cannot be asked any more (No such device)" in SpaceWatch(tmp_path, DiskWith(None)).look()
