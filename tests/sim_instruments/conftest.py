"""Simulated tables and scripts that the tests of ports share."""

import copy

import pytest

TABLES = {
    "cell": {
        "dialect": "palmsens.methodscript",
        "model": "emstat4-hr",
        "latency": "1 ms",
        "cell": {
            "kind": "redox",
            "area": "0.0707 cm2",
            "concentration": "0.5 mM",
            "diffusion_coefficient": "1e-5 cm2/s",
            "couples": [{"half_wave_potential": "-0.476 V", "rate_constant": "0.02 cm/s"}],
            "solution_resistance": "200 ohm",
            "double_layer_capacitance": "2 uF",
            "current_noise": "47 nA",
            "seed": 5,
        },
    }
}

CV_SCRIPT = b"""e
var p
var c
var t
set_pgstat_mode 3
set_range ba 10u
set_autoranging ba 1u 100u
set_e 0
cell_on
timer_start
meas_loop_cv p c 0 -800m 0 10m 100m nscans(2)
timer_get t
pck_start
pck_add t
pck_add p
pck_add c
pck_end
endloop
on_finished:
cell_off

"""
CV_PACKAGES = 1 + 2 * 160


@pytest.fixture
def tables():
    """The ``[simulated]`` tables of a bench with one instrument, ``cell``."""
    return copy.deepcopy(TABLES)


@pytest.fixture
def cv_script():
    """A cyclic voltammogram of 32 s, which opens the cell in the end."""
    return CV_SCRIPT


@pytest.fixture
def cv_packages():
    """How many packages `cv_script` sends."""
    return CV_PACKAGES
