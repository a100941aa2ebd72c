"""Lines and instruments that are not as the bench file says: one message, its exit code, and nothing is created."""

import subprocess
import sys

import pytest

from luggin.analysis import open_run
from luggin.records import Flag
from luggin.transport.visa_line import LIBRARY_VARIABLE

SAMPLE = '\n[sample]\nid = "x"\nwiring = "three-electrode"\nworking = {material = "glassy carbon", diameter = "3 mm"}\n'
SAMPLE += 'counter = {material = "Pt wire"}\nreference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n'
LIMITS = (
    'limits = [{column = "potential", between = ["-2 V", "2 V"]}, {column = "current", between = ["-1 mA", "1 mA"]}]\n'
)
CV = 'do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"'
CA = 'do = "ca", potential = "-0.8 V vs ref", duration = "10 s", dt = "0.1 s"'
CP = 'do = "cp", current = "-5 uA", duration = "10 s", dt = "0.5 s"'


def protocol(step, limits=LIMITS):
    return f'title = "a protocol"\n{limits}steps = [\n  {{{step}}},\n]\n{SAMPLE}'


def bench(resource, model="2450"):
    """A bench with a real source-measure unit."""
    head = f'[instruments.cell]\ndriver = "keithley.2450"\nresource = "{resource}"\n'
    return head + f'settings = {{model = "{model}"}}\n'


def simulated(options="{}", cell_resistance="100 kohm", model="2450"):
    """A bench with a simulated one at a VISA name, and a resistor for a cell."""
    return (
        bench("sim://cell", "2450")
        + f'[simulated.cell]\ndialect = "keithley.2450"\nmodel = "{model}"\naddress = "GPIB0::18::INSTR"\n'
        + f'options = {options}\ncell = {{kind = "resistor", resistance = "{cell_resistance}"}}\n'
    )


@pytest.fixture
def refused(folder):
    """Run a protocol on a bench that cannot be used; the message, in one line."""

    def run(bench_text, step=CV, code=4, limits=LIMITS):
        folder.write("b.toml", bench_text)
        folder.write("p.toml", protocol(step, limits))
        return folder.refused("run", "p.toml", "--bench", "b.toml", "--force", "--no-report", code=code)

    return run


# -- addresses


def test_a_host_that_nobody_knows(refused):
    message = refused(bench("TCPIP0::nosuchhost.invalid::5025::SOCKET"))
    assert "TCPIP0::nosuchhost.invalid::5025::SOCKET: nobody knows a computer or instrument" in message
    assert "'nosuchhost.invalid'" in message
    assert "Is the name right?" in message


def test_a_port_on_which_nobody_listens(refused, peer):
    name = peer.name
    peer.close()
    message = refused(bench(name))
    assert f"{name}: 127.0.0.1 is there, but nothing takes commands on port {peer.port}" in message
    assert "is the instrument's socket interface switched on" in message


def test_a_port_that_is_none(refused):
    assert "port 99999" in refused(bench("TCPIP0::127.0.0.1::99999::SOCKET"))


@pytest.mark.parametrize("name", ["TCPIP0::::INSTR", "USB0::1::INSTR"])
def test_a_visa_name_that_is_none_is_told_with_examples(refused, name):
    message = refused(bench(name))
    assert f"{name}: no instrument can be opened at this address" in message
    assert "Names look like GPIB0::18::INSTR" in message


def test_a_name_without_its_bus_is_taken_for_a_serial_port(refused):
    message = refused(bench("192.168.0.20"))
    assert "192.168.0.20: there is no such port" in message


def test_an_instrument_on_a_bus_that_is_not_there(refused):
    assert "GPIB0::18::INSTR: no instrument can be opened at this address" in refused(bench("GPIB0::18::INSTR"))


# -- VISA libraries


def test_a_visa_library_that_is_not_installed(refused, monkeypatch):
    monkeypatch.setenv(LIBRARY_VARIABLE, "@nosuch")
    message = refused(bench("GPIB0::18::INSTR"))
    assert "GPIB0::18::INSTR: the VISA library '@nosuch' cannot be used" in message
    assert "For @py install pyvisa-py; for @ivi install the VISA of your interface's maker" in message
    assert "LUGGIN_VISA" in message


def test_a_path_of_a_visa_library_that_is_not_there(refused, monkeypatch, tmp_path):
    path = tmp_path / "visa32.dll"
    monkeypatch.setenv(LIBRARY_VARIABLE, str(path))
    assert f"the VISA library {str(path)!r} cannot be used" in refused(bench("TCPIP0::127.0.0.1::5025::SOCKET"))
    path.write_bytes(b"not a library")
    assert f"the VISA library {str(path)!r} cannot be used" in refused(bench("TCPIP0::127.0.0.1::5025::SOCKET"))


# -- instruments


@pytest.mark.parametrize("language", ["TSP", "SCPI2400"])
def test_an_instrument_in_another_command_set_is_told_how_to_change_it(refused, language):
    message = refused(simulated(f'{{language = "{language}"}}'))
    assert language in message
    assert "SCPI" in message
    assert "MENU" in message or "*LANG SCPI" in message


def test_another_model_than_the_bench_says(refused):
    message = refused(simulated(model="2461"))
    assert "2461" in message
    assert "2450" in message


def test_somebody_who_hangs_up_at_once(refused, peer):
    peer.play(lambda: peer.accept(), peer.receive_line, peer.hang_up)
    message = refused(bench(peer.name))
    assert f"cell: {peer.name}: the instrument closed the connection, before the instrument said who it is" in message


def test_something_else_that_answers(refused, peer):
    peer.play(lambda: peer.accept(), peer.receive_line, lambda: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    message = refused(bench(peer.name))
    assert "HTTP/1.1 400 Bad Request" in message


# -- set points and limits

WIDE = LIMITS.replace('"-2 V", "2 V"', '"-20 V", "30 V"')


def test_a_sweep_beyond_what_the_model_reaches(refused):
    message = refused(simulated(), CV.replace('["-0.8 V", "0 V"]', '["25 V", "0 V"]'), code=2, limits=WIDE)
    assert "p.toml:4: " in message
    assert "25 V" in message
    assert "the Keithley 2450 allows -20 V ... 20 V" in message


def test_a_limit_of_current_beyond_what_the_model_has_protects_nothing(refused):
    large = LIMITS.replace('"-1 mA", "1 mA"', '"-2 A", "2 A"')
    message = refused(simulated(), code=2, limits=large)
    assert "p.toml:2: limits[2]: current between -2 A and 2 A is wider than the instrument reaches" in message
    assert "1.05" in message


@pytest.fixture
def stopped(folder):
    """Run a protocol that begins and cannot go on; what was said, and the run."""

    def run(step, limits, code):
        folder.write("b.toml", simulated())
        folder.write("p.toml", protocol(step, limits))
        said = folder.luggin("run", "p.toml", "--bench", "b.toml", "--folder", "run", "--no-report")
        assert said.code == code
        assert "Traceback" not in said.errors
        assert sum(line.startswith("luggin: ") for line in said.errors.splitlines()) == 1
        archive = open_run(folder.path / "run")
        assert "0, HIMP" in archive.records[-1]["made_safe"]["cell"]
        return said.errors, archive

    return run


@pytest.mark.parametrize(
    ("step", "limits", "words"),
    [
        pytest.param(
            CP,
            'limits = [{column = "current", between = ["-1 mA", "1 mA"]}]\n',
            "p.toml:4: steps[1]: cp needs a largest potential. "
            'Write potential_limit = "2 V" in the step, or a limit of potential in the protocol.',
            id="no largest potential",
        ),
        pytest.param(
            CP + ', potential_limit = "1 V"',
            LIMITS.replace('"-1 mA", "1 mA"', '"-1 uA", "1 uA"'),
            "p.toml:4: steps[1].current: cp would come to current of -5 uA, outside of the limits of this protocol "
            "(current between -1 uA and 1 uA). Change the limit or the current.",
            id="beyond the limit",
        ),
    ],
)
def test_a_constant_current_that_the_limits_forbid_is_never_begun(refused, step, limits, words):
    assert words in refused(simulated(), step, code=2, limits=limits)


@pytest.mark.parametrize(
    ("step", "limits", "words"),
    [
        # 100 kohm and -0.8 V: 8 uA.
        pytest.param(CA, LIMITS.replace('"-1 mA", "1 mA"', '"-4 uA", "4 uA"'), "current was -4.", id="current"),
        # 100 kohm and -5 uA: -0.5 V, which the step allows and the run does not.
        pytest.param(
            CP + ', potential_limit = "1 V"',
            LIMITS.replace('"-2 V", "2 V"', '"-0.3 V", "0.3 V"'),
            "potential was -3",
            id="potential",
        ),
    ],
)
def test_a_cell_that_wants_more_than_the_limit_is_clamped_and_the_run_stops(stopped, step, limits, words):
    errors, archive = stopped(step, limits, code=3)
    assert words in errors
    assert "The cell is open; the data up to there are kept." in errors
    (stream,) = set(archive.store.streams) - {"events"}
    rows = archive[stream].to_numpy()
    assert len(rows) == 1
    assert rows["flags"][0] & Flag.COMPLIANCE


# -- other programs

_CONNECT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
    print("connected", flush=True)
    sys.stdin.read()
"""


def test_another_program_that_is_connected_to_the_instrument(refused, serve_echoes):
    served = serve_echoes("TCPIP0::smu::5025::SOCKET")
    resource = served.said["resources"]["smu0"]
    command = [sys.executable, "-c", _CONNECT, resource.split("::")[2]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "connected\n"
        message = refused(bench(resource))
        other.stdin.close()
    assert resource in message
    assert "before the instrument said who it is. Is another program connected to it?" in message
