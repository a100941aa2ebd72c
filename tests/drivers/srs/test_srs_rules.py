"""The driver bears whatever the manual leaves open, as the simulator's rules have it."""

import pytest

from luggin.capabilities import Technique
from luggin.errors import BadReply, InstrumentFault, LimitError, LineInUse, NoInstrument
from luggin.records import Flag
from luggin.testing import dialogue
from luggin_drivers.srs import SrsEc301

RULES = [
    {},
    {"identity": "Stanford Research Systems, EC301, 1234, 1.02"},
    {"reply_time": 0.1},
    {"question_while_streaming": "lost"},
    {"packet_time": 0.002},
    {"packet_time": 0.5},
    {"checksum": "xor"},
    {"checksum": "negative"},
    {"checksum": "none"},
    {"header_order": "end of line first"},
    {"stays_scanning": False},
    {"ramp_bit_in_delays": False},
    {"errlst": "keeps"},
    {"first_autorange": 10},
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(map(str, rules.items())) or "usual")
def test_a_sweep_is_right_under_every_rule(on_twin, sweep, rules):
    with on_twin(**rules) as rig:
        assert rig.device.identify().model == "SRS EC301"
        rows = rig.run([sweep]).raise_error().rows
        assert not rig.cell_is_on
    assert len(rows) == 200
    for row in rows:
        assert row["current"] == pytest.approx(row["potential"] / 10e3, rel=1e-3, abs=1e-9)
    assert [row["instrument_time"] for row in rows] == pytest.approx([0.02 * k + 0.01 for k in range(200)], abs=5e-4)


@pytest.mark.parametrize(("rule", "recorded"), [("sum", "sum"), ("none", "packets were not checked")])
def test_whether_packets_were_checked_is_recorded(on_twin, sweep, rule, recorded):
    with on_twin(checksum=rule) as rig:
        rig.run([sweep]).raise_error()
        achieved = rig.device.achieved()
    assert achieved["checksum"] == recorded
    assert achieved["execution"] == "native"
    (timing,) = achieved["timing"]
    assert (timing["rows"], timing["dt"]) == (200, 0.02)
    assert timing["real_dt"]["mean"] == pytest.approx(0.02, rel=1e-3)


def test_while_the_stream_runs_nobody_else_may_ask(on_twin, sweep):
    with on_twin() as rig:
        refused = []

        def ask(rows):
            try:
                rig.device.potential.read()
            except LineInUse as error:
                refused.append(str(error))

        rig.run([sweep], ask).raise_error()
        assert refused
        assert rig.device.potential.read() == pytest.approx(0.0, abs=1e-3)


def test_a_stream_that_a_dead_program_left_running_is_ended_by_identify(on_twin, sweep):
    with on_twin() as rig:
        rig.line.write(b"getbda 1\n")
        rig.clock.sleep(1.0)
        assert rig.device.identify().serial == "s/n012345"
        assert len(rig.run([sweep]).raise_error().rows) == 200


def test_a_packet_that_is_missing_ends_the_technique(on_twin, sweep):
    with on_twin() as rig:
        rig.lab.faults("twin").inject("drop", after=60)
        recording = rig.run([sweep])
        assert isinstance(recording.error, BadReply)
        assert "data is lost" in str(recording.error)
        assert "cellon? answered 0" in rig.instrument.make_safe()


def test_a_driven_current_ends_where_it_may_not_drive_the_cell_further(on_twin):
    cp = Technique("cp", {"current": 20e-6, "duration": 5.0, "dt": 0.1, "potential_limit": 0.15})
    with on_twin() as rig:
        recording = rig.run([cp])
        assert isinstance(recording.error, InstrumentFault)
        assert "cp.potential_limit is 150 mV" in str(recording.error)
        assert not rig.cell_is_on


def test_a_driven_current_needs_a_largest_potential(on_twin):
    with on_twin() as rig:
        rig.instrument.prepare([Technique("cp", {"current": 1e-6, "duration": 1.0, "dt": 0.1})])
        with pytest.raises(LimitError, match="potential_limit"):
            rig.instrument.arm(())


def test_a_refused_command_is_told_with_its_code():
    block = ["*CLS", "rampen", "ceenab 0", "ramprs", "irenab 0", "irnaut 0"]
    said = [*((f"{command}\n".encode(), b"") for command in block), (b"*ESR?\n", b"32\n"), (b"errlst?\n", b"114\n")]
    with dialogue(SrsEc301(), said) as ec301:
        ec301.prepare([Technique("ocp", {"duration": 1.0, "dt": 0.1})])
        with pytest.raises(InstrumentFault, match=r"114.*Bad remote command"):
            next(ec301.frames())


def test_somebody_else_is_not_taken_for_an_ec301():
    other = b"Stanford_Research_Systems,SR830,s/n1,ver1\n"
    with dialogue(SrsEc301(), [(b"*IDN?\n", other)]) as ec301, pytest.raises(NoInstrument, match="SR830"):
        ec301.identify()


def test_an_overload_is_a_flag(on_twin):
    ca = Technique("ca", {"potential": 0.5, "duration": 1.0, "dt": 0.1, "current_range": 1e-6})
    for data in ("stream", "poll"):
        with on_twin({"data": data}) as rig:
            rows = rig.run([ca]).raise_error().rows
            assert all(Flag(int(row["flags"])) & Flag.CURRENT_OVERLOAD for row in rows)
            assert rows[0]["current"] == pytest.approx(2e-6)
