"""`dagster dev` with our webserver, tethered to the command that started it.

`python -m sigmasight_dagster.instance.dev_services END ...`: END is the tether, the rest are the options of
`dagster dev`.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

import dagster._cli as dagster_cli
import dagster._cli.dev as stock

from sigmasight_dagster.instance.living.code_servers import CodeServers
from sigmasight_dagster.instance.tether import Tether

STOCK_WEBSERVER: Final = ["-m", "dagster_webserver"]
OUR_WEBSERVER: Final = ["-m", "sigmasight_dagster.instance.webserver"]

_start: Final = stock.open_ipc_subprocess


def start(parts: Sequence[str], **kwargs: Any) -> "subprocess.Popen[Any]":
    """Start a service of `dagster dev`; in place of Dagster's webserver the guarded one."""
    command = list(parts)
    if command[1:3] == STOCK_WEBSERVER:
        command[1:3] = OUR_WEBSERVER
    return _start(command, **kwargs)


def main() -> None:
    """Run `dagster dev`, with code servers that stay, until its end or that of the parent."""
    # A shell that starts us in the background has us ignore it: then nothing would interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tether = Tether(int(sys.argv[1]))
    sys.argv[1] = "dev"
    stock.open_ipc_subprocess = start
    CodeServers().watch()
    try:
        dagster_cli.main()
    finally:
        tether.kill_group_if_torn()


if __name__ == "__main__":
    main()
