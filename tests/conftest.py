"""What every test may ask for; the fixtures themselves are in tests/support."""

from hypothesis import settings

# A busy machine is no failure; pytest-timeout ends what hangs.
settings.register_profile("ragpulse", deadline=None)
settings.load_profile("ragpulse")

pytest_plugins = ["broker_fixture", "command_line", "golden_files"]
