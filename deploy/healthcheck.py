"""Exit with 0 where the page answers, else with 1: the image's HEALTHCHECK.

It needs Python's own library alone, and no proxy of the environment stands in its way.
"""

from __future__ import annotations

import http.client
import os
import sys

PORT = 8501
_TIMEOUT_S = 4.0


def is_healthy(port: int, base_path: str = "") -> bool:
    """Ask the page on this machine, below ``base_path``, whether it is ready."""
    parts = [part for part in (base_path.strip("/"), "_stcore/health") if part]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/" + "/".join(parts))
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy(PORT, os.environ.get("HILUM_BASE_PATH", "")) else 1)
