# SPDX-License-Identifier: Apache-2.0
# Sourced: what passed, failed and was skipped. Stages run in subshells, two of
# them perhaps at a time, so the counts are kept in a file, one line each:
# "pass N", "fail N WHAT", "skip N WHY"; and each stage has a log of its own.

begin_tally() {
	TALLY=$(mktemp -d)
	: >"$TALLY/counts"
	trap 'rm -rf "$TALLY"' EXIT
}

pass() {
	echo "pass ${1:-1}" >>"$TALLY/counts"
}

fail() {
	echo "FAILED: $1"
	echo "fail 1 $1" >>"$TALLY/counts"
}

skip() {
	echo "skipped: $1"
	echo "skip 1 $1" >>"$TALLY/counts"
}

# Where the stage keeps what its last command said.
log_of_stage() {
	echo "$TALLY/${stage:-all}.log"
}

# check WHAT COMMAND...: one check; its output is shown when it fails.
check() {
	local what=$1 log
	log=$(log_of_stage)
	shift
	if "$@" >"$log" 2>&1; then
		grep -E '^[0-9]+ packages' "$log" || echo "ok: $what"
		pass
	else
		cat "$log"
		fail "$what"
	fi
}

# What tests said about being skipped, also behind "test x ... ".
skips() {
	tr -d '\r' <"$1" | grep -aoE '(^|\.\.\. )skipped: .*' | sed 's/^\.\.\. //' || true
}

# What failed and why, and how the log ends: without what a guest handed over
# as text, which can be thousands of lines.
failures() {
	local log
	log=$(tr -d '\r' <"$1" | grep -vE '^[A-Za-z0-9+/=]{60,}$' || true)
	grep -E -B 4 -A 8 'panicked at|\.\.\. FAILED|^failures:' <<<"$log" | head -200 || true
	echo "-- the end of it:"
	tail -40 <<<"$log"
}

# run_tests NAME FOLDER COMMAND...: a Rust test program. Its tests are counted
# from what it says at its end; a test that says that it was skipped has
# passed in its eyes and is not counted as passed here.
run_tests() {
	local name=$1 dir=$2 status=0 log passed failed ignored skipped
	log=$(log_of_stage)
	shift 2
	# shellcheck disable=SC2094 # different files
	(cd "$dir" && "$@") >"$log" 2>&1 || status=$?
	read -r passed failed ignored < <(tr -d '\r' <"$log" | awk '
		/^test result: / { p += $4; f += $6; i += $8 }
		/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3 }
		END { print p + 0, f + 0, i + 0 }')
	skipped=$(skips "$log" | wc -l)
	printf '%s: %d passed, %d failed, %d skipped\n' \
		"$name" $((passed - skipped)) "$failed" $((skipped + ignored))
	skips "$log"
	[ $((passed - skipped)) -le 0 ] || pass $((passed - skipped))
	skips "$log" | sed "s#^skipped: #skip 1 $name: #" >>"$TALLY/counts"
	[ "$ignored" -eq 0 ] || echo "skip $ignored $name: ignored" >>"$TALLY/counts"
	if [ "$failed" -gt 0 ]; then
		echo "fail $failed $name" >>"$TALLY/counts"
	elif [ $status -ne 0 ]; then
		echo "fail 1 $name ended with status $status" >>"$TALLY/counts"
	fi
	if [ "$failed" -gt 0 ] || [ $status -ne 0 ]; then
		failures "$log"
		echo "FAILED: $name (status $status)"
	fi
}

# Says it all once more, and ends with status 1 if something failed.
end_tally() {
	printf '\n== summary after %d s\n' $SECONDS
	sed -n 's/^skip [0-9]* /skipped: /p; s/^fail [0-9]* /FAILED: /p' "$TALLY/counts"
	awk '{ n[$1] += $2 }
		END { printf "%d passed, %d failed, %d skipped\n", n["pass"], n["fail"], n["skip"] }' \
		"$TALLY/counts"
	! grep -q '^fail ' "$TALLY/counts"
}
