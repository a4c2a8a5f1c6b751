"""What a campaign has come to: faults as they are found, with what replays them, and a line of figures."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

FAULTS: Final = ("stuck", "lost", "half-seen", "wrong")


@dataclass
class Figures:
    """Counts of a campaign.

    :param did: what was done to the project, in words: how often.
    :param longest_start_seconds: of a command after a kill, from its typing to its first step.
    """

    campaign: str
    rounds: int = 0
    did: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    longest_start_seconds: float = 0.0

    def found(self, kind: str, problems: Iterable[str], number: int, plot: str) -> None:
        """Tell each fault of a round, and how to see it again."""
        for said in problems:
            self.faults[kind] += 1
            print(f"{kind.upper()}: {said}\n  round {number}: {plot}")
            print(f"  again: python -m campaigns {self.campaign} --once {number}", flush=True)

    def line(self) -> str:
        done = ", ".join(f"{count} {what}" for what, count in sorted(self.did.items()))
        counted = ", ".join(f"{self.faults[kind]} {kind}" for kind in FAULTS)
        start = f"; longest start {self.longest_start_seconds:.1f} s" if self.longest_start_seconds else ""
        return f"{self.campaign}: {self.rounds} rounds; {done}; {counted}{start}"

    def exit_code(self) -> int:
        """1 when anything was found, and when nothing was tried."""
        if not self.rounds:
            print("no round was played: give it more minutes", file=sys.stderr)
        return int(self.faults.total() > 0 or not self.rounds)
