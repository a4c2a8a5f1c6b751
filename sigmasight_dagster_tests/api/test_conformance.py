"""What the server says of itself is true: schemathesis asks a running one in all ways that its schema allows.

SIGMASIGHT_API_EXAMPLES=50 asks longer than the few examples of a run of all tests (`make api-test`).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from sigmasight_dagster_tests.support.api_house import PASSWORD, add_portfolios, add_users, fill
from sigmasight_dagster_tests.support.running_api import running_api

EXAMPLES = os.environ.get("SIGMASIGHT_API_EXAMPLES")
NOT_IN_SCHEMAS = "positive_data_acceptance"
"""Rules between parameters (`date`, or `from` and `to`) are refused with 422, and OpenAPI cannot say them."""


def test_no_answer_contradicts_the_schema_and_none_is_an_error_of_the_server(
    shared_url: str, tmp_path: Path
) -> None:
    add_portfolios(shared_url)
    add_users(shared_url)
    fill(shared_url)
    with running_api(shared_url, tmp_path) as server:
        token = server.token("admin@example.com", PASSWORD)
        command = [Path(sys.executable).with_name("st"), "run", f"{server.url}/openapi.json"]
        options = ["--header", f"Authorization: Bearer {token}", "--exclude-checks", NOT_IN_SCHEMAS]
        options += ["--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"]
        options += ["--max-examples", EXAMPLES or "1", "--generation-database", "none"]
        options += ["--request-timeout", "60"]  # a job is planned with the definitions, which are built first
        options += [] if EXAMPLES else ["--max-time", "8", "--phases", "examples,fuzzing,stateful"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
        log = (tmp_path / "serve.log").read_text()
    assert done.returncode == 0, done.stdout[-20_000:]
    assert re.search(r"Tested: [1-9]", done.stdout), done.stdout
    assert '"status": 500' not in log
    if EXAMPLES:
        print(done.stdout[-2000:])  # noqa: T201 (the figures of a long run)
