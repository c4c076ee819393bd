"""From spans and log records of any instrumentation to sightings of calls."""
