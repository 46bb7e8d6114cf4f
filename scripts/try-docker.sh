#!/usr/bin/env bash
# Runs docker-compose.yml for real, with the simulator as Conduit: a batch through two workers, a stop in its middle, and
# what is left of it after a new start. Needs Docker, Compose, curl and Node.js; says so and does nothing without Docker.
#
#   npm run test:docker
#   BUILD_NETWORK=host npm run test:docker     where a build reaches the package registry only through the host's network
set -euo pipefail
cd "$(dirname "$0")/.."

REQUESTS=200
export COMPOSE_PROJECT_NAME="cb-try-$$" COMPOSE_FILE=docker-compose.yml:docker-compose.simulator.yml

if ! docker info >/dev/null 2>&1; then
  echo 'SKIPPED: no Docker answers here, so docker-compose.yml was not tried'
  exit 0
fi
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi

place=$(mktemp -d)
# An environment wins over .env, so the user's own is not touched.
export CONDUIT_API_KEY=sk-simulator CONDUIT_BATCH_TOKEN=0123456789abcdef-try-docker
export LISTEN_ON=127.0.0.1:0 PROMPTS="$place" RUN_AS=1000:1000

leave() {
  code=$?
  [ $code -eq 0 ] || "${compose[@]}" logs --no-color --tail 30
  "${compose[@]}" down --volumes --timeout 50 >/dev/null 2>&1 || true
  rm -rf "$place"
  exit $code
}
trap leave EXIT

say() { printf '\n— %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
conduit_batch() { "${compose[@]}" exec -T serve conduit-batch "$@"; }
field() { node -e 'const t = JSON.parse(require("fs").readFileSync(0)); console.log(eval(process.argv[1]))' "$1"; }
stats() { "${compose[@]}" exec -T simulator node -e 'fetch("http://127.0.0.1:8585/_simulator/stats").then((r) => r.text()).then(console.log)'; }
up() { "${compose[@]}" up -d --scale worker=2 >"$place.log" 2>&1 || { cat "$place.log"; fail 'compose up'; }; rm -f "$place.log"; }

until_true() { # until_true WHAT SECONDS COMMAND…
  local what=$1 until=$((SECONDS + $2))
  shift 2
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "never happened: $what"
    sleep 0.3
  done
}

say 'build'
docker build --quiet --network "${BUILD_NETWORK:-default}" -t conduit-batch . >/dev/null 2>"$place/build.log" || { cat "$place/build.log"; fail 'the build'; }
size() { docker image inspect -f '{{.Size}}' "$1"; }
base=$(grep '^FROM' Dockerfile | tail -1 | cut -d' ' -f2)
echo "image: $(($(size conduit-batch) / 1000000)) MB, of which $(($(size "$base") / 1000000)) MB are $base"
docker run --rm --entrypoint id conduit-batch

say 'up, with two workers'
chmod 777 "$place"
up
find_url() { url="http://$("${compose[@]}" port serve 8484)"; }
is_ready() { find_url && curl -fsS -o /dev/null "$url/readyz" 2>/dev/null; }
until_true 'serve is ready' 60 is_ready
"${compose[@]}" ps

say 'the page, without and with the token'
status_of() { curl -s -o /dev/null -w '%{http_code}' "$@" "$url/queues"; }
bare=$(status_of) bearer=$(status_of -H "Authorization: Bearer $CONDUIT_BATCH_TOKEN") basic=$(status_of -u "me:$CONDUIT_BATCH_TOKEN")
echo "nothing: $bare, bearer: $bearer, basic: $basic"
[ "$bare $bearer $basic" = '401 200 200' ] || fail 'the token'

say "a batch of $REQUESTS"
for i in $(seq "$REQUESTS"); do
  echo "{\"custom_id\":\"p$i\",\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"prompt $i\"}]}"
done >"$place/prompts.jsonl"
batch=$(conduit_batch submit prompts.jsonl --concurrency 4 2>/dev/null)
echo "batch $batch"

# Who has a call out, seen again and again in what the page reads.
active() {
  curl -fsS -H "Authorization: Bearer $CONDUIT_BATCH_TOKEN" \
    "$url/queues/api/queues?activeQueue=default%3Acompletions&status=active&jobsPerPage=50" |
    grep -o '"id":"[^"]*"[^}]*"processedBy":"[^"]*"' | sed 's/"id":"\([^"]*\)".*"processedBy":"\([^"]*\)"/\2 \1/' || true
}
seen=$place/seen
saw_both() {
  active >>"$seen"
  [ "$(sort -u "$seen" | cut -d' ' -f1 | uniq -c | awk '$1 >= 20' | wc -l)" -ge 2 ]
}
until_true 'both workers have made 20 calls' 40 saw_both
sort -u "$seen" | cut -d' ' -f1 | uniq -c | awk '{print "worker " $2 ": " $1 " calls seen"}'

say 'stop in the middle'
from=$SECONDS
"${compose[@]}" stop worker serve redis >/dev/null 2>&1
echo "stopped in $((SECONDS - from)) s"
for service in worker serve redis; do
  for container in $("${compose[@]}" ps -q "$service"); do
    ended=$(docker inspect -f '{{.Name}} exit {{.State.ExitCode}}' "$container")
    echo "$ended"
    [[ $ended == *'exit 0' ]] || fail "$service did not end in order"
  done
done
before=$(stats | field t.calls)
echo "calls so far: $before"
[ "$before" -lt "$REQUESTS" ] || fail 'it was over before the stop'

say 'start again'
up
until_true 'serve is ready again' 60 is_ready
is_completed() { [ "$(conduit_batch status "$batch" --json 2>/dev/null | field t.state)" = completed ]; }
until_true 'the batch is completed' 120 is_completed
conduit_batch status "$batch"

say 'nothing lost, nothing twice'
lines=$(wc -l <"$place/prompts.results.jsonl")
ids=$(grep -o '"custom_id":"[^"]*"' "$place/prompts.results.jsonl" | sort -u | wc -l)
calls=$(stats | field t.calls)
echo "$lines lines, $ids different ids, $calls calls, of them repeated: $(stats | field t.repeatedCalls)"
[ "$lines $ids $calls" = "$REQUESTS $REQUESTS $REQUESTS" ] || fail 'the answers'
say 'well done'
