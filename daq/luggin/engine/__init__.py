"""Runs protocols: the bench, the limits, the record, and the way back."""
