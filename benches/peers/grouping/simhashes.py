"""SimHash of 64 bits. At the distances that find anything in complaints, 10 bits and more, the package's own index
looks at nearly every pair in Python; comparing with all earlier ones by numpy finds the same and is much faster."""

from collections.abc import Iterator

import numpy as np
from events import Event, features
from groups import Pair
from simhash import Simhash

BITS = 64


def pairs(events: list[Event], settings: dict, least: float) -> Iterator[list[Pair]]:
    known = np.zeros(len(events), dtype=np.uint64)
    for at, event in enumerate(events):
        counts: dict[str, int] = {}
        for token in features(event, settings):
            counts[token] = counts.get(token, 0) + 1
        value = np.uint64(Simhash(counts, f=BITS).value if counts else 0)
        likenesses = 1 - np.bitwise_count(known[:at] ^ value) / BITS
        yield [(at, other, float(likenesses[other])) for other in np.flatnonzero(likenesses >= least).tolist()]
        known[at] = value
