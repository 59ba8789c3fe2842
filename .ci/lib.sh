# Shared by run, long, self-test and the steps. Sourced, never run.

# ci_dir is this folder, ci_top the tree that is checked.
ci_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ci_top=$(dirname "$ci_dir")
export CI_CACHE=${CI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gatehop-ci}
export PATH=$CI_CACHE/bin:$PATH

# run_steps FOLDER [NAME...]: runs the steps of FOLDER in the order of their names, or only
# the named ones, each in a shell of its own that ends at its first failing command. A failed
# step does not keep the others from running. The last line is the sum; the status says
# whether all passed.
run_steps() {
  local folder=$1 step name began passed=0 failed=() only=("${@:2}")
  for name in "${only[@]}"; do
    compgen -G "$folder/*-$name" >/dev/null || { echo "no step $name in $folder" >&2; return 2; }
  done
  for step in "$folder"/*; do
    name=${step##*/}
    name=${name#*-}
    [ "${#only[@]}" = 0 ] || [[ " ${only[*]} " == *" $name "* ]] || continue
    echo "=== $name: $(sed -n '2s/^# //p' "$step")"
    began=$SECONDS
    # Not in an `if`: a condition would switch errexit off.
    set +e
    (cd "$ci_top" && exec timeout --kill-after=10 "${CI_STEP_LIMIT:-1200}" bash -euo pipefail "$step" </dev/null)
    local status=$?
    set -e
    if [ "$status" = 0 ]; then
      passed=$((passed + 1))
      echo "--- $name: passed in $((SECONDS - began)) s"
    else
      failed+=("$name")
      echo "--- $name: FAILED (status $status) after $((SECONDS - began)) s"
    fi
  done
  [ "${#failed[@]}" = 0 ] || echo "failed: ${failed[*]}"
  echo "$passed passed, ${#failed[@]} failed"
  [ "${#failed[@]}" = 0 ]
}

# tree_files: every file of the change, committed or not yet, one a line.
tree_files() { git -C "$ci_top" ls-files -co --exclude-standard | while read -r f; do [ ! -f "$ci_top/$f" ] || echo "$f"; done; }

# copy_tree FOLDER: puts those files there, as a clone would.
copy_tree() {
  mkdir -p "$1"
  tree_files | tar -C "$ci_top" -cf - -T - | tar -C "$1" -xf -
}

# scratch: makes a temporary folder that is removed when the shell ends, and sets $scratch.
scratch() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
}

# fuzz_one TIME FILE NAME: one fuzz target, on one processor.
fuzz_one() {
  local log
  log=$(mktemp)
  echo "fuzz ${2%/*} $3"
  # The Go fuzzer sometimes reports its own deadline as a failure (golang/go#75804): then once more.
  if ! go test -run '^$' -fuzz "^$3\$" -fuzztime "$1" -parallel 1 "./${2%/*}" >"$log" 2>&1; then
    if grep -q 'Failing input written' "$log" || ! grep -q 'context deadline exceeded' "$log" ||
      ! go test -run '^$' -fuzz "^$3\$" -fuzztime "$1" -parallel 1 "./${2%/*}" >"$log" 2>&1; then
      cat "$log"
      return 1
    fi
  fi
  rm -f "$log"
}

# fuzz_all TIME: runs every fuzz target of the tree for TIME, one on each processor.
fuzz_all() {
  local list
  list=$(tree_files | grep '_test\.go$' | grep -v '/testdata/' | xargs grep -oE '^func Fuzz[A-Za-z0-9_]+' -H | sed 's/:func / /')
  [ -n "$list" ]
  export -f fuzz_one
  xargs -P "$(nproc)" -L 1 bash -c 'fuzz_one "$@"' _ "$1" <<<"$list"
  echo "$(wc -l <<<"$list") fuzz targets"
}
