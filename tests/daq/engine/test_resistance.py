"""``compensate`` on an instrument that can: how much it is told to, and from where the resistance comes."""

from types import SimpleNamespace

import pytest

import luggin.analysis
from luggin.engine.resistance import compensate
from luggin.errors import NotSupported, UsageError
from luggin.steps import Compensate


class Compensating:
    """An instrument that compensates in steps of an ohm."""

    capabilities = SimpleNamespace(model="a potentiostat")

    def __init__(self):
        self.told = []

    def compensate(self, resistance):
        self.told.append(resistance)
        return float(round(resistance))


def attempt_on(instrument, said=None):
    run = SimpleNamespace(
        session=SimpleNamespace(instrument=lambda on: instrument),
        watcher=SimpleNamespace(said=(said if said is not None else []).append),
        folder="runs/x",
    )
    return SimpleNamespace(run=run, on=None, path="3", parts=[], use=lambda on: None)


def recorded(monkeypatch, *steps):
    done = [SimpleNamespace(id=name, values=values) for name, values in steps]
    monkeypatch.setattr(luggin.analysis, "open_run", lambda folder: SimpleNamespace(steps=done))


def measured(value):
    return {"solution_resistance": {"value": value, "u": 0.1, "unit": "ohm"}}


def test_a_share_of_a_resistance_that_is_given():
    instrument, said = Compensating(), []
    status, _, values = compensate(attempt_on(instrument, said), Compensate(resistance="120.4 ohm", share=0.5))
    assert (status, values) == ("done", {"compensated_resistance": 60.0})
    assert instrument.told == [pytest.approx(60.2)]
    assert said == ["step 3: 60 ohm are compensated"]


def test_a_share_of_the_latest_resistance_that_a_step_has_found(monkeypatch):
    recorded(monkeypatch, ("Ru", measured(90.0)), ("Ru", measured(100.0)), ("other", measured(7.0)))
    instrument = Compensating()
    compensate(attempt_on(instrument), Compensate(of="Ru"))
    assert instrument.told == [pytest.approx(80.0)]


def test_a_step_that_found_none_is_told(monkeypatch):
    recorded(monkeypatch, ("Ru", {"refusal": {"code": "no-plateau", "reason": "..."}}))
    with pytest.raises(UsageError, match="no step 'Ru' of this run has found"):
        compensate(attempt_on(Compensating()), Compensate(of="Ru"))


def test_an_instrument_that_cannot_refuses():
    with pytest.raises(NotSupported, match="an SMU compensates no resistance"):
        compensate(attempt_on(SimpleNamespace(capabilities=SimpleNamespace(model="an SMU"))), Compensate(of="Ru"))
