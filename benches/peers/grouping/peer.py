"""One peer over one file. Prints JSON: seconds, or where each setting's groups are.

peer.py time PEER EVENTS OUT SETTINGS    reads, groups, writes groups and alerts into OUT; says how long it took
peer.py search PEER EVENTS OUT SETTINGS  writes a folder for each threshold below OUT
"""

import importlib
import json
import sys
import time

from catalog import PEERS
from events import read
from groups import decide


def main() -> None:
    action, name, path, out, given = sys.argv[1:]
    peer, settings = PEERS[name], json.loads(given)
    # Imports and dictionaries are no part of the work.
    pairs = getattr(importlib.import_module(peer.module), peer.function)
    if settings["tokens"] == "words":
        import jieba

        jieba.setLogLevel("ERROR")
        jieba.initialize()
    if action == "time":
        threshold, join = settings["threshold"], settings["join"]
        start = time.perf_counter()
        events = read(path)
        decide(events, pairs(events, settings, threshold), threshold, join, peer.is_batch).write(out)
        print(json.dumps({"seconds": time.perf_counter() - start, "complaints": len(events)}))
        return
    events = read(path)
    tried = []
    found = None
    for threshold in peer.thresholds:
        # What was found at the lowest threshold holds what would be found at the others.
        if found is None or not peer.is_by_pairs:
            found = list(pairs(events, settings, threshold))
        for join in peer.joins:
            folder = f"{out}/{threshold}-{join}"
            decide(events, found, threshold, join, peer.is_batch).write(folder)
            tried.append({"folder": folder, "settings": {**settings, "threshold": threshold, "join": join}})
    print(json.dumps(tried))


if __name__ == "__main__":
    main()
