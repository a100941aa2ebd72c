"""From the reading that leaves a limit to the open cell: no longer than the technique's latency and 100 ms."""

import pytest
from killing import BENCH, SAMPLE
from test_broken_lines import SOURCE_METER

from luggin.errors import LimitTripped

SERIAL = BENCH.replace('silence = "600 s"', 'silence = "2 s"')
GPIB = SOURCE_METER.replace("TCPIP0::192.168.0.10::5025::SOCKET", "GPIB0::18::INSTR")
SWEEP = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "200 mV/s", step = "5 mV"}'
STEP = '{do = "ca", potential = "-0.6 V vs ref", duration = "20 s", dt = "0.1 s"}'


def watched(run, off):
    """Look at the cell every millisecond of lab time, until it has been closed and is open again."""
    clock, lab = run.session.clock, run.session.lab

    def work():
        while not lab.cell_is_on("cell"):
            clock.sleep(0.001)
        while lab.cell_is_on("cell"):
            clock.sleep(0.001)
        off.append(clock.now() - run.zero)

    run._around.enter_context(clock.worker("run"))
    clock.start_worker("somebody at the cell", work)


@pytest.mark.parametrize("step", [SWEEP, STEP], ids=["cv", "ca"])
@pytest.mark.parametrize("bench", [SERIAL, SOURCE_METER, GPIB], ids=["serial", "socket", "gpib"])
def test_the_cell_is_open_in_time(travel, bench, step):
    off = []
    potential = '{column = "potential", between = ["-0.9 V", "0.5 V"]}'
    limit = f'limits = [{potential}, {{column = "current", between = ["-1.5 uA", "1 mA"]}}]'
    protocol = f'title = "trips"\n{limit}\nsteps = [{step}]\n{SAMPLE}'
    seen = travel(protocol, bench, on_begin=lambda run: watched(run, off))
    assert isinstance(seen.finished.error, LimitTripped)
    (prepared,) = [event for event in seen.archive.events if event["what"] == "prepared"]
    rows = seen.archive[prepared["techniques"][0]["name"]].to_numpy()
    left = rows["time"][rows["current"] < -1.5e-6][0]
    assert 0.0 <= off[0] - left <= prepared["latency"] + 0.1
