#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records real mixes of system calls with the eBPF driver, as the input of
# replay-rings: a web server, a build, a database, a copy of files, and a flood
# of reads and writes. Each recording holds what the mix did and nothing else
# of the host, and has five million events or more.
set -euo pipefail
# shellcheck source=../scripts/lib/common.sh
. "$(dirname "$0")/../scripts/lib/common.sh"

MIXES=(web build database copy flood)

usage() {
	cat <<-USAGE
		usage: mixes.sh [--seconds N] [--driver NAME] [MIX...]
		  --seconds N    how long web and database run (40)
		  --driver NAME  ebpf or kmod (ebpf)
		  MIX            ${MIXES[*]}; all if none is named
		Needs root, nginx, wrk and redis-server of Debian, and the release
		build; for build gcc and make. Recordings are put into $CACHE/mixes:
		about 450 MB in all.
		SYSFLOW_FLOOD is how often each process of the flood reads and writes
		(3000000), SYSFLOW_SOURCES how many files are compiled (3200),
		SYSFLOW_COPIES how often the tree is copied (until it is enough).
	USAGE
}

seconds=40
driver=ebpf
chosen=()
while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=${2:?} && shift ;;
	--driver) driver=${2:?} && shift ;;
	-h | --help) usage && exit ;;
	web | build | database | copy | flood) chosen+=("$1") ;;
	*) usage >&2 && die "unknown argument $1" ;;
	esac
	shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${MIXES[@]}")

target=${CARGO_TARGET_DIR:-$ROOT/target}/release
[ -x "$target/sysflow" ] || die "build first: cargo build --release -p engine -p benches"
out=$CACHE/mixes
work=$(mktemp -d)
mkdir -p "$out"
recorder=
load=
trap clean_up EXIT

clean_up() {
	local process
	for process in $recorder $load; do
		kill "$process" 2>/dev/null || true
	done
	rm -rf "$work"
}

# nginx serves a page of 4 KiB and logs each request; wrk asks with 32
# connections that are kept.
mix_web() {
	mkdir -p "$work/www" "$work/logs"
	head -c 4096 /dev/zero | tr '\0' x >"$work/www/index.html"
	cat >"$work/nginx.conf" <<-CONF
		user root;
		worker_processes 2;
		daemon off;
		pid $work/nginx.pid;
		error_log $work/logs/error.log;
		events { worker_connections 512; }
		http {
			access_log $work/logs/access.log;
			client_body_temp_path $work/body;
			proxy_temp_path $work/proxy;
			fastcgi_temp_path $work/fastcgi;
			uwsgi_temp_path $work/uwsgi;
			scgi_temp_path $work/scgi;
			keepalive_requests 100;
			server { listen 127.0.0.1:8099; root $work/www; }
		}
	CONF
	nginx -c "$work/nginx.conf" &
	local server=$!
	sleep 1
	wrk -t 1 -c 32 -d "$seconds" http://127.0.0.1:8099/index.html
	kill -QUIT $server
	wait $server || true
}

# A project in C: each file needs some of its headers, which need others.
prepare_build() {
	local project=$work/project headers=400 number needs
	mkdir -p "$project"
	for number in $(seq $headers); do
		cat >"$project/part$number.h" <<-HEADER
			#pragma once
			#include "part$((number / 2 + 1)).h"
			struct part$number { int first; char name[$number]; };
			static inline int part${number}_size(void) { return sizeof(struct part$number); }
		HEADER
	done
	for number in $(seq "${SYSFLOW_SOURCES:-3200}"); do
		{
			printf '#include <%s.h>\n' stdio stdlib string unistd errno sys/stat sys/socket
			for needs in $(seq 60); do
				printf '#include "part%d.h"\n' $(((number * 7 + needs * 13) % headers + 1))
			done
			printf 'int f%d(void) { return part%d_size(); }\n' "$number" \
				$(((number * 7 + 13) % headers + 1))
		} >"$project/file$number.c"
	done
	cat >"$project/Makefile" <<-'MAKE'
		objects := $(patsubst %.c,%.o,$(wildcard *.c))
		all.a: $(objects)
			ar rcs $@ $^
	MAKE
	# A rule's commands begin with a tab.
	sed -i 's/^ar/\tar/' "$project/Makefile"
}

# cargo and rustc build the library of the format and all that it needs; make
# and gcc, two at a time, build the project in C.
mix_build() {
	CARGO_TARGET_DIR=$work/target cargo build --quiet --offline --locked \
		--manifest-path "$ROOT/Cargo.toml" -p sysflow
	make -s -j2 -C "$work/project" CC=gcc
}

# redis-benchmark with 50 clients, against a server that writes a log of all
# changes.
mix_database() {
	redis-server --port 8098 --bind 127.0.0.1 --dir "$work" --appendonly yes --save '' \
		--daemonize no --loglevel warning &
	local server=$!
	sleep 1
	timeout "$seconds" redis-benchmark -p 8098 -q -c 50 -l -n 100000 -t set,get,incr,lpush,hset || true
	kill $server
	wait $server || true
}

# A tree is copied, packed and unpacked, and removed; again until there were
# enough files, each of which is about 34 events.
mix_copy() {
	local files copies=${SYSFLOW_COPIES:-0}
	files=$(find /usr/include /usr/share/doc | wc -l)
	[ "$copies" -gt 0 ] || copies=$((5500000 / (34 * files) + 1))
	for _ in $(seq "$copies"); do
		cp -a /usr/include "$work/copy"
		cp -a /usr/share/doc "$work/copy/doc"
		mkdir "$work/unpacked"
		tar -C "$work/copy" -c . | tar -C "$work/unpacked" -x
		cp -r --reflink=never --sparse=always "$work/copy" "$work/again"
		rm -r "$work/copy" "$work/unpacked" "$work/again"
	done
}

# Two processes that read and write single bytes, and nothing else.
mix_flood() {
	dd if=/dev/zero of=/dev/null bs=1 count="${SYSFLOW_FLOOD:-3000000}" status=none &
	dd if=/dev/zero of=/dev/null bs=1 count="${SYSFLOW_FLOOD:-3000000}" status=none
	wait
}

need_for() {
	case $1 in
	web) need nginx nginx && need wrk wrk ;;
	database) need redis-server redis-server && need redis-benchmark redis-tools ;;
	build) need cargo rustup && need gcc gcc && need make make ;;
	esac
}

wait_for() {
	local tries
	for tries in $(seq 300); do
		grep -q "$1" "$2" && return
		kill -0 "$recorder" 2>/dev/null || break
		sleep 0.1
	done
	cat "$2" >&2
	die "the capture did not start (tried $((tries / 10)) s)"
}

# The load waits at a gate until it is recorded, with all that it will start.
record() {
	local gate=$work/gate log=$work/recorder.log
	if [ "$(type -t "prepare_$1")" = function ]; then "prepare_$1"; fi
	rm -f "$gate" && mkfifo "$gate"
	(
		read -r _ <"$gate"
		"mix_$1"
	) >"$work/load.log" 2>&1 &
	load=$!
	"$target/sysflow" record --driver "$driver" --ring-size 64M --pid $load \
		--raw "$out/$1.sfr" 2>"$log" &
	recorder=$!
	wait_for '^recording to ' "$log"
	echo go >"$gate"
	wait $load || { cat "$work/load.log" >&2 && die "the mix $1 failed"; }
	load=
	kill -TERM $recorder
	wait $recorder || { cat "$log" >&2 && die "the capture failed"; }
	recorder=
	printf '\n== %s\n' "$1"
	tail -n +2 "$log"
}

for mix in "${chosen[@]}"; do need_for "$mix"; done
for mix in "${chosen[@]}"; do record "$mix"; done
