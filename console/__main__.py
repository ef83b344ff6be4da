"""`python -m ragpulse.console`: the command line, where the script is not on the PATH."""

from ragpulse.console.cli import main

main()
