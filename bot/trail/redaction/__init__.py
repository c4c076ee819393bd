"""What must not be stored is taken out before anything is written."""
