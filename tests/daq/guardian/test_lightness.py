"""The guardian starts beside every run, and has to work when much else does not: it is light."""

import subprocess
import sys

HEAVY = {"google_crc32c", "numcodecs", "numpy", "pluggy", "pydantic", "pyvisa", "serial", "xarray", "yaml", "zarr"}
REPORT = "import sys, luggin.guardian.__main__\nprint(*sys.modules, sep='\\n')"
#: What it is made of. Whoever adds to it adds to what can fail when the cell has to be opened.
LAYERS = {"clock", "errors", "guardian", "platform", "transport"}


def test_it_is_made_of_the_standard_library_and_the_transport_layer():
    done = subprocess.run([sys.executable, "-c", REPORT], capture_output=True, text=True, check=True, timeout=50)
    loaded = set(done.stdout.split())
    assert "luggin.guardian.safing" in loaded
    assert not HEAVY & {module.partition(".")[0] for module in loaded}
    assert {module.split(".")[1] for module in loaded if module.startswith("luggin.")} == LAYERS
