"""``python -m luggin`` is the command line."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder, by ``-m``: a numpy.py among the measurements is not numpy

from luggin.cli import main

main()
