"""Observers of a run: other people's code, in a process of its own, that reads the run folder.

The runner starts one process for all observers of a run and never waits for it. What an observer
wants to know stands in ``run.log`` and in the store; `follow` tells it as it happens::

    for happening in follow(run):
        if happening.kind == "trip":
            lamp.switch_on()
"""

from luggin.observing.following import Follower, Happening, follow
from luggin.observing.observers import Confinement, Observers
from luggin.observing.places import bench_of, configuration_files

__all__ = ["follow", "Follower", "Happening", "configuration_files", "bench_of", "Observers", "Confinement"]
