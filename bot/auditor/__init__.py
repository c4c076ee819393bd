"""The auditor: finds what is overdue, repairs it once, tells people, and pings an outside heartbeat."""
