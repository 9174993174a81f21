"""A release by Helm on running pools: taken over, upgraded from an older chart and back, tested, uninstalled; no session is ended."""

import os
import subprocess
import tempfile
import textwrap
import threading
from pathlib import Path

from scenarios.s19_tls import apply, put_secret
from stand import previous
from stand.helm import EARLIER, Helm, tag_images_as_earlier
from stand.images import KUBECTL, REPOSITORY, TAG
from stand.load import Load
from stand.pki import Authority
from stand.process import wait_until
from stand.sessions import Refused
from stand.world import SYSTEM, Pool, uid

LIMIT = 3


def tags(world) -> set[str]:
    pods = world.system_pods("berth-operator") + world.system_pods("berth-gateway")
    return {p["spec"]["containers"][0]["image"].rsplit(":", 1)[1] for p in pods}


def run(world):
    with tempfile.TemporaryDirectory(prefix="berth-e2e-helm-") as folder:
        helm = Helm(world, Path(folder))
        try:
            scenario(world, helm, Path(folder))
        finally:
            # What comes next expects deploy/ again.
            if "berth" in helm.run("list", "--all", "--short"):
                with world.rights_away():
                    helm.run("uninstall", "berth", "--no-hooks", "--wait")
                    wait_programs(world, 0)
            # An operator whose rights went before it could not give this back; the next one would wait for its end.
            world.kubectl("delete", "lease", "berth-operator", "-n", SYSTEM, "--ignore-not-found")
            world.install()


def scenario(world, helm, folder):
    tag_images_as_earlier(world.cluster)
    earlier, this = helm.package("0.0.1", EARLIER, previous.chart(REPOSITORY, folder)), helm.package("0.1.0", TAG)
    pool = world.pool("helm", sessions={"maxPerWorker": LIMIT}, scaling={"minWorkers": 2, "maxWorkers": 6, "freeSlots": 1})
    pool.wait_ready(2)
    refused_nothing(world)
    # The older chart's roles lack what today's programs ask for since.
    with Load(pool, callers=6, limit=LIMIT, length=(0.0, 1.5), pause=(0.0, 0.3)) as load, world.rights_away():
        for step, tag, command in (
                ("taken over from kubectl", EARLIER, ("install", "berth", earlier, "--take-ownership")),
                ("upgraded", TAG, ("upgrade", "berth", this)),
                ("rolled back", EARLIER, ("rollback", "berth", "1")),
                ("upgraded again", TAG, ("upgrade", "berth", this))):
            before = load.done
            helm.run(*command, "--wait", "--timeout", "5m")
            world.wait_for_berth(120)
            wait_until(f"all programs are of {tag}", lambda: tags(world) == {tag}, 120, 0.5,
                       lambda: world.kubectl("get", "pods", "-n", SYSTEM, "-o", "wide"))
            wait_until("sessions go on", lambda: load.done > before + 10, 60, 0.2, pool.describe)
            has_tls = "tls" in resource(world)["worker"]["properties"]
            assert has_tls == (tag == TAG), f"{step}: the resource is not that of the chart"
            print(f"   {step}; {load.done} sessions done, {len(load.troubles)} troubles", flush=True)
        tested(helm)
    load.check(at_least=44)  # Each step has waited for eleven.
    by_tls(world, helm, this, folder)

    held = pool.open_many(3)
    uninstalled(world, helm, pool, held)
    beside = confined(world, helm, this, pool, held)
    one_namespace_less(world, helm, this, pool, beside)
    pools_deleted_by_hook(world, helm, pool)


def resource(world) -> dict:
    """The schema of a pool's spec, as the API server has it."""
    crd = world.api.find("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sessionpools.berth.dev")
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def tested(helm):
    said = helm.run("test", "berth", "--logs", "--timeout", "5m")
    assert "hello from a session" in said and "Phase:          Succeeded" in said, said


def by_tls(world, helm, chart, folder):
    """The release turns TLS on with a Secret and a bundle of the user's, and takes tokens of another audience. What its notes say
    then is done to the letter: its test checks the gateway's certificate, and so does the first session from a laptop."""
    authority = Authority(folder / "tls", "helm")
    put_secret(world, SYSTEM, "pair", authority.certificate("gateway", "/CN=gateway", f"DNS:berth-gateway.{SYSTEM}.svc"))
    apply(world, SYSTEM, {"kind": "ConfigMap", "metadata": {"name": "bundle"}, "data": {"ca.crt": authority.ca.read_text()}})
    helm.run("upgrade", "berth", chart, "--set", "tls.gateway.secretName=pair,tls.ca.configMap=bundle,gateway.audience=e2e",
             "--wait", "--timeout", "5m")
    wait_programs(world, 4)
    said = as_noted(world, helm, folder)
    assert "hello from a session" in said and said.endswith("hello\n"), said
    world.kubectl("delete", "spool/shell", "rolebinding/shell-users", "-n", "default")
    helm.run("upgrade", "berth", chart, "--reset-values", "--wait", "--timeout", "5m")
    wait_programs(world, 4)  # The old ones, which end, speak TLS to their end.
    world.wait_for_berth(120)
    print("   tested, by plain HTTP and by TLS, and used as its notes say", flush=True)


def as_noted(world, helm, folder) -> str:
    """Runs the commands of the release's notes, but for the one that names another registry."""
    notes = helm.run("get", "notes", "berth")
    commands = textwrap.dedent("".join(line for line in notes.splitlines(keepends=True)
                                       if line.startswith("     ") and "REGISTRY" not in line))
    done = subprocess.run(["bash", "-euxo", "pipefail", "-c", commands], cwd=folder, timeout=300, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": f"{world.programs}:{world.cluster.kubectl_folder}:/usr/bin:/bin", "HOME": str(folder),
                               "KUBECONFIG": str(world.cluster.admin), "LANG": os.environ.get("LANG", "C")})
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def uninstalled(world, helm, pool, held):
    """The programs go; resource, pools, workers and sessions stay."""
    workers = {uid(w) for w in pool.workers()}
    refused_nothing(world)
    with world.rights_away():
        said = helm.run("uninstall", "berth", "--wait", "--timeout", "5m")
        wait_programs(world, 0)
    assert "kept due to the resource policy" in said and "sessionpools.berth.dev" in said, said
    assert world.api.find(pool.path) is not None, "the pool went with its release"
    assert {uid(w) for w in pool.workers()} == workers, pool.describe()
    for session in held:
        assert session.run("echo", "still here").strip() == "still here"
    print("   uninstalled; the pool, its workers and three open sessions stayed", flush=True)


def confined(world, helm, chart, pool, held):
    """Installed again for two namespaces only. The audit log tells at the end whether a right was missing."""
    near = world.namespace("helm-beside")
    helm.run("install", "berth", chart, "--set", f"watchNamespaces={{{pool.namespace},{near}}}",
             "--set", f"test.namespace={near}", "--wait", "--timeout", "5m")
    world.wait_for_berth(120)
    pool.caller.addresses = world.gateways()  # The Service is another one.
    beside, outside = Pool(world, near, "pool").create({}), world.pool("helm-outside")
    for p in (pool, beside):
        session = p.open()
        assert session.run("echo", p.namespace).strip() == p.namespace
        session.complete()
    try:
        outside.open(creation_timeout=5)
        raise AssertionError("a pool outside of the watched namespaces was served")
    except Refused as e:
        assert e.code == "UnknownPool" and pool.namespace not in str(e), e
    assert not outside.workers(), outside.describe()
    for session in held:
        assert session.run("echo", "to the end").strip() == "to the end"
        session.complete()
    tested(helm)
    outside.remove()  # Nobody has put a finalizer on it.
    world.kubectl("delete", "spool", beside.name, "-n", beside.namespace)
    print("   installed again for two namespaces; the sessions that were open came to their end", flush=True)
    return beside


def one_namespace_less(world, helm, chart, pool, beside):
    refused_nothing(world)
    with world.rights_away():  # Helm takes the roles of that namespace while the old pods still run.
        helm.run("upgrade", "berth", chart, "--set", f"watchNamespaces={{{pool.namespace}}}", "--wait", "--timeout", "5m",
                 "--set", "uninstall.deletePools.enabled=true", "--set", f"uninstall.deletePools.image={KUBECTL}")
        wait_programs(world, 4)
    beside.remove()


def pools_deleted_by_hook(world, helm, pool):
    """Asked to, the release deletes its pools first, and waits for the session that is open."""
    session = pool.open()
    refused_nothing(world)
    failure: list[AssertionError] = []

    def uninstall():
        try:
            helm.run("uninstall", "berth", "--wait", "--timeout", "5m")
        except AssertionError as e:
            failure.append(e)

    with world.rights_away():
        thread = threading.Thread(target=uninstall)
        thread.start()
        wait_until("the hook has deleted the pool", lambda: "deletionTimestamp" in pool.get()["metadata"], 60, 0.2,
                   lambda: world.kubectl("get", "pods,jobs,events", "-n", SYSTEM))
        assert session.run("echo", "open").strip() == "open"
        assert thread.is_alive() and world.system_pods("berth-operator"), "it did not wait for the session"
        session.complete()
        thread.join(300)
        wait_programs(world, 0)
    assert not thread.is_alive() and not failure, failure
    assert world.api.find(pool.path) is None and not pool.workers(), "the pool is still there"
    print("   uninstalled with its pools, after their last session", flush=True)
    pool.remove()


def wait_programs(world, count: int):
    """Ending pods count too: they still call the API server."""
    wait_until(f"{count} programs are left", lambda: sum(
        len(world.api.pods(SYSTEM, f"app.kubernetes.io/name={n}")) for n in ("berth-operator", "berth-gateway")) == count,
        120, 0.3, lambda: world.kubectl("get", "pods", "-n", SYSTEM))


def refused_nothing(world):
    refused = world.refused_calls()
    assert not refused, f"calls that were forbidden: {refused}"
