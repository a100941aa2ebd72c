"""Ports that carry a simulated line's bytes: in process as ``sim://``, and on pseudo-terminals."""
