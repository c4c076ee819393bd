"""Which calls are attempts at one request, and what stood in for what failed."""
