"""The peers and the settings that are tried for each."""

from dataclasses import dataclass
from itertools import product

# 126 hashes, cut into bands in the two ways that find pairs of which a third is alike.
BANDS = [{"bands": 42, "rows": 3}, {"bands": 63, "rows": 2}]
LIKENESSES = tuple(step / 100 for step in range(15, 65, 5))
# Of 64 bits, 4 to 24 may differ.
DISTANCES = tuple(1 - bits / 64 for bits in range(24, 3, -2))


@dataclass(frozen=True)
class Peer:
    """A peer and how it is run."""

    title: str
    # Whose version is shown, and for Python which module and function find its pairs.
    package: str
    module: str
    function: str
    tokens: tuple[str, ...]
    thresholds: tuple[float, ...]
    is_batch: bool = False
    joins: tuple[str, ...] = ("all", "nearest")
    # Whether one search at the lowest threshold does for all of them.
    is_by_pairs: bool = True
    fields: tuple[str, ...] = ("title", "whole", "all")
    more: tuple[dict, ...] = ({},)
    # So many of the complaints are searched, or it would take hours.
    searched: int = 4000

    @property
    def is_rust(self) -> bool:
        return self.module == "gaoya"

    def settings(self, has_fields: bool) -> list[dict]:
        """What is tried besides thresholds. `all` is `whole` where complaints have no other field."""
        fields = [field for field in self.fields if has_fields or field != "all"]
        tried = product(fields, self.tokens, self.more)
        # A title alone is the same whatever it counts.
        return [
            {"fields": field, "tokens": tokens, **more}
            for field, tokens, more in tried
            if field != "title" or more.get("title_weight", 1) == 1
        ]


SHINGLES = ("2", "3")
WEIGHTS = ({"title_weight": 1}, {"title_weight": 3})
PEERS = {
    "datasketch": Peer(
        "datasketch MinHashLSH", "datasketch", "minhash", "datasketch", SHINGLES, LIKENESSES, more=tuple(BANDS)
    ),
    "rensa": Peer("rensa RMinHashLSH", "rensa", "minhash", "rensa", SHINGLES, LIKENESSES, more=tuple(BANDS)),
    "gaoya": Peer("gaoya MinHashIndex", "gaoya", "gaoya", "minhash", SHINGLES, LIKENESSES, more=tuple(BANDS)),
    "gaoya-simhash": Peer("gaoya SimHash", "gaoya", "gaoya", "simhash", SHINGLES, DISTANCES),
    "simhash": Peer("simhash", "simhash", "simhashes", "pairs", SHINGLES, DISTANCES, more=WEIGHTS),
    "textclust": Peer(
        "river TextClust",
        "river",
        "textclust",
        "pairs",
        ("words", "2"),
        (0.2, 0.3, 0.4, 0.5, 0.6),
        joins=("all",),
        is_by_pairs=False,
        fields=("title", "whole"),
        more=({"days": 180}, {"days": 30}),
        searched=1500,
    ),
    "tfidf": Peer(
        "scikit-learn TF-IDF, single link",
        "scikit-learn",
        "tfidf",
        "pairs",
        ("words", "2", "3"),
        LIKENESSES,
        is_batch=True,
        joins=("all",),
        more=WEIGHTS,
    ),
}
