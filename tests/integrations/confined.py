"""Runs a command under what a systemd unit forbids, as far as it can be had without systemd as process 1.

    python confined.py UNIT PROGRAM [ARGUMENT...]

The unit's system-call filter, memory that is written or executed but not both, address families, capabilities, core
limit and private network. Not its users, folders and devices: they need mounts and a service manager.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

ALLOW, EPERM = 0x7FFF0000, 0x00050001  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM)
NOT_EQUAL, MASKED_EQUAL = 1, 7  # of seccomp's comparisons
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
CAPABILITIES = 41
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CLONE_NEWNET = 0x40000000

LIBC = ctypes.CDLL(None, use_errno=True)


class Argument(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = [
        ("number", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]  # fmt: skip


class Filter:
    """A seccomp filter, by libseccomp, as systemd makes them."""

    def __init__(self, otherwise: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._filter = ctypes.c_void_p(self._library.seccomp_init(otherwise))

    def add(self, action: int, call: str, *arguments: Argument) -> None:
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number == -1:  # of another architecture or kernel
            return
        array = (Argument * len(arguments))(*arguments)
        self._library.seccomp_rule_add_array(self._filter, action, number, len(arguments), array)

    def load(self) -> None:
        assert self._library.seccomp_load(self._filter) == 0


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Return the unit's settings, each with all of its values in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


def system_calls(values: list[str]) -> set[str]:
    """Return what SystemCallFilter leaves."""
    allowed: set[str] = set()
    for value in values:
        calls = {call for name in value.removeprefix("~").split() for call in expanded(name)}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def expanded(name: str) -> set[str]:
    """Return the system calls of a group, as systemd has it."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    names = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return {call for each in names if each and not each.startswith("#") for call in expanded(each)}


def confine(settings: dict[str, list[str]]) -> None:
    """Give up what the unit takes away."""
    allowed = system_calls(settings["SystemCallFilter"])
    if settings["PrivateNetwork"] == ["yes"]:
        assert LIBC.unshare(CLONE_NEWNET) == 0, "a network of its own needs root"
    assert settings["LimitCORE"] == ["0"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    assert settings["CapabilityBoundingSet"] == [""]
    for capability in range(CAPABILITIES):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    families = Filter(ALLOW)
    assert settings["RestrictAddressFamilies"] == ["AF_UNIX"]
    families.add(EPERM, "socket", Argument(0, NOT_EQUAL, 1, 0))
    families.load()
    if settings.get("MemoryDenyWriteExecute") == ["yes"]:
        memory = Filter(ALLOW)
        both = PROT_WRITE | PROT_EXEC
        memory.add(EPERM, "mmap", Argument(2, MASKED_EQUAL, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            memory.add(EPERM, call, Argument(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
        memory.add(EPERM, "shmat", Argument(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
        memory.load()
    calls = Filter(EPERM)
    for call in sorted(allowed):
        calls.add(ALLOW, call)
    calls.load()


if __name__ == "__main__":
    confine(settings_of(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])
