"""What a message shows, read from the database at the moment it is sent."""
