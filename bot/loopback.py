"""Which hosts mean this machine: only there plain http, fast polling and open routes are allowed."""

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """True for `localhost`, `*.localhost` (RFC 6761) and loopback addresses; no name is looked up."""
    if not host:
        return False
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
