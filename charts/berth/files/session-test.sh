# Opens a session through the gateway, runs a command in it and completes it. Only bash and coreutils, and openssl where the gateway
# has a certificate (GATEWAY_TLS_NAME), as in the worker's image.
set -euo pipefail
secret=$(tr -d - < /proc/sys/kernel/random/uuid)
id=helm-test-${secret:0:12}
hash=$(printf %s "$secret" | sha256sum | cut -d ' ' -f 1)
base=/v1/namespaces/$POOL_NAMESPACE/pools/$POOL
host=$GATEWAY_HOST
[[ $host != *:* ]] || host="[$host]"
status=
answer=

# exchange: sends stdin to the gateway and prints what it answers; why nothing came stands in /tmp/why.
exchange() {
  if [ -n "${GATEWAY_TLS_NAME:-}" ]; then
    timeout 40 openssl s_client -quiet -verify_return_error -verify_hostname "$GATEWAY_TLS_NAME" \
      -servername "$GATEWAY_TLS_NAME" -CAfile /var/run/berth/ca/ca.crt -connect "$host:$GATEWAY_PORT" 2> /tmp/why
  else
    { exec 3<> "/dev/tcp/$GATEWAY_HOST/$GATEWAY_PORT"; } 2> /tmp/why && cat >&3 && timeout 40 cat <&3
  fi
}
why() { { grep -m 1 'verify error' /tmp/why || tail -n 1 /tmp/why; } | tr -d '"\\'; }
# call METHOD PATH TOKEN [BODY]: sets status and answer; a broken connection is status 000.
call() {
  local body=${4:-} all
  all=$(printf '%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
    "$1" "$2" "$host" "$3" "${#body}" "$body" | exchange | tr -d '\r') || true
  status=$(sed -nE '1s,^HTTP/1\.[01] ([0-9]{3}).*,\1,p' <<< "$all")
  status=${status:-000}
  answer=$(sed '1,/^$/d' <<< "$all")
  if [ "$status" = 000 ]; then
    answer='{"code":"NoAnswer","message":"nothing answers at '$host:$GATEWAY_PORT': '$(why)'"}'
  fi
}
field() { sed -nE "s/.*\"$1\":\"([^\"]*)\".*/\1/p" <<< "$answer" | head -n 1; }
# give_up WHAT: says what the last answer was.
give_up() {
  echo "FAILED: $1: HTTP $status $answer"
  exit 1
}

deadline=$((SECONDS + TIMEOUT_SECONDS))
said=
while true; do
  left=$((deadline - SECONDS))
  [ $left -gt 0 ] || give_up "no session within ${TIMEOUT_SECONDS}s; see: kubectl -n $POOL_NAMESPACE describe spool $POOL"
  # The token is read each time: kubelets replace it.
  call POST "$base/sessions" "$(cat /var/run/secrets/berth/token)" \
    "{\"id\":\"$id\",\"tokenHash\":\"$hash\",\"creationTimeout\":\"${left}s\",\"heartbeatTimeout\":\"60s\",\"executionTimeout\":\"120s\"}"
  case $status in
    200 | 201) break ;;
    400) give_up "the gateway refuses the request" ;;
  esac
  # Rights and the pool reach the gateway a moment after they are made, and a place in line is asked for again.
  if [ "$status $(field code)" != "$said" ]; then
    said="$status $(field code)"
    echo "waiting for a session: ${said} $(field message)"
  fi
  [ "$status" = 503 ] || sleep 1
done
worker=$(sed -nE 's/.*"worker":\{([^}]*)\}.*/\1/p' <<< "$answer" | sed -nE 's/.*"name":"([^"]*)".*/\1/p')
[ -n "$worker" ] || give_up "the answer names no worker"
echo "opened session $id on worker $worker"
session=$base/workers/$worker/sessions/$id

call POST "$session/activities" "$secret" '{"activityId":"hello","type":"exec","input":{"argv":["echo","hello from a session"]}}'
[ "$status" = 202 ] || [ "$status" = 200 ] || give_up "the activity was not started"
while true; do
  call GET "$session/activities/hello" "$secret"
  [ "$status" = 200 ] || give_up "the activity cannot be read"
  case $(field state) in
    Succeeded) break ;;
    Running) [ $SECONDS -lt $((deadline + 60)) ] || give_up "the activity does not end"; sleep 0.2 ;;
    *) give_up "the activity did not succeed" ;;
  esac
done
output=$(field stdoutBase64 | base64 -d)
[ "$output" = "hello from a session" ] || give_up "the activity's output is wrong"
echo "ran a command in it: $output"

call DELETE "$session" "$secret"
[ "$status" = 200 ] || [ "$status" = 202 ] || give_up "the session was not completed"
echo "completed it"
