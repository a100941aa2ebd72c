"""Readers of foreign files: other people's measurements as tables of Luggin."""
