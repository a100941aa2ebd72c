"""Pulses and spectra from the protocol over the bytes to the results: what was put into the cell comes out."""

import pytest
from killing import SAMPLE

from luggin.errors import NotSupported

BENCH = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {{model = "{model}"}}

[simulated.cell]
dialect = "palmsens.methodscript"
model = "{model}"
latency = "1 ms"

[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{{half_wave_potential = "-0.412 V", rate_constant = "{k0} cm/s"}}]
solution_resistance = "{resistance} ohm"
double_layer_capacitance = "{capacitance}"
current_noise = "47 nA"
seed = 5
"""


def bench(model="emstat4-hr", k0=0.1, resistance=60, capacitance="2 uF"):
    return BENCH.format(model=model, k0=k0, resistance=resistance, capacitance=capacitance)


def protocol(*steps, use=""):
    analyses = f'analyses = [{{use = "{use}"}}]\n' if use else ""
    return f'title = "pulses"\n{analyses}steps = [\n' + "".join(f"  {step},\n" for step in steps) + f"]\n{SAMPLE}"


SWV = '{do = "swv", id = "wave", begin = "0 V vs ref", end = "-0.8 V", quiet = "2 s"}'
DPV = (
    '{do = "dpv", id = "wave", begin = "0 V vs ref", end = "-0.8 V", step = "5 mV", pulse_time = "50 ms", '
    'period = "0.4 s", quiet = "2 s"}'
)
RU = '{do = "solution_resistance", id = "Ru"}'
END = '{do = "lsv", begin = "0 V vs ref", end = "-0.1 V", rate = "1 V/s", step = "10 mV"}'


@pytest.mark.parametrize("step", [SWV, DPV])
def test_a_half_wave_potential_from_pulses_is_that_of_the_cell(travel, step):
    seen = travel(protocol(step, use="cv.pulse-peaks"), bench())
    (half_wave,) = seen.quantities("half_wave_potential").values()
    assert abs(half_wave["value"] + 0.412) <= min(3 * half_wave["u"], 2e-3)
    assert half_wave["u"] <= 2.5e-3
    assert not seen.cell_left_on


def test_a_slow_couple_has_a_peak_only(travel):
    seen = travel(protocol(SWV, use="cv.pulse-peaks"), bench(k0=5e-4))
    (result,) = seen.finished.results
    assert [q["name"] for q in result["quantities"]] == ["peak_potential"]
    assert [r["code"] for r in result["refusals"]] == ["too-broad"]


def test_the_columns_of_a_square_wave_are_net_forward_and_reverse_current(travel):
    archive = travel(protocol(SWV), bench()).archive
    rows = archive["swv"].to_numpy()
    levels = rows[rows["flags"] & 4096 == 0]
    assert len(levels) == 201
    assert levels["current"] == pytest.approx(levels["forward_current"] - levels["reverse_current"], abs=2e-12)
    assert levels["potential"][[0, -1]] == pytest.approx([0.0, -0.8])


@pytest.mark.parametrize("resistance", [20, 60, 200, 700, 2000])
def test_the_resistance_of_the_solution_is_that_of_the_cell(travel, resistance):
    archive = travel(protocol(RU, END), bench(resistance=resistance)).archive
    found = archive.steps[0].values["solution_resistance"]
    assert found["unit"] == "ohm"
    assert found["value"] == pytest.approx(resistance, rel=0.01)
    assert abs(found["value"] - resistance) <= 3 * found["u"]
    rows = archive["eis"].to_numpy()
    assert len(rows) == 21
    assert (rows["impedance_imaginary"] < 0).all()


def test_a_pico_measures_it_too(travel):
    archive = travel(protocol(RU, END), bench("emstat-pico", resistance=300)).archive
    assert archive.steps[0].values["solution_resistance"]["value"] == pytest.approx(300, rel=0.01)


def test_a_couple_in_the_middle_of_its_wave_does_not_disturb(travel):
    step = '{do = "solution_resistance", bias = "-0.412 V vs ref"}'
    archive = travel(protocol(step, END), bench(k0=0.02, resistance=150)).archive
    found = archive.steps[0].values["solution_resistance"]
    assert found["value"] == pytest.approx(150, rel=0.01)


def test_without_a_plateau_there_is_a_reason_and_the_run_goes_on(travel):
    seen = travel(protocol(RU, END), bench(resistance=60, capacitance="5 nF"))
    assert seen.finished.outcome == "completed"
    step = seen.archive.steps[0]
    assert "solution_resistance" not in step.values
    assert step.values["refusal"]["code"] == "no-plateau"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ('{do = "solution_resistance", method = "interrupt"}', "cannot open the cell and read the potential"),
        ('{do = "compensate", resistance = "80 ohm"}', "compensates no resistance"),
    ],
)
def test_what_the_instrument_does_not_have_is_refused(travel, step, message):
    finished = travel(protocol(step, END), bench()).finished
    assert finished.outcome == "failed"
    assert isinstance(finished.error, NotSupported)
    assert message in str(finished.error)
