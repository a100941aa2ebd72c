"""When the guardian acts: a pure decision over what it hears and for how long it hears nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from luggin.guardian.orders import Message

#: Time between two beats, and of one wait for a message (host s).
BEAT = 0.1


class Verdict(Enum):
    """What to do now."""

    WATCH = "watch on"
    LEAVE = "everything is safe; leave"
    KILL = "the runner is to be killed before the lines are made safe"
    MAKE_SAFE = "the runner gives its lines away; make them safe"


@dataclass
class Watch:
    """What was heard of the runner so far.

    Silence is counted in waits that brought nothing, and not on a clock: a guardian that was held up
    itself (a busy or sleeping computer) finds what the runner said meanwhile in its pipe.

    Attributes:
        left_alone: roles whose instruments are meant to go on without the computer.
        silence: so many empty waits in a row are too many while a line is armed.
        armed: roles whose cells may be on.
        why: what made it act, in words.
        died: the runner's end of the pipe is closed, as it is when a process ends.
    """

    left_alone: Collection[str] = ()
    silence: int = 10
    armed: set[str] = field(default_factory=set)
    why: str = ""
    died: bool = False
    _empty_waits: int = 0

    def heard(self, message: Message) -> Verdict:
        """A message came."""
        self._empty_waits = 0
        (kind, said), *_ = message.items()
        if kind == "arm":
            self.armed |= {str(said)} - set(self.left_alone)
        elif kind == "disarm":
            self.armed.discard(str(said))
        elif kind == "bye":
            return Verdict.LEAVE
        elif kind == "take over":
            self.why = f"the run is over, but {said}"
            return Verdict.MAKE_SAFE
        elif kind == "stuck":
            self.why = f"the runner hangs: {said}"
            return Verdict.KILL
        return Verdict.WATCH

    def heard_nothing(self) -> Verdict:
        """A whole wait brought nothing. Where no cell can be on, silence harms nobody."""
        self._empty_waits += 1
        if not self.armed or self._empty_waits < self.silence:
            return Verdict.WATCH
        self.why = f"the runner hangs: it gave no sign of life for {self._empty_waits * BEAT:g} s"
        return Verdict.KILL

    def pipe_ended(self) -> Verdict:
        """The runner's end of the pipe is closed, and it did not say good-bye."""
        self.why, self.died = "the runner died", True
        return Verdict.KILL if self.armed else Verdict.MAKE_SAFE
