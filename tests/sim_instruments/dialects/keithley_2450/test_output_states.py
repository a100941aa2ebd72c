"""Off is not off: what the output-off states do to a cell, and what holds the source back."""

import math

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec

LIMITED, FOUR_WIRE, ON = 32, 64, 128


def capacitor():
    """1 mF behind 100 ohm, with next to no leak."""
    return ResistorCell(ResistorSpec(resistance=1e12, series_resistance=100.0, capacitance=1e-3))


def charged(make_bench, state, cell=None, **rules):
    """A capacitor charged to 1 V, then switched off."""
    bench = make_bench(cell=cell or capacitor(), **rules).set_up()
    bench.send(f"OUTP:SMOD {state}", "SOUR:VOLT 1", "OUTP ON")
    bench.wait(10.0)
    bench.send("OUTP OFF")
    return bench


def test_behind_an_open_relay_a_charged_cell_keeps_its_charge(make_bench):
    bench = charged(make_bench, "HIMP")
    assert not bench.instrument.cell_is_on
    bench.wait(60.0)
    bench.send("OUTP ON")
    assert bench.cell.potential == pytest.approx(1.0)
    assert bench.numbers("READ?")[0] == pytest.approx(0.0, abs=1e-9)


def test_the_normal_off_state_shorts_a_charged_cell(make_bench):
    bench = charged(make_bench, "NORM")
    assert bench.ask("OUTP?") == "0"
    assert bench.instrument.cell_is_on  # 0 V is across the cell
    bench.wait(0.1)
    # 10 % of the 10 mA range: 1 mA out of 1 mF for 0.1 s
    bench.send("OUTP:SMOD HIMP")
    assert bench.cell.rest(1e-6) == pytest.approx(0.9, abs=1e-5)
    bench.send("OUTP:SMOD NORM")
    bench.wait(60.0)
    bench.send("OUTP:SMOD HIMP")
    assert bench.cell.rest(1e-6) == pytest.approx(0.0, abs=1e-6)


def test_the_zero_state_keeps_the_current_limit(make_bench):
    bench = charged(make_bench, "ZERO")
    bench.wait(0.05)
    bench.send("OUTP:SMOD HIMP")
    # 10 mA, and 1 V over 100 ohm are 10 mA: it decays with RC from the start
    assert bench.cell.rest(1e-6) == pytest.approx(math.exp(-0.05 / 0.1), rel=1e-4)


def test_the_guard_state_of_a_current_source_is_no_current(make_bench):
    bench = make_bench(cell=capacitor()).set_up()
    bench.send("SOUR:FUNC CURR", "SOUR:CURR:RANG 0.01", "SOUR:CURR 1e-3", "SOUR:CURR:VLIM 2", "SOUR:VOLT:RANG 20")
    bench.send("OUTP:SMOD GUAR", "OUTP ON")
    bench.wait(1.0)
    bench.send("OUTP OFF")
    bench.wait(60.0)
    bench.send("OUTP:SMOD HIMP")
    assert bench.error() == 0
    assert bench.cell.rest(1e-6) == pytest.approx(1.0, abs=1e-5)


def test_the_guard_state_of_a_voltage_source_is_zero_volts(make_bench):
    bench = charged(make_bench, "GUAR")
    bench.wait(60.0)
    bench.send("OUTP:SMOD HIMP")
    assert bench.cell.rest(1e-6) == pytest.approx(0.0, abs=1e-6)


def test_the_state_belongs_to_the_source_function(bench):
    bench.send("OUTP:VOLT:SMOD HIMP")
    assert bench.ask("OUTP:SMOD?;:OUTP:CURR:SMOD?") == "HIMP;NORM"
    bench.send("SOUR:FUNC CURR")
    assert bench.ask("OUTP:SMOD?") == "NORM"
    bench.send("OUTP:SMOD ZERO")
    assert bench.ask("OUTP:VOLT:SMOD?;:OUTP:CURR:SMOD?") == "ZERO;ZERO"


def test_a_reset_under_a_charged_cell_shorts_it(make_bench):
    bench = charged(make_bench, "HIMP")
    bench.send("*RST")
    assert bench.instrument.cell_is_on
    bench.wait(3600.0)
    bench.send("OUTP:SMOD HIMP")
    assert bench.cell.rest(1e-6) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("rule", "left"), [("at_first_on", 1.0), ("from_start", 0.0)])
def test_when_the_cell_is_plugged_in(make_bench, rule, left):
    cell = capacitor()
    cell.apply(1.0, 10.0)
    cell.rest(1e-6)
    bench = make_bench(cell=cell, plugged_in=rule)
    assert bench.instrument.cell_is_on is (rule == "from_start")
    bench.wait(3600.0)
    bench.send("OUTP:SMOD HIMP")
    assert not bench.instrument.cell_is_on
    assert cell.rest(1e-6) == pytest.approx(left, abs=1e-6)


def couple():
    chain = Chain((Couple(0.3, 0.02),), 1e-6, (1e-5, 1e-5), 1)
    return RedoxCell(RedoxSpec((chain,), area=0.1, double_layer_capacitance=5e-6, solution_resistance=100.0, leak=1e9))


def test_a_redox_cell_remembers_whether_it_was_shorted(make_bench):
    """Oxidised at 0.5 V, then off: at rest the product stays, at 0 V it is reduced again."""

    def charge_after(state):
        bench = charged(make_bench, state, couple())
        at_off = bench.cell.charge
        bench.wait(30.0)
        bench.send("OUTP:SMOD HIMP")
        return at_off, bench.cell.charge

    before, open_circuit = charge_after("HIMP")
    assert before > 50e-6
    assert open_circuit == before
    assert charge_after("NORM")[1] < 0.6 * before


def test_other_terminals_and_another_function_switch_off(ready):
    ready.send("OUTP ON", "ROUT:TERM REAR")
    assert ready.ask("OUTP?") == "0"
    ready.send("OUTP ON")
    assert ready.ask('READ? "defbuffer1", STAT') == "0"
    ready.send("SOUR:FUNC CURR")
    assert ready.ask("OUTP?") == "0"


def test_open_terminals_measure_nothing_of_the_cell(make_bench):
    bench = charged(make_bench, "HIMP")
    bench.send('SENS:FUNC "VOLT"')
    assert bench.ask('READ? "defbuffer1", READ, SOURSTAT') == "0.000000E+00,0"


def test_a_current_source_without_current_measures_the_open_circuit(make_bench):
    bench = charged(make_bench, "HIMP")
    bench.send("SOUR:FUNC CURR", "SOUR:CURR:RANG 1e-6", "SOUR:CURR 0", "SOUR:CURR:VLIM 2")
    bench.send("SENS:VOLT:RANG 2", 'SENS:FUNC "VOLT"', "OUTP ON")
    bench.wait(30.0)
    assert bench.error() == 0
    assert bench.numbers('READ? "defbuffer1", READ, SOURSTAT') == [pytest.approx(1.0, abs=2e-6), float(ON)]


# --- limits ---------------------------------------------------------------------------------------


def test_the_current_limit_of_a_resistor_is_exact(ready):
    ready.send("SOUR:VOLT:ILIM 1e-3", "SOUR:VOLT:READ:BACK ON", "SENS:CURR:RSEN ON", "SOUR:VOLT 0.8", "OUTP ON")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ, SOURSTAT') == [0.8, 0.8e-3, ON + FOUR_WIRE]
    assert ready.ask("SOUR:VOLT:ILIM:TRIP?") == "0"
    ready.send("SOUR:VOLT 1.5")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ, SOURSTAT') == [1.0, 1e-3, ON + FOUR_WIRE + LIMITED]
    assert ready.ask("SOUR:VOLT:ILIM:TRIP?;:SOUR:CURR:VLIM:TRIP?") == "1;0"
    ready.send("SOUR:VOLT -1.5")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ') == [-1.0, -1e-3]
    ready.send("SOUR:VOLT:READ:BACK OFF")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ') == [-1.5, -1e-3]
    ready.send("OUTP OFF")
    assert ready.ask("SOUR:VOLT:ILIM:TRIP?") == "0"


def test_the_voltage_limit_of_a_resistor_is_exact(ready):
    ready.send("SOUR:FUNC CURR", "SOUR:CURR:RANG 0.01", "SOUR:CURR 2e-3", "SOUR:CURR:VLIM 1.5")
    ready.send('SENS:FUNC "VOLT"', "SENS:VOLT:RANG 20", "SOUR:CURR:READ:BACK ON", "OUTP:SMOD HIMP", "OUTP ON")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ, SOURSTAT') == [1.5e-3, 1.5, ON + LIMITED]
    assert ready.ask("SOUR:CURR:VLIM:TRIP?;:SOUR:VOLT:ILIM:TRIP?") == "1;0"
    ready.send("SOUR:CURR -1e-3")
    assert ready.numbers('READ? "defbuffer1", SOUR, READ, SOURSTAT') == [-1e-3, -1.0, ON]


def test_the_overvoltage_protection_clips_the_level(ready):
    ready.send("SOUR:VOLT:RANG 20", "SOUR:VOLT:ILIM 0.1", "SENS:CURR:RANG 0.1", "SOUR:VOLT 4", "SOUR:VOLT:PROT PROT2")
    ready.send("OUTP ON")
    assert ready.numbers("READ?") == [pytest.approx(2e-3)]
    assert ready.ask("SOUR:VOLT:PROT:TRIP?") == "1"
    ready.send("SOUR:VOLT 1")
    assert ready.ask("SOUR:VOLT:PROT:TRIP?") == "0"


def test_a_sweep_that_reaches_the_limit_is_ended_if_it_is_told_to(ready):
    levels = ",".join(f"{0.1 * k:.1f}" for k in range(20))
    ready.send("SOUR:VOLT:ILIM 1e-3", f"SOUR:LIST:VOLT {levels}", "SOUR:SWE:VOLT:LIST 1, 0, 1, ON")
    began = ready.now
    ready.send("INIT")
    assert ready.ask("*OPC?") == "1"
    point = 0.1 / 50 + 0.00285
    assert ready.now - began == pytest.approx(11 * point)  # 1.0 V is at the limit
    assert ready.ask("TRAC:ACT?") == "11"
    ready.send("TRAC:CLE", "SOUR:SWE:VOLT:LIST 1, 0, 1, OFF", "INIT")
    ready.ask("*OPC?")
    readings = ready.numbers('TRAC:DATA? 1, 20, "defbuffer1", READ')
    assert readings == pytest.approx([min(1e-4 * k, 1e-3) for k in range(20)])


def test_a_wave_is_cut_at_the_limit_and_the_potential_follows(make_bench):
    bench = make_bench(cell=couple()).set_up()
    bench.send("SENS:CURR:RANG 1e-4", "SOUR:VOLT:ILIM 5e-6", "SOUR:VOLT:READ:BACK ON")
    levels = [0.005 * k for k in range(100)]
    bench.send(f"SOUR:LIST:VOLT {','.join(f'{e:.3f}' for e in levels)}", "SOUR:SWE:VOLT:LIST 1, 0.05, 1, OFF", "INIT")
    bench.ask("*OPC?")
    numbers = bench.numbers('TRAC:DATA? 1, 100, "defbuffer1", SOUR, READ, SOURSTAT')
    there, currents, status = numbers[::3], numbers[1::3], numbers[2::3]
    cut = [k for k in range(100) if status[k] == ON + LIMITED]
    assert 10 < len(cut) < 60
    assert [currents[k] for k in cut] == [pytest.approx(5e-6, abs=1e-10)] * len(cut)
    assert all(there[k] < levels[k] for k in cut)
    assert [there[k] for k in range(100) if k not in cut] == pytest.approx(
        [levels[k] for k in range(100) if k not in cut], abs=1e-6
    )
    hand = couple()
    hand.step_to(0.0, 5e-6)
    expected = [hand.apply(e, 0.05685, 5e-6) for e in levels]  # read-back is a second integration
    assert currents == pytest.approx(expected, abs=1e-10)


# --- meters ---------------------------------------------------------------------------------------


def test_a_reading_beyond_a_fixed_range_overflows(ready):
    ready.send("SENS:CURR:RANG 1e-4", "SOUR:VOLT 0.104", "OUTP ON")
    assert ready.numbers("READ?") == [pytest.approx(1.04e-4)]
    ready.send("SOUR:VOLT 0.106")
    assert ready.ask('READ? "defbuffer1", READ, STAT') == "9.900000E+37,10"


@pytest.mark.parametrize(("model", "bit"), [("2450", 2), ("2460", 1), ("2461", 1)])
def test_the_doubtful_bit_differs_by_model(make_bench, model, bit):
    bench = make_bench(model).set_up()
    bench.send("SENS:CURR:RANG 1e-4", "SOUR:VOLT 1", "OUTP ON")
    assert bench.numbers('READ? "defbuffer1", STAT') == [8 + bit]


def test_automatic_ranges_go_up_at_once_and_down_below_a_tenth(ready):
    ready.send("SENS:CURR:RANG:AUTO ON", "OUTP ON")
    seen = []
    for level in (0.9, 0.2, 0.101, 0.099, 0.02, 1.06):
        ready.send(f"SOUR:VOLT {level}")
        ready.ask("READ?")
        seen.append(float(ready.ask("SENS:CURR:RANG?")))
    assert seen == [1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-2]


def test_the_source_has_the_steps_of_its_range(make_bench):
    for steps, expected in ((True, 0.12345e-3), (False, 0.12347e-3)):
        bench = make_bench(source_steps=steps).set_up()
        bench.send("SENS:CURR:RANG 1e-3", "SOUR:VOLT 0.12347", "OUTP ON")
        assert bench.numbers("READ?") == [pytest.approx(expected, abs=1e-12)]
        assert bench.ask("SOUR:VOLT?") == "1.234700E-01"


def test_readings_have_the_steps_of_their_range(make_bench):
    for steps, expected in ((True, 3.3e-6), (False, 1 / 3e5)):  # 100 nA on the 100 mA range
        bench = make_bench(cell=ResistorCell(ResistorSpec(3e5)), measure_steps=steps).set_up()
        bench.send("SOUR:VOLT:ILIM 0.1", "SENS:CURR:RANG 0.1", "SOUR:VOLT 1", "OUTP ON")
        assert bench.numbers("READ?") == [pytest.approx(expected, abs=1e-12)]


@pytest.mark.parametrize(("cycles", "averages", "factor"), [(1, 1, 1.0), (0.01, 1, 10.0), (1, 25, 0.2)])
def test_noise_is_that_of_the_data_sheet_and_falls_with_time(make_bench, cycles, averages, factor):
    bench = make_bench(noise=1.0, measure_steps=False, seed=3).set_up()
    bench.send("SENS:CURR:RANG 1e-3", f"SENS:CURR:NPLC {cycles}", "SENS:COUN 2000", "OUTP ON")
    if averages > 1:
        bench.send("SENS:CURR:AVER ON", f"SENS:CURR:AVER:COUN {averages}")
    bench.ask("READ?")
    readings = bench.numbers('TRAC:DATA? 1, 2000, "defbuffer1", READ')
    mean = sum(readings) / 2000
    spread = math.sqrt(sum((x - mean) ** 2 for x in readings) / 2000)
    assert spread == pytest.approx(5e-9 * factor, rel=0.06)  # 5 nA on the 1 mA range at 1 PLC
    assert abs(mean) < 4 * spread / math.sqrt(2000)
