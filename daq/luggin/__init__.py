"""Luggin runs electrochemistry."""
