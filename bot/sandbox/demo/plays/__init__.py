"""What a scripted person does in `badday demo --check`, one file a scenario."""
