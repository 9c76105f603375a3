"""Private network namespaces, in which the tests hide their PC/SC stack and make foreign virtual cards fast."""

from __future__ import annotations

from cardkit.doctor.check import Seen, ok, warn
from cardkit.doctor.station import Station

_ROUTE = (
    "ip link set lo up && ip route replace local 127.0.0.1 dev lo table local "
    "proto kernel scope host src 127.0.0.1 quickack 1"
)
_WITHOUT = "tests use the plain recipe instead"


def namespaces(station: Station) -> Seen:
    """Make a namespace of this user's and set a route in it; both end at once."""
    unshare, ip = station.program("unshare"), station.program("ip")
    if unshare is None or ip is None:
        missing = "unshare" if unshare is None else "ip"
        return warn(f"{missing} is not installed; {_WITHOUT}", "apt-get install util-linux iproute2")
    private = [unshare, "-mn" if station.is_root else "-Urmn"]
    if station.run([*private, "true"]).returncode:
        return warn(
            f"no namespaces allowed; {_WITHOUT}",
            "allow user namespaces (containers and Ubuntu's AppArmor forbid them), or leave it so",
        )
    if station.run([*private, "sh", "-c", f"PATH=$PATH:{ip.rpartition('/')[0]}; {_ROUTE}"]).returncode:
        return warn(f"namespaces allowed, quickack route refused; {_WITHOUT}", "update iproute2 and the kernel")
    return ok("namespaces allowed, quickack route accepted")
