"""The open project of a command."""

import subprocess
import sys
from collections.abc import Callable

import dagster as dg

from sigmasight_dagster_tests.support.project import CliProject

COUNTING = """
import sys
from sigmasight_dagster import code_location
build, built = code_location.build_definitions, []
def counted(settings):
    built.append(settings)
    return build(settings)
code_location.build_definitions = counted
from sigmasight_dagster.cli import main
try:
    main()
finally:
    print("built", len(built))
"""


def test_a_command_stops_before_the_disk_is_full_and_builds_its_definitions_once_when_there_is_room(
    new_project: Callable[[], CliProject],
) -> None:
    project = new_project()
    project.import_examples()
    arguments = ["backfill", "--start", "2014-01-02", "--end", "2014-01-02"]
    refused = project.run(*arguments, SIGMASIGHT_MIN_FREE_MB="1000000000")
    assert refused.returncode == 1
    assert f"the disk of {project.home.resolve()} is almost full: " in refused.stderr
    assert "type the same command again" in refused.stderr
    with project.settings(), dg.DagsterInstance.get() as instance:
        assert instance.get_runs() == []
    result = subprocess.run(
        [sys.executable, "-c", COUNTING, *arguments],
        capture_output=True,
        text=True,
        env=project.environment,
        cwd=project.home,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "built 1"
