"""What a command that computes with several processes starts beside its own.

`python -m sigmasight_dagster.commands.worker_process CONNECTION TETHER COMMAND`: two file descriptors that
are inherited, and the id of the command.
"""

import sys
from multiprocessing.connection import Connection

import dagster as dg

from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.runs.worker import Served
from sigmasight_dagster.settings import Settings


def main() -> None:
    """Until the command ends."""
    connection, tether = (int(text) for text in sys.argv[1:3])
    with dg.DagsterInstance.get() as instance:
        served = Served(build_definitions(Settings()), instance, sys.argv[3])
        served.until_the_end(Connection(connection), tether)


if __name__ == "__main__":
    main()
