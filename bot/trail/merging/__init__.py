"""From sightings to calls: twins, parts and late words about one call are joined, in any order."""
