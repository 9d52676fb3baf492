#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Write the seeds of the fuzzers: of the dispatcher, one an opcode and some more, into tests/fuzz/corpus, and of the
decoder into tests/fuzz/decode-corpus.

	tests/fuzz/make-corpus.py [DIRECTORY]

Run it again when requests.c or decode.c have changed what bytes mean. What the fuzzers found has names of its own
there and is not touched. Each seed of the dispatcher is a list of requests: opcode, how it lies, which node, then a
byte for each field and each name, as requests.c takes them. Those of the decoder are lists, too: the code, how many
errors are corrected and the kernel, then lines with errors as decode.c takes them.
"""

import os
import sys

ROOT = 0  # the first node that is known; the others count up as replies name them
FIRST, SECOND = 1, 2
A, B, C = 0, 1, 2  # names
USER_A, CONTROL = 8, 14
HONEST, CUT, EXTENDED, LENGTH, LESS_DATA, USER, NO_OPCODE, UNENDED = 0, 1, 2, 4, 8, 16, 32, 64

LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK = 1, 2, 3, 4, 5, 6
MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, OPEN, READ, WRITE, STATFS, RELEASE = range(8, 19)
SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR, FLUSH, INIT = range(21, 27)
READDIR, CREATE, INTERRUPT, IOCTL, BATCH_FORGET, FALLOCATE = 28, 35, 36, 39, 42, 43
READDIRPLUS, RENAME2, LSEEK, COPY_FILE_RANGE, SYNCFS, TMPFILE, STATX, COPY_FILE_RANGE_64 = 44, 45, 46, 47, 50, 51, 52, 53
RAW = 0xF0

CREATE_A = [CREATE, HONEST, ROOT, 0, 0, 0, 0, A]
CREATE_B = [CREATE, HONEST, ROOT, 0, 0, 0, 0, B]
MKDIR_A = [MKDIR, HONEST, ROOT, 2, 0, A]
MKDIR_B = [MKDIR, HONEST, ROOT, 2, 0, B]


def write(node, offset, size):
    return [WRITE, HONEST, node, offset, size, 0, 0, 0]


def allocate(node, offset, length, mode):
    return [FALLOCATE, HONEST, node, offset, length, mode]


def set_size(node, size):
    return [SETATTR, HONEST, node, 0, size, 0, 0, 0, 0, 0, 0, 0, 0]


SEEDS = {
    "lookup": [CREATE_A, [LOOKUP, HONEST, ROOT, A], [LOOKUP, HONEST, ROOT, B], [LOOKUP, HONEST, FIRST, A]],
    "forget": [CREATE_A, [LOOKUP, HONEST, ROOT, A], [FORGET, HONEST, FIRST, 2], [FORGET, HONEST, FIRST, 6]],
    "getattr": [CREATE_A, [GETATTR, HONEST, FIRST, 0], [GETATTR, HONEST, 0xFF, 0]],
    "setattr-size": [CREATE_A, set_size(FIRST, 11), write(FIRST, 0, 0), set_size(FIRST, 3), set_size(FIRST, 22)],
    "setattr-times": [CREATE_A, [SETATTR, HONEST, FIRST, 6, 0, 0, 0, 0, 7, 2, 2, 1, 0]],
    "setattr-owner": [CREATE_A, [SETATTR, USER, FIRST, 4, 0, 0, 1, 1, 0, 0, 0, 0, 0]],
    "statx": [CREATE_A, [STATX, HONEST, FIRST, 7]],
    "statfs": [[STATFS, HONEST, ROOT]],
    "symlink": [[SYMLINK, HONEST, ROOT, A, 0xF4], [READLINK, HONEST, FIRST], [READLINK, HONEST, ROOT]],
    "symlink-too-long": [[SYMLINK, HONEST, ROOT, A, 0xF5]],
    "mknod": [[MKNOD, HONEST, ROOT, 4, 0, 0, A], [MKNOD, HONEST, ROOT, 6, 1, 1, B], [UNLINK, HONEST, ROOT, A]],
    "mkdir": [MKDIR_A, [MKDIR, HONEST, FIRST, 3, 1, B], [RMDIR, HONEST, ROOT, A], [RMDIR, HONEST, FIRST, B]],
    "unlink": [CREATE_A, write(FIRST, 0, 0), [UNLINK, HONEST, ROOT, A], write(FIRST, 6, 0), [RELEASE, HONEST, FIRST]],
    "rename": [CREATE_A, CREATE_B, [RENAME, HONEST, ROOT, ROOT, A, B], [RENAME, HONEST, ROOT, ROOT, B, C]],
    "rename-directory": [MKDIR_A, MKDIR_B, [RENAME, HONEST, ROOT, FIRST, B, C], [RENAME, HONEST, ROOT, SECOND, A, C]],
    "rename2-exchange": [CREATE_A, MKDIR_B, [RENAME2, HONEST, ROOT, ROOT, 2, A, B]],
    "rename2-noreplace": [CREATE_A, CREATE_B, [RENAME2, HONEST, ROOT, ROOT, 1, A, B], [RENAME2, HONEST, ROOT, ROOT, 1, A, C]],
    "link": [CREATE_A, [LINK, HONEST, ROOT, FIRST, B], [LINK, HONEST, ROOT, ROOT, C], [UNLINK, HONEST, ROOT, A]],
    "create": [CREATE_A, CREATE_A, [CREATE, USER, ROOT, 2, 1, 1, 1, 0xF1], [CREATE, HONEST, ROOT, 0, 0, 0, 0, 0xF2]],
    "tmpfile": [[TMPFILE, HONEST, ROOT, 0, 0, 0], write(FIRST, 0, 0), [LINK, HONEST, ROOT, FIRST, A]],
    "open-truncate": [CREATE_A, write(FIRST, 0, 0), [OPEN, HONEST, FIRST, 2, 1], [OPEN, HONEST, ROOT, 0, 0]],
    "read": [CREATE_A, write(FIRST, 5, 13), [READ, HONEST, FIRST, 0, 24], [READ, HONEST, FIRST, 24, 0]],
    "write": [CREATE_A, write(FIRST, 0, 23), write(FIRST, 10, 21), write(FIRST, 21, 2), write(FIRST, 17, 2)],
    "write-until-full": [CREATE_A] + [write(FIRST, place, 24) for place in (0, 15, 16, 17, 18)],
    "write-less-than-said": [CREATE_A, [WRITE, LESS_DATA, FIRST, 0, 0, 0, 0, 0]],
    "fallocate": [CREATE_A, allocate(FIRST, 0, 11, 0), write(FIRST, 6, 21), allocate(FIRST, 7, 7, 2), allocate(FIRST, 3, 9, 3)],
    "fallocate-too-much": [CREATE_A, allocate(FIRST, 0, 17, 0), allocate(FIRST, 21, 19, 1)],
    "copy-file-range": [
        CREATE_A,
        CREATE_B,
        write(FIRST, 0, 23),
        [COPY_FILE_RANGE, HONEST, FIRST, 0, SECOND, 0, 11],
        [COPY_FILE_RANGE, HONEST, FIRST, 5, SECOND, 3, 11],
        [COPY_FILE_RANGE, HONEST, SECOND, 0, SECOND, 21, 11],
        [COPY_FILE_RANGE_64, HONEST, SECOND, 0, FIRST, 21, 19, 0],
        [COPY_FILE_RANGE_64, HONEST, FIRST, 11, FIRST, 0, 7, 0],
        [COPY_FILE_RANGE_64, HONEST, FIRST, 0, ROOT, 0, 7, 1],
    ],
    "lseek": [CREATE_A, write(FIRST, 13, 0), [LSEEK, HONEST, FIRST, 0, 0], [LSEEK, HONEST, FIRST, 0, 1]],
    "handles": [CREATE_A, MKDIR_B, [LOOKUP, HONEST, FIRST, 15], [LOOKUP, HONEST, SECOND, 16]],
    "readdir": [CREATE_A, MKDIR_B, [READDIR, HONEST, ROOT, 0, 0], [READDIR, HONEST, ROOT, 1, 5], [READDIR, HONEST, ROOT, 22, 0]],
    "readdirplus": [CREATE_A, MKDIR_B, [READDIRPLUS, HONEST, ROOT, 0, 0], [READDIRPLUS, HONEST, ROOT, 1, 12]],
    "xattr": [
        CREATE_A,
        [SETXATTR, HONEST, FIRST, 6, 0, 0, USER_A],
        [GETXATTR, HONEST, FIRST, 0, USER_A],
        [GETXATTR, HONEST, FIRST, 3, USER_A],
        [LISTXATTR, HONEST, FIRST, 1],
        [LISTXATTR, HONEST, FIRST, 0],
        [REMOVEXATTR, HONEST, FIRST, USER_A],
    ],
    "xattr-large": [CREATE_A, [SETXATTR, HONEST, FIRST, 18, 1, 0, USER_A], [SETXATTR, HONEST, FIRST, 19, 0, 0, USER_A]],
    "xattr-control": [[GETXATTR, HONEST, ROOT, 0, CONTROL], [SETXATTR, HONEST, ROOT, 2, 0, 0, CONTROL]],
    "batch-forget": [CREATE_A, CREATE_B, [BATCH_FORGET, HONEST, ROOT, 2, FIRST, 0, SECOND, 6], [BATCH_FORGET, HONEST, ROOT, 4]],
    "init-again": [[INIT, HONEST, ROOT, 4, 6, 6]],
    "ioctl": [
        CREATE_A,
        [IOCTL, HONEST, FIRST, 0, 0, 0, 1],
        [IOCTL, HONEST, FIRST, 1, 0, 0, 0],
        write(FIRST, 0, 0),
        [UNLINK, HONEST, ROOT, A],
        [IOCTL, HONEST, FIRST, 3, 0, 0, 4],
        [IOCTL, HONEST, FIRST, 2, 0, 0, 0],
        [IOCTL, HONEST, FIRST, 0, 0, 0, 2],
    ],
    "no-handler": [[FLUSH, HONEST, ROOT], [INTERRUPT, HONEST, ROOT], [SYNCFS, HONEST, ROOT]],
    "lies": [
        CREATE_A,
        [GETATTR, CUT, FIRST, 0, 5],
        [GETATTR, EXTENDED, FIRST, 0, 2],
        [LOOKUP, EXTENDED, ROOT, A, 0xFF],
        [GETATTR, LENGTH, FIRST, 0, 7],
        [GETATTR, NO_OPCODE, FIRST, 0],
        [LOOKUP, UNENDED, ROOT, A],
        [UNLINK, CUT, ROOT, A, 1],
    ],
    "raw": [[RAW, 40, 40, 0, 0, 0, 17, 0, 0, 0] + [1] + [0] * 7 + [1] + [0] * 23, [RAW, 3, 1, 2, 3], [RAW, 41] + [1] * 41],
}


RS136, RS128 = 0, 1
CORRECT, REFRESH, VERIFY, CHECKED_READ = range(4)
RAW_LINE = 0xFF


def head(code, max_correct, kernel):
    return [max_correct * 2 + code, kernel]


def line(data, *errors):
    """A codeword of DATA, 0 to 254, and the (position, value) of each error."""
    return [data, len(errors)] + [byte for error in errors for byte in error]


FOUR = [(0, 1), (31, 128), (64, 255), (119, 0x5A)]
DECODE_SEEDS = {
    "right": [head(RS136, 4, CORRECT), line(0), line(7)],
    "one": [head(RS136, 4, CORRECT), line(1, (5, 9)), line(2, (127, 1)), line(3, (128, 255)), line(4, (135, 2))],
    "up-to-four": [head(RS128, 4, REFRESH)] + [line(9, *FOUR[:count]) for count in range(5)],
    "too-many": [head(RS136, 4, CHECKED_READ), line(9, *FOUR, (50, 3)), line(8, *FOUR)],
    "fewer-allowed": [head(RS136, 2, REFRESH), line(9, *FOUR[:2]), line(9, *FOUR[:3]), line(9, *FOUR)],
    "none-allowed": [head(RS128, 0, CORRECT), line(9), line(9, *FOUR[:1])],
    "parity-only": [head(RS136, 4, REFRESH), line(5, (128, 1), (130, 2), (132, 3), (135, 4))],
    "in-a-row": [head(RS128, 4, CHECKED_READ), line(5, (118, 1), (119, 2), (120, 3), (121, 4))],
    "verified": [head(RS136, 4, VERIFY), line(5), line(6, *FOUR), line(6, *FOUR, (50, 3))],
    "any-line": [head(RS136, 4, CORRECT), [RAW_LINE] + list(range(136)), [RAW_LINE] + [0] * 135 + [1]],
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    top = sys.argv[1] if len(sys.argv) > 1 else here
    for corpus, seeds in (("corpus", SEEDS), ("decode-corpus", DECODE_SEEDS)):
        directory = os.path.join(top, corpus)
        os.makedirs(directory, exist_ok=True)
        for name, parts in seeds.items():
            with open(os.path.join(directory, name), "wb") as file:
                file.write(bytes(byte for part in parts for byte in part))


if __name__ == "__main__":
    main()
