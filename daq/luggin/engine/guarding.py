"""The runner's side of the guardian: starting it, telling it that we live, and hearing that it does.

What a heartbeat says is not that this process exists but that nobody who holds a cell is stuck, so
it comes from a thread that looks at every such worker (`luggin.engine.watchdog`).

In the life of a run:

1. The bench is open and verified safe, the run folder is there: `Guard.start`; ``watchdog.watch`` for
   the line of each instrument (again after a line was opened anew), and ``watchdog.allow`` for what
   writes to the disk: ``allow(writer, "append", DISK)``.
2. Before the first ``next`` of ``frames()``: `Guard.arm`. (A bath that is to be switched off with the
   run: ``arm(role, watched=False)`` before it is switched on.)
3. When ``frames()`` has ended without an error, or `make_safe` has verified it: `Guard.disarm`. Not
   when it could not be verified.
4. At the end, after all lines were given back: `Guard.close` if everything was verified to be safe,
   else `Guard.leave_to_guardian`.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, Any

import luggin
from luggin.clock import Clock, RealClock
from luggin.engine.watchdog import Watchdog
from luggin.errors import InstrumentError, LineInUse
from luggin.guardian.orders import GuardedLine, Orders, decode, encode
from luggin.guardian.safing import PURPOSE
from luggin.guardian.watch import BEAT
from luggin.platform import process_id
from luggin.transport import LineOwnership

#: How long (host s) the guardian tries a line that does not open: of an instrument, and of a simulated one.
PATIENCE = 86400.0
SIMULATED_PATIENCE = 20.0
#: How long (host s) the disk may hold up the thread that holds a cell.
DISK = 10.0
#: How long (host s) the guardian may take until it is ready, and to end after it was told to.
_READY = 20.0
_END = 5.0
#: So many beats in a row without an answer mean that the guardian hangs.
_UNANSWERED = 50


class Guard:
    """The guardian of one run. Made by `start`.

    ``arm`` before a cell may be on, ``disarm`` when it was verified to be off; both are called by the
    thread that runs the technique, which is watched in between. If the guardian is lost,
    ``on_lost(words)`` is called once, on a thread of its own: the run has to stop, and nothing can be
    armed any more.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes] | None,
        roles: Collection[str],
        watchdog: Watchdog,
        on_lost: Callable[[str], None],
    ) -> None:
        """Not to be called: use `start`."""
        self.watchdog = watchdog
        self._roles = roles
        self._process = process
        self._on_lost = on_lost
        self._host = RealClock()
        self._sending = threading.Lock()
        self._over = self._host.cancel()
        #: Told when a worker makes no progress; True if whoever listens has dealt with it, else the guardian
        #: ends this process.
        self.on_stuck: Callable[[str], bool] = _nobody_deals_with_it
        self._ready = threading.Event()
        self._lost = ""
        self._unanswered = 0
        if process is not None:
            threading.Thread(target=self._listen, name="guardian's answers", daemon=True).start()

    @classmethod
    def start(
        cls,
        folder: Path,
        lines: Sequence[GuardedLine],
        on_lost: Callable[[str], None],
        *,
        clock: Clock,
        silence: float = 1.0,
        patience: float = PATIENCE,
    ) -> Guard:
        """Start a guardian for the lines of a run; none if there is no line to guard.

        Returns at once: `arm` waits until the guardian is ready.

        Args:
            folder: the run folder.
            lines: what to guard; their instruments are safe now.
            on_lost: what to do when the guardian is lost, from any thread.
            clock: the lab clock.
            silence: so long (host s) this process may say nothing, or its worker do nothing, while a line is armed.
            patience: so long (host s) the guardian tries lines that do not open.

        Raises:
            UsageError: a line has settings that another process cannot be told.
            InstrumentError: the guardian cannot be started.
        """
        watchdog = Watchdog(clock, round(silence / BEAT))
        roles = {line.role for line in lines if not line.leave_running}
        if not roles:
            return cls(None, roles, watchdog, on_lost)
        orders = Orders(
            folder=str(folder.resolve()),
            runner=process_id(),
            user=getpass.getuser(),
            lines=tuple(lines),
            speed=clock.speed,
            silence=silence,
            patience=patience,
        )
        message = encode({"orders": orders.to_json()})
        guard = cls(_spawn(), roles, watchdog, on_lost)
        guard._send(message)
        threading.Thread(target=guard._beat, name="heartbeat", daemon=True).start()
        return guard

    @property
    def pid(self) -> int | None:
        """Number of the guardian's process; None if there is nothing to guard."""
        return None if self._process is None else self._process.pid

    # -- what the run says
    def arm(self, role: str, *, watched: bool = True) -> None:
        """From now on the cell of this role may be on.

        Args:
            role: on the bench.
            watched: the calling thread has to show progress until `disarm`. Not so for what goes on
                beside the steps, such as a bath that is hot: then only the process has to live.

        Raises:
            InstrumentError: there is no guardian any more; switch nothing on.
        """
        if role not in self._roles:
            return  # nobody could help it, so nobody ends this process for its sake
        if not self._ready.wait(_READY):
            self._lose(f"it was not ready within {_READY:g} s")
        if self._lost:
            raise InstrumentError(f"{role}: {self._lost}; without it nothing is switched on")
        self._send(encode({"arm": role}))
        if watched:
            self.watchdog.begin(role)

    def disarm(self, role: str) -> None:
        """The cell of this role was verified to be off. Nothing happens if it was not armed."""
        if role in self._roles:
            self.watchdog.end(role)
            self._send(encode({"disarm": role}))

    def expect(self, role: str, seconds: float) -> None:
        """The thread that armed this role may do nothing on any line for so long (host s); 0: as usual.

        Waits on the lab clock need no mention.
        """
        self.watchdog.expect(role, seconds)

    def close(self) -> None:
        """Everything was verified to be safe: say good-bye. Closing twice is fine."""
        self._leave({"bye": True})
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        self._process = None

    def leave_to_guardian(self, words: str) -> None:
        """The run ends and gives its lines back, but not everything is known to be safe: the guardian goes on trying.

        To be called instead of `close`, after the lines were given back. ``words`` say what is not safe.
        """
        process = self._process
        self._leave({"take over": words})
        if process is not None:
            # It outlives this process on purpose: nobody waits for it, and nobody is warned about that.
            process.returncode = 0
        self._process = None

    # -- the thread that beats
    def _beat(self) -> None:
        number = 0
        while self._host.sleep(BEAT, self._over) and not self._lost:
            number += 1
            if stuck := self.watchdog.stuck():
                if self.on_stuck(stuck):
                    return
                self._send(encode({"stuck": stuck}))
                return
            self._unanswered += self._ready.is_set()
            if self._unanswered > _UNANSWERED:
                self._lose(f"it has not answered for {self._unanswered * BEAT:g} s")
                return
            self._send(encode({"beat": number}))

    # -- the thread that listens
    def _listen(self) -> None:
        said = "it ended"
        with contextlib.suppress(ValueError), _stream(self._process, "stdout") as answers:  # a torn word is its last
            for line in answers:
                message = decode(line)
                if "ready" in message:
                    self._ready.set()
                elif "beat" in message:
                    self._unanswered = 0
                elif "refused" in message:
                    said = str(message["refused"])
        if not self._over.is_set:
            self._lose(said)

    def _lose(self, why: str) -> None:
        with self._sending:
            if self._lost or self._over.is_set:
                return
            self._lost = f"the guardian was lost ({why})"
        self._ready.set()
        self._on_lost(self._lost)

    # -- the pipe
    def _send(self, data: bytes) -> None:
        if self._process is None or self._lost:
            return
        pipe = _stream(self._process, "stdin")
        try:
            with self._sending:
                pipe.write(data)
                pipe.flush()
        except (OSError, ValueError) as error:  # ValueError: it was closed just now
            self._lose(f"it does not listen any more: {error}")

    def _leave(self, message: dict[str, Any]) -> None:
        self._over.set()
        self.watchdog.close()
        if self._process is not None:
            pipe = _stream(self._process, "stdin")
            with contextlib.suppress(OSError), self._sending:  # it may be gone already
                pipe.write(encode(message))
                pipe.close()


def _nobody_deals_with_it(words: str) -> bool:
    return False


def own_line(resource: str, *, user: str, purpose: str, clock: Clock, patience: float = 15.0) -> LineOwnership:
    """Own a line as `luggin.transport.LineOwnership`, but wait (host s) for a guardian that is making it safe.

    Raises:
        LineInUse: somebody else has it, or the guardian still has.
    """
    since = clock.utc().astimezone().isoformat(timespec="seconds")
    until = clock.now() + patience
    while True:
        try:
            return LineOwnership(resource, user=user, purpose=purpose, since=since)
        except LineInUse as error:
            if PURPOSE not in str(error) or clock.now() >= until:
                raise
        clock.sleep(BEAT)


def _stream(process: subprocess.Popen[bytes] | None, name: str) -> IO[bytes]:
    found: IO[bytes] | None = getattr(process, name, None)
    if found is None:
        raise OSError("there is no guardian")
    return found


def _spawn() -> subprocess.Popen[bytes]:
    """The guardian's process: in a session of its own, with nothing of ours but the two pipes."""
    beside = str(Path(luggin.__file__).parents[1])
    path = os.pathsep.join(filter(None, [beside, os.environ.get("PYTHONPATH", "")]))
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    try:
        return subprocess.Popen(
            # -P: what lies in the working directory is not imported.
            [sys.executable, "-P", "-m", "luggin.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            **apart,
        )
    except OSError as error:
        raise InstrumentError(f"the guardian cannot be started ({error}); nothing is switched on without it") from error
