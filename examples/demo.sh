#!/usr/bin/env bash
# The breast cancer example from nothing to a served prediction, and down again. `make demo` runs
# it; variables: MLFORM and PYTHON (programs), KEEP=1 (leave the endpoint up).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder="$(dirname "$here")/build/demo"
example="$here/breast_cancer"
mlform=${MLFORM:-mlform}
python=${PYTHON:-python3}
keep=${KEEP:-}
log=$(mktemp)

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

finish() { # also after a failure or Ctrl-C: nothing may be left running
  local status=$?
  trap - EXIT INT TERM
  rm -f "$log"
  if [ -n "$keep" ] && [ "$status" -eq 0 ]; then exit 0; fi
  if [ -f "$folder/mlform.mlfstate" ]; then
    "$mlform" -chdir="$folder" destroy -auto-approve >"$folder/destroy.log" 2>&1 || {
      echo "The demo could not be taken down, see $folder/destroy.log." >&2
      exit 1
    }
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -f "$folder/mlform.mlfstate" ]; then # an earlier demo that was kept
  "$mlform" -chdir="$folder" destroy -auto-approve >/dev/null
fi
rm -rf "$folder"
mkdir -p "$folder"
cp "$example/main.mlf.hcl" "$example/data.py" "$folder/"
cd "$folder"
port=$("$python" -c 'import socket
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])')
printf 'port = %s\n' "$port" >mlform.mlfvars.hcl

say "1. The data: a table that ships inside scikit-learn"
show "python data.py"
"$python" data.py

say "2. The plan: what would be made, before anything runs"
show "mlform plan -out=first.mlfplan"
"$mlform" plan -out=first.mlfplan

say "3. Carry it out: data set, split, model, evaluation, endpoint"
show "mlform apply first.mlfplan"
"$mlform" apply first.mlfplan

say "4. Ask the served model: a tumour from the table, as a request over HTTP"
"$python" - <<'PYTHON' >request.json
import csv
import json

with open("data/breast_cancer.csv", newline="") as table:
    row = next(csv.DictReader(table))
row.pop("malignant")
print(json.dumps({name: float(value) for name, value in row.items()}))
PYTHON
show "curl http://127.0.0.1:$port/predict -H 'content-type: application/json' -d @request.json"
"$python" - "$port" <<'PYTHON'
import sys
import urllib.request

request = urllib.request.Request(
    f"http://127.0.0.1:{sys.argv[1]}/predict",
    data=open("request.json", "rb").read(),
    headers={"content-type": "application/json"},
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(answer.read().decode())
PYTHON

say "5. Plan again: reality matches the configuration"
show "mlform plan -detailed-exitcode"
"$mlform" plan -detailed-exitcode

say "6. What would deeper trees cost? Only what depends on them (headings of the plan)"
show "mlform plan -var=max_depth=4"
"$mlform" plan -var=max_depth=4 >"$log"
grep -E '^  # |^Plan:|^Expected:' "$log"

if [ -n "$keep" ]; then
  say "Left running: http://127.0.0.1:$port"
  echo "Look around:  cd ${folder#"$PWD/"} && $mlform show"
  echo "Take it down: $mlform -chdir=$folder destroy"
else
  say "7. Take it down"
  show "mlform destroy -auto-approve"
  "$mlform" destroy -auto-approve >"$log"
  grep -E '^[a-z]+\.[a-z]+: |^Destroy complete' "$log"
fi
