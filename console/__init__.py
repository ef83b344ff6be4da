"""What people touch: the command line, the embedded broker, the demo. Imports the rest; nothing imports it."""
