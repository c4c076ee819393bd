"""What /metrics tells about the trail."""

from prometheus_client import Counter, Gauge

ACCEPTED = Counter("badday_trail_accepted", "Spans and records that told of a call and are stored")
REJECTED = Counter("badday_trail_rejected", "Spans and records that could not be used")
UNKNOWN = Counter("badday_trail_unknown", "Spans and records that told of no call")
OVERLOADS = Counter("badday_trail_overloads", "Bodies that were answered with 503", ["reason"])
BODIES = Counter("badday_trail_bodies", "Bodies that were stored and committed")
COMMITS = Counter("badday_trail_commits", "Transactions that bodies were written in")
WAITING = Gauge("badday_trail_waiting", "Bodies that wait for the writer")
HELD_BYTES = Gauge("badday_trail_held_bytes", "Unpacked bytes being received or waiting")
