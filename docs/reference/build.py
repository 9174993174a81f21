#!/usr/bin/env python3
"""Writes the pages of this folder that are made from something else. Needs PyYAML.

    build.py           writes them
    build.py --check   writes nothing; exits with 1 when one is out of date
"""

import sys
from pathlib import Path

import http_api
import sessionpool

HERE = Path(__file__).resolve().parent
PAGES = {"http-api.md": http_api.page, "sessionpool.md": sessionpool.page}


def main() -> int:
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    old = [name for name, page in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text() != page()]
    for name in old:
        if sys.argv[1:]:
            print(f"docs/reference/{name} is out of date: run docs/reference/build.py", file=sys.stderr)
        else:
            (HERE / name).write_text(PAGES[name]())
    return 1 if sys.argv[1:] and old else 0


if __name__ == "__main__":
    sys.exit(main())
