"""The runner as a process: whether it still exists, and its end.

A number of a process is given to another one as soon as its owner is gone, so the number alone
says nothing. The guardian is a child of the runner: on POSIX it has that parent exactly as long as
the runner exists, and on Windows a handle keeps the number from being given away.

The Windows branch is written from its documentation and has not been run on Windows.
"""

from __future__ import annotations

import os
import signal
import sys

if sys.platform == "win32":
    import ctypes

    _KERNEL = ctypes.WinDLL("kernel32")
    _KERNEL.OpenProcess.restype = ctypes.c_void_p
    _SYNCHRONIZE_AND_TERMINATE = 0x0010_0001
    _STILL_RUNNING = 0x102

    class Runner:
        """The process that is watched."""

        def __init__(self, pid: int) -> None:
            self.pid = pid
            self._handle = ctypes.c_void_p(_KERNEL.OpenProcess(_SYNCHRONIZE_AND_TERMINATE, False, pid))

        @property
        def exists(self) -> bool:
            """True until the process is gone for good, with all its files closed."""
            return bool(self._handle) and _KERNEL.WaitForSingleObject(self._handle, 0) == _STILL_RUNNING

        def kill(self) -> bool:
            """End it at once; False if there was nothing to end."""
            return bool(self._handle) and bool(_KERNEL.TerminateProcess(self._handle, 1))

else:

    class Runner:
        """The process that is watched. Only a child of it can watch it."""

        def __init__(self, pid: int) -> None:
            self.pid = pid

        @property
        def exists(self) -> bool:
            """True until the process is gone for good, with all its files closed."""
            # A process that ends closes its files first and gives away its children afterwards.
            return os.getppid() == self.pid

        def kill(self) -> bool:
            """End it at once, also if it is stopped; False if there was nothing to end."""
            if not self.exists:
                return False
            os.kill(self.pid, signal.SIGKILL)
            return True


def ignore_signals() -> None:
    """From here on only the end of the run (or SIGKILL) ends this process.

    It has no terminal, but whoever shuts down the computer, and whoever means the runner, sends
    signals to everybody. The runner stops safe then and says so.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK", "SIGTSTP", "SIGUSR1", "SIGUSR2"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
