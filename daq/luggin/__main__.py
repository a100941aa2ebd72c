"""``python -m luggin`` is the command line."""

from luggin.cli import main

main()
