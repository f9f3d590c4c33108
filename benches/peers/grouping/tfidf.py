"""TF-IDF and single link, by scikit-learn: the whole file at once, so that the first complaint is already weighed
by words of the last one."""

from collections.abc import Iterator

from events import Event, features
from groups import Pair
from sklearn.feature_extraction.text import TfidfVectorizer

# Rows compared at once. It bounds the memory of the products, nothing else.
CHUNK = 1000


def pairs(events: list[Event], settings: dict, least: float) -> Iterator[list[Pair]]:
    # Logarithms of counts, and nothing that stands in one complaint only: both are better at any threshold.
    vectorizer = TfidfVectorizer(analyzer=lambda event: features(event, settings), sublinear_tf=True, min_df=2)
    rows = vectorizer.fit_transform(events)
    columns = rows.T.tocsc()
    for start in range(0, len(events), CHUNK):
        stop = min(start + CHUNK, len(events))
        products = (rows[start:stop] @ columns[:, :stop]).tocsr()
        for at in range(start, stop):
            ends = products.indptr[at - start : at - start + 2]
            others, likenesses = products.indices[slice(*ends)], products.data[slice(*ends)]
            is_near = (likenesses >= least) & (others < at)
            near = zip(others[is_near].tolist(), likenesses[is_near].tolist())
            yield [(at, other, like) for other, like in near]
