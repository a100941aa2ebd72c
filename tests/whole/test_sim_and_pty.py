"""A fresh cell gives the same readings in virtual time and over a serial port of another process."""

import numpy as np
from killing import BENCH, SAMPLE, Oracle, luggin

from luggin.analysis import open_run

PROTOCOL = f"""
title = "one voltammogram"
steps = [
  {{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "200 mV/s", step = "5 mV"}},
]
{SAMPLE}
"""
FROM_THE_INSTRUMENT = ("instrument_time", "potential", "current", "cycle", "current_range", "flags")


def test_both_ways_to_the_instrument_give_identical_columns(travel, tmp_path):
    inside = travel(PROTOCOL, BENCH, name="inside").archive
    (tmp_path / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    with Oracle(tmp_path / "oracle", speed=20) as oracle:
        assert set(oracle.said) >= {"speed", "resources", "control", "logs", "bench"}
        arguments = ("protocol.toml", "--bench", oracle.bench, "--folder", "outside", "--no-report")
        code, _, errors = luggin("run", *arguments, cwd=tmp_path)
        assert code == 0, errors
        assert oracle.sent.advance().rows == 321
    outside = open_run(tmp_path / "outside")
    one, other = inside["cv"].to_numpy(), outside["cv"].to_numpy()
    assert len(one) == len(other) == 321
    for name in FROM_THE_INSTRUMENT:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert outside.header["speed"] == 20
    assert outside.simulated
    assert inside.header["virtual"]
    assert not outside.header["virtual"]
