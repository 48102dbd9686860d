"""`edge-ser devices`: the microphones that can be listened to."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_ser.capture.devices import InputDevice


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "devices",
        help="list the microphones",
        description="List the input devices. The one marked with * is used where --device names none.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the input devices; raise AudioDeviceError where there are none."""
    # Imported here: other commands must start without it.
    from edge_ser.capture.devices import list_devices, no_microphone

    devices = list_devices()
    if not devices:
        raise no_microphone()
    if args.json:
        for device in devices:
            print(json.dumps(asdict(device), ensure_ascii=False))
    else:
        print(table(devices))
    return 0


def table(devices: Sequence[InputDevice]) -> str:
    """Return the devices as aligned columns, the default one marked."""
    width = max(len("name"), *(len(device.name) for device in devices))
    lines = [f"  index  {'name':{width}}  channels      Hz  through"]
    for device in devices:
        mark = "*" if device.default else " "
        layout = f"{device.channels:8}  {device.sample_rate:6}"
        lines.append(f"{mark} {device.index:5}  {device.name:{width}}  {layout}  {device.host_api}")
    return "\n".join(lines)
