"""The systemd unit: what the service may do, and nothing more.

Without a network unless the command needs one; never as root; no file but in two folders of its own. Who adds lines of
their own reads docs/integrations.md first: two that one might miss would take the microphone away.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Literal

NAME = "edge-ser.service"
FOLDER = Path("etc/systemd/system")  # below the root of the file system
UNIT_FILE = FOLDER / NAME
NETWORK_FILE = FOLDER / f"{NAME}.d" / "network.conf"

_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))

Network = Literal["none", "local", "any"]
"""Nothing but Unix sockets; this machine's own addresses; everything."""

_UNIT = Template("""\
[Unit]
Description=edge-ser: how this device is being spoken to
After=sound.target
# A microphone may be plugged in at any time: it is tried for ever.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=$command
Restart=on-failure
RestartSec=10
TimeoutStartSec=60
WatchdogSec=30
# Ended by SIGTERM.
SuccessExitStatus=143
# Decisions about people do not belong in the journal; errors do.
StandardOutput=null
# Says in the journal where it hung.
Environment=PYTHONFAULTHANDLER=1
Environment=XDG_DATA_HOME=%S

# A user that is nobody else's, with the sound devices and no others.
DynamicUser=yes
SupplementaryGroups=audio
DevicePolicy=closed
DeviceAllow=char-alsa rw

# No network: `$network_file` changes that where the command needs one.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any

# Files: reads the system, writes to /run/edge-ser and /var/lib/edge-ser.
RuntimeDirectory=edge-ser
RuntimeDirectoryMode=0755
StateDirectory=edge-ser
StateDirectoryMode=0700
UMask=0077
ProtectSystem=strict
ProtectHome=$protect_home
PrivateMounts=yes
PrivateTmp=yes
# A core would hold what was just heard.
LimitCORE=0

# The system around it. Not ProcSubset=pid: the runtimes look into /proc/cpuinfo, sound into /proc/asound.
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RemoveIPC=yes
KeyringMode=private

# The process itself. Not MemoryDenyWriteExecute: PortAudio calls back through cffi, which writes the code for that.
CapabilityBoundingSet=
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
MemoryMax=512M
TasksMax=64

[Install]
WantedBy=multi-user.target
""")

_NETWORK_HEAD = """\
[Service]
PrivateNetwork=no
RestrictAddressFamilies=AF_INET AF_INET6
"""

_NETWORK: dict[Network, str] = {
    "none": "",
    "local": _NETWORK_HEAD + "IPAddressAllow=localhost\n",
    "any": _NETWORK_HEAD + "IPAddressDeny=\n",
}


def unit(arguments: Sequence[str]) -> str:
    """Return the unit that runs `edge-ser` with these arguments, by the Python that runs now."""
    command = [sys.executable, "-m", "edge_ser.cli.main", *arguments]
    below_home = any(path.is_relative_to(home) for path in needed_paths() for home in _HOMES)
    return _UNIT.substitute(
        command=" ".join(map(quoted, command)),
        protect_home="read-only" if below_home else "yes",
        network_file=f"/{NETWORK_FILE}",
    )


def network(reach: Network) -> str:
    """Return the drop-in that opens the network so far; empty for none."""
    return _NETWORK[reach]


def network_of(args: argparse.Namespace) -> Network:
    """Return what network a command needs, by its parsed arguments."""
    from edge_ser.integrations.prometheus import LOOPBACK

    if args.command == "publish":
        return "any"
    metrics = getattr(args, "metrics", None)
    hosts = [metrics.host] if metrics else []
    if args.command == "serve":
        hosts.append(args.address)
    if not hosts:
        return "none"
    return "local" if set(hosts) <= set(LOOPBACK) else "any"


def quoted(argument: str) -> str:
    """Return an argument as systemd.service(5) wants it in a command line.

    Examples
    --------
    >>> print(quoted("--device"), quoted("100 % of it"))
    --device "100 %% of it"
    """
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = escaped.replace("\n", "\\n")  # a line of its own would be a setting of its own
    return escaped if escaped and not set(escaped) & set(" \t\"'\\;") else f'"{escaped}"'


def needed_paths() -> list[Path]:
    """Return the files and folders that the service runs from."""
    import edge_ser

    return [Path(sys.executable), Path(sys.executable).resolve(), Path(sys.prefix), Path(edge_ser.__file__).parent]


def closed_folder() -> Path | None:
    """Return the first folder above what the service runs from that strangers may not enter; None without one."""
    for path in needed_paths():
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                return folder
    return None
