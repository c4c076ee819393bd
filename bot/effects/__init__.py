"""What a change did, by the trail: figures before and after it, and whether what it meant to change has changed."""
