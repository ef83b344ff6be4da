"""SLA: what is promised, whether a window kept it, and the life of a violation."""
