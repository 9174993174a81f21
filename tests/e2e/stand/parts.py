"""Parts of a scenario that have nothing in common, so that they can wait at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor


def side_by_side(**parts) -> None:
    """Runs all parts to their end, however the others end; fails with each failure under its part's name."""
    whole = threading.current_thread().name

    def run(name: str) -> None:
        threading.current_thread().name = f"{whole}/{name}"
        parts[name]()

    with ThreadPoolExecutor(len(parts)) as threads:
        ended = {name: threads.submit(run, name) for name in parts}
    failures = {name: e for name, part in ended.items() if (e := part.exception())}
    if failures:
        raise ExceptionGroup("; ".join(f"{name}: {e}".splitlines()[0] for name, e in failures.items()), list(failures.values()))
