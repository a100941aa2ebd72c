"""From a run or a foreign file to results: finding tables, asking analyses, keeping what they say."""

from luggin.analysis.archive import RunArchive, StepRecord, open_run
from luggin.analysis.asking import ask, outcome_to_json
from luggin.analysis.keeping import ask_and_keep, load_results

__all__ = ["RunArchive", "StepRecord", "ask", "ask_and_keep", "load_results", "open_run", "outcome_to_json"]
