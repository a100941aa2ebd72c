"""The one error tree of Luggin.

::

    LugginError
    ├── UsageError                a file, an option or a request is wrong          exit 2
    │   ├── UnitError             a quantity cannot be read
    │   ├── ProtocolError         a protocol or bench file has mistakes
    │   ├── FileFormatError       a foreign file is truncated or not what it says
    │   ├── NotSupported          the instrument cannot do what is asked
    │   └── RunFolderError        the run folder exists, is not one, or cannot be resumed
    │       └── Divergence        a replayed protocol no longer fits what was done
    ├── InstrumentError           the bench did not do what it should             exit 4
    │   ├── NoInstrument          nothing answers at this resource
    │   ├── LineInUse             another program or run owns the line
    │   ├── LineLost              the line broke while in use
    │   ├── ReplyTimeout          no (whole) answer within the deadline
    │   ├── BadReply              an answer that makes no sense; keeps the raw bytes
    │   ├── InstrumentFault       the instrument reported an error of its own
    │   ├── LimitError            a value outside what the instrument allows
    │   └── UnsafeState           the cell could not be verified to be off
    ├── LimitTripped              a limit of the protocol stopped the run         exit 3
    ├── PreflightFailed           the cell is not as the protocol expects it      exit 3
    ├── Interrupted               the operator stopped the run                    exit 130
    ├── StoreError                the run folder cannot be written or read        exit 1
    │   ├── StoreFull
    │   ├── StoreLocked
    │   ├── StoreReadOnly
    │   └── StoreCorrupt
    ├── ClockStalled              a worker holds up the experiment's time         exit 1
    ├── AnalysisError             an analysis failed (a refusal is not an error)  exit 1
    ├── PluginError               a plugin is broken or misspelt                  exit 2
    └── PluginFault               a driver or plugin failed in a way nobody foresaw  exit 1

Every class carries ``exit_code``, the code with which the command line ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LugginError(Exception):
    """Anything that Luggin reports to a person at the bench."""

    exit_code: int = 1


class UsageError(LugginError):
    """A file, an option or a request is wrong; nothing was touched."""

    exit_code = 2


class UnitError(UsageError):
    """A quantity is not a number with a unit of the right kind."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a file: where it is, what is wrong, and the way out."""

    message: str
    path: str = ""
    line: int | None = None
    hint: str = ""

    def render(self, file: str) -> str:
        """``file:line: path: message hint``, as editors and people read it."""
        place = file if self.line is None else f"{file}:{self.line}"
        where = f"{self.path}: " if self.path else ""
        return f"{place}: {where}{self.message}{' ' + self.hint if self.hint else ''}"


class ProtocolError(UsageError):
    """A protocol or bench file has mistakes; all of them are in ``problems``."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(p.render(file) for p in self.problems))


class FileFormatError(UsageError):
    """A foreign file is truncated, empty or not in the format it claims."""


class NotSupported(UsageError):
    """The instrument or this version cannot do what is asked; the message says what can."""


class RunFolderError(UsageError):
    """A run folder exists already, is not a run folder, or cannot be resumed."""


class Divergence(RunFolderError):
    """A protocol asks for another step than the one that the run folder says was done."""


class InstrumentError(LugginError):
    """The bench did not do what it should."""

    exit_code = 4


class NoInstrument(InstrumentError):
    """Nothing (or something else) answers at a resource. ``answer`` is what it said, if it said anything."""

    def __init__(self, message: str, answer: str = "") -> None:
        super().__init__(message)
        self.answer = answer


class LineInUse(InstrumentError):
    """Another program or run owns the line."""


class LineLost(InstrumentError):
    """The line broke while it was in use."""


class ReplyTimeout(InstrumentError):
    """No whole answer came within the deadline. ``partial`` has what did come."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


class BadReply(InstrumentError):
    """An answer that makes no sense. ``raw`` keeps its bytes."""

    def __init__(self, message: str, raw: bytes = b"") -> None:
        super().__init__(message)
        self.raw = raw


class InstrumentFault(InstrumentError):
    """The instrument reported an error of its own; ``code`` is the instrument's."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class LimitError(InstrumentError):
    """A value lies outside what the instrument allows; nothing was sent."""

    exit_code = 2


class UnsafeState(InstrumentError):
    """The cell could not be verified to be off. A person has to look at it."""


class LimitTripped(LugginError):
    """A limit of the protocol stopped the run."""

    exit_code = 3


class PreflightFailed(LugginError):
    """The look at the cell before the run found that it is not as the protocol expects it; it is open."""

    exit_code = 3


class Interrupted(LugginError):
    """The operator (or the operating system) asked the run to stop."""

    exit_code = 130


class StoreError(LugginError):
    """The run folder cannot be written or read."""


class StoreFull(StoreError):
    """No space is left for the data."""


class StoreLocked(StoreError):
    """Another process writes this run."""


class StoreReadOnly(StoreError):
    """The run folder may not be written."""


class StoreCorrupt(StoreError):
    """The run folder contradicts itself."""


class ClockStalled(LugginError):
    """A worker holds up the time of the experiment; the message has every worker's stack."""


class AnalysisError(LugginError):
    """An analysis failed; a refusal is a result and not an error."""


class PluginError(LugginError):
    """A plugin cannot be loaded, or implements a hook that does not exist."""

    exit_code = 2


class PluginFault(LugginError):
    """A driver, a plugin or Luggin itself raised what it should not; the log has the traceback."""
