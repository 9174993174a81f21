#!/usr/bin/env python3
"""deploy/berth.yaml: what kustomization.yaml makes, as one file for `kubectl apply -f`, comments and all. Standard library only.

    render.py           writes it
    render.py --check   writes nothing; exits with 1 when it is out of date

charts/check.sh holds the file against `kubectl kustomize deploy/`, object by object.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# Berth in one file: namespace berth-system, resource, rights, operator, gateway. Made by deploy/render.py from kustomization.yaml;
# change that. The images are where `make images` puts them; name your registry on the way:
#   sed 's,berth.local/,REGISTRY/,' deploy/berth.yaml | kubectl apply -f -
"""


def resources(kustomization: str) -> list[str]:
    return re.findall(r"^  - (\S+\.yaml)$", kustomization.split("resources:\n")[1].split("\nlabels:")[0] + "\n", re.M)


def labels(kustomization: str) -> list[str]:
    return re.findall(r"^      (\S+: \S+)$", kustomization.split("pairs:\n")[1], re.M)


def with_labels(document: str, added: list[str]) -> str:
    """The object's own metadata gets them; what is in its spec does not."""
    own = re.search(r"^metadata:\n((?:  .*\n)+)", document, re.M)
    block = own[1]
    lines = "".join(f"    {label}\n" for label in added)
    block = block.replace("  labels:\n", f"  labels:\n{lines}", 1) if "\n  labels:\n" in block else f"{block}  labels:\n{lines}"
    return document[:own.start(1)] + block + document[own.end(1):]


def rendered() -> str:
    kustomization = (HERE / "kustomization.yaml").read_text()
    documents = []
    for name in resources(kustomization):
        documents += re.split(r"^---\n", (HERE / name).read_text(), flags=re.M)
    return HEAD + "".join("---\n" + with_labels(d, labels(kustomization)) for d in documents)


def main() -> int:
    file, text = HERE / "berth.yaml", rendered()
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    if not sys.argv[1:]:
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        print("deploy/berth.yaml is out of date: run deploy/render.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
