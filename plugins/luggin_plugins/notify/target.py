"""The observer that tells one target what happens to one run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luggin.clock import Clock, RealClock
from luggin.observing import Follower, Happening
from luggin.platform import host_name
from luggin_plugins.notify.messages import Message, message, trial_message
from luggin_plugins.notify.outbox import ONE_ATTEMPT, Outbox, Patience
from luggin_plugins.notify.sending import NotDelivered, send
from luggin_plugins.notify.settings import Mail, Webhook

log = logging.getLogger(__name__)

_EVERY_S = 0.25


class Target:
    """Tells one webhook or one mailbox about a run; called as an observer is, until the run is over."""

    def __init__(
        self, run: Path, settings: Webhook | Mail, *, clock: Clock | None = None, patience: Patience | None = None
    ) -> None:
        self.name = settings.name
        self._run = run
        self._settings = settings
        self._clock = clock or RealClock()
        self._patience = patience or Patience()
        self._complaints: list[str] = []

    def __call__(self) -> None:
        """Follow the run and send what is due.

        Raises:
            NotDelivered: some messages could not be delivered; says how many and why.
        """
        follower = Follower(self._run, clock=self._clock)
        news = follower.new()
        header = follower.header
        if header.get("simulated") and not self._settings.simulated:
            return
        test = bool(header.get("test"))
        patience = ONE_ATTEMPT if test else self._patience
        outbox = Outbox(self._settings.per_hour, patience)
        while True:
            for happening in news:
                said = self._message(happening, header, test)
                if said is not None:
                    outbox.add(said, self._clock.now())
            while (due := outbox.due(self._clock.now())) is not None:
                self._attempt(due, outbox, patience)
            if follower.over and outbox.is_empty:
                break
            self._clock.sleep(_EVERY_S)
            news = follower.new()
        self._sum_up(outbox)

    def _message(self, happening: Happening, header: Mapping[str, Any], test: bool) -> Message | None:
        """What this target is told about a happening; of a test only that it is one."""
        said = message(happening, header, self._run.name, host_name())
        if said is None:
            return None
        if test:
            return trial_message(happening, header, self._run.name, host_name()) if said.is_last else None
        return said if said.event in self._settings.events else None

    def _attempt(self, due: Message, outbox: Outbox, patience: Patience) -> None:
        try:
            complaint = send(self._settings, due, outbox.not_sent, self._clock.utc(), patience.timeout)
        except NotDelivered as failure:
            log.warning("%s: %s not delivered: %s", self.name, due.event, failure)
            outbox.failed(self._clock.now(), str(failure), for_good=failure.for_good)
        else:
            log.info("%s: %s delivered", self.name, due.event)
            outbox.arrived(self._clock.now())
            if complaint:
                self._complaints.append(complaint)

    def _sum_up(self, outbox: Outbox) -> None:
        """NotDelivered if not everything arrived."""
        said = list(dict.fromkeys(self._complaints))
        if outbox.lost:
            count = "1 message was" if outbox.lost == 1 else f"{outbox.lost} messages were"
            said.insert(0, f"{count} not delivered: {outbox.reason}")
        if said:
            raise NotDelivered("; ".join(said))
