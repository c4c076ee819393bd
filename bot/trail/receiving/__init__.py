"""From the wire to one commit: what is taken, unpacked, queued and answered."""
