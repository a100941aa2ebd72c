"""The report of a run: one HTML file with results, figures and conditions, to be read, printed and kept.

It loads nothing from anywhere when it is opened and runs no script. matplotlib is imported when a
report is written, not before.
"""

from luggin_plugins.report.page import render, write_report

__all__ = ["render", "write_report"]
