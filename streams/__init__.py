"""The core: what the stream means. Pure: time is an argument, nothing here reads, writes, waits or draws lots."""
