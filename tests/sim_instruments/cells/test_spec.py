"""Cells from the tables of a bench file."""

import copy
import math
import tomllib

import pytest

from luggin.errors import ProtocolError
from luggin_sim.cells import RedoxCell, ResistorCell, cell_from_table, read_cell

BENCH = """
kind = "redox"
area = "0.0707 cm2"
solution_resistance = "200 ohm"
double_layer_capacitance = "2 uF"
current_noise = "15 nA"
potential_noise = "20 uV"
seed = 1
temperature = "25 degC"
leak = "50 Mohm"
concentration = "0.5 mM"
diffusion_coefficient = "1.2e-5 cm2/s"
starts_as = "oxidised"
couples = [
  {half_wave_potential = "-0.476 V", rate_constant = "0.02 cm/s", transfer_coefficient = 0.4, electrons = 1},
  {half_wave_potential = "-1294 mV", rate_constant = "50 um/s", electrons = 2},
]
"""


@pytest.fixture
def table():
    return tomllib.loads(BENCH)


def problems(table):
    spec, found = read_cell(table, "cells.cluster")
    assert spec is None
    return [(p.path, p.message, p.hint) for p in found]


def only(table):
    (problem,) = problems(table)
    return problem


def test_quantities_arrive_in_the_units_of_the_physics(table):
    spec, found = read_cell(table)
    assert found == ()
    (chain,) = spec.chains
    first, second = chain.couples
    assert (first.half_wave_potential, first.rate_constant) == (-0.476, 0.02)
    assert (first.transfer_coefficient, first.electrons) == (0.4, 1)
    assert (second.half_wave_potential, second.electrons) == (-1.294, 2)
    assert second.rate_constant == pytest.approx(5e-3)
    assert second.transfer_coefficient == 0.5
    assert chain.concentration == pytest.approx(5e-7)
    assert chain.diffusion_coefficients == (1.2e-5,) * 3
    assert chain.bulk[0] == chain.concentration
    assert (spec.area, spec.solution_resistance, spec.seed) == (0.0707, 200.0, 1)
    assert spec.double_layer_capacitance == pytest.approx(2e-6)
    assert spec.leak == pytest.approx(5e7)
    assert spec.temperature == pytest.approx(298.15)
    assert spec.current_noise == pytest.approx(15e-9)
    assert spec.potential_noise == pytest.approx(20e-6)


def test_a_table_becomes_a_cell_that_works(table):
    cell = cell_from_table(table)
    assert isinstance(cell, RedoxCell)
    cell.step_to(-0.1)
    wave = [cell.apply(-0.1 - 0.001 * k, 0.04) for k in range(600)]
    # 28.5 mV below E1/2, and a little for kinetics and resistance
    assert -0.1 - 0.001 * wave.index(min(wave)) == pytest.approx(-0.476 - 0.032, abs=0.003)


def test_the_table_is_left_alone(table):
    before = copy.deepcopy(table)
    read_cell(table)
    assert table == before


@pytest.mark.parametrize(
    ("written", "bulk"),
    [
        ("oxidised", (1, 0, 0)),
        ("oxidized", (1, 0, 0)),
        ("reduced", (0, 0, 1)),
        (1, (0, 1, 0)),
        ([0.5, 0.25, 0.25], (0.5, 0.25, 0.25)),
    ],
)
def test_starting_states(table, written, bulk):
    table["starts_as"] = written
    spec, _ = read_cell(table)
    assert spec.chains[0].bulk == pytest.approx([5e-7 * part for part in bulk])


@pytest.mark.parametrize("written", ["half", 3, -1, [0.5, 0.5], [0.5, 0.6, -0.1], True, None, ["a", "b", "c"]])
def test_impossible_starting_states(table, written):
    table["starts_as"] = written
    path, message, hint = only(table)
    assert path == "cells.cluster.starts_as"
    assert message == f"{written!r} is no starting state of 3 forms."
    assert '"reduced"' in hint


def test_one_diffusion_coefficient_per_form(table):
    table["diffusion_coefficient"] = ["1.2e-5 cm2/s", "1.1e-5 cm2/s", "1e-9 m2/s"]
    spec, _ = read_cell(table)
    assert spec.chains[0].diffusion_coefficients == pytest.approx((1.2e-5, 1.1e-5, 1e-5))
    table["diffusion_coefficient"] = ["1.2e-5 cm2/s", "1.1e-5 cm2/s"]
    path, message, _ = only(table)
    assert path == "cells.cluster.diffusion_coefficient"
    assert "has 2 values; one, or one for each of the 3 forms" in message


def test_several_compounds(table):
    keys = ("couples", "concentration", "diffusion_coefficient", "starts_as")
    cluster = {key: table.pop(key) for key in keys}
    ferrocene = {
        "name": "ferrocene",
        "couples": [{"half_wave_potential": "0.4 V"}],
        "concentration": "1 mM",
        "diffusion_coefficient": "2.2e-5 cm2/s",
        "starts_as": "reduced",
    }
    table["species"] = [cluster, ferrocene]
    spec, found = read_cell(table)
    assert found == ()
    assert [len(chain.couples) for chain in spec.chains] == [2, 1]
    assert spec.chains[1].bulk == pytest.approx((0.0, 1e-6))
    ferrocene["colour"] = "orange"
    table["concentration"] = "1 mM"
    assert [path for path, *_ in problems(table)] == [
        "cells.cluster.species[2].colour",
        "cells.cluster.concentration",
    ]


def test_defaults_are_the_quiet_ones():
    spec, _ = read_cell(
        {
            "kind": "redox",
            "area": "7 mm2",
            "concentration": "1 mM",
            "diffusion_coefficient": "1e-5 cm2/s",
            "couples": [{"half_wave_potential": "0 V"}],
        }
    )
    assert (spec.solution_resistance, spec.double_layer_capacitance, spec.current_noise) == (0.0, 0.0, 0.0)
    assert (spec.leak, spec.temperature, spec.seed) == (1e8, 298.15, 0)
    assert spec.area == pytest.approx(0.07)


def test_leak_may_be_none_where_both_forms_are_present(table):
    table |= {"leak": "none", "starts_as": [0.5, 0.5, 0.0]}
    spec, _ = read_cell(table)
    assert math.isinf(spec.leak)
    table["starts_as"] = "oxidised"
    path, message, _ = only(table)
    assert path == "cells.cluster"
    assert "no rest potential" in message


def test_every_mistake_is_told_at_once(table):
    table |= {"area": "3 V", "temprature": "25 degC", "seed": 1.5, "leak": 5}
    del table["concentration"]
    table["couples"][1] |= {"electrons": 9, "rate_constnat": "1 cm/s"}
    found = {path: (message, hint) for path, message, hint in problems(table)}
    assert set(found) == {
        "cells.cluster.area",
        "cells.cluster.temprature",
        "cells.cluster.seed",
        "cells.cluster.leak",
        "cells.cluster.concentration",
        "cells.cluster.couples[2].electrons",
        "cells.cluster.couples[2].rate_constnat",
    }
    assert found["cells.cluster.temprature"] == ("is not known here.", "Did you mean 'temperature'?")
    assert found["cells.cluster.couples[2].electrons"][0] == "electrons is 9; allowed are 1 to 6"
    assert found["cells.cluster.couples[2].rate_constnat"][1] == "Did you mean 'rate_constant'?"
    assert found["cells.cluster.concentration"][0] == "is missing."
    assert found["cells.cluster.seed"][0] == "seed is 1.5; a whole number is needed"


def test_values_outside_the_physical_range_name_it(table):
    table["concentration"] = "40 M"
    path, message, _ = only(table)
    assert (path, message) == (
        "cells.cluster.concentration",
        "concentration is 0.04 mol/cm3; allowed are 1e-12 to 0.02 mol/cm3",
    )


def test_couples_in_the_wrong_order_are_refused_unless_meant(table):
    table["couples"].reverse()
    path, message, hint = only(table)
    assert path == "cells.cluster.couples"
    assert "order of reduction" in message
    assert "potential_inversion" in hint
    table["potential_inversion"] = True
    spec, found = read_cell(table)
    assert found == ()
    assert [c.half_wave_potential for c in spec.chains[0].couples] == [-1.294, -0.476]


@pytest.mark.parametrize(("couples", "message"), [(None, "is missing"), ([], "is not a list"), ("Fc", "is not a list")])
def test_couples_are_needed(table, couples, message):
    del table["couples"]
    if couples is not None:
        table["couples"] = couples
    table["diffusion_coefficient"] = ["1e-5 cm2/s", "1e-5 cm2/s"]
    path, told, _ = only(table)
    assert path == "cells.cluster.couples"
    assert told.startswith(message)


def test_resistor():
    table = {"kind": "resistor", "resistance": "1 kohm", "series_resistance": "10 ohm", "capacitance": "1 uF"}
    cell = cell_from_table(table)
    assert isinstance(cell, ResistorCell)
    assert cell.truth.resistance == pytest.approx(1000.0)
    assert cell.truth.capacitance == pytest.approx(1e-6)
    assert only(table | {"area": "1 cm2"})[0] == "cells.cluster.area"
    assert only({"kind": "resistor"})[:2] == ("cells.cluster.resistance", "is missing.")


def test_unknown_kind_is_told_with_its_place():
    with pytest.raises(ProtocolError) as caught:
        cell_from_table({"kind": "redoks"}, "bench.toml", "cells.cluster")
    assert str(caught.value) == (
        "bench.toml: cells.cluster.kind: 'redoks' is not a kind of cell. Did you mean 'redox'?"
    )
