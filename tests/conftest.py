"""What every test may ask for; the fixtures themselves are in tests/support."""

pytest_plugins = ["broker_fixture", "command_line", "golden_files"]
