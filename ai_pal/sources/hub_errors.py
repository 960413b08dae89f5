"""What went wrong with the hub, for people: one message and one next step for each kind."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import NoReturn

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.network.proxies import host_of
from ai_pal.network.reasons import chain, is_of_network, trouble_of
from ai_pal.network.trouble import Blocked
from ai_pal.protocol.wanted import HubFiles

_AGAIN = "run the same command again: it goes on where it stopped"
_LATER = "try again in a moment"
_NO_HUB = "check HF_ENDPOINT: it must be a Hugging Face hub"


@contextlib.contextmanager
def explained(wanted: HubFiles) -> Iterator[None]:
    """Turns the exceptions of huggingface_hub in this block into `AiPalError`."""
    try:
        yield
    except AiPalError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if type(error).__module__ == "builtins" and getattr(error, "errno", None) is not None:
            raise  # the disk's
        raise AiPalError(explain(error, wanted)) from error
    except Exception as error:
        if not is_of_network(error):
            raise
        raise AiPalError(explain(error, wanted)) from error


def explain(error: Exception, wanted: HubFiles) -> Failure:
    """What an exception of huggingface_hub means."""
    import httpx2
    from huggingface_hub import errors

    match error:
        case errors.HfHubHTTPError():
            return _refused(error, wanted)
        case errors.OfflineModeIsEnabled():
            message = f"{wanted.repo} is not here, and HF_HUB_OFFLINE forbids the network"
            hint = "unset HF_HUB_OFFLINE, or take a model that is here: ai-pal list"
            return Failure(Code.OFFLINE, message, hint)
        case errors.HFValidationError():
            return Failure(
                Code.MODEL_NOT_FOUND, f"{wanted.repo!r} is no possible name on the hub", str(error)
            )
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError() | Blocked():
            return _unreachable(error)
        case httpx2.TimeoutException():
            return _broken(f"the hub sent nothing more of {wanted.repo}")
        case httpx2.TooManyRedirects():
            return Failure(
                Code.DOWNLOAD_FAILED, "the hub leads from one address to the next, without end", _NO_HUB
            )
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return _broken(f"the hub cannot be asked: {error}", "check HF_ENDPOINT: it is no address")
        case httpx2.HTTPError():
            trouble = trouble_of(list(chain(error)), _url(error), os.environ)
            return _broken(f"the connection to the hub broke off: {trouble.reason}", trouble.hint)
        case OSError():
            return _broken(f"the hub sent a broken file of {wanted.repo}: {str(error).splitlines()[0]}")
    return _unreachable(error) if is_of_network(error) else unusable(wanted, f": {_odd(error)}")


def explain_question(error: Exception) -> Failure:
    """The same where no files of a repository were wanted but an answer."""
    import httpx2
    from huggingface_hub import errors

    match error:
        case errors.OfflineModeIsEnabled():
            hint = "unset HF_HUB_OFFLINE, or see what is here: ai-pal list"
            return Failure(Code.OFFLINE, "HF_HUB_OFFLINE forbids to ask the hub", hint)
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError() | Blocked():
            return _unreachable(error)
        case httpx2.TimeoutException():
            return _broken("the hub did not answer in time", _LATER)
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return _broken(f"the hub cannot be asked: {error}", "check HF_ENDPOINT: it is no address")
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 401:
        return _wants_token()
    if status == 429:
        return _broken("the hub limits how much it serves you", _LATER)
    if status:
        return _error(status)
    if is_of_network(error):
        trouble = trouble_of(list(chain(error)), _url(error), os.environ)
        return _broken(f"the connection to the hub broke off: {trouble.reason}", trouble.hint or _LATER)
    return Failure(Code.DOWNLOAD_FAILED, f"the hub's answer cannot be used: {_odd(error)}", _NO_HUB)


def _unreachable(error: Exception) -> Failure:
    """Nobody was there, or nobody let us through."""
    trouble = trouble_of(list(chain(error)), _url(error), os.environ)
    where = host_of(_url(error))
    what = f"the hub at {_endpoint()}" if where == host_of(_endpoint()) else f"the hub's storage at {where}"
    hint = trouble.hint or "check the network and HF_ENDPOINT"
    message = f"{what} cannot be reached: {trouble.reason}"
    return Failure(Code.OFFLINE, message, f"{hint}; models that are here go on: ai-pal list", retryable=True)


def _url(error: Exception) -> str:
    """What was asked, which may be the hub's storage."""
    try:
        return str(error.request.url)  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        return _endpoint()


def unusable(wanted: HubFiles, why: str = "") -> Failure:
    """The hub's answer makes no sense."""
    message = f"the hub's answer about {wanted.repo} cannot be used{why}"
    return Failure(Code.DOWNLOAD_FAILED, message, _NO_HUB)


def _odd(error: Exception) -> str:
    """What is wrong with an answer, without the words of a library that stumbled over it."""
    return "it is no JSON" if isinstance(error, json.JSONDecodeError) else "it lacks what a hub tells"


def renamed(old: str, new: str) -> NoReturn:
    """The repository has moved. Not followed silently: a name that is free again may be anybody's."""
    fail(Code.MODEL_NOT_FOUND, f"{old} is called {new} now", f"run: ai-pal pull {new}")


def _refused(error: Exception, wanted: HubFiles) -> Failure:
    """The hub answered with an HTTP error."""
    from huggingface_hub import errors

    page = f"{_endpoint()}/{wanted.repo}"
    status = getattr(getattr(error, "response", None), "status_code", 0)
    words = str(getattr(error, "server_message", "") or "")
    match error:
        case errors.GatedRepoError():
            hint = f"accept its terms on {page}, then set HF_TOKEN to a token of yours and pull again"
            return Failure(Code.MODEL_GATED, f"{wanted.repo} is gated: its owner asks for your consent", hint)
        case errors.RevisionNotFoundError():
            message = f"{wanted.repo} has no revision {wanted.revision!r}"
            return Failure(Code.MODEL_NOT_FOUND, message, f"leave out @{wanted.revision}, or see {page}")
        case errors.EntryNotFoundError():
            return Failure(Code.MODEL_INVALID, f"{wanted.repo} lacks a file that it lists", f"see {page}")
        case errors.DisabledRepoError():
            return Failure(Code.MODEL_NOT_FOUND, f"{wanted.repo} was disabled by the hub", "choose another")
    return _by_status(status, f"{error} {words}", isinstance(error, errors.RepositoryNotFoundError), wanted)


def _by_status(status: int, words: str, is_missing: bool, wanted: HubFiles) -> Failure:
    if status == 401 and ("credentials" in words.lower() or not is_missing):
        return _wants_token()
    if is_missing or status == 404:
        message = f"there is no repository {wanted.repo} on {_endpoint()}, or it is private"
        hint = "check the spelling (ai-pal search WORDS); for a private one set HF_TOKEN"
        return Failure(Code.MODEL_NOT_FOUND, message, hint)
    if status == 403:
        hint = f"see {_endpoint()}/{wanted.repo}; perhaps HF_TOKEN lacks the permission to read it"
        return Failure(Code.MODEL_GATED, f"the hub forbids access to {wanted.repo}", hint)
    if status == 429:
        return Failure(Code.DOWNLOAD_FAILED, "the hub limits how much it serves you", _AGAIN, retryable=True)
    return _error(status)


def _wants_token() -> Failure:
    """The hub lets in whom it knows, and that is not us."""
    from huggingface_hub import get_token

    if get_token():
        hint = "correct or unset HF_TOKEN (huggingface.co/settings/tokens)"
        return Failure(Code.MODEL_GATED, "the hub does not know the token in HF_TOKEN", hint)
    hint = "set HF_TOKEN to a token of yours"
    return Failure(Code.MODEL_GATED, f"the hub at {_endpoint()} answers nobody without a token", hint)


def _error(status: int) -> Failure:
    """An HTTP error that says nothing of what was asked."""
    message = f"the hub answered with an error ({status})"
    if status >= 500 or status in (408, 425):
        return _broken(message, f"{_LATER}; what has come is kept")
    return Failure(Code.DOWNLOAD_FAILED, message, _NO_HUB)


def _broken(message: str, hint: str = "") -> Failure:
    return Failure(Code.DOWNLOAD_FAILED, message, hint or _AGAIN, retryable=True)


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)
