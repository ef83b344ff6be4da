"""Alerts: what is wrong, since when, and who is told. One alert a cause of trouble, whatever measures it."""
