"""MinHash with an LSH index, by datasketch and by rensa. Candidates of the index are compared by the share of
equal hashes, as both packages advise."""

from collections.abc import Iterator
from zlib import crc32

from events import Event, features
from groups import Pair


def datasketch(events: list[Event], settings: dict, least: float) -> Iterator[list[Pair]]:
    import numpy as np
    from datasketch import MinHash, MinHashLSH

    bands, rows = settings["bands"], settings["rows"]
    hashes = bands * rows
    index = MinHashLSH(num_perm=hashes, params=(bands, rows))
    # Its default hash, SHA-1, is a good deal slower.
    empty = MinHash(num_perm=hashes, hashfunc=crc32)
    known = np.empty((len(events), hashes), dtype=empty.hashvalues.dtype)
    for at, event in enumerate(events):
        sketch = empty.copy()
        sketch.update_batch([token.encode() for token in set(features(event, settings))])
        near = index.query(sketch)
        pairs: list[Pair] = []
        if near:
            # All candidates in one step, in place of one call of `jaccard` for each.
            likenesses = (known[near] == sketch.hashvalues).mean(axis=1)
            pairs = [(at, other, like) for other, like in zip(near, likenesses.tolist()) if like >= least]
        known[at] = sketch.hashvalues
        index.insert(at, sketch, check_duplication=False)
        yield pairs


def rensa(events: list[Event], settings: dict, least: float) -> Iterator[list[Pair]]:
    from rensa import RMinHash, RMinHashLSH

    bands, rows = settings["bands"], settings["rows"]
    hashes = bands * rows
    index = RMinHashLSH(threshold=least, num_perm=hashes, num_bands=bands)
    known: list[RMinHash] = []
    for at, event in enumerate(events):
        sketch = RMinHash(num_perm=hashes, seed=42)
        sketch.update(features(event, settings))
        compared = ((at, other, sketch.jaccard(known[other])) for other in index.query(sketch))
        yield [pair for pair in compared if pair[2] >= least]
        known.append(sketch)
        index.insert(at, sketch)
