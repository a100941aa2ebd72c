"""``python -m luggin.observing FOLDER`` is the process of the observers of a run."""

from luggin.observing.process import main

main()
