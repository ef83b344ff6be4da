"""The shell: Faust, and everything that touches the world. One role a file: read, step, save, send."""
