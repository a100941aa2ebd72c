"""The next run finds an instrument in the middle of the script of a run that died."""

import pytest
from killing import BENCH

from luggin.bench import load_bench
from luggin.capabilities import Technique
from luggin.clock import VirtualClock
from luggin.transport import SerialTransport

LONG = {"begin": 0.0, "vertices": (-0.8, 0.0), "end": 0.0, "rate": 0.4, "step": 0.005, "cycles": 4, "quiet": 0.0}


@pytest.mark.parametrize("rule", ["answered", "refused"])
def test_an_instrument_that_still_measures_is_taken_over_and_its_cell_opened(plugins, rule):
    bench = load_bench(text=BENCH.replace('"answered"', f'"{rule}"'), drivers=list(plugins.drivers()))
    driver, role, clock = plugins.driver("palmsens.methodscript"), bench.roles["cell"], VirtualClock()

    def connected(lab):
        line = SerialTransport("sim://cell", clock, url=lab.url("cell"), **driver.line_settings(role.settings))
        return line, driver.create(line, clock, "cell", role.settings)

    with plugins.simulator().open_lab(bench.simulated_tables, clock) as lab, clock.worker("runner"):
        line, dead = connected(lab)
        dead.prepare([Technique("cv", LONG | {"current_range": None})])
        frames = dead.frames()
        for _ in range(10):
            next(frames)
        line.close()  # as the system does when a process dies: nothing is sent
        clock.sleep(1.0)
        assert lab.cell_is_on("cell")
        line, alive = connected(lab)
        try:
            assert alive.identify().model == "EmStat4 HR"
            alive.make_safe()
            assert not lab.cell_is_on("cell")
        finally:
            line.close()
