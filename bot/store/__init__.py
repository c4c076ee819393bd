"""What Badday keeps: the database engine, its tables, leases, the inbox, the outbox and the audit log."""
