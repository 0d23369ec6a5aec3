#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts small pieces out of captures, for the corpus of the fuzz target scap.

usage: seeds.py CAPTURE... FOLDER

A piece has the beginning of the capture, the threads and descriptors that its
events are about, and some events that follow each other.
"""

import gzip
import hashlib
import struct
import sys
from pathlib import Path

PROCESSES, DESCRIPTORS, USERS, INTERFACES = 0x215, 0x218, 0x220, 0x219
EVENTS = {0x216: 0, 0x217: 4, 0x221: 0, 0x222: 4}
# Types that say nothing: statistics, context switches, times.
DULL = {152, 234}
PIECE, STEP = 24, 100


def blocks(data):
    """Type, body and bytes of every block."""
    at = 0
    while at + 12 <= len(data):
        number, length = struct.unpack_from("<II", data, at)
        yield number, data[at + 8 : at + length - 4], data[at : at + length]
        at += length


def framed(number, body):
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", number) + length + body + length


def entries(body):
    """The entries of a list whose lengths count themselves."""
    at = 0
    while at + 4 <= len(body):
        (length,) = struct.unpack_from("<I", body, at)
        yield body[at : at + length]
        at += length


def thread_and_type(number, body):
    at = 2 + EVENTS[number]
    return struct.unpack_from("<Q", body, at + 8)[0], struct.unpack_from("<H", body, at + 20)[0]


def pieces(data):
    head, processes, descriptors, events = b"", [], {}, []
    for number, body, whole in blocks(data):
        if number == PROCESSES:
            processes = list(entries(body))
        elif number == DESCRIPTORS:
            descriptors[struct.unpack_from("<Q", body)[0]] = list(entries(body[8:]))
        elif number == USERS:
            head += framed(number, b"".join(list(entries(body))[:6]))
        elif number in EVENTS:
            if thread_and_type(number, body)[1] not in DULL and len(whole) < 4096:
                events.append((thread_and_type(number, body), whole))
        elif number != INTERFACES:
            head += whole
    for start in range(0, len(events), STEP):
        part = events[start : start + PIECE]
        threads = {tid for (tid, _), _ in part}
        known = [entry for entry in processes if struct.unpack_from("<Q", entry, 4)[0] in threads]
        piece = head + framed(PROCESSES, b"".join(known[:4]))
        for tid in sorted(threads & set(descriptors))[:4]:
            piece += framed(DESCRIPTORS, struct.pack("<Q", tid) + b"".join(descriptors[tid][:8]))
        yield piece + b"".join(whole for _, whole in part)


def main():
    *captures, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for capture in captures:
        data = capture.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        for piece in pieces(data):
            (folder / hashlib.sha1(piece).hexdigest()).write_bytes(piece)


if __name__ == "__main__":
    main()
