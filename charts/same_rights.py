"""A release that is confined to some namespaces must give its programs the rights of one that is not, only in fewer places:
no right more, none less, and cluster-wide none but what has no namespace.
Usage: same_rights.py EVERYWHERE.yaml CONFINED.yaml ..."""

import sys

import yaml

OWN = "berth-system"
# What the operator needs in its own namespace too: the gateways' copy of the public keys, and to write events about the keys.
IN_OWN_TOO = {"configmaps": {"create", "get", "list", "watch", "patch"}, "events": {"create", "patch"}}
WITHOUT_NAMESPACE = {"nodes", "tokenreviews", "subjectaccessreviews"}


def rights(path: str) -> dict[str, dict[str, set]]:
    """For each program's account: where (cluster or namespace) -> rights, through its bindings."""
    with open(path, encoding="utf-8") as text:
        objects = [o for o in yaml.safe_load_all(text) if o]
    roles = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o["rules"] for o in objects
             if o["kind"] in ("Role", "ClusterRole")}
    found: dict[str, dict[str, set]] = {}
    for o in objects:
        if o["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        namespace = o["metadata"].get("namespace")
        ref = o["roleRef"]
        rules = roles[ref["kind"], namespace if ref["kind"] == "Role" else None, ref["name"]]
        for subject in o["subjects"]:
            place = found.setdefault(subject["name"], {}).setdefault(namespace or "cluster", set())
            for rule in rules:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames", [""]):
                        place |= {(rule["apiGroups"][0], resource, name, verb) for verb in rule["verbs"]}
    return found


def main() -> int:
    faults = []
    everywhere = rights(sys.argv[1])
    for path in sys.argv[2:]:
        confined = rights(path)
        own = confined["berth-operator"].get(OWN, set())
        faults += [f"{path}: berth-operator lacks {r} in its own namespace"
                   for r in sorted(set().union(*everywhere["berth-operator"].values()) - own) if r[3] in IN_OWN_TOO.get(r[1], ())]
        for program in ("berth-operator", "berth-gateway"):
            all_of = [set().union(*r[program].values()) for r in (everywhere, confined)]
            faults += [f"{path}: {program} lacks {r}" for r in sorted(all_of[0] - all_of[1])]
            faults += [f"{path}: {program} has {r} more" for r in sorted(all_of[1] - all_of[0])]
            faults += [f"{path}: {program} may {r} everywhere" for r in sorted(confined[program].get("cluster", set()))
                       if r[1] not in WITHOUT_NAMESPACE]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
