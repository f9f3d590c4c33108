"""From pairs that belong together to groups, and from groups to alerts. The same for every Python peer."""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime

from events import Event

PEOPLE = 3
WINDOW = 30 * 24 * 3600

# Two complaints by their places in the file, and how alike they are.
Pair = tuple[int, int, float]


class Groups:
    """Groups that grow as complaints come."""

    def __init__(self, events: list[Event]):
        self.events = events
        self.parent = list(range(len(events)))
        self.members: list[list[int]] = [[] for _ in events]
        self.alerted = [False] * len(events)
        self.alerts: list[dict] = []

    def root(self, at: int) -> int:
        while self.parent[at] != at:
            self.parent[at] = self.parent[self.parent[at]]
            at = self.parent[at]
        return at

    def join(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        if one == other:
            return
        # The older one keeps its name.
        one, other = min(one, other), max(one, other)
        self.parent[other] = one
        self.members[one] += self.members[other]
        self.members[other] = []
        self.alerted[one] |= self.alerted[other]

    def arrive(self, at: int) -> None:
        """A complaint has come and been put into its group: is there something to tell?"""
        root = self.root(at)
        members = self.members[root]
        members.append(at)
        if self.alerted[root] or len(members) < PEOPLE:
            return
        now = self.events[at].at
        recent = (self.events[member] for member in members)
        people = {event.person for event in recent if now - event.at <= WINDOW and event.person is not None}
        if len(people) >= PEOPLE:
            self.alerted[root] = True
            raised_at = datetime.fromtimestamp(now, UTC).isoformat()
            ids = [self.events[member].id for member in sorted(members)]
            self.alerts.append({"group": self.events[root].id, "raised_at": raised_at, "ids": ids})

    def write(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/groups.ndjson", "w", encoding="utf-8") as file:
            for at, event in enumerate(self.events):
                root = self.root(at)
                group = self.events[root].id if len(self.members[root]) > 1 else None
                file.write(json.dumps({"id": event.id, "group": group}) + "\n")
        with open(f"{folder}/alerts.ndjson", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(alert) + "\n" for alert in self.alerts)


def decide(events: list[Event], found: Iterable[list[Pair]], threshold: float, join: str, batch: bool) -> Groups:
    """`found` has for each complaint the pairs that were found when it came. `join` says whether it is put
    together with `all` that are alike enough, or with the `nearest` one only."""
    groups = Groups(events)
    if batch:
        found = list(found)
        for pairs in found:
            for one, other, likeness in pairs:
                if likeness >= threshold:
                    groups.join(one, other)
    for at, pairs in enumerate(found):
        if not batch:
            near = [pair for pair in pairs if pair[2] >= threshold]
            if join == "nearest" and near:
                near = [max(near, key=lambda pair: pair[2])]
            for one, other, _ in near:
                groups.join(one, other)
        groups.arrive(at)
    return groups
