"""Fixtures of the broker's tests."""

from fake_programs import bin_dir, empty_cache, executable, only_these_programs

__all__ = ["bin_dir", "empty_cache", "executable", "only_these_programs"]
