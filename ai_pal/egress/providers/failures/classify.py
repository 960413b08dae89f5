"""What kind of failure an error body tells of: by its names, then its words, and its number last. Pure."""

import re

from ai_pal.egress.providers.failures.error_body import Said
from ai_pal.errors import Code

_KINDS = {
    "access_terminated_error": Code.ACCESS_DENIED,
    "unsupported_country_region_territory": Code.ACCESS_DENIED,
    "account_deactivated": Code.ACCESS_DENIED,
    "ip_not_authorized": Code.ACCESS_DENIED,
    "api_key_invalid": Code.AUTH_FAILED,
    "authentication_error": Code.AUTH_FAILED,
    "invalid_api_key": Code.AUTH_FAILED,
    "invalid_authentication_error": Code.AUTH_FAILED,
    "unauthenticated": Code.AUTH_FAILED,
    "billing_error": Code.NO_CREDIT,
    "billing_hard_limit_reached": Code.NO_CREDIT,
    "billing_not_active": Code.NO_CREDIT,
    "exceeded_current_quota_error": Code.NO_CREDIT,
    "insufficient_balance": Code.NO_CREDIT,
    "insufficient_credits": Code.NO_CREDIT,
    "insufficient_quota": Code.NO_CREDIT,
    "payment_required": Code.NO_CREDIT,
    "content_filter": Code.PROVIDER_REFUSED,
    "content_policy_violation": Code.PROVIDER_REFUSED,
    "responsibleaipolicyviolation": Code.PROVIDER_REFUSED,
    "context_length_exceeded": Code.PROMPT_TOO_LARGE,
    "context_window_exceeded": Code.PROMPT_TOO_LARGE,
    "exceed_context_size_error": Code.PROMPT_TOO_LARGE,
    "request_too_large": Code.PROMPT_TOO_LARGE,
    "string_above_max_length": Code.PROMPT_TOO_LARGE,
    "tokens_limit_reached": Code.PROMPT_TOO_LARGE,
    "deploymentnotfound": Code.MODEL_NOT_FOUND,
    "invalid_model": Code.MODEL_NOT_FOUND,
    "model_decommissioned": Code.MODEL_NOT_FOUND,
    "model_not_available": Code.MODEL_NOT_FOUND,
    "model_not_found": Code.MODEL_NOT_FOUND,
    "model_permission_blocked_org": Code.MODEL_NOT_FOUND,
    "model_permission_blocked_project": Code.MODEL_NOT_FOUND,
    "not_found_error": Code.MODEL_NOT_FOUND,
}
"""Names that say it all, whatever the words and the status are."""

_VAGUE = {
    "rate_limit_error": Code.RATE_LIMITED,
    "rate_limit_exceeded": Code.RATE_LIMITED,
    "rate_limit_reached_error": Code.RATE_LIMITED,
    "resource_exhausted": Code.RATE_LIMITED,
    "throttlingexception": Code.RATE_LIMITED,
    "too_many_requests": Code.RATE_LIMITED,
    "api_error": Code.PROVIDER_ERROR,
    "engine_overloaded_error": Code.PROVIDER_ERROR,
    "internal_error": Code.PROVIDER_ERROR,
    "internal_server_error": Code.PROVIDER_ERROR,
    "internalservererror": Code.PROVIDER_ERROR,
    "overloaded_error": Code.PROVIDER_ERROR,
    "server_error": Code.PROVIDER_ERROR,
    "service_unavailable": Code.PROVIDER_ERROR,
    "timeout_error": Code.PROVIDER_ERROR,
    "unavailable": Code.PROVIDER_ERROR,
    "badrequesterror": Code.PROVIDER_REFUSED,
    "invalid_argument": Code.PROVIDER_REFUSED,
    "invalid_request_error": Code.PROVIDER_REFUSED,
    "permission_denied": Code.ACCESS_DENIED,
    "permission_error": Code.ACCESS_DENIED,
}
"""Names under which many things are told: words come before them, and a status of its own."""

_STATUS = {
    401: Code.AUTH_FAILED,
    402: Code.NO_CREDIT,
    403: Code.ACCESS_DENIED,
    404: Code.MODEL_NOT_FOUND,
    408: Code.FIRST_TOKEN_TIMEOUT,
    413: Code.PROMPT_TOO_LARGE,
    429: Code.RATE_LIMITED,
    451: Code.ACCESS_DENIED,
}


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CREDIT = _words(
    r"credit balance",
    r"insufficient (credit|balance|fund|quota)",
    r"(run |are |is )?out of credit",
    r"\b(no|any|not enough|more|used all|depleted|exhausted|remaining)\b.{0,40}\bcredits?\b",
    r"\bcredits? (are |is |have been )?(depleted|exhausted)",
    r"exceeded your current quota",
    r"billing (hard |soft )?limit|check your plan and billing|billing (is )?not active",
    r"payment required|payment method|prepay|past due|in arrears",
    r"(spend(ing)?|api usage|monthly) limits?.{0,40}(reached|exceeded)|reached your specified api usage",
    r"account balance|balance is (too low|insufficient)|top up your",
)
_FOR_A_MOMENT = _words(
    r"per (second|minute|hour|day)|/ ?(min|day)\b|\b[rt]p[md]\b", r"(try again|retry|reset\w*) (in|after) \d"
)
_KEY = _words(
    r"(invalid|incorrect|wrong|missing|expired|revoked|malformed|unknown|disabled|bad|no|your)"
    r"\W+(\w+\W+){0,3}(api[ _-]?(key|token)|access token|auth\w* (token|credential)|credentials)",
    r"\b(api[ _-]?(key|token)|access token|credentials)\b.{0,60}"
    r"\b(invalid|incorrect|missing|expired|revoked|not valid|not found|required|disabled|permission)",
    r"unauthori[sz]ed|unauthenticated|authentication (failed|required|error)",
    r"lacks? (the )?required (scope|permission)|insufficient permissions|missing scopes?",
)
_PLACE = _words(
    r"\bcountry\b|\bregions?\b|territor|location is not supported",
    r"sanction|export control|geo-?(block|restrict)",
)
_MODERATED = _words(
    r"\bflagged\b|moderation|content[ _](policy|filter|management)|safety (system|filter|polic)"
    r"|usage polic|violat\w+ (our|the|openai|content)|harmful|inappropriate content|sensitive content"
)
_NO_MODEL = _words(
    r"\bmodel\b.{0,100}\b(not found|(does|do) ?n[o']t exist|not exist|(is|are)(n't| not) available"
    r"|has been (deprecated|retired|decommissioned|removed|shut down)|no longer (available|supported)"
    r"|decommissioned)",
    r"(unknown|invalid|no such|not a valid|unsupported) model\b",
    r"(does not have|no|not have|lack\w*) (access|permission)\w* .{0,30}\bmodel",
)
_CANNOT = _words(
    r"not support (the )?(use of )?(tools?\b|function calling|tool (use|calling)|images?\b|vision|audio"
    r"|structured outputs?|json_schema|response_format|logprobs)",
    r"\b(image|audio) (input|content) is not supported",
    r"\b(tools?|tool_choice|response_format|json_schema|logprobs|image_url|input_audio)\b['\"`]? "
    r"(of type \S+ )?(is|are) (not|un)[ -]?supported",
    r"no endpoints found that support",
)
_TOO_LONG = _words(
    r"context.?(length|window|limit|size)",
    r"exceed\w*\W+(\w+\W+){0,6}context",
    r"max\w* (context|prompt|input|sequence) (length|size)",
    r"when context the overflows|context (the )?overflow",
    r"\b(prompt|inputs?|messages?|conversation|text)\b( \w+){0,3} too (long|large|big)",
    r"too many (input |prompt )tokens|tokens in the prompt cannot exceed",
    r"too many tokens: (?!max tokens)",
    r"too large for model",
    r"\b(prompt|input|inputs)`?( text)? (tokens?|length)\b( count)?\W.{0,60}"
    r"(exceed|limit|max|longer|must be|should be)",
    r"number of input tokens exceed|input tokens? exceed|exceed\w* (the |your )?(max\w* |allowed )?input",
    r"longer than the (model|maximum|context)",
    r"prompt exceeds|exceeded model token limit|token limit exceeded|\btoken limit\b",
    r"request (is )?too large|request entity too large|payload too large|request_too_large"
    r"|request exceeds the maximum size",
    r"reduce (the length|your (prompt|input)|the (size|number) of (the )?(prompt|input|message))",
)
_BUSY = _words(r"rate.?limit|too many requests|slow down|throttl|concurren\w+ (limit|request)|quota")
_TROUBLE = _words(
    r"overloaded|at capacity|over capacity|no capacity|temporarily unavailable|service unavailable",
    r"internal (server )?error",
    r"(server|backend|upstream|provider) (had|has|returned|encountered)? ?an? ?error",
    r"bad gateway|gateway time-?out|upstream (connect|request|timed)|timed? ?out|no (healthy|available) ",
)


def code_of(status: int | None, said: Said) -> Code | None:
    """The code for an error with this HTTP status, None where the answer had begun with 200. None where
    nothing tells."""
    number = said.number if said.number is not None and _is_vague(status) else status
    named = _named(number, said)
    if named is not None:
        return named
    if number is not None and number >= 500:
        return Code.PROVIDER_ERROR
    if number is not None and number in _STATUS:
        return _STATUS[number]
    vague = next((_VAGUE[kind] for kind in said.kinds if kind in _VAGUE), None)
    if vague is not None:
        return vague
    if number is not None:
        return Code.PROVIDER_REFUSED
    return _by_words_alone(said.words)


def _is_vague(status: int | None) -> bool:
    """Whether a number in the body knows more: gateways tell of others' errors as 400, 500 or in a 200."""
    return status is None or status in (400, 422) or status >= 500


def _named(number: int | None, said: Said) -> Code | None:
    """The kinds of failure that have a name or words of their own, in the order in which they matter."""
    words = said.words
    sure = next((_KINDS[kind] for kind in said.kinds if kind in _KINDS), None)
    if sure is not None and not (sure == Code.PROMPT_TOO_LARGE and number == 429):
        return sure
    if number in (400, 403, 429, None) and _CREDIT.search(words) and not _FOR_A_MOMENT.search(words):
        return Code.NO_CREDIT
    if number == 429:
        return Code.PROMPT_TOO_LARGE if "request too large" in words.lower() else Code.RATE_LIMITED
    if number in (400, 403, 451, None) and _PLACE.search(words):
        return Code.ACCESS_DENIED
    if number in (400, 404, 422, 500, 501, None) and _CANNOT.search(words):
        return Code.UNSUPPORTED
    if number in (400, 403, 422, None) and _MODERATED.search(words):
        return Code.PROVIDER_REFUSED
    if number in (400, 403, 422, None) and _NO_MODEL.search(words):
        return Code.MODEL_NOT_FOUND
    if number in (400, 403, None) and _KEY.search(words):
        return Code.AUTH_FAILED
    if number not in (401, 402, 403, 404) and _TOO_LONG.search(words):
        return Code.PROMPT_TOO_LARGE
    return None


def _by_words_alone(words: str) -> Code | None:
    """An error inside a stream, with neither a number nor a name that is known."""
    if _BUSY.search(words):
        return Code.RATE_LIMITED
    return Code.PROVIDER_ERROR if _TROUBLE.search(words) else None


def is_moderation(said: Said) -> bool:
    """Whether it was the prompt that was not liked."""
    kinds = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
    return bool(kinds & set(said.kinds)) or _MODERATED.search(said.words) is not None
