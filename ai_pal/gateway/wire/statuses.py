"""HTTP statuses of our error codes, the same for every protocol. Pure."""

from ai_pal.errors import AiPalError, Code, Failure

CLIENT_LEFT = 499
"""What the access log calls a request whose client went away (nginx's number)."""

STATUSES: dict[int, tuple[Code, ...]] = {
    400: (
        *(Code.BAD_REQUEST, Code.EMPTY_PROMPT, Code.INPUT_NOT_UTF8, Code.PROMPT_TOO_LARGE, Code.UNSUPPORTED),
        *(
            Code.MODEL_INVALID,
            Code.SCHEMA_INVALID,
            Code.IMAGE_INVALID,
            Code.UNKNOWN_MESSAGE,
            Code.DUPLICATE_ID,
            Code.LENGTH,
        ),
    ),
    401: (Code.KEY_REFUSED,),
    402: (Code.NO_CREDIT,),
    403: (
        *(Code.NO_CONSENT, Code.LOCAL_ONLY, Code.ACCESS_DENIED, Code.MODEL_GATED, Code.NOT_OWNER),
        *(Code.NO_KEY, Code.NO_FALLBACK, Code.DIRECT_LOADING_OFF),
    ),
    404: (Code.MODEL_NOT_FOUND, Code.MODEL_NOT_HERE, Code.CONVERSATION_NOT_FOUND, Code.PRESET_NOT_FOUND),
    409: (Code.MODEL_BUSY,),
    413: (Code.FRAME_TOO_LARGE, Code.IMAGE_TOO_LARGE),
    429: (Code.RATE_LIMITED, Code.OVER_BUDGET),
    CLIENT_LEFT: (Code.CANCELLED,),
    500: (
        *(Code.INTERNAL, Code.ENGINE_ERROR, Code.UNSURE, Code.CONFIG_INVALID, Code.FILE_UNREADABLE),
        *(Code.PROTOCOL_MISMATCH, Code.HELLO_REQUIRED, Code.CLIENT_CLOSED, Code.SUPERVISOR_RUNNING),
        *(Code.SOCKET_PATH_BLOCKED, Code.RUN_DIR_UNSAFE, Code.CACHE_UNWRITABLE, Code.UNSUPPORTED_PLATFORM),
        *(Code.PIP_MISSING, Code.KEYRING_MISSING, Code.STORE_DAMAGED, Code.STORE_NEWER),
    ),
    502: (
        *(Code.PROVIDER_UNREACHABLE, Code.PROVIDER_REFUSED, Code.PROVIDER_ERROR, Code.STREAM_BROKEN),
        *(Code.EMPTY_ANSWER, Code.AUTH_FAILED, Code.DOWNLOAD_FAILED, Code.OFFLINE, Code.HASH_MISMATCH),
        Code.MACHINE_CHANGED,
    ),
    503: (
        *(Code.OVERLOADED, Code.INSUFFICIENT_MEMORY, Code.SHUTTING_DOWN, Code.BREAKER_OPEN, Code.UNLOADED),
        *(Code.SUPERVISOR_UNREACHABLE, Code.SUPERVISOR_SILENT, Code.SUPERVISOR_LOST, Code.MODEL_FAILED),
        *(Code.ENGINE_MISSING, Code.SDK_MISSING, Code.CLIENT_TOO_SLOW, Code.NO_NODE),
        *(Code.WORKER_DIED, Code.WORKER_HUNG, Code.LOAD_STALLED, Code.SPAWN_FAILED, Code.STORE_BUSY),
    ),
    504: (
        *(Code.DEADLINE_EXCEEDED, Code.CONNECT_TIMEOUT, Code.QUEUE_TIMEOUT, Code.FIRST_TOKEN_TIMEOUT),
        Code.STREAM_STALLED,
    ),
    507: (Code.DISK_FULL,),
}

_OF_CODE: dict[str, int] = {code: status for status, codes in STATUSES.items() for code in codes}

RETRY_AFTER = 5
"""Seconds, where a failure that may pass does not say how long it takes."""


def status_of(failure: Failure) -> int:
    """The status for this failure; what is nobody's fault but ours is 500, as is what nobody here knows."""
    return _OF_CODE.get(failure.code, 500)


class StatusError(AiPalError):
    """A failure with a status of its own: what is wrong lies in the request's line or headers."""

    def __init__(self, status: int, failure: Failure) -> None:
        super().__init__(failure)
        self.status = status


class NotDoneError(StatusError):
    """A protocol knows it, and this server does not do it, whoever asks."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(501, Failure(Code.UNSUPPORTED, message, hint))


def status_of_error(error: AiPalError) -> int:
    """As `status_of`."""
    return error.status if isinstance(error, StatusError) else status_of(error.failure)


def retry_after(failure: Failure) -> int | None:
    """Whole seconds for `Retry-After`, where asking again may help."""
    if failure.code == Code.OVER_BUDGET:
        return None
    if failure.retry_after is not None:
        return max(1, round(failure.retry_after))
    return RETRY_AFTER if status_of(failure) in (429, 503) and failure.retryable else None


def sentence(failure: Failure) -> str:
    """What is told to a client: what happened, and what to do about it."""
    return f"{failure.message}: {failure.hint}" if failure.hint else failure.message
