"""Ingest's core: from the records of a source partition to segments, the unit that is counted once.

In the order the data meets them: `records` (what was read, where segments are cut), `decode` and `validate` (bytes to
event or rejection), `repeats`, `event_time`, `measurements`, `cells` (what a segment adds up to), `segment` (one open
segment), `partition_fold` (all of a partition), `flush` (the records that carry it on).
"""
