"""Bench files: roles, drivers, resources, and what is left behind on exit."""

from luggin.bench.files import SIMULATED, Bench, Role, load_bench
from luggin.bench.fitting import check_roles, requires_limits
from luggin.bench.live import live_bench_text

__all__ = ["Bench", "Role", "load_bench", "requires_limits", "check_roles", "live_bench_text", "SIMULATED"]
