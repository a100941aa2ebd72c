"""The driver against dialogues of the manual (CF31 and CF41, chapter 11), and against its twin in bad moods."""

import contextlib

import pytest

from luggin.clock import VirtualClock
from luggin.errors import BadReply, InstrumentFault, LimitError, NoInstrument, UnsafeState, UsageError
from luggin.testing import dialogue
from luggin.transport import open_line
from luggin_drivers.julabo import JulaboCirculator
from luggin_drivers.julabo.replies import Status
from luggin_sim.bench import open_lab

WHO = [
    (b"version\r", b"JULABO CRYOCOMPACT CF31 VERSION 5.0\r\n"),
    (b"in_sp_06\r", b"0\r\n"),
]
READY = (b"status\r", b"03 REMOTE START\r\n")


def spoken(*exchanges, **settings):
    return dialogue(JulaboCirculator(), list(exchanges), settings)


@contextlib.contextmanager
def twin(settings=None, chamber=None, model="cf31", **options):
    """The driver on its simulated twin: the driver, its clock, and what it sent."""
    clock, driver, settings = VirtualClock(), JulaboCirculator(), settings or {}
    table = {"dialect": driver.id, "model": model, "options": options, "chamber": chamber or {"noise": "0 K"}}
    with open_lab({"bath": table}, clock) as lab:
        line = open_line("sim://bath", clock, url=lab.url("bath"), **driver.line_settings(settings))
        with contextlib.closing(driver.create(line, clock, "bath", settings)) as circulator:
            yield circulator, clock, lambda: lab.log("bath").received().decode().split("\r")[:-1]


# -- who is there, and what it says ------------------------------------------------------------------


def test_the_version_says_the_model_and_the_unit_is_asked_before_any_number():
    with spoken(*WHO, (b"in_pv_00\r", b"24.55\r\n")) as bath:
        said = bath.identify()
        assert (said.maker, said.model, said.firmware) == ("JULABO", "CRYOCOMPACT CF31", "5.0")
        assert bath.bath_temperature.read() == 24.55


@pytest.mark.parametrize("reply", [b"24.55\r\n", b"24.55\n", b"\x1124.55\x13\r\n", b" 24.55 \r\n"])
def test_replies_end_as_they_like_and_may_carry_flow_control(reply):
    with spoken((b"in_pv_00\r", reply)) as bath:
        assert bath.bath_temperature.read() == 24.55


@pytest.mark.parametrize(
    ("version", "external", "heater"),
    [
        (b"JULABO CRYOCOMPACT CF31 VERSION 5.0", b"in_pv_02", b"in_pv_01"),
        (b"JULABO FP50-MH V", b"in_pv_01", b"in_pv_02"),
    ],
)
def test_which_value_is_the_external_sensor_depends_on_the_model(version, external, heater):
    exchanges = [(b"version\r", version + b"\r\n"), (b"in_sp_06\r", b"0\r\n")]
    with spoken(*exchanges, (external + b"\r", b"39.90\r\n"), (heater + b"\r", b"12.5\r\n")) as bath:
        assert bath.read_temperature("sample") == 39.90
        assert bath.heater_power.read() == 12.5


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"KEITHLEY INSTRUMENTS,MODEL 2450,1,1", "this driver speaks to a Julabo"),
        (b"JULABO MAGIO MS-1000F VERSION 2.1", 'write settings = {model = "other"}'),
    ],
)
def test_somebody_else_is_refused(reply, words):
    with spoken((b"version\r", reply + b"\r\n")) as bath, pytest.raises(NoInstrument) as refused:
        bath.identify()
    assert words in str(refused.value)


def test_another_model_than_the_bench_says_is_refused_by_its_name():
    with spoken(WHO[0], model="fpw55") as bath, pytest.raises(NoInstrument, match=r'model = "cf31"'):
        bath.identify()


def test_fahrenheit_is_refused_before_a_number_is_read():
    with spoken(WHO[0], (b"in_sp_06\r", b"1\r\n")) as bath, pytest.raises(InstrumentFault, match="degF"):
        bath.identify()


@pytest.mark.parametrize("reply", [b"warm", b"9E99", b"nan", b"-273.5", b"1200.0", b""])
def test_what_is_no_temperature_is_no_reading(reply):
    with spoken((b"in_pv_00\r", reply + b"\r\n")) as bath, pytest.raises(BadReply):
        bath.bath_temperature.read()


def test_an_rs485_address_stands_before_command_and_reply():
    with spoken((b"A032 in_pv_00\r", b"A032 24.55\r\n"), (b"A032 in_pv_00\r", b"A031 24.55\r\n"), address=32) as bath:
        assert bath.bath_temperature.read() == 24.55
        with pytest.raises(BadReply, match="without the address"):
            bath.bath_temperature.read()


# -- sensors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("no_sensor", ["status", "dashes", "code"])
def test_a_sensor_that_is_not_there_gives_no_value(no_sensor):
    with twin(external_sensor=False, no_sensor=no_sensor) as (bath, _, _), pytest.raises(InstrumentFault) as missing:
        bath.read_temperature("sample")
    assert missing.value.code == "-15"


def test_fifteen_below_zero_is_a_temperature_where_there_is_a_sensor():
    with twin(chamber={"starts_at": "-15 degC", "noise": "0 K"}, decimals=0) as (bath, _, _):
        assert bath.bath_temperature.read() == -15.0
    with twin(chamber={"starts_at": "-15 degC", "noise": "0 K"}) as (bath, _, _):
        assert bath.sample_temperature.read() == -15.0


def test_a_sensor_of_another_name_is_not_guessed():
    with spoken() as bath, pytest.raises(UsageError, match="it has bath and sample"):
        bath.read_temperature("oven")


# -- setting -----------------------------------------------------------------------------------------


def test_a_set_point_is_written_looked_after_and_read_back():
    exchanges = [
        *WHO,
        (b"status\r", b"02 REMOTE STOP\r\n"),
        (b"in_mode_04\r", b"0\r\n"),
        (b"in_mode_01\r", b"0\r\n"),
        # The answer is the one to the question before, so it is asked for once more.
        (b"in_mode_01\r", b"0\r\n"),
        (b"out_sp_00 55.50\r", b""),
        (b"status\r", b"02 REMOTE STOP\r\n"),
        (b"in_sp_00\r", b"55.50\r\n"),
        (b"in_mode_05\r", b"0\r\n"),
        (b"out_mode_05 1\r", b""),
        READY,
        (b"in_mode_05\r", b"1\r\n"),
        (b"in_sp_00\r", b"55.50\r\n"),
    ]
    with spoken(*exchanges) as bath:
        assert bath.set_temperature(55.5) == 55.5


def test_a_set_point_that_is_lost_on_the_way_to_the_start_is_told():
    """Somebody switched it off and on: it runs as before, at the set point of its memory."""
    exchanges = [*WHO, READY, (b"in_mode_04\r", b"0\r\n"), (b"in_mode_01\r", b"0\r\n"), (b"in_mode_01\r", b"0\r\n")]
    exchanges += [(b"out_sp_00 55.50\r", b""), READY, (b"in_sp_00\r", b"55.50\r\n")]
    exchanges += [(b"in_mode_05\r", b"1\r\n"), (b"in_sp_00\r", b"25.00\r\n")]
    with spoken(*exchanges) as bath, pytest.raises(InstrumentFault, match="25 degC is read back"):
        bath.set_temperature(55.5)


def test_an_answer_that_is_cut_does_not_verify_how_it_is_left():
    exchanges = [(b"out_sp_00 2.00\r", b""), (b"in_sp_00\r", b"2"), (b"version\r", WHO[0][1])]
    exchanges += [(b"out_sp_00 2.00\r", b""), (b"in_sp_00\r", b"25.00\r\n")]
    with spoken(*exchanges, on_exit="2 degC") as bath, pytest.raises(UnsafeState, match=r"out_sp_00 2\.00, in_sp_00"):
        bath.make_safe()


def test_words_with_bytes_that_are_no_text_do_not_verify_how_it_is_left():
    with spoken((b"status\r", b"03 REMOTE\xffTART\r\n"), (b"version\r", WHO[0][1]), READY) as bath:
        assert bath.make_safe() == "status was answered '03 REMOTE START'"


def test_pauses_are_those_of_the_manual():
    """10 ms after a reply, 250 ms after an out_ command: what comes earlier is lost on this twin."""
    with twin(deaf_after_reply=0.01, deaf_after_order=0.25) as (bath, clock, sent):
        bath.set_temperature(40.0)
        assert [line for line in sent() if line.startswith("out_")] == ["out_sp_00 40.00", "out_mode_05 1"]
        clock.sleep(3600.0)
        assert bath.temperature.read() == pytest.approx(40.0, abs=0.05)


def test_the_external_sensor_is_controlled_if_the_bench_says_so():
    with twin({"control": "external"}, chamber={"sample_loss": 0.02, "noise": "0 K"}) as (bath, clock, sent):
        bath.set_temperature(60.0)
        assert "out_mode_04 1" in sent()
        clock.sleep(3 * 3600.0)
        assert bath.temperature.read() == bath.sample_temperature.read() == pytest.approx(60.0, abs=0.02)
        # 2 % of the way to the room's 23 degC: the bath is warmer by 0.02/0.98 * 37 K.
        assert bath.bath_temperature.read() == pytest.approx(60.0 + 0.02 / 0.98 * 37.0, abs=0.03)


def test_out_of_reach_is_refused_before_anything_is_sent():
    with spoken(model="cf31", lowest="5 degC", highest="80 degC") as bath:
        for target in (4.9, 80.1, float("nan")):
            with pytest.raises(LimitError, match=r"5 \.\.\. 80 degC"):
                bath.set_temperature(target)


def test_on_its_panel_it_takes_nothing_and_that_is_told():
    with twin(source="panel") as (bath, _, sent), pytest.raises(InstrumentFault, match="switch it to remote control"):
        bath.set_temperature(40.0)
    assert not [line for line in sent() if line.startswith("out_")]


def test_a_set_point_beyond_the_warning_limits_is_a_fault_although_it_was_stored():
    with twin(high_warning=50.0) as (bath, _, _), pytest.raises(InstrumentFault) as beyond:
        bath.set_temperature(60.0)
    assert beyond.value.code == "-13"


def test_a_set_point_that_was_not_taken_is_told():
    exchanges = [*WHO, READY, (b"in_mode_04\r", b"0\r\n"), (b"in_mode_01\r", b"0\r\n"), (b"in_mode_01\r", b"0\r\n")]
    exchanges += [(b"out_sp_00 55.50\r", b""), READY, (b"in_sp_00\r", b"25.00\r\n")]
    with spoken(*exchanges) as bath, pytest.raises(InstrumentFault, match="25 degC is read back"):
        bath.set_temperature(55.5)


@pytest.mark.parametrize("rule", ["until_command", "until_asked"])
def test_an_old_refusal_does_not_stand_in_the_way(rule):
    with twin(refusals=rule, unknown_questions="status") as (bath, _, _):
        bath.command("out_nonsense 1")
        assert bath.set_temperature(40.0) == 40.0


@pytest.mark.parametrize(("code", "words"), [(-1, "low level"), (-14, "excess temperature"), (-5, "sensor is broken")])
def test_an_alarm_is_told_in_words_and_nothing_is_set_any_more(code, words):
    with twin(alarm=code, alarm_after=600.0) as (bath, clock, _):
        bath.set_temperature(40.0)
        bath.check_control()
        clock.sleep(601.0)
        assert bath.status.read() == Status(code, bath.status.read().text)
        with pytest.raises(InstrumentFault, match=words):
            bath.check_control()
        with pytest.raises(InstrumentFault, match=words):
            bath.set_temperature(30.0)
        assert f"{code:03d} " in bath.make_safe(), "it has stopped by itself; that is recorded"


def test_somebody_who_stopped_it_is_noticed():
    with twin() as (bath, _, _):
        bath.set_temperature(40.0)
        bath.command("out_mode_05 0")
        with pytest.raises(InstrumentFault, match="does not control"):
            bath.check_control()


# -- how it is left ----------------------------------------------------------------------------------


def test_hold_changes_nothing():
    with twin() as (bath, _, sent):
        bath.set_temperature(40.0)
        before = len(sent())
        assert "REMOTE START" in bath.make_safe()
        assert sent()[before:] == ["status"]


def test_stop_stops_and_reads_that_back():
    with twin({"on_exit": "stop"}) as (bath, _, _):
        bath.set_temperature(40.0)
        assert bath.make_safe() == "in_mode_05 was answered '0'"
        assert bath.running.read() == 0


@pytest.mark.parametrize(("written", "sent", "decimals"), [("25 degC", "25.00", 2), ("-7.5 degC", "-7.50", 1)])
def test_a_temperature_is_set_and_read_back_however_many_decimals_come(written, sent, decimals):
    with twin({"on_exit": written}, decimals=decimals) as (bath, _, said):
        bath.make_safe()
        assert f"out_sp_00 {sent}" in said()


def test_what_cannot_be_stopped_is_not_called_safe():
    """Started from its panel, it does not obey."""
    with twin({"on_exit": "stop"}, source="panel", started=True) as (bath, _, _), pytest.raises(UnsafeState):
        bath.make_safe()


# -- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "f25"}, 'write "auto" or "cf31"'),
        ({"modell": "cf31"}, "did you mean 'model'?"),
        ({"on_exit": "warm"}, '"hold", "stop" or a temperature'),
        ({"on_exit": "300 degC"}, "-60 degC"),
        ({"address": 200}, "from 1 to 127"),
        ({"lowest": "50 degC", "highest": "20 degC"}, "is not below"),
        ({"lowest": "50 V"}, "lowest"),
        ({"baudrate": 115200}, "4800 or 9600"),
        ({"model": "cf31", "on_exit": "250 degC"}, "-30 degC to 200 degC"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_what_does(settings, words):
    with pytest.raises(UsageError) as refused:
        JulaboCirculator().line_settings(settings)
    if words == "-60 degC":
        words = "a temperature"
    assert words in str(refused.value)


def test_the_factory_settings_of_the_line():
    line = JulaboCirculator().line_settings({})
    assert (line["baudrate"], line["bytesize"], line["parity"], line["rtscts"]) == (4800, 7, "even", True)
