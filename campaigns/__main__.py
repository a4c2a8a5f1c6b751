"""`make campaign`: pull plugs at random, and say what was found.

python -m campaigns kills --seed 7 --minutes 20      rounds of a seed
python -m campaigns between --rounds 10             50 kills between rows and their events
python -m campaigns kills --once 7000012             one round again, by the number that was printed
"""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Final, Protocol

from campaigns import by_hand
from campaigns.background import Background
from campaigns.between import Between
from campaigns.clock import Clock
from campaigns.disk import Disk
from campaigns.figures import Figures
from campaigns.house import House, furnish, house
from campaigns.kills import Kills
from campaigns.moments import Moments
from campaigns.poison import Poison
from campaigns.races import Races
from campaigns.servers import Servers
from campaigns.services import Services
from campaigns.writers import Writers


class Campaign(Protocol):
    """What plays a round by its number."""

    def play(self, number: int) -> None: ...


CAMPAIGNS: Final[dict[str, Callable[[House, Figures], Campaign]]] = {
    "kills": Kills,
    "between": Between,
    "races": Races,
    "moments": Moments,
    "services": Services,
    "background": Background,
    "writers": Writers,
    "poison": Poison,
    "servers": Servers,
    "disk": Disk,
    "clock": Clock,
}
OTHER_JUDGES: Final = ("moments", "background")
"""Campaigns that look at other things than `judges`; they see to it themselves that they are not blind."""
ROUNDS_A_SEED: Final = 1_000_000


def main() -> None:
    """Exit code 1 when a round finds anything."""
    given = _arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    figures = Figures(given.campaign)
    print(f"{platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {_load()}")
    deadline = time.monotonic() + 60 * given.minutes
    with house() as made, ExitStack() as at_the_end:
        furnish(made)
        if given.campaign not in OTHER_JUDGES:
            if blind := by_hand.unseen(made):
                sys.exit(f"no round is played: judges do not see what was done by hand: {'; '.join(blind)}")
            print(
                f"The judges see what was done by hand: {len(by_hand.SAID)} of {len(by_hand.SAID)}",
                flush=True,
            )
        campaign = CAMPAIGNS[given.campaign](made, figures)
        at_the_end.callback(getattr(campaign, "close", lambda: None))
        numbers = count(given.seed * ROUNDS_A_SEED) if given.once is None else iter([given.once])
        last = given.seed * ROUNDS_A_SEED + getattr(campaign, "n_rounds", ROUNDS_A_SEED)
        for number in numbers:
            ended = time.monotonic() > deadline or number >= last or figures.rounds == given.rounds
            if given.once is None and ended:
                break
            campaign.play(number)
            print(f"round {number} played, load {_load()}; {figures.line()}", flush=True)
    print(figures.line())
    sys.exit(figures.exit_code())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m campaigns", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("campaign", choices=sorted(CAMPAIGNS))
    parser.add_argument("--seed", type=int, default=1, help="numbers of the rounds: SEED * 1,000,000 and up")
    parser.add_argument("--minutes", type=float, default=10.0, help="no round begins after as many")
    parser.add_argument("--rounds", type=int, help="no more than as many")
    parser.add_argument("--once", type=int, metavar="NUMBER", help="play this round alone")
    return parser.parse_args()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
