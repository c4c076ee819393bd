"""What runbook steps can do; one file in `drivers` an action."""
