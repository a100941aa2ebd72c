"""Simulated instruments and the cells that hang on them."""
