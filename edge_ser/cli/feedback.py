"""`edge-ser feedback`: says what the last decision should have been; lists, exports and deletes what was said."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_ser.cli.serve import PORT, read_token
from edge_ser.cli.terminal import print_note, write
from edge_ser.errors import FeedbackError

WAIT_SECONDS = 10.0
ALL = "all"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "feedback",
        help="correct the last decision; list, export and delete corrections",
        description="Correct the last decision of an `edge-ser serve --feedback` that is running, or look after the\n"
        "corrections that are kept. Features of the voice are kept only with --consent, audio never is.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--label", metavar="X", help="what the last decision should have been")
    what.add_argument("--list", action="store_true", help="print the corrections that are kept")
    what.add_argument("--export", type=Path, metavar="FILE", help="write all to a file that edge-ser-convert reads")
    what.add_argument("--delete", metavar="ID", help="delete one, or `all`")
    what.add_argument("--consent-text", action="store_true", help="print what --consent says")
    parser.add_argument(
        "--consent", action="store_true", help="who spoke has read the consent text and agreed: keep the features too"
    )
    parser.add_argument(
        "--url", default=f"http://127.0.0.1:{PORT}/", metavar="URL", help="of `edge-ser serve` (%(default)s)"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with the token that it was given")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Correct, list, export or delete."""
    # Imported here: other commands must start without NumPy.
    from edge_ser import feedback

    if args.label is not None:
        kept = _send(args, feedback.CONSENT_VERSION if args.consent else None)
        what = "with the features of the utterance" if kept["features"] else "without features"
        write((json.dumps(kept) if args.json else f"{kept['id']}: {kept['label']}, kept {what}") + "\n")
    elif args.list:
        _list(args.json)
    elif args.export is not None:
        write(f"{feedback.export(args.export)} corrections written to {args.export}\n")
    elif args.delete is not None:
        for id_ in feedback.known_corrections() if args.delete == ALL else [args.delete]:
            feedback.delete(id_)
    else:
        write(f"{feedback.CONSENT_TEXT} (version {feedback.CONSENT_VERSION})\n")
    return 0


def _list(as_json: bool) -> None:
    """Print the corrections; one that cannot be read hides none of the others."""
    from edge_ser import feedback

    for id_ in feedback.known_corrections():
        try:
            kept = feedback.load_correction(id_)
        except FeedbackError as error:
            print_note(str(error))
            continue
        said, features = kept.decided.emotion or kept.decided.state, kept.heard is not None
        if as_json:
            write(json.dumps({"id": id_, "label": kept.label, "decided": said, "features": features}) + "\n")
        else:
            write(f"{id_}  {said} -> {kept.label}{'  with features' if features else ''}\n")


def _send(args: argparse.Namespace, consent: int | None) -> Any:
    """Tell the server that is running; return what it kept."""
    import urllib.error
    import urllib.request

    token = {} if args.token_file is None else {"Authorization": f"Bearer {read_token(args.token_file)}"}
    body = json.dumps({"label": args.label, "consent": consent}).encode()
    try:
        request = urllib.request.Request(f"{args.url.rstrip('/')}/feedback", body, token)
        # Without the proxies of the environment: the server is here, or in this network.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=WAIT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        told = error.read().decode("utf-8", "replace").strip()
        raise FeedbackError(*_problem_and_cure(told or str(error))) from error
    except (OSError, ValueError) as error:  # nobody answers; a URL that is none, or an answer that is not ours
        raise FeedbackError(
            f"Nothing answers at {args.url} ({getattr(error, 'reason', error)})",
            "Start `edge-ser serve --feedback`, or say with --url where it is",
        ) from error


def _problem_and_cure(told: str) -> tuple[str, str]:
    """Return the two halves of the server's error."""
    with suppress(ValueError, TypeError, KeyError):  # not an answer of ours
        told = json.loads(told)["error"]
    problem, _, cure = str(told).partition(". ")
    return problem.rstrip("."), cure.rstrip(".") or "Look at what `edge-ser serve` says"
