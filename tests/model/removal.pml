/*
 * The removal protocol: how a worker is taken away without ending a session. README.md says how to run
 * and read this; docs/removal.md gives the argument in words.
 *
 * Each step is atomic because it happens inside one process: a table and its journal (worker), one
 * object (API server), one loop (operator, gateway, client). Between two steps any time may pass.
 * Views are not stored: whoever acts may believe anything that was true once, which is staler than any
 * cache.
 *
 * Bounds: UIDS pods ever made, under two names and two addresses; CLIENTS sessions, each asked for up
 * to TRIES times; CAP slots a worker; CRASHES of any kind.
 * A break (-D...) changes one rule; run.sh expects an assertion to fail under each.
 */
#ifndef UIDS
#define UIDS 3
#endif
#ifndef CLIENTS
#define CLIENTS 1
#endif
#ifndef TRIES
#define TRIES 1
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif

/* A pod in the API. SOFT: being deleted with the pod's own grace, in which its worker serves its
 * sessions to their end. HARD: being deleted with seconds to live. */
#define NONE 0
#define LIVE 1
#define SOFT 2
#define HARD 3
#define GONE 4

/* Its worker's process, and (the first three) what the kubelet has reported of it. */
#define UNBORN 0 /* Never started. */
#define UP 1
#define DOWN 2
#define TERM 3 /* Up, and told to stop: takes no new session. */
#define DEAD 4 /* Cannot come back: the pod has failed, or its machine is off. */
#define COLD 5 /* Reported down for longer than the longest lease. */

/* A session at a worker. */
#define FREE 0
#define OPEN 1
#define ENDING 2 /* Over for its owner; its activities are being stopped, its slot is used. */
#define PAST 3   /* Over, its slot free; its id is remembered and refused (410). */

/* A client. */
#define IDLE 0
#define ASKING 1
#define HAS 2  /* It was answered "open". */
#define OVER 3 /* It completed, died, or gave the session up. */

/* A gateway's attempt to open a session; its number is its nonce. */
#define UNSENT 0
#define SENT 1   /* No answer yet. */
#define OPENED 2 /* The worker's answer is there, the caller not yet told. */
#define BACK 3   /* To be given back. */
#define CLOSED 4

typedef Pod {
  byte api;
  byte proc;
  byte report;
  byte name;
  byte addr;            /* 0: none. */
  bit retired;          /* In the worker's table and journal. */
  bit doomed;           /* Some operator has a 200 to its retire: a DELETE may arrive at any time. */
  byte session[CLIENTS];
  byte claims[CLIENTS]; /* Bit set of the attempts that may give the session back; none once used. */
#ifdef NO_AUDIENCE
  byte had;             /* Bit set of the addresses it ever had. */
#endif
#ifdef NAIVE
  bit cordoned;
  byte epoch;
#endif
};

typedef Try {
  byte state;
  byte at;    /* The worker's uid. */
  bit flying; /* The create may yet arrive, even after its gateway has stopped waiting. */
};

typedef Client {
  byte state;
  byte at;
  byte tries;
  byte returned; /* Observer: bit set of the workers where a give-back ended this session. */
  Try try[TRIES];
};

Pod pod[UIDS];
Client client[CLIENTS];
byte crashes = CRASHES;

hidden byte i, n, v; /* Scratch; mean nothing between steps. */

/* Printed when a counterexample is replayed, and only then. */
#define say(what, a) printf(what, a); printf("\n")
#define say2(what, a, b) printf(what, a, b); printf("\n")
#define say3(what, a, b, c) printf(what, a, b, c); printf("\n")

/* ---------------------------------------------------------------- helpers */

#define works(u) (pod[u].proc == UP || pod[u].proc == TERM)
#define exists(u) (pod[u].api == LIVE || pod[u].api == SOFT || pod[u].api == HARD)
#define deleting(u) (pod[u].api == SOFT || pod[u].api == HARD)
#define deletable(u) (pod[u].api == LIVE || pod[u].api == SOFT)
#define owned(u, c) (client[c].state == HAS && client[c].at == u)

inline count_sessions(u) { /* Into n, open and ending. */
  n = 0;
  i = 0;
  do
  :: i < CLIENTS -> n = n + (pod[u].session[i] == OPEN || pod[u].session[i] == ENDING); i++
  :: else -> break
  od
}

inline delete_meets_no_session(u) {
  count_sessions(u);
  assert(n == 0) /* A DELETE meets a session. */
}

inline forget_client(c) {
  client[c].state = OVER;
  client[c].at = 0;
  client[c].tries = 0;
  client[c].returned = 0
}

inline end_session(u, c) { /* For its owner; the slot is used until the activities have stopped. */
  pod[u].session[c] = ENDING;
  pod[u].claims[c] = 0
}

/* Sessions are over with their worker or its machine. Owners learn that in time. */
inline lose_sessions(u, left) {
  i = 0;
  do
  :: i < CLIENTS ->
     pod[u].session[i] = (pod[u].session[i] == FREE -> FREE : left);
     pod[u].claims[i] = 0;
     if
     :: owned(u, i) -> forget_client(i)
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* The next process of a worker has what the journal says: open sessions, the retire. Who opened and
 * who used a session was not written down, so none can be given back; what was ending is stopped. */
inline keep_journaled(u) {
  i = 0;
  do
  :: i < CLIENTS ->
     pod[u].claims[i] = 0;
     if
     :: pod[u].session[i] == ENDING -> pod[u].session[i] = PAST
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* What is on its way to a pod that is gone has no effect any more. */
inline drop_tries(u) {
  i = 0;
  do
  :: i < CLIENTS ->
     n = 0;
     do
     :: n < TRIES ->
        if
        :: client[i].try[n].state != UNSENT && client[i].try[n].at == u ->
           client[i].try[n].state = CLOSED;
           client[i].try[n].at = 0;
           client[i].try[n].flying = 0
        :: else
        fi;
        n++
     :: else -> break
     od;
     i++
  :: else -> break
  od
}

inline find_name(wanted) { /* The uid that holds it in the API, into v; UIDS: none. */
  v = 0;
  do
  :: v < UIDS && !(exists(v) && pod[v].name == wanted) -> v++
  :: else -> break
  od
}

inline find_address(wanted) { /* The uid that holds it, into v; UIDS: none. */
  v = 0;
  do
  :: v < UIDS && !(exists(v) && pod[v].addr == wanted) -> v++
  :: else -> break
  od
}

/* ---------------------------------------------------------------- a pod, its kubelet, its faults */

inline start_at(u, address) {
  find_address(address);
  if
  :: v == UIDS ->
     say2("worker %d starts at address %d", u, address);
     pod[u].addr = address;
#ifdef NO_AUDIENCE
     pod[u].had = pod[u].had | address;
#endif
     pod[u].proc = UP
  :: else
  fi
}

proctype Machine(byte u) {
end:
  do
  /* An operator creates it under the smallest free name; two creators collide there. */
  :: d_step {
       pod[u].api == NONE && (u == 0 || pod[u - 1].api != NONE) ->
       say("pod %d is created", u);
       find_name(0);
       if
       :: v == UIDS -> pod[u].api = LIVE
       :: else ->
          find_name(1);
          if
          :: v == UIDS -> pod[u].name = 1; pod[u].api = LIVE
          :: else
          fi
       fi;
       skip
     }

  /* The process starts, or starts again, at its address or, if it has lost that, at any free one. */
  :: d_step {
       pod[u].api == LIVE && (pod[u].proc == UNBORN || pod[u].proc == DOWN) && pod[u].addr != 0 ->
       say("worker %d starts again", u);
       pod[u].proc = UP
     }
  :: d_step {
       pod[u].api == LIVE && (pod[u].proc == UNBORN || pod[u].proc == DOWN) && pod[u].addr == 0 ->
       start_at(u, 1);
       skip
     }
  :: d_step {
       pod[u].api == LIVE && (pod[u].proc == UNBORN || pod[u].proc == DOWN) && pod[u].addr == 0 ->
       start_at(u, 2);
       skip
     }

  /* The kubelet reports, late or never; and time passes over a report of "down": when it is older than
   * the longest lease every owner has given up. */
  :: d_step {
       pod[u].api == LIVE && pod[u].proc == UP && pod[u].report != UP ->
       say("kubelet reports: %d is up", u);
       pod[u].report = UP
     }
  :: d_step {
       pod[u].api == LIVE && pod[u].proc == DOWN && pod[u].report < DOWN ->
       say("kubelet reports: %d is down", u);
       pod[u].report = DOWN
     }
  :: d_step {
       pod[u].api == LIVE && pod[u].proc == DOWN && pod[u].report == DOWN ->
       n = 0;
       i = 0;
       do
       :: i < CLIENTS -> n = n + owned(u, i); i++
       :: else -> break
       od;
       if
       :: n == 0 ->
       say("%d is down for longer than any lease", u); pod[u].report = COLD
       :: else
       fi;
       skip
     }

  /* Crash: of the process; */
  :: d_step {
       works(u) && crashes > 0 ->
       say("worker %d crashes", u);
       crashes--;
       pod[u].proc = DOWN;
       keep_journaled(u);
       skip
     }
  /* of the sandbox: its address is free for others; */
  :: d_step {
       works(u) && crashes > 0 ->
       say("sandbox of %d dies", u); crashes--;
       pod[u].proc = DOWN;
       pod[u].addr = 0;
       keep_journaled(u);
       skip
     }
  /* of the machine: sessions are over, what was synced is there; */
  :: d_step {
       works(u) && crashes > 0 ->
       say("machine of %d restarts", u); crashes--;
       pod[u].proc = DOWN;
       pod[u].addr = 0;
#ifdef RETIRE_NOT_SYNCED
       pod[u].retired = 0;
#endif
       lose_sessions(u, PAST);
       skip
     }
  /* of the process, and its journal cannot be read; */
  :: d_step {
       works(u) && crashes > 0 ->
       say("worker %d crashes, journal unreadable", u); crashes--;
       pod[u].proc = DOWN;
#ifdef UNREADABLE_STARTS_EMPTY
       pod[u].retired = 0;
#else
       pod[u].retired = 1;
#endif
       lose_sessions(u, FREE);
       skip
     }
  /* for good: the pod fails, or its machine is off and known to be. */
  :: d_step {
       exists(u) && pod[u].proc != DEAD && crashes > 0 ->
       say("pod %d fails for good", u); crashes--;
       pod[u].proc = DEAD;
       lose_sessions(u, FREE);
       skip
     }

  /* Somebody else deletes the pod, with its grace. */
  :: d_step {
       pod[u].api == LIVE ->
       say("somebody deletes pod %d with its grace", u);
       pod[u].api = SOFT
     }

  /* The kubelet acts on a deletion: SIGTERM; then the end, which waits for sessions only if SOFT. */
  :: d_step {
       deleting(u) && pod[u].proc == UP ->
       say("worker %d is told to stop", u);
       pod[u].proc = TERM
     }
  :: d_step {
       deleting(u) && pod[u].proc != UP ->
       count_sessions(u);
       if
       :: pod[u].api == SOFT && pod[u].proc == TERM && n > 0
       :: else ->
          say("pod %d is gone", u);
          assert(pod[u].api == SOFT || n == 0); /* A kill meets a session. */
          lose_sessions(u, FREE);
          drop_tries(u);
          pod[u].api = GONE;
          pod[u].proc = DEAD;
          pod[u].report = UNBORN;
          pod[u].retired = 0;
          pod[u].addr = 0
       fi;
       skip
     }
  od
}

/* ---------------------------------------------------------------- operators */

/* Any number of operators believe to lead, each with its own stale view: the steps below may be taken
 * at any time by anybody, and a DELETE that was decided on once may arrive ever after. */

#ifdef NO_AUDIENCE
#define accepts(v, u) true
#else
#define accepts(v, u) (v == u) /* Else 401. */
#endif

/* POST /v1/retire, made out to u, at an address where u was once. */
inline retire(u, address) {
  find_address(address);
  if
  :: v < UIDS && works(v) && accepts(v, u) ->
     count_sessions(v);
     if
     :: n == 0 || pod[v].retired ->
        say2("retire for %d is answered 200 by %d", u, v);
        pod[v].retired = 1; pod[u].doomed = 1
     :: else /* 409 */
     fi
  :: else
  fi
}

/* DELETE of the pod's name with its uid as precondition, and seconds of grace. */
inline delete_retired(u) {
#ifdef NO_UID_PRECONDITION
  find_name(pod[u].name);
#else
  v = u;
#endif
  if
  :: v < UIDS && deletable(v) ->
       say2("DELETE for %d meets pod %d", u, v); pod[v].api = HARD; delete_meets_no_session(v)
  :: else
  fi
}

proctype Operators(byte u) {
end:
  do
#ifndef NAIVE
#ifdef NO_AUDIENCE
  :: d_step { !pod[u].doomed && (pod[u].had & 1) -> retire(u, 1); skip }
  :: d_step { !pod[u].doomed && (pod[u].had & 2) -> retire(u, 2); skip }
#else
  :: d_step { !pod[u].doomed && works(u) -> retire(u, pod[u].addr); skip }
#endif
  :: d_step { pod[u].doomed -> delete_retired(u); skip }
#endif

  /* Rules (a) and (c): nothing runs there any more. */
#ifdef NODE_LOST_BY_CACHE
  :: d_step {
       deletable(u) ->
       say("a stale cache has no node of pod %d", u);
       pod[u].api = HARD;
       delete_meets_no_session(u);
       skip
     }
#else
  :: d_step {
       deletable(u) && pod[u].proc == DEAD ->
       say("rules a and c: pod %d is deleted", u);
       pod[u].api = HARD;
       delete_meets_no_session(u);
       skip
     }
#endif
  /* Rule (b): never started. The pod's version as precondition means: not reported meanwhile. */
#ifdef NO_VERSION_PRECONDITION
  :: d_step {
       pod[u].api == LIVE ->
       say("rule b: pod %d is deleted", u);
       pod[u].api = SOFT;
       delete_meets_no_session(u);
       skip
     }
#else
  :: d_step {
       pod[u].api == LIVE && pod[u].report == UNBORN ->
       say("rule b: pod %d is deleted", u);
       pod[u].api = SOFT;
       delete_meets_no_session(u);
       skip
     }
#endif
  /* Rule (d): down for longer than the longest lease, and not reported up meanwhile. It may be up
   * already, and a stale gateway may have brought a session: hence the pod's full grace. */
#ifdef DOWN_WITHOUT_GRACE
  :: d_step {
       pod[u].api == LIVE && pod[u].report == COLD ->
       say("rule d: pod %d is deleted", u);
       pod[u].api = HARD
     }
#else
  :: d_step {
       pod[u].api == LIVE && pod[u].report == COLD ->
       say("rule d: pod %d is deleted", u);
       pod[u].api = SOFT
     }
#endif
  od
}

/* ---------------------------------------------------------------- gateways */

#define trial client[c].try[k]

inline close_try(c, k) {
  trial.state = CLOSED;
  if
  :: !trial.flying -> trial.at = 0
  :: else
  fi
}

inline answer_open(c, k) {
  if
  :: trial.state == SENT -> trial.state = OPENED
  :: else
  fi
}

/* What the worker counts as used. */
inline count_used(u) {
  count_sessions(u);
#ifdef SLOT_FREE_WHILE_ENDING
  n = 0;
  i = 0;
  do
  :: i < CLIENTS -> n = n + (pod[u].session[i] == OPEN); i++
  :: else -> break
  od
#endif
}

#ifdef NAIVE
#define admitting(u) (pod[u].proc == UP && !pod[u].retired && !pod[u].cordoned)
#else
#define admitting(u) (pod[u].proc == UP && !pod[u].retired)
#endif

/* POST /v1/sessions at the worker. Refusals (full, retired, cordoned, told to stop) lead the gateway to
 * the next worker or back in line. */
inline create(u, c, k) {
  if
  :: pod[u].session[c] == OPEN -> /* A repeat, of this attempt or another. */
     if
     :: pod[u].claims[c] != 0 ->
#ifdef NEWEST_ATTEMPT_OWNS
        pod[u].claims[c] = 1 << k
#else
        pod[u].claims[c] = pod[u].claims[c] | (1 << k)
#endif
     :: else
     fi;
     answer_open(c, k)
  :: else ->
     count_used(u);
     if
     :: pod[u].session[c] == FREE && admitting(u) && n < CAP ->
        pod[u].session[c] = OPEN;
        pod[u].claims[c] = 1 << k;
        client[c].returned = client[c].returned & ~(1 << u);
        assert(!pod[u].doomed); /* A retired worker admits. */
        count_sessions(u);
        assert(n <= CAP); /* More sessions than slots. */
        answer_open(c, k)
     :: else ->
        if
        :: trial.state == SENT -> close_try(c, k)
        :: else
        fi
     fi
  fi
}

/* DELETE /v1/sessions/{id}?attempt=NONCE at the worker. */
inline give_back(u, c, k) {
  if
#ifdef GIVE_BACK_WITHOUT_NONCE
  :: pod[u].session[c] == OPEN && pod[u].claims[c] != 0 ->
     pod[u].claims[c] = 0;
#else
  :: pod[u].session[c] == OPEN && (pod[u].claims[c] & (1 << k)) != 0 ->
     pod[u].claims[c] = pod[u].claims[c] & ~(1 << k);
#endif
     if
     :: pod[u].claims[c] == 0 ->
        assert(!owned(u, c)); /* A session is taken from its owner. */
        pod[u].session[c] = FREE;
        if
        :: client[c].state == ASKING -> client[c].returned = client[c].returned | (1 << u)
        :: else
        fi
     :: else
     fi
  :: else /* 409: used, claimed by another attempt; 404. */
  fi
}

proctype Attempt(byte c; byte k; byte u) {
end:
  do
  /* A client asks; or asks again with the same id, at any gateway, and its earlier call has no caller
   * any more. Some view shows the worker Ready. */
  :: d_step {
       client[c].tries == k && client[c].state < HAS && exists(u) && pod[u].report != UNBORN ->
       say3("client %d asks, attempt %d, sent to %d", c, k, u);
       client[c].tries++;
       client[c].state = ASKING;
       trial.state = SENT;
       trial.at = u;
       trial.flying = 1
     }
  /* The create arrives: the last time, or with a repeat to come; or it never does. */
  :: d_step {
       trial.flying && trial.at == u && works(u) ->
       say3("create of client %d, attempt %d, arrives at %d", c, k, u);
       trial.flying = 0;
       create(u, c, k);
       skip
     }
  :: d_step {
       trial.flying && trial.at == u && works(u) ->
       say3("create of client %d, attempt %d, arrives at %d and will again", c, k, u);
       create(u, c, k);
       skip
     }
  :: d_step {
       trial.flying && trial.at == u ->
       say3("create of client %d, attempt %d, to %d comes no more", c, k, u);
       trial.flying = 0;
       if
       :: trial.state == CLOSED -> trial.at = 0
       :: else
       fi;
       skip
     }
  /* The caller is told. */
  :: d_step {
       trial.at == u && trial.state == OPENED && client[c].state == ASKING && client[c].tries == k + 1 ->
       say3("client %d is told open, by attempt %d, at %d", c, k, u);
       client[c].state = HAS;
       client[c].at = u;
       assert((client[c].returned & (1 << u)) == 0); /* An owner is told of a session given back. */
       client[c].tries = 0;
       client[c].returned = 0;
       close_try(c, k);
       skip
     }
  /* Deadline, lost connection, nobody left to tell: it is given back; */
  :: d_step {
       trial.at == u && (trial.state == SENT || trial.state == OPENED) ->
       say2("client %d: attempt %d is to be given back", c, k);
       trial.state = BACK
     }
  :: d_step {
       trial.at == u && trial.state == BACK && works(u) ->
       say3("give-back of client %d, attempt %d, arrives at %d", c, k, u);
       give_back(u, c, k);
       close_try(c, k);
       skip
     }
  /* or not even that: the gateway dies. */
  :: d_step {
       trial.at == u && trial.state != UNSENT && trial.state != CLOSED ->
       say2("gateway forgets client %d, attempt %d", c, k);
       close_try(c, k);
       skip
     }
  od
}

/* ---------------------------------------------------------------- a client, and its session at u */

proctype Owner(byte c; byte u) {
end:
  do
  :: d_step { owned(u, c) && works(u) && pod[u].claims[c] != 0 ->
       say2("client %d uses its session at %d", c, u); pod[u].claims[c] = 0 } /* Uses it. */
  :: d_step {
       owned(u, c) && works(u) && pod[u].session[c] == OPEN -> /* Completes, or times out. */
       say2("session of client %d at %d ends", c, u);
       end_session(u, c);
       forget_client(c)
     }
  /* Dies; or calls the session lost: no renewal was answered for as long as its lease. */
  :: d_step {
       u == 0 && (client[c].state == ASKING || client[c].state == HAS) ->
       say("client %d is gone", c);
       forget_client(c)
     }

  /* The lease runs out at the worker: only where nobody renews it. */
  :: d_step {
       works(u) && pod[u].session[c] == OPEN && !owned(u, c) ->
       say2("lease of client %d runs out at %d", c, u);
       end_session(u, c)
     }
  /* Its last activity has stopped. */
  :: d_step {
       works(u) && pod[u].session[c] == ENDING ->
       say2("slot of client %d at %d is free", c, u);
       pod[u].session[c] = PAST
     }
  od
}

/* ---------------------------------------------------------------- the protocol that is not enough */

#ifdef NAIVE
/* "Read 0, cordon, read 0, delete": two leaders, the second with the higher epoch. */
byte target[2];
byte stage[2];

proctype NaiveOperator(byte me; byte u) {
end:
  do
  :: d_step {
       stage[me] == 0 && works(u) ->
       count_sessions(u);
       if
       :: n == 0 ->
       say2("operator %d reads 0 at %d", me, u); target[me] = u; stage[me] = 1
       :: else
       fi;
       skip
     }
  :: d_step {
       stage[me] == 1 && target[me] == u && works(u) && me + 1 >= pod[u].epoch ->
       say2("operator %d cordons %d", me, u);
       pod[u].epoch = me + 1;
       pod[u].cordoned = 1;
       stage[me] = 2
     }
  :: d_step {
       stage[me] == 2 && target[me] == u && works(u) ->
       say2("operator %d reads %d again", me, u);
       count_sessions(u);
       stage[me] = (n == 0 -> 3 : 0)
     }
  :: d_step {
       stage[me] == 3 && target[me] == u ->
       say2("operator %d deletes %d", me, u);
       stage[me] = 0;
       delete_retired(u);
       skip
     }
  /* Demand has returned. */
  :: d_step {
       works(u) && pod[u].cordoned && me + 1 >= pod[u].epoch && !(stage[me] > 0 && target[me] == u) ->
       say2("operator %d uncordons %d", me, u);
       pod[u].epoch = me + 1;
       pod[u].cordoned = 0
     }
  od
}
#endif

init {
  atomic {
    byte a = 0, b = 0, d = 0;
    do
    :: a < UIDS ->
       run Machine(a);
       run Operators(a);
#ifdef NAIVE
       run NaiveOperator(0, a);
       run NaiveOperator(1, a);
#endif
       b = 0;
       do
       :: b < CLIENTS ->
          run Owner(b, a);
          d = 0;
          do
          :: d < TRIES -> run Attempt(b, d, a); d++
          :: else -> break
          od;
          b++
       :: else -> break
       od;
       a++
    :: else -> break
    od;
    a = 0; b = 0; d = 0
  }
}
