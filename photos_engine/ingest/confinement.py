"""What a decoding process gives up for good on Linux: to change files, to reach others, to start programs.

Who takes a decoder over by a hostile file then holds a process that can read and answer, and nothing else. Two
mechanisms of the kernel that need no privileges: Landlock, which knows what a path may be opened for, and a seccomp
filter, which knows system calls and what they are called with. They overlap, since kernels before 5.13 lack the first
and processors other than x86-64 and ARM64 the second; a process goes on without what it lacks.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

# --- Landlock (linux/landlock.h) ---
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_VERSION: Final = 1
# Rights over files by the version that brought them. All but reading: executing, writing, removing, making.
_FILE_RIGHTS: Final = ((1, 0b1_1111_1111_0011), (2, 1 << 13), (3, 1 << 14))
_TCP: Final = 0b11  # binding, connecting
_OTHERS: Final = 0b11  # abstract sockets of other processes, signals to them

# --- seccomp: architecture (linux/audit.h), call -> number, opening call -> number and place of its flags ---
_CALLS: Final = {
    "x86_64": (
        0xC000003E,
        {
            **{"socket": 41, "connect": 42, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58},
            **{"kill": 62, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311},
            **{"chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452},
            **{"chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260},
            **{"utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280},
            **{"setxattr": 188, "lsetxattr": 189, "fsetxattr": 190},
            **{"removexattr": 197, "lremovexattr": 198, "fremovexattr": 199},
            **{"io_uring_setup": 425, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323},
            **{"unshare": 272, "setns": 308, "mount": 165, "add_key": 248, "keyctl": 250},
            **{"truncate": 76, "creat": 85, "openat2": 437, "mknod": 133, "mknodat": 259},
            **{"mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263},
            **{"rename": 82, "renameat": 264, "renameat2": 316},
            **{"link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266},
        },
        {"open": (2, 1), "openat": (257, 2)},
    ),
    "aarch64": (
        0xC00000B7,
        {
            **{"socket": 198, "connect": 203, "execve": 221, "execveat": 281},
            **{"kill": 129, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271},
            **{"fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "utimensat": 88},
            **{"setxattr": 5, "lsetxattr": 6, "fsetxattr": 7},
            **{"removexattr": 14, "lremovexattr": 15, "fremovexattr": 16},
            **{"io_uring_setup": 425, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282},
            **{"unshare": 97, "setns": 268, "mount": 40, "add_key": 217, "keyctl": 219},
            **{"truncate": 45, "openat2": 437, "mknodat": 33, "mkdirat": 34, "unlinkat": 35},
            **{"renameat": 38, "renameat2": 276, "linkat": 37, "symlinkat": 36},
        },
        {"openat": (56, 2)},
    ),
}
_FOREIGN_ABI: Final = 0x4000_0000  # from here on x86's numbers are those of its x32 calls
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in seccomp_data; of an argument the low word comes first
_CHANGING: Final = 0x40_0243  # writing, creating, truncating, a file without a name (asm-generic/fcntl.h)
_LOAD_WORD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EPERM


def confine() -> tuple[str, ...]:
    """Give up this process's rights for good; returns the mechanisms that hold now: "landlock", "seccomp"."""
    if sys.platform != "linux":
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()  # both ask for it
    holds = {"landlock": _restrict_paths(libc), "seccomp": _filter_calls(libc)}
    return tuple(name for name, does_hold in holds.items() if does_hold)


def _restrict_paths(libc: ctypes.CDLL) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    rights = sum(right for since, right in _FILE_RIGHTS if version >= since)
    ruleset = struct.pack("=QQQ", rights, _TCP, _OTHERS)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    if version < 1 or (ruleset_fd := libc.syscall(_LANDLOCK_CREATE_RULESET, ruleset, len(ruleset), 0)) < 0:
        return False
    try:  # what is handled and has no rule is refused
        return not libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset_fd, 0)
    finally:
        os.close(ruleset_fd)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    if platform.machine() not in _CALLS or sys.maxsize < 2**32:
        return False
    instructions = list(_instructions(*_CALLS[platform.machine()]))
    code = ctypes.create_string_buffer(b"".join(instructions))
    program = struct.pack("@HP", len(instructions), ctypes.addressof(code))
    return not libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0)


def _instructions(architecture: int, refused: dict[str, int], opening: dict[str, tuple[int, int]]) -> Iterator[bytes]:
    """The filter (linux/filter.h) of another architecture's calls, those that are refused, and opening to change."""

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    # Jumps count what they pass over; the last two are: allow, refuse.
    left = len(refused) + 4 * len(opening)
    yield instruction(_LOAD_WORD, _ARCHITECTURE_AT)
    yield instruction(_IF_EQUAL, architecture, if_false=left + 3)
    yield instruction(_LOAD_WORD, _NUMBER_AT)
    yield instruction(_IF_AT_LEAST, _FOREIGN_ABI, if_true=left + 1)
    for number in refused.values():
        yield instruction(_IF_EQUAL, number, if_true=left)
        left -= 1
    for number, place in opening.values():
        left -= 4
        yield instruction(_IF_EQUAL, number, if_false=3)
        yield instruction(_LOAD_WORD, _ARGUMENTS_AT + 8 * place)
        yield instruction(_IF_ANY_BIT, _CHANGING, if_true=left + 2)
        yield instruction(_RETURN, _ALLOW)
    yield instruction(_RETURN, _ALLOW)
    yield instruction(_RETURN, _REFUSE)
