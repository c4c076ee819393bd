"""What runbook steps can do: `verbs` are the actions, `drivers` the systems that they act on."""
