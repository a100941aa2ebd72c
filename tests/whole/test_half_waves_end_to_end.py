"""Protocol, bytes, driver, journal, zarr, analysis: the potentials that were put into the cell come out."""

import warnings

import numpy as np
import pytest
import xarray
from killing import SAMPLE

from luggin.records import Flag

#: What the analysis may be off by, on a cell with noise, resistance and double layer (V).
BAR = 2e-3

REDUCTION_FIRST = f"""
title = "two waves"
analyses = [{{use = "cv.half-waves", on = "full"}}]

[[steps]]
do = "ocp"
duration = "10 s"
dt = "0.5 s"

[[steps]]
do = "cv"
id = "full"
begin = "0 V vs ref"
vertices = ["-1.7 V", "0.2 V"]
rate = "25 mV/s"
step = "1 mV"
cycles = 2
quiet = "10 s"
{SAMPLE}
"""

OXIDATION_FIRST = f"""
title = "an oxidation"
analyses = [{{use = "cv.half-waves", on = "full"}}]
steps = [
  {{do = "cv", id = "full", begin = "-0.2 V vs ref", vertices = ["0.9 V", "-0.2 V"], rate = "50 mV/s", step = "1 mV"}},
]
{SAMPLE}
"""

TWO_COUPLES = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr"}

[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"
latency = "1 ms"

[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "1 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [
  {half_wave_potential = "-0.35 V", rate_constant = "0.02 cm/s"},
  {half_wave_potential = "-1.12 V", rate_constant = "0.02 cm/s"},
]
solution_resistance = "150 ohm"
double_layer_capacitance = "2 uF"
current_noise = "40 nA"
seed = 11
"""

OXIDISED_ONCE = (
    TWO_COUPLES.replace('-0.35 V", rate_constant = "0.02 cm/s"},\n', '0.412 V", rate_constant = "0.02 cm/s"},\n')
    .replace('  {half_wave_potential = "-1.12 V", rate_constant = "0.02 cm/s"},\n', "")
    .replace("seed = 11", 'seed = 12\nstarts_as = "reduced"')
)


def true_potentials(truth):
    return sorted((c["half_wave_potential"] for chain in truth["chains"] for c in chain["couples"]), reverse=True)


@pytest.mark.parametrize(
    ("protocol", "bench", "expected"),
    [
        pytest.param(REDUCTION_FIRST, None, [-0.476, -1.294], id="built-in bench"),
        pytest.param(REDUCTION_FIRST, TWO_COUPLES, [-0.35, -1.12], id="two other couples"),
        pytest.param(OXIDATION_FIRST, OXIDISED_ONCE, [0.412], id="oxidised first"),
    ],
)
def test_half_wave_potentials_are_those_of_the_cell(travel, protocol, bench, expected):
    seen = travel(protocol, bench)
    assert seen.finished.outcome == "completed"
    assert true_potentials(seen.truth) == expected
    found = sorted((q["value"] for q in seen.quantities("half_wave_potential").values()), reverse=True)
    assert found == pytest.approx(expected, abs=BAR)
    for quantity in seen.quantities("half_wave_potential").values():
        assert quantity["unit"] == "V"
        assert 0 < quantity["u"] < BAR
    assert not seen.cell_left_on


def test_the_data_cross_the_wire_and_fill_every_column(travel):
    seen = travel(REDUCTION_FIRST)
    sent = b"".join(data for _, direction, data in seen.wire if direction == "<")
    packages = [line for line in sent.split(b"\n") if line.startswith(b"Peb")]
    asked = b"".join(data for _, direction, data in seen.wire if direction == ">")
    # 20 points at rest; 10 s of quiet time at the rate of points, two cycles of 3.8 V and the first point, at 1 mV.
    assert len(packages) == 20 + 250 + 7601 == seen.archive.store.rows("ocp") + seen.archive.store.rows("cv")
    assert b"meas_loop_cv p c 0 -1700m 200m 1m 25m nscans(2)" in asked
    cv = seen.archive["cv"].to_numpy()
    assert {"time", "instrument_time", "potential", "current", "cycle", "current_range", "flags"} <= set(cv.dtype.names)
    for name in ("time", "instrument_time", "potential", "current", "current_range", "received"):
        assert np.isfinite(cv[name]).all(), name
    assert len(np.unique(cv["current"])) > 7000
    quiet = (cv["flags"] & Flag.QUIET_TIME) != 0
    assert [quiet.sum(), *np.bincount(cv["cycle"])] == [250, 250, 3801, 3800]
    assert cv["potential"][~quiet].min() == -1.7
    assert cv["potential"][~quiet].max() == 0.2
    assert set(cv["step"]) == {2}
    assert set(cv["attempt"]) == {1}
    assert (np.diff(cv["time"]) > 0).all()
    assert (np.diff(cv["instrument_time"][~quiet]) > 0).all()
    # A row arrives after it was measured, within what the plan says.
    age = cv["received"] - cv["time"]
    assert age.min() > -1e-9
    assert age.max() < 0.1


def test_xarray_opens_the_store_with_units_and_without_a_warning(travel):
    folder = travel(REDUCTION_FIRST).finished.folder
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xarray.open_zarr(folder / "data.zarr", group="cv") as cv:
            assert set(cv.sizes.values()) == {7851}
            units = {name: variable.attrs["units"] for name, variable in cv.variables.items()}
            assert all(variable.attrs["long_name"] for variable in cv.variables.values())
        with xarray.open_datatree(folder / "data.zarr", engine="zarr") as tree:
            assert set(tree["ocp"].sizes.values()) == {20}
            assert set(tree["cv"].sizes.values()) == {7851}
            assert tree.attrs["simulated"] is True
            assert tree.attrs["status"] == "completed"
    expected = {"time": "s", "instrument_time": "s", "potential": "V", "current": "A", "current_range": "A"}
    assert {name: units[name] for name in expected} == expected


def test_the_same_seed_gives_the_same_run_twice(travel):
    one, other = (travel(REDUCTION_FIRST, name=name) for name in ("one", "other"))
    for stream in ("ocp", "cv"):
        first, second = one.archive[stream].to_numpy(), other.archive[stream].to_numpy()
        assert first.tobytes() == second.tobytes()
    assert one.finished.results == other.finished.results


def test_another_seed_gives_other_noise_and_the_same_answer(travel):
    text = TWO_COUPLES.replace("seed = 11", "seed = 13")
    seen, other = travel(REDUCTION_FIRST, TWO_COUPLES, name="one"), travel(REDUCTION_FIRST, text, name="other")
    difference = seen.archive["cv"].to_numpy()["current"] - other.archive["cv"].to_numpy()["current"]
    assert np.std(difference) == pytest.approx(np.sqrt(2) * 40e-9, rel=0.05)
    values = [sorted(q["value"] for q in s.quantities("half_wave_potential").values()) for s in (seen, other)]
    assert values[0] != values[1]
    assert values[0] == pytest.approx(values[1], abs=BAR)
