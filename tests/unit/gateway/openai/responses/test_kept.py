"""Responses that are kept: bounded in number and size, the oldest go."""

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.openai.responses.kept import Kept, Response


def response(name: str, size: int = 1) -> Response:
    return Response({"id": name, "output": [{"id": f"msg_{name}"}]}, [], (), size)


def there(kept: Kept, *names: str) -> list[str]:
    found = [name for name in names if kept.item(f"msg_{name}")]
    for name in names:
        if name in found:
            assert kept.get(name).response["id"] == name
        else:
            with pytest.raises(AiPalError) as caught:
                kept.get(name)
            assert caught.value.failure.code == Code.CONVERSATION_NOT_FOUND
    return found


def test_the_oldest_goes_where_there_are_too_many() -> None:
    kept = Kept(most=2)
    for name in "abc":
        kept.put(response(name))
    assert there(kept, *"abc") == ["b", "c"]
    assert kept.item("msg_c") == {"id": "msg_c"}


def test_the_oldest_go_where_they_are_too_large() -> None:
    kept = Kept(most_bytes=10)
    kept.put(response("a", 4))
    kept.put(response("b", 4))
    kept.put(response("c", 6))
    assert there(kept, *"abc") == ["b", "c"]
    kept.put(response("d", 11))
    assert there(kept, *"abcd") == []


def test_what_is_forgotten_makes_room() -> None:
    kept = Kept(most_bytes=10)
    kept.put(response("a", 6))
    kept.delete("a")
    kept.put(response("b", 4))
    kept.put(response("c", 6))
    assert there(kept, *"abc") == ["b", "c"]
    with pytest.raises(AiPalError):
        kept.delete("a")
