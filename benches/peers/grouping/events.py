"""Complaints as every Python peer reads them."""

import json
import re
from dataclasses import dataclass
from datetime import datetime


@dataclass
class Event:
    """A complaint. A peer compares its title, or its whole text, or also place, category and subject."""

    id: str
    at: float
    person: int | None
    title: str
    whole: str
    all: str


def read(path: str) -> list[Event]:
    """The complaints of a file, each once: a later event with a known id is an update, which no peer knows."""
    events: list[Event] = []
    seen: set[str] = set()
    people: dict[str, int] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if event["id"] in seen:
                continue
            seen.add(event["id"])
            at = datetime.fromisoformat(event["received_at"]).timestamp()
            title, text = event.get("title") or "", event.get("text") or ""
            whole = f"{title} {text}"
            more = [*(event.get("place") or {}).values(), *(event.get("category") or []), event.get("subject") or ""]
            places = " ".join(value for value in more if isinstance(value, str))
            person = _person(event.get("caller") or {}, people)
            events.append(Event(event["id"], at, person, title or text, whole, f"{whole} {places}"))
    return events


def _person(caller: dict, people: dict[str, int]) -> int | None:
    """Who called: whoever came under one of these keys before, else somebody new."""
    keys = [key for key in (caller.get("id"), caller.get("phone"), *(caller.get("also") or [])) if key]
    if not keys:
        return None
    person = next((people[key] for key in keys if key in people), len(people))
    for key in keys:
        people.setdefault(key, person)
    return person


def plain(text: str) -> str:
    """Without what is no letter and no digit, so that marks and spaces make no shingles."""
    return re.sub(r"[\W_]+", "", text.lower())


def shingles(text: str, size: int) -> list[str]:
    """All runs of so many characters."""
    text = plain(text)
    return [text[at : at + size] for at in range(max(1, len(text) - size + 1))]


def words(text: str) -> list[str]:
    """Words of jieba, single characters left out as its own examples do."""
    import jieba

    return [word for word in jieba.lcut(text.lower()) if len(word) > 1]


def features(event: Event, settings: dict) -> list[str]:
    """What a peer compares of a complaint: `tokens` is `words`, or the size of the shingles. Where peers count, a
    title may count more than once, as it does in fenghuo."""
    tokens = settings["tokens"]

    def cut(text: str) -> list[str]:
        return words(text) if tokens == "words" else shingles(text, int(tokens))

    found = cut(getattr(event, settings["fields"]))
    more = settings.get("title_weight", 1) - 1
    return found + more * cut(event.title) if more else found
