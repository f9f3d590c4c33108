"""Every peer and fenghuo on the same events; prints one Markdown table. Started by `run`.

compare.py FENGHUO GAOYA KEPT [FOLDER]
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from catalog import PEERS, Peer
from events import read

HERE = Path(__file__).parent
TIMES = 3
# A run that takes longer than this many seconds is not repeated.
LONG = 30
# A setting that takes longer than this in the search is left out.
LIMIT = 60
# One core each, as fenghuo gets one thread.
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


@dataclass
class Labelled:
    """Complaints with what people have found in them."""

    events: Path
    gold: Path
    apart: Path | None


@dataclass
class Ran:
    """A run: what it printed, how long it took and how much memory it had at most."""

    out: str
    seconds: float
    megabytes: float


class Compare:
    def __init__(self, fenghuo: str, gaoya: str, kept: Path, work: Path):
        self.fenghuo, self.gaoya, self.kept, self.work = fenghuo, gaoya, kept, work

    def execute(self, command: list[str], limit: float | None = None) -> str | None:
        """What it printed; `None` when it did not end within the limit."""
        try:
            ran = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_CORE}, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        if ran.returncode != 0:
            raise SystemExit(f"{command[0]} has failed")
        return ran.stdout

    def measure(self, command: list[str]) -> Ran:
        """With its memory, for which the kernel must be asked when the child ends."""
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_CORE})
        assert child.stdout
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"{command[0]} has failed")
        return Ran(out, time.perf_counter() - start, usage.ru_maxrss / 1024)

    def score(self, data: Labelled, folder: Path) -> dict:
        """By the project's own scorer."""
        command = [self.fenghuo, "eval", "--json", "--errors", "0", "--events", data.events, "--gold", data.gold]
        if data.apart:
            command += ["--apart", data.apart]
        command += ["--groups", folder / "groups.ndjson", "--alerts", folder / "alerts.ndjson"]
        return json.loads(self.execute([str(part) for part in command]) or "")

    def command(self, action: str, name: str, events: Path, out: Path, settings: dict) -> list[str]:
        peer = PEERS[name]
        if peer.is_rust:
            return [self.gaoya, str(events), str(out), json.dumps({**settings, "function": peer.function})]
        return [sys.executable, str(HERE / "peer.py"), action, name, str(events), str(out), json.dumps(settings)]

    def search(self, name: str, data: Labelled, has_fields: bool) -> dict:
        """The settings with the best F, found on the very events that are scored. They are kept, so that a second
        run only measures."""
        peer = PEERS[name]
        kept = self.kept / f"{name}-{fingerprint(data)}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        first = Labelled(self.first(data.events, peer.searched), data.gold, data.apart)
        chosen = self.best(name, first, peer.settings(has_fields))
        if peer.is_by_pairs and first.events.stat().st_size < data.events.stat().st_size:
            # The more complaints, the higher must the threshold be.
            base = {key: value for key, value in chosen.items() if key not in ("threshold", "join", "tried")}
            again = self.best(name, data, [base])
            chosen = {**again, "tried": chosen["tried"] + again["tried"]}
        self.kept.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(chosen))
        return chosen

    def best(self, name: str, data: Labelled, several: list[dict]) -> dict:
        best: tuple[float, dict] | None = None
        tried = 0
        for settings in several:
            for folder, full in self.tries(name, PEERS[name], data, settings):
                tried += 1
                f = self.score(data, folder)["b3_f"]
                if best is None or f > best[0]:
                    best = (f, full)
            say(f"{name}: {settings}, best so far {best}")
        assert best
        return {**best[1], "tried": tried}

    def tries(self, name: str, peer: Peer, data: Labelled, settings: dict):
        out = self.work / "search" / name
        if not peer.is_rust and peer.is_by_pairs:
            told = self.execute(self.command("search", name, data.events, out, settings))
            for tried in json.loads(told or ""):
                yield Path(tried["folder"]), tried["settings"]
            return
        for threshold in peer.thresholds:
            for join in peer.joins:
                full = {**settings, "threshold": threshold, "join": join}
                if self.execute(self.command("time", name, data.events, out, full), LIMIT) is None:
                    # A higher one makes more groups, with which it takes longer still.
                    say(f"{name}: {full} takes more than {LIMIT} s; it and those above are left out")
                    return
                yield out, full

    def first(self, events: Path, count: int) -> Path:
        path = self.work / "first.ndjson"
        with open(events, encoding="utf-8") as file, open(path, "w", encoding="utf-8") as out:
            out.writelines(line for _, line in zip(range(count), file))
        return path

    def peer(self, name: str, data: Labelled, settings: dict) -> dict:
        peer = PEERS[name]
        out = self.work / "decided" / name
        runs: list[tuple[float, float]] = []
        while len(runs) < TIMES and not (runs and runs[0][0] > LONG):
            ran = self.measure(self.command("time", name, data.events, out, settings))
            runs.append((json.loads(ran.out)["seconds"], ran.megabytes))
        return {
            "title": peer.title,
            "version": GAOYA if peer.is_rust else version(peer.package),
            "kind": "batch" if peer.is_batch else "streaming",
            "settings": shown(peer, settings),
            "seconds": min(seconds for seconds, _ in runs),
            "megabytes": max(megabytes for _, megabytes in runs),
            **self.score(data, out),
        }

    def own(self, data: Labelled) -> dict:
        """fenghuo. What it takes to start (dictionary, rules, gazetteer) is measured on an empty file."""
        empty, out = self.work / "empty.ndjson", self.work / "decided" / "fenghuo"
        empty.write_text("")

        def replay(events: Path, folder: Path) -> list[Ran]:
            command = [self.fenghuo, "replay", "--quiet", "--threads", "1", "--events", events, "--out", folder]
            return [self.measure([str(part) for part in command]) for _ in range(TIMES)]

        starts, runs = replay(empty, self.work / "nothing"), replay(data.events, out)
        start, whole = (min(ran.seconds for ran in several) for several in (starts, runs))
        told = self.execute([self.fenghuo, "--version"]) or ""
        say(f"fenghuo: {whole:.3f} s, of which {start:.3f} s to start")
        return {
            "title": "**fenghuo**",
            "version": told.split()[-1],
            "kind": "streaming",
            "settings": "defaults",
            "seconds": whole - start,
            "megabytes": max(ran.megabytes for ran in runs),
            **self.score(data, out),
        }


GAOYA = next(
    line.split('"')[1].lstrip("=")
    for line in (HERE.parent / "Cargo.toml").read_text().splitlines()
    if line.startswith("gaoya = ")
)


def fingerprint(data: Labelled) -> str:
    """Of what a search depends on: the events, the gold, and what is tried."""
    files = [data.events, data.gold, *sorted(HERE.glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files if path.name != "compare.py")).hexdigest()[:16]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def shown(peer: Peer, settings: dict) -> str:
    tokens = "words" if settings["tokens"] == "words" else f"{settings['tokens']}-grams"
    parts = [f"{settings['fields']}, {tokens}"]
    if settings.get("title_weight", 1) > 1:
        parts[0] += f", title × {settings['title_weight']}"
    if peer.thresholds[0] == 1 - 24 / 64:
        parts.append(f"at most {round(64 * (1 - settings['threshold']))} of 64 bits")
    elif not peer.is_by_pairs:
        parts.append(f"radius {1 - settings['threshold']:.2f}")
    else:
        parts.append(f"≥ {settings['threshold']:.2f}")
    if "days" in settings:
        parts.append(f"{settings['days']} days")
    if "bands" in settings:
        parts.append(f"{settings['bands']} × {settings['rows']}")
    if len(peer.joins) > 1:
        parts.append("nearest" if settings["join"] == "nearest" else "all")
    return ", ".join(parts) + f" (best of {settings['tried']})"


def one(folder: Path, starts: tuple[str, ...], end: str) -> Path | None:
    """The one file of the folder with such a name, as `benches/quality.rs` looks for it."""
    found = sorted(path for start in starts for path in folder.glob(f"{start}*{end}"))
    if len(found) > 1:
        raise SystemExit(f"{found[0]} and {found[1]}: leave one of them")
    return found[0] if found else None


def labelled(folder: Path) -> Labelled:
    events, gold = one(folder, ("events", "complaints"), ".ndjson"), one(folder, ("gold",), ".json")
    if not events or not gold:
        raise SystemExit(f"{folder}: it needs events*.ndjson or complaints*.ndjson, and gold*.json")
    return Labelled(events, gold, one(folder, ("apart",), ".csv"))


def table(rows: list[dict], events: int) -> str:
    """Best F first."""
    own = next(row for row in rows if "fenghuo" in row["title"])
    lines = [
        "| peer | version | | settings | B³ P | R | F | incidents found | together that must not | alerts "
        "| outside the gold | seconds | events/s | time against fenghuo | MB |",
        "|" + "---|" * 15,
    ]
    for row in sorted(rows, key=lambda row: -row["b3_f"]):
        figures = [f"{row[key]:.3f}".lstrip("0") for key in ("b3_precision", "b3_recall", "b3_f")]
        apart = f"{row['apart_violations']} of {row['apart_pairs']}" if "apart_pairs" in row else "-"
        found = f"{row['detected']} of {row['expected_incidents']}"
        alerts = [str(row["alerts"]), str(row["alerts_outside_gold"])]
        ratio = row["seconds"] / own["seconds"]
        speed = [f"{row['seconds']:.3g}", f"{events / row['seconds']:,.0f}", f"{ratio:.2g}"]
        cells = [row["title"], row["version"], row["kind"], row["settings"], *figures, found, apart, *alerts, *speed]
        lines.append(f"| {' | '.join(cells)} | {row['megabytes']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    fenghuo, gaoya, kept, *folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        compare = Compare(fenghuo, gaoya, Path(kept), Path(work))
        data = labelled(Path(folder[0])) if folder else generated(compare)
        events = read(str(data.events))
        has_fields = any(event.all.strip() != event.whole.strip() for event in events)
        names = os.environ.get("PEERS", " ".join(PEERS)).split()
        # All searches first, so that nothing comes between the measurements.
        settings = {name: compare.search(name, data, has_fields) for name in names}
        rows = [compare.own(data), *(compare.peer(name, data, settings[name]) for name in names)]
        print(table(rows, len(events)))


def generated(compare: Compare) -> Labelled:
    folder = compare.work / "generated"
    folder.mkdir()
    command = [compare.fenghuo, "generate", "--complaints", "10000", "--days", "30", "--noise", "0.01"]
    for flag, name in (("--out", "events.ndjson"), ("--gold", "gold.json"), ("--apart", "apart.csv")):
        command += [flag, str(folder / name)]
    compare.execute(command)
    return labelled(folder)


if __name__ == "__main__":
    main()
