"""What can go wrong on the way to a file, said so that the user can do something about it."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.parse

from ddsp_match.errors import MatchError

RETRIED_STATUS = (408, 425, 429, 500, 502, 503, 504)
_REFUSED_STATUS = (401, 402, 403, 407, 451)


class FetchError(MatchError):
    """A data set that cannot be fetched, or is not what it should be."""


class Broken(Exception):
    """A transfer that ended too early, or whose pieces do not belong together; worth another try."""


def cause_of(error: BaseException) -> BaseException:
    """Return what urllib wraps."""
    while type(error) is urllib.error.URLError and isinstance(error.reason, BaseException):
        error = error.reason
    return error


def is_worth_another_try(error: BaseException, *, came_through: bool) -> bool:
    """Say whether the same request may go better a little later.

    Args:
        error: What went wrong.
        came_through: Whether the server has answered before: then a missing network is a passing one.
    """
    error = cause_of(error)
    if isinstance(error, urllib.error.HTTPError):
        return error.code in RETRIED_STATUS
    if isinstance(error, ssl.SSLCertVerificationError | http.client.InvalidURL):
        return False
    if isinstance(error, socket.gaierror | ConnectionRefusedError):
        return came_through
    return True


def explained(error: BaseException, url: str, *, timeout_s: float, otherwise: str) -> FetchError:
    """Return the error that the user sees.

    Args:
        error: What went wrong.
        url: The address.
        timeout_s: How long the server was given.
        otherwise: How to come by the file another way, as a clause.
    """
    error = cause_of(error)
    host = urllib.parse.urlsplit(url).hostname or url
    needed, hint = "the file at that address", otherwise
    if isinstance(error, urllib.error.HTTPError):
        found = f"the answer {error.code} ({error.reason})"
        if error.code in _REFUSED_STATUS:
            needed = "leave to download it"
            hint = f"whether a proxy or a firewall is in the way; or {otherwise}"
        elif error.code >= 500:
            hint = f"again later: the server has trouble; or {otherwise}"
    elif isinstance(error, socket.gaierror):
        found, needed = f"no address for {host}", "a connection to the internet"
        hint = f"checking the connection, or {otherwise}"
    elif isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", "") or str(error)
        found, needed = f"a secure connection that cannot be trusted ({reason})", "a valid certificate"
        hint = f"checking this machine's clock and certificates; or {otherwise}"
    elif isinstance(error, ConnectionRefusedError):
        found, needed = f"nobody who answers at {host}", "a server there"
        hint = f"checking the address and the connection, or {otherwise}"
    elif isinstance(error, TimeoutError):
        found, needed = f"no answer for {timeout_s:g} s", "a server that answers"
        hint = f"again later (it goes on where it stopped), a longer --timeout, or {otherwise}"
    else:
        reason = str(error) or type(error).__name__
        found, needed = f"a connection that breaks off ({reason})", "the whole file"
        hint = f"again later (it goes on where it stopped), or {otherwise}"
    return FetchError(found, where=url, needed=needed, hint=hint)
