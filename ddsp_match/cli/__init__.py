"""The ``ddsp-match`` command: argv to one task to files.

The room that prints, exits and catches our errors. Torch, numpy and Hydra are imported inside a verb, so that
``--help`` answers at once.
"""

from __future__ import annotations

import importlib
import os
import shlex
import sys
from collections.abc import Sequence

from ddsp_match.cli.console import discard_output, settle
from ddsp_match.cli.exits import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, EXIT_PIPE, EXIT_USER
from ddsp_match.cli.values import FLAGS, PROGRAM
from ddsp_match.core.errors import MatchError
from ddsp_match.core.files import explained, printable

DEBUG_VARIABLE = "DDSP_MATCH_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after the program's name; the process's own by default.

    Returns:
        0 when done (also when Ctrl-C ended a fit early and what it had was written); 2 for a problem in what
        the user gave; 3 where nothing explains a wet sound from a dry one; 101 to 200 where so many of many sounds
        failed (less 100); 130 when interrupted with nothing written, or with what was finished of many sounds; 141
        when the reader of our output went away; 1 for a bug of ours.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    settle()
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except MatchError as error:
        return _complain(error.text(FLAGS), error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted, nothing written", EXIT_INTERRUPTED)
    except BrokenPipeError:
        discard_output()
        return EXIT_PIPE
    except Exception as error:
        discard_output()
        refused = explained(error) if isinstance(error, OSError) else None
        if refused is not None:
            return _complain(refused.text(FLAGS), EXIT_USER)
        if os.environ.get(DEBUG_VARIABLE):
            raise
        text = f"a bug of ours, please report it: {type(error).__name__}: {error}"
        return _complain(f"{text} ({DEBUG_VARIABLE}=1 shows where)", EXIT_BUG)


def _run(words: list[str]) -> int:
    while words and words[0] == "--":
        words = words[1:]
    if words and words[0] in ("-sc", "--shell-completion"):
        words = ["fit", *words]
    # Here, so that a Ctrl-C meanwhile reaches `main`.
    from ddsp_match.cli.parser import TAKES_SETTINGS, build_parser, verbs_of
    from ddsp_match.cli.shell_words import normalised, unknown_option

    parser = build_parser()
    verbs = verbs_of(parser)
    place = next((place for place, word in enumerate(words) if word in verbs), len(words))
    verb = words[place] if words[place:] else ""
    options = verbs[verb]._option_string_actions if verb else {}
    kind = TAKES_SETTINGS.get(verb)
    arguments, rest = parser.parse_known_args([*words[: place + 1], *normalised(words[place + 1 :], options, kind)])
    if arguments.verb is None:
        parser.print_help()
        return EXIT_OK
    for word in rest:
        if word.startswith("-") and len(word) > 1:
            raise unknown_option(word, options, kind)
        if kind is None:
            parser.error(f"{verb} does not know {word}")
    # The module and the function in it are called as the verb.
    run = getattr(importlib.import_module(f"ddsp_match.cli.{verb}"), verb)
    arguments.words = [*getattr(arguments, "words", []), *rest]
    arguments.command = printable(shlex.join([PROGRAM, *words]))
    return run(arguments)


def _complain(message: str, code: int) -> int:
    print(printable(f"{PROGRAM}: {message}"), file=sys.stderr)
    return code
