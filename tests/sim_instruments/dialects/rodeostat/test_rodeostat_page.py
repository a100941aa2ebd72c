"""The page about the Rodeostat names every option of the simulated one and every setting of the driver."""

import dataclasses
import re
from pathlib import Path

from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.tables import MODELS
from luggin_sim.dialects.iorodeo_rodeostat import MODELS as SIMULATED
from luggin_sim.dialects.iorodeo_rodeostat import Rules

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "drivers" / "iorodeo-rodeostat.md").read_text(
    encoding="utf-8"
)


def described(heading):
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_option_and_every_setting_is_described():
    assert described("The simulated one") == [rule.name for rule in dataclasses.fields(Rules)]
    assert sorted(described("Settings")) == sorted(setting.name for setting in dataclasses.fields(Settings))


def test_driver_and_simulation_have_the_same_boards():
    assert list(MODELS) == list(SIMULATED)
    for key, model in SIMULATED.items():
        assert f"`{key}`" in PAGE
        assert model.variant in MODELS[key].variants
        assert list(model.curr_ranges) == list(MODELS[key].current_ranges)
        assert dict(model.volt_ranges) == dict(MODELS[key].volt_ranges)
