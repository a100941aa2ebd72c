"""The protocol: sample, limits, steps and analyses, as one validated tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, field_validator

from luggin.documents import shown
from luggin.steps.base import Name, Record, Step, Text
from luggin.steps.control import STEPS_EXAMPLE
from luggin.steps.limits import Limit
from luggin.steps.quantities import Interval, PotentialStep, refuse
from luggin.steps.sample import Sample
from luggin.steps.walking import Execution, walk

FORMAT = 1
"""The number of the protocol format that this version writes and reads."""


class Thinning(Record):
    """``record = {dt = "60 s", dV = "5 mV"}``: a row is kept when any of these has changed, and at step ends."""

    dt: Interval | None = Field(None, description="time between two rows")
    dV: PotentialStep | None = Field(None, description="change of potential between two rows")  # noqa: N815


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class AnalysisEntry(Record):
    """``{use = "cv.half-waves", on = "full", ...}``; the further keys are the options of the analysis."""

    model_config = ConfigDict(extra="allow")

    use: Text = Field(description="name of the analysis", examples=["cv.half-waves"])
    on: Annotated[tuple[Name, ...], BeforeValidator(_as_list)] = Field(
        (), description="ids of the steps it looks at; all steps that fit if left out"
    )

    @property
    def options(self) -> dict[str, Any]:
        """What was written besides ``use`` and ``on``."""
        return dict(self.model_extra or {})


class MonitorEntry(Record):
    """``{on = "smu", read = ["potential"], every = "10 s"}``: an instrument that is read beside the techniques."""

    on: Name = Field(description="role of the instrument on the bench; one that runs no technique", examples=["meter"])
    read: Annotated[tuple[Name, ...], BeforeValidator(_as_list)] = Field(
        min_length=1, description="names of the readings that its driver declares", examples=[["voltage"]]
    )
    every: Interval = Field(description="time between two readings", examples=["10 s"])
    stream: Name | None = Field(None, description="name of the stream of its rows; `monitor_` and the role if left out")

    @property
    def stream_name(self) -> str:
        """The stream of its rows."""
        return self.stream or f"monitor_{self.on}"


class Events(Record):
    """``[on]``: what to do when something happens to the computer, and at the end."""

    pc_lost: Literal["stop"] = Field(
        "stop", description="the guardian opens the cell when this program dies or hangs", examples=["stop"]
    )
    power_return: Literal["stay off"] = Field(
        "stay off",
        description="after a power cut nothing starts by itself: the next run or resume makes the bench safe first",
        examples=["stay off"],
    )
    on_exit: Literal["cell off"] = Field(
        "cell off", description="however the run ends, the cell circuit is opened", examples=["cell off"]
    )

    @field_validator("pc_lost", mode="before")
    @classmethod
    def _can_go_on_without_us(cls, then: Any) -> Any:
        if then == "leave_running":
            raise refuse(
                '"leave_running" is for instruments that keep a schedule, its limits and its readings without the '
                "computer, and no driver of this version declares that its instrument does.",
                'Use "stop": the guardian opens the cell.',
            )
        return then

    @field_validator("power_return", mode="before")
    @classmethod
    def _nothing_starts_by_itself(cls, then: Any) -> Any:
        if isinstance(then, str) and then != "stay off":
            raise refuse(
                f"{shown(then)} would need a service that starts with the computer, which Luggin does not have.",
                'Use "stay off" (the default), and after a power cut take the run up with `luggin resume`.',
            )
        return then

    @field_validator("on_exit", mode="before")
    @classmethod
    def _ends_open(cls, then: Any) -> Any:
        if isinstance(then, str) and then != "cell off":
            raise refuse(
                f"{shown(then)}: however a run ends, the cell circuit is opened.",
                'Use "cell off" (the default); in what state other instruments are left is said in the bench file.',
            )
        return then


_SAMPLE_EXAMPLE = {
    "id": "Re-1",
    "wiring": "three-electrode",
    "working": "glassy carbon",
    "counter": "Pt wire",
    "reference": "Ag/AgCl",
}


class Protocol(Record):
    """What a protocol file says."""

    format: int = Field(FORMAT, strict=True, ge=1, description="number of the file format")
    title: Text = Field(description="what this run is, in one line", examples=["Re4Mo2 in CH3CN: CV"])
    bench: Text | None = Field(
        None, description="path of the bench file, from the folder of the protocol; the simulated bench if left out"
    )
    limits: tuple[Limit, ...] = ()
    record: Thinning | None = Field(None, description="which rows to keep")
    monitors: tuple[MonitorEntry, ...] = ()
    steps: tuple[InstanceOf[Step], ...] = Field(min_length=1, description="what is done", examples=STEPS_EXAMPLE)
    analyses: tuple[AnalysisEntry, ...] = ()
    on: Events = Field(default_factory=Events)
    sample: Sample = Field(description="what is measured", examples=[_SAMPLE_EXAMPLE])

    def walk(self) -> Iterator[Execution]:
        """All executions in the order of time; a million cycles take no memory."""
        return walk(self.steps)
