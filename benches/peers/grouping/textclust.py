"""TextClust of river: micro-clusters with fading, each complaint to the nearest one within the radius."""

from collections import Counter
from collections.abc import Iterator

from events import Event, features
from groups import Pair
from river.cluster import TextClust

DAY = 24 * 3600


class Told(TextClust):
    """Keeps which cluster was the nearest: asking with `predict_one` as well would double the work."""

    nearest: int | None = None

    def _get_closest_mc(self, mc, idf, distance):
        self.nearest, least = super()._get_closest_mc(mc, idf, distance)
        return self.nearest, least


def pairs(events: list[Event], settings: dict, least: float) -> Iterator[list[Pair]]:
    """`least` is 1 - the radius. A cluster of one complaint fades away after so many days as fenghuo, too, keeps
    a complaint open."""
    days = settings["days"]
    model = Told(radius=1 - least, real_time_fading=True, fading_factor=0.0005, tgap=days)
    first: dict[int, int] = {}
    start = events[0].at if events else 0.0
    model.last_cleanup = 0
    merged: dict[int, int] = {}
    for at, event in enumerate(events):
        counts = Counter(features(event, settings))
        model.nearest = None
        found: list[Pair] = []
        if counts:
            new, cleaned = model._cluster_id, model.last_cleanup
            model.learn_one(dict(counts), t=(event.at - start) / DAY)
            cluster = new if model.nearest is None else model.nearest
            if cluster in first:
                found.append((at, first[cluster], 1.0))
            else:
                first[cluster] = at
            if model.last_cleanup != cleaned:
                found += _merges(model, first, merged)
        yield found


def _merges(model: TextClust, first: dict[int, int], merged: dict[int, int]) -> list[Pair]:
    """Clusters that a clean-up has put together since the last one."""
    found = []
    for key, cluster in model.micro_clusters.items():
        for other in cluster.merged_ids[merged.get(key, 0) :]:
            found.append((first[key], first[other], 1.0))
        merged[key] = len(cluster.merged_ids)
    return found
