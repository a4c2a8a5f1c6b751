"""A code server that is killed is started again, as `dagster dev` does not by itself."""

import subprocess
import sys
from pathlib import Path

import psutil
from dagster._grpc.client import DagsterGrpcClient

from sigmasight_dagster.instance.living.code_servers import CodeServers
from sigmasight_dagster_tests.support.partition_readers import wait_for

CODE = (
    "import dagster as dg\n@dg.asset\ndef of_the_test() -> None: ...\ndefs = dg.Definitions([of_the_test])\n"
)
SECONDS = 60


def living(proxy: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return [each for each in psutil.Process(proxy.pid).children() if each.status() != psutil.STATUS_ZOMBIE]


def answers(socket: Path) -> bool:
    try:
        return bool(DagsterGrpcClient(socket=str(socket)).list_repositories())
    except Exception:  # whatever a server says that is not there yet
        return False


def test_a_code_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    socket = tmp_path / "s"
    words = ["code-server", "start", "--socket", str(socket), "-f", str(tmp_path / "code.py")]
    proxy = subprocess.Popen([sys.executable, "-m", "dagster", *words])
    try:
        servers = CodeServers()
        wait_for(lambda: bool(living(proxy)) and answers(socket), SECONDS)
        servers.look()
        [first] = living(proxy)
        first.kill()
        wait_for(lambda: not living(proxy), SECONDS)
        assert not answers(socket)
        servers.look()
        assert not living(proxy)  # it may be the proxy that ends
        servers.look()
        wait_for(lambda: answers(socket), SECONDS)
        [second] = living(proxy)
        assert second.pid != first.pid
        servers.look()
        assert living(proxy) == [second]
    finally:
        proxy.terminate()
        proxy.wait(SECONDS)
