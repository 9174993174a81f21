"""docs/metrics.md from the /metrics of running programs: proof.py collects them and compares; the end-to-end tests hold what is
there only in a cluster, or with TLS, against it."""

import pathlib
import re

FILE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
BEGIN = "<!-- Made by dashboards/proof.py --write from /metrics; make dashboards compares. -->\n"
PROGRAMS = {"operator": "Operator", "gateway": "Gateway", "workers": "Worker", "temporal": "berth-temporal"}

# What a program shows only in a real cluster: control keys that the operator makes, callers that Kubernetes checks.
IN_A_CLUSTER = {
    "operator": {
        "berth_operator_key_phase": ("gauge", "1 for the phase that a control key is in.", {"key", "phase"}),
        "berth_operator_key_waiting": (
            "gauge", "Workers, gateways and others that hold up the rotation of a control key.", {"key"}),
    },
    "gateway": {
        "berth_gateway_access_checks_total": (
            "counter", "Checks of callers' access by outcome and by where it came from.", {"outcome", "source"}),
    },
    "workers": {},
    "temporal": {},
}


def parse(text, into):
    """Adds name -> [type, help, labels] of one answer."""
    for line in text.splitlines():
        if match := re.match(r"# HELP (\S+) (.*)", line):
            into.setdefault(match[1], ["", "", set()])[1] = match[2]
        elif match := re.match(r"# TYPE (\S+) (\S+)", line):
            into.setdefault(match[1], ["", "", set()])[0] = match[2]
        elif match := re.match(r"([a-z0-9_]+)(?:\{(.*)\})? ", line):
            name = match[1]
            if name not in into:
                name = re.sub("_(bucket|sum|count)$", "", name)
            labels = re.findall(r'(\w+)="', match[2] or "")
            into[name][2].update(label for label in labels if label != "le")


def generated(families):
    out = [BEGIN]
    for program, title in PROGRAMS.items():
        shown = families[program] | {name: list(m) for name, m in IN_A_CLUSTER[program].items()}
        out.append(f"\n## {title}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n")
        for name in sorted(shown):
            kind, meaning, labels = shown[name]
            meaning = meaning.rstrip(".").replace("|", "\\|")
            out.append(f"| `{name}` | {kind} | {', '.join(f'`{x}`' for x in sorted(labels))} | {meaning} |\n")
    return "".join(out)


def undocumented(texts):
    """What is wrong between the /metrics of programs in a cluster, by program, and the document."""
    known = set(re.findall(r"^\| `(\w+)`", FILE.read_text(), re.M))
    wrong = []
    for program, text in texts.items():
        families = {}
        parse(text, families)
        wrong += [f"docs/metrics.md lacks {name} of the {program}" for name in sorted(set(families) - known)]
        wrong += [f"the {program} has no {name}" for name in IN_A_CLUSTER.get(program, {}) if name not in families]
    return wrong


def with_tls(texts):
    """The same of the table of those with TLS, which a program that serves it has all of."""
    named = {n for line in re.findall(r"^\| (`berth_tls_.*?) \|", FILE.read_text(), re.M) for n in re.findall(r"berth_tls_\w+", line)}
    shown = {program: set(re.findall(r"^# TYPE (berth_tls_\w+) ", text, re.M)) for program, text in texts.items()}
    return [f"docs/metrics.md has {sorted(named)} with TLS, the {program} {sorted(names)}" for program, names in shown.items()
            if names != named]


def update(families, write):
    """Whether the file is as it must be; `write` makes it so."""
    text = FILE.read_text()
    wanted = text[:text.index(BEGIN)] + generated(families)
    if write:
        FILE.write_text(wanted)
    return write or text == wanted
