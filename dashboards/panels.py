"""What the three dashboards show. build.py turns it into Grafana's JSON.

One series per pool or worker is drawn only for the ten with the most over the shown time (`and on (...) topk(...
@ end())`: the same ten at every step); sums and tables hold all of them, so one pool and a thousand read the same.
"""

import dataclasses

# Okabe and Ito's colours, told apart with every kind of colour vision; then four of Paul Tol's "muted".
BLUE, SKY, GREEN, YELLOW, ORANGE, VERMILION, PURPLE = (
    "#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7")
GREY, INDIGO, OLIVE, WINE, TEAL, SAND = "#999999", "#332288", "#999933", "#882255", "#44AA99", "#DDCC77"
PALETTE = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, GREY, INDIGO, OLIVE, WINE, TEAL, SAND]


@dataclasses.dataclass
class Panel:
    kind: str
    title: str
    description: str = ""
    unit: str = "short"
    queries: list = dataclasses.field(default_factory=list)  # (expression, legend or name of the column)
    width: int = 12
    height: int = 8
    stack: bool = False
    steps: bool = False  # Counts of things: no slope between two of them, and no decimals.
    least: bool = False  # The smallest is what matters, and it may fall below 0.
    named: bool = False
    colors: dict = dataclasses.field(default_factory=dict)
    thresholds: list = dataclasses.field(default_factory=list)
    units: dict = dataclasses.field(default_factory=dict)  # of columns
    hidden: tuple = ()
    sort: str = ""


@dataclasses.dataclass
class Dashboard:
    uid: str
    title: str
    description: str
    variables: list  # (name, label, query)
    panels: list


def row(title):
    return Panel("row", title, width=24, height=1)


def series(title, description, unit, *queries, **more):
    return Panel("timeseries", title, description, unit, list(queries), **more)


def stat(title, description, unit, query, **more):
    return Panel("stat", title, description, unit, [query], **({"width": 4, "height": 4} | more))


def table(title, description, *queries, **more):
    return Panel("table", title, description, "short", list(queries), **({"width": 24, "height": 9} | more))


def fixed(*names):
    return dict(zip(names, PALETTE))


def quantiles(histogram, by="le"):
    """The median, the 95th and the 99th of a hundred, of a histogram's rate."""
    return [(f"histogram_quantile({q}, sum by ({by}) (rate({histogram}[$__rate_interval])))", name)
            for q, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))]


QUANTILE_COLORS = fixed("median", "95 %", "99 %")
ALARM = [(None, BLUE), (1, VERMILION)]
SOME = [(None, VERMILION), (1, BLUE)]


# Pools. `max by` throughout: two operators may be seen while one takes over from the other.
P = '{namespace=~"$namespace", pool=~"$pool"%s}'


def pool(metric, more="", by="namespace, pool"):
    return f"max by ({by}) ({metric}{P % (', ' + more if more else '')})"


def workers(state):
    return pool("berth_pool_workers", f'state="{state}"')


def slots(state):
    return pool("berth_pool_session_slots", f'state="{state}"')


def top_pools(expression, metric, more=""):
    selector = f"{metric}{P % (', ' + more if more else '')}"
    return (f"{expression} and on (namespace, pool) "
            f"topk(10, max by (namespace, pool) (max_over_time({selector}[$__range] @ end())))")


LEGEND = "{{namespace}}/{{pool}}"
REASONS = ["MaxWorkers", "MinWorkers", "Schedule", "UnschedulablePods", "MaxSurge", "ScaleUpRate", "ScaleDownRate",
           "StabilizationWindow", "Tolerance", "FailingPods", "GatewayUnreadable", "OperatorJustStarted", "Paused"]
STATES = ["ready", "starting", "draining", "unreadable", "terminating", "failed"]
WAITED = 'outcome=~"created|creation_timeout|caller_gone|failed|shutting_down"'  # Others are answered at once.
LEFT_LINE = f"sum by (namespace, pool) (rate(berth_gateway_session_requests_total{P % (', ' + WAITED)}[$__rate_interval]))"
WAITING = pool("berth_pool_sessions_waiting")
WORKFLOW_ENDS = ["Completed", "Cancelled", "WorkflowGone", "SessionLost", "SignalRefused", "Shutdown"]
AT_MAXIMUM = pool("berth_pool_scaling_limited", 'reason="MaxWorkers"')

pools = Dashboard(
    "berth-pools", "Berth / Pools", "Slots, workers, waiting sessions and the reasons of scaling, by pool.",
    [("namespace", "Namespace", "label_values(berth_pool_workers, namespace)"),
     ("pool", "Pool", 'label_values(berth_pool_workers{namespace=~"$namespace"}, pool)')],
    [
        row("Now, all chosen pools together"),
        stat("Pools", "Session pools that the operator looks after.", "short",
             (f"count({workers('desired')})", "pools")),
        stat("Workers ready", "Workers that take new sessions.", "short", (f"sum({workers('ready')})", "ready")),
        stat("Slots used", "Slots that hold a session.", "short", (f"sum({slots('used')})", "used")),
        stat("Slots free", "Slots that a session could have at once.", "short", (f"sum({slots('free')})", "free"),
             thresholds=[(None, ORANGE), (1, BLUE)]),
        stat("Sessions waiting", "Sessions that were asked for and have no slot yet.", "short",
             (f"sum({WAITING})", "waiting"), thresholds=[(None, BLUE), (1, ORANGE)]),
        stat("Pools at their maximum", "Pools that need more workers than scaling.maxWorkers lets them have.", "short",
             (f"sum({AT_MAXIMUM})", "pools"), thresholds=ALARM),
        row("Slots and waiting"),
        series("Slots", "Used and free slots of the chosen pools. Their sum is the capacity: what workers that take "
               "sessions offer, and what is still used on workers that drain.", "short",
               (f"sum({slots('used')})", "used"), (f"sum({slots('free')})", "free"), stack=True, steps=True,
               colors={"used": BLUE, "free": SKY}),
        series("Sessions waiting", "Sessions without a slot. One that waits at two gateways counts once. The ten "
               "pools with the longest lines.", "short",
               (top_pools(WAITING, "berth_pool_sessions_waiting"), LEGEND), steps=True),
        series("Share of slots used", "Used of all slots. The ten pools with the most used slots.", "percentunit",
               (top_pools(f"{slots('used')} / ({slots('capacity')} > 0)", "berth_pool_session_slots",
                          'state="used"'), LEGEND)),
        series("Free slots", "Slots that a session could have at once. The ten pools with the most used slots.",
               "short", (top_pools(slots("free"), "berth_pool_session_slots", 'state="used"'), LEGEND), steps=True),
        row("Time to a session"),
        series("Time from request to session", "Over all pools and gateways, of sessions that came to be: the "
               "histogram has no pool. Its last bound is 60 s.", "s",
               *quantiles("berth_gateway_session_creation_seconds_bucket"), width=8, colors=QUANTILE_COLORS),
        series("Mean wait by pool", "Little's law: length of the line divided by the rate at which requests leave it. "
               "The ten pools with the longest lines.", "s",
               (top_pools(f"{WAITING} / ({LEFT_LINE} > 0)", "berth_pool_sessions_waiting"), LEGEND), width=8),
        series("Oldest wait", "Age of the request that has waited longest for its slot. The ten pools with the longest "
               "lines.", "s",
               (top_pools(pool("berth_gateway_oldest_wait_seconds"), "berth_pool_sessions_waiting"), LEGEND), width=8),
        row("Workers"),
        series("Workers by state", "Workers of the chosen pools. Draining: serves its sessions and takes no new one, "
               "cordoned ones included. Unreadable: does not answer and counts as full.", "short",
               *[(f"sum({workers(s)})", s) for s in STATES], stack=True, steps=True,
               colors=dict(zip(STATES, (BLUE, SKY, PURPLE, YELLOW, GREY, VERMILION)))),
        series("Wanted and there", "What the operator wants against the workers that take sessions, of the chosen "
               "pools. The lines part while workers start.", "short",
               (f"sum({workers('desired')})", "wanted"), (f"sum({workers('ready')})", "ready"), steps=True,
               colors=fixed("wanted", "ready")),
        series("Workers missing", "Wanted less ready. The ten pools that want the most workers.", "short",
               (top_pools(f"clamp_min({workers('desired')} - {workers('ready')}, 0)", "berth_pool_workers",
                          'state="desired"'), LEGEND), steps=True),
        series("Longest drain", "How long the worker has drained that has drained longest: it takes no new session and "
               "is still there. The ten pools with the longest.", "s",
               (top_pools(pool("berth_pool_oldest_drain_seconds"), "berth_pool_oldest_drain_seconds"), LEGEND)),
        series("Why scaling was limited", "Number of chosen pools whose number of workers was decided by this rule. "
               "docs/scaling.md explains each.", "short",
               (f"sum by (reason) ({pool('berth_pool_scaling_limited', by='namespace, pool, reason')})", "{{reason}}"),
               width=24, stack=True, steps=True, colors=fixed(*REASONS)),
        row("Workflows of Temporal"),
        series("Workflows' sessions", "Sessions that workflows hold, requests in Temporal's queue as it estimates them, and slots asked for "
               "or held for these. Of the chosen pools that a berth-temporal serves (docs/temporal.md).", "short",
               *[(f"sum(berth_temporal_{metric}{P % ''})", name) for metric, name in
                 (("sessions_open", "open"), ("sessions_waiting", "waiting"), ("slots_reserved", "reserved"))],
               width=8, steps=True, colors=fixed("open", "waiting", "reserved")),
        series("Workflows' sessions ended, by reason", "Per second. SessionLost: its worker died, or a limit of the pool. WorkflowGone: the "
               "workflow is over or timed out. Shutdown: berth-temporal was stopped before its sessions had ended.", "cps",
               (f"sum by (reason) (rate(berth_temporal_sessions_ended_total{P % ''}[$__rate_interval]))", "{{reason}}"),
               width=8, stack=True, colors=fixed(*WORKFLOW_ENDS)),
        series("What keeps workflows from sessions", "berth-temporal processes without an answer from Temporal; slots a second that the pool "
               "refused; slots given back since their request had gone.", "short",
               (f"sum(1 - berth_temporal_server_up{P % ''})", "without Temporal"),
               (f"sum(rate(berth_temporal_reservations_failed_total{P % ''}[$__rate_interval]))", "refused a second"),
               (f"sum(rate(berth_temporal_reservations_unused_total{P % ''}[$__rate_interval]))", "unused a second"),
               width=8, colors=fixed("without Temporal", "refused a second", "unused a second")),
        row("Each pool"),
        table("Pools", "Every chosen pool as it is now. Click a column to sort, its funnel to filter.",
              (slots("used"), "used"), (slots("free"), "free"), (WAITING, "waiting"), (workers("desired"), "wanted"),
              (workers("ready"), "ready"), (workers("starting"), "starting"), (workers("draining"), "draining"),
              (workers("unreadable"), "unreadable"), (workers("failed"), "failed"), sort="used"),
        table("What limits scaling now", "Pools whose number of workers is decided by a rule, and which. Empty when "
              "every pool has what it needs.",
              (pool("berth_pool_scaling_limited", by="namespace, pool, reason") + " == 1", "limited"),
              hidden=("Value",)),
    ])


# Workers. namespace, pool and pod are labels of the scrape (see README.md).
W = '{namespace=~"$namespace", pool=~"$pool", pod=~"$pod"%s}'
IS_WORKER = f"and on (job, instance) berth_worker_build_info{W % ''}"
WAS_WORKER = f"and on (job, instance) last_over_time(berth_worker_build_info{W % ''}[$__range] @ end())"


def worker(metric, more=""):
    return f"{metric}{W % (', ' + more if more else '')}"


def per_second(metric, by, more=""):
    return f"sum by ({by}) (rate({worker(metric, more)}[$__rate_interval]))"


def top_workers(expression, ranking):
    return f"{expression} and on (namespace, pod) topk(10, max by (namespace, pod) ({ranking}))"


SLOT = 'resource="session"'
CPU, MEMORY = worker("process_cpu_seconds_total"), worker("process_resident_memory_bytes")
DISK_FREE, DISK_SIZE = worker("berth_worker_disk_free_bytes"), worker("berth_worker_disk_size_bytes")
DISK_USE = f"1 - {DISK_FREE} / ({DISK_SIZE} > 0)"
DISK_USE_LATELY = f"1 - min_over_time({DISK_FREE}[$__range] @ end()) / (max_over_time({DISK_SIZE}[$__range] @ end()) > 0)"
POD = "{{namespace}}/{{pod}}"
ENDS = ["Completed", "LeaseExpired", "ExecutionTimeout", "IdleTimeout", "DrainDeadline", "WorkerShutdown",
        "GivenBack", "HostRestarted"]


def top_by_use(expression):
    used = worker("berth_worker_session_slots_used", SLOT)
    return top_workers(expression, f"max_over_time({used}[$__range] @ end())")


def top_types(expression):
    count = f"increase({worker('berth_worker_activity_duration_seconds_count')}[$__range] @ end())"
    return f"{expression} and on (type) topk(10, sum by (type) ({count}))"


workers_board = Dashboard(
    "berth-worker", "Berth / Worker", "Sessions, activities and resources of workers: all of a pool, or one.",
    [("namespace", "Namespace", "label_values(berth_worker_build_info, namespace)"),
     ("pool", "Pool", 'label_values(berth_worker_build_info{namespace=~"$namespace"}, pool)'),
     ("pod", "Worker", 'label_values(berth_worker_build_info{namespace=~"$namespace", pool=~"$pool"}, pod)')],
    [
        row("Now, all chosen workers together"),
        stat("Workers", "Workers that Prometheus scrapes.", "short",
             (f"count({worker('berth_worker_build_info')})", "workers")),
        stat("Sessions open", "Sessions open or ending.", "short",
             (f"sum({worker('berth_worker_sessions_open')})", "open")),
        stat("Activities running", "Activities that run now. 0 until the first one has begun.", "short",
             (f"sum({worker('berth_worker_activities_running')}) or vector(0)", "running")),
        stat("Take no new session", "Workers that are cordoned, drain or are retired.", "short",
             (f"sum({worker('berth_worker_cordoned')})", "workers"), thresholds=[(None, BLUE), (1, ORANGE)]),
        stat("Stuck activities", "Activities that were told to stop, had their grace and still run. They hold their "
             "slot until they really stop.", "short", (f"sum({worker('berth_worker_activities_stuck')})", "stuck"),
             thresholds=ALARM),
        stat("Held up", "Part of the time in which workers were held up (no CPU, frozen) and leases were extended.",
             "percentunit", (f"avg(rate({worker('berth_worker_stall_seconds_total')}[$__rate_interval]))", "held up"),
             thresholds=[(None, BLUE), (0.01, VERMILION)]),
        row("Sessions"),
        series("Slots by resource", "What workers offer and what sessions use, by resource; 'session' is the slot "
               "itself.", "short",
               (f"sum by (resource) ({worker('berth_worker_session_slots')})", "{{resource}} offered"),
               (f"sum by (resource) ({worker('berth_worker_session_slots_used')})", "{{resource}} used"), steps=True,
               colors={"session offered": SKY, "session used": BLUE}),
        series("Slots used by worker", "Slots that hold a session. The ten workers with the most.", "short",
               (top_by_use(f"max by (namespace, pod) ({worker('berth_worker_session_slots_used', SLOT)})"), POD),
               steps=True),
        series("Sessions opened and ended", "Sessions per second.", "cps",
               (f"sum(rate({worker('berth_worker_sessions_created_total')}[$__rate_interval]))", "opened"),
               (f"sum(rate({worker('berth_worker_sessions_ended_total')}[$__rate_interval]))", "ended"),
               colors=fixed("opened", "ended")),
        series("Sessions ended, by reason", "Completed: by its owner. The others: docs/runbooks/BerthSessionFailures"
               "Rising.md.", "cps", (per_second("berth_worker_sessions_ended_total", "reason"), "{{reason}}"),
               stack=True, colors=fixed(*ENDS)),
        series("Session duration", "From opening a session to the end of its last activity.", "s",
               *quantiles(worker("berth_worker_session_duration_seconds_bucket")), colors=QUANTILE_COLORS),
        series("Requests for a session that were refused", "By the worker. NoFreeSlot in passing is ordinary: gateways "
               "try the fullest worker first.", "cps",
               (per_second("berth_worker_session_rejections_total", "reason"), "{{reason}}"),
               colors=fixed("NoFreeSlot", "OwnerLimit", "Cordoned", "JournalUnavailable", "Draining", "Retired",
                            "AttemptGivenBack", "SessionIdTaken", "SessionEnded", "ResourceNotOffered",
                            "InvalidArgument", "Other")),
        row("Activities"),
        series("Activities running, by type", "Of the ten types that run most often.", "short",
               (top_types(f"sum by (type) ({worker('berth_worker_activities_running')})"), "{{type}}"), steps=True),
        series("Activities finished, by type and outcome", "Per second; of the ten types that run most often.", "cps",
               (top_types(per_second("berth_worker_activity_duration_seconds_count", "type, outcome")),
                "{{type}} {{outcome}}")),
        series("Activity duration, by type", "From accepting an activity to its real stop, 95 of a hundred. The ten "
               "types that run most often.", "s",
               (top_types("histogram_quantile(0.95, "
                          + per_second("berth_worker_activity_duration_seconds_bucket", "type, le") + ")"),
                "{{type}}")),
        series("Tokens refused, by reason", "Calls whose session or control token was refused. UnknownKey: the keys of "
               "gateway and workers differ (docs/keys.md).", "cps",
               (per_second("berth_worker_tokens_refused_total", "reason"), "{{reason}}"),
               colors=fixed("UnknownKey", "TokenExpired", "TokenMismatch", "InvalidToken", "Unauthenticated",
                            "WrongAudience", "WrongScope")),
        row("Resources"),
        series("CPU", "CPUs used by the worker's own process, not by the commands that it starts. The ten busiest.",
               "short", (top_workers(
                   f"sum by (namespace, pod) (rate({CPU}[$__rate_interval]) {IS_WORKER})",
                   f"rate({CPU}[$__range] @ end()) {WAS_WORKER}"), POD), width=8),
        series("Memory", "Resident memory of the worker's own process. The ten largest.", "bytes",
               (top_workers(f"max by (namespace, pod) ({MEMORY} {IS_WORKER})",
                            f"max_over_time({MEMORY}[$__range] @ end()) {WAS_WORKER}"), POD), width=8),
        series("Disk", "Used of the file system under the workers' volumes, the fuller of sessions and journal. The ten fullest.",
               "percentunit", (top_workers(f"max by (namespace, pod) ({DISK_USE})", DISK_USE_LATELY), POD), width=8),
        series("File descriptors", "Used of those allowed. The ten workers with the most sessions.", "percentunit",
               (top_by_use(f"max by (namespace, pod) ({worker('process_open_fds')} / {worker('process_max_fds')} "
                           f"{IS_WORKER})"), POD)),
        series("Threads", "Threads of the worker's process. The ten workers with the most sessions.", "short",
               (top_by_use(f"max by (namespace, pod) ({worker('process_threads')} {IS_WORKER})"), POD), steps=True),
        row("Each worker"),
        table("Workers", "Every chosen worker as it is now.",
              (f"max by (namespace, pool, pod, version) ({worker('berth_worker_build_info')})", "there"),
              (f"max by (namespace, pool, pod) ({worker('berth_worker_session_slots', SLOT)})", "slots"),
              (f"max by (namespace, pool, pod) ({worker('berth_worker_session_slots_used', SLOT)})", "used"),
              (f"max by (namespace, pool, pod) ({worker('berth_worker_cordoned')})", "takes no new session"),
              (f"max by (namespace, pool, pod) ({worker('berth_worker_activities_stuck')})", "stuck"),
              (f"time() - max by (namespace, pool, pod) ({worker('process_start_time_seconds')} {IS_WORKER})", "age"),
              units={"age": "s"}, hidden=("Value #A",), sort="used"),
    ])


# Operator and gateway. Other programs export workqueue_* and rest_client_* too: ours are those of a target with our
# build_info, whatever its job is called, in the chosen namespaces where Berth is installed.
INSTALLED = '{namespace=~"$installation"}'
OPERATOR = f"and on (job, instance) berth_operator_build_info{INSTALLED}"
GATEWAY = f"and on (job, instance) berth_gateway_build_info{INSTALLED}"
BOTH = '{__name__=~"berth_(operator|gateway)_build_info", namespace=~"$installation"}'
EITHER = f"and on (job, instance) {BOTH}"
WAS_EITHER = f"and on (job, instance) last_over_time({BOTH}[$__range] @ end())"
EXPIRY = "berth_tls_certificate_not_after_timestamp_seconds"
OUTCOMES = ["created", "creation_timeout", "caller_gone", "rejected", "line_full", "owner_limit", "failed",
            "unknown_pool", "shutting_down"]


def rate(metric, by, of):
    return f"sum by ({by}) (rate({metric}[$__rate_interval]) {of})"


def program_quantiles(histogram, of=OPERATOR):
    return [(f"histogram_quantile({q}, {rate(histogram, 'le', of)})", name)
            for q, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))]


def top_processes(expression, ranking):
    return f"{expression} and on (job, instance) topk(10, {ranking} {WAS_EITHER})"


operator_gateway = Dashboard(
    "berth-operator-gateway", "Berth / Operator and gateway",
    "Health of the control plane: leader, reconciles, queues, API calls; requests, latency and line of the gateways.",
    [("namespace", "Namespace of pools", "label_values(berth_pool_workers, namespace)"),
     ("pool", "Pool", 'label_values(berth_pool_workers{namespace=~"$namespace"}, pool)'),
     ("installation", "Namespace of Berth", "label_values(berth_operator_build_info, namespace)")],
    [
        row("Now"),
        stat("Leaders", "Operators that lead: one in each namespace where Berth is installed. 0 for a few seconds is a "
             "takeover.", "short", (f"sum by (namespace) (leader_election_master_status {OPERATOR})", "{{namespace}}"),
             named=True, thresholds=[(None, VERMILION), (1, BLUE), (2, VERMILION)]),
        stat("Operators", "Operator processes, standbys included.", "short",
             (f"count(berth_operator_build_info{INSTALLED}) or vector(0)", "operators"), thresholds=SOME),
        stat("Gateways", "Gateway processes.", "short",
             (f"count(berth_gateway_build_info{INSTALLED}) or vector(0)", "gateways"), thresholds=SOME),
        stat("Sessions a second", "Sessions that gateways opened, over all pools.", "cps",
             (rate('berth_gateway_session_requests_total{outcome="created"}', "", GATEWAY), "sessions")),
        stat("Watch silence", "Longest time for which the API server has said nothing about a resource that is "
             "watched. Up to 305 s is ordinary where nothing changes.", "s",
             (f"max(berth_kube_watch_silence_seconds {EITHER})", "silence"),
             thresholds=[(None, BLUE), (400, VERMILION)]),
        stat("Events dropped", "Kubernetes events not written because too many were on their way, in the shown time.",
             "short", (f"sum(increase(berth_operator_events_dropped_total[$__range]) {WAS_EITHER})", "dropped"),
             thresholds=ALARM),
        row("Operator"),
        series("Leader", "1 for the process that leads.", "short",
               (f"max by (namespace, pod) (leader_election_master_status {OPERATOR})", POD), steps=True),
        series("Reconciles by result", "Per second. requeue_after: done, and to be looked at again at a set time.",
               "cps", (rate("controller_runtime_reconcile_total", "result", OPERATOR), "{{result}}"), stack=True,
               colors=fixed("success", "error", "requeue_after")),
        series("Duration of a reconcile", "Work on one pool, without API calls, which do not block it.", "s",
               *program_quantiles("controller_runtime_reconcile_time_seconds_bucket"), colors=QUANTILE_COLORS),
        series("Time in the queue", "From a pool being due to work on it.", "s",
               *program_quantiles("workqueue_queue_duration_seconds_bucket"), colors=QUANTILE_COLORS),
        series("Queue", "Pools that are due, and pools that come back after a failure, per second.", "short",
               (f"sum by (controller) (workqueue_depth {OPERATOR})", "{{controller}} due"),
               (rate("workqueue_retries_total", "controller", OPERATOR), "{{controller}} retries a second")),
        series("Time to react to demand", "From seeing more demand to sending a pod create for it.", "s",
               *program_quantiles("berth_operator_scale_reaction_seconds_bucket"), colors=QUANTILE_COLORS),
        series("Control keys: phase", "1 for the phase that a key is in; Steady is rest (docs/keys.md). Empty where the "
               "keys are given by file.", "short",
               (f"max by (key, phase) (berth_operator_key_phase {OPERATOR}) == 1", "{{key}} {{phase}}"), steps=True),
        series("Control keys: who holds up a rotation", "Workers, gateways and others that do not know the new key "
               "yet. Empty where the keys are given by file.", "short",
               (f"max by (key) (berth_operator_key_waiting {OPERATOR})", "{{key}}"), steps=True),
        row("Kubernetes API"),
        series("API calls of operators", "Per second, by method and status.", "reqps",
               (rate("rest_client_requests_total", "method, code", OPERATOR), "{{method}} {{code}}")),
        series("API calls of gateways", "Per second, by method and status.", "reqps",
               (rate("rest_client_requests_total", "method, code", GATEWAY), "{{method}} {{code}}")),
        series("Watch silence, by resource", "Time since the API server last said anything about the resource, the "
               "longest over all processes.", "s",
               (f"max by (resource) (berth_kube_watch_silence_seconds {EITHER})", "{{resource}}")),
        series("Lists and watch failures", "Per second. A list follows a watch that could not be resumed.", "cps",
               (rate("berth_kube_lists_total", "resource", EITHER), "{{resource}} lists"),
               (rate("berth_kube_watch_failures_total", "resource", EITHER), "{{resource}} failures")),
        row("Gateway"),
        series("Session requests by outcome", "Per second, of the chosen pools.", "cps",
               (f"sum by (outcome) (rate(berth_gateway_session_requests_total{P % ''}[$__rate_interval]))",
                "{{outcome}}"), stack=True, colors=fixed(*OUTCOMES)),
        series("Time from request to session", "Over all pools and gateways, of sessions that came to be.", "s",
               *program_quantiles("berth_gateway_session_creation_seconds_bucket", GATEWAY), colors=QUANTILE_COLORS),
        series("Line by pool", "Requests that wait, summed over gateways: a caller who waits at two counts twice. The "
               "ten longest.", "short",
               (top_pools(f"sum by (namespace, pool) (berth_gateway_sessions_waiting{P % ''})",
                          "berth_gateway_sessions_waiting"), LEGEND), width=8, steps=True),
        series("Access checks", "Checks of callers per second, by outcome and where the verdict came from. stale: the "
               "API server was away. Empty where a token file is used (berth dev).", "cps",
               (rate("berth_gateway_access_checks_total", "outcome, source", GATEWAY), "{{outcome}} {{source}}"), width=8),
        series("Certificates: time left", "Until the first certificate of the job in that namespace expires, gateways' and workers'; "
               "below 0 it has. The ten that expire first. Empty without TLS (docs/tls.md).", "s",
               (f"min by (namespace, job) ({EXPIRY}) - time() "
                f"and on (namespace, job) bottomk(10, min by (namespace, job) ({EXPIRY} @ end()))", "{{namespace}} {{job}}"), width=8, least=True),
        row("Resources"),
        series("CPU", "CPUs used, by process.", "short",
               (top_processes("sum by (job, instance, pod) (rate(process_cpu_seconds_total[$__rate_interval]) "
                              f"{EITHER})", "rate(process_cpu_seconds_total[$__range] @ end())"), "{{job}} {{pod}}")),
        series("Memory", "Resident memory, by process.", "bytes",
               (top_processes(f"max by (job, instance, pod) (process_resident_memory_bytes {EITHER})",
                              "max_over_time(process_resident_memory_bytes[$__range] @ end())"), "{{job}} {{pod}}")),
        series("File descriptors", "Used of those allowed, by process.", "percentunit",
               (top_processes(f"max by (job, instance, pod) (process_open_fds / process_max_fds {EITHER})",
                              "max_over_time(process_open_fds[$__range] @ end())"), "{{job}} {{pod}}")),
        table("Versions", "Every operator and gateway, its version and its age.",
              (f"max by (job, pod, instance, version) ({BOTH})", "there"),
              (f"time() - max by (job, pod, instance) (process_start_time_seconds {EITHER})", "age"),
              units={"age": "s"}, hidden=("Value #A",), width=12, height=8),
    ])

DASHBOARDS = [pools, workers_board, operator_gateway]
