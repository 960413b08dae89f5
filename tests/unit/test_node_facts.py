"""What is told of nodes arrives as it was, and files are told when they are news."""

import msgspec
import pytest

from ai_pal.protocol.cluster import Node
from ai_pal.protocol.node_facts import OLDER, FilesTold, FilesUnknownError, completed, read

FILES = frozenset({"org/m.gguf:7"})
A, B = Node("a", 5, files=FILES), Node("b", 9, files=frozenset({"x:1"}))


def test_files_are_told_once_and_again_when_they_have_changed_or_the_node_was_away() -> None:
    near, far = FilesTold(), dict[str, Node]()
    more = msgspec.structs.replace(A, files=FILES | {"y:2"})
    for nodes, told_of in [((A, B), "ab"), ((A, B), ""), ((more, B), "a"), ((B,), ""), ((more, B), "a")]:
        told = near.shortened(nodes)
        assert "".join(node.name for node in told if node.files) == told_of
        far = {node.name: completed(node, far.get(node.name)) for node in told}
        assert tuple(far.values()) == nodes


def test_another_version_is_known_as_that_whatever_else_it_tells() -> None:
    same = msgspec.structs.replace(A, version="1.2")
    assert read(msgspec.json.encode(same), Node("a")) == same
    assert read('{"name": "z", "version": "9.9", "free": ["of another kind"]}', Node("a")) == Node(
        "a", version="9.9"
    )
    assert read('{"name": "z", "free": 5}', Node("a")).version == OLDER
    assert read('{"free": {}}', Node("a")).version == OLDER
    with pytest.raises(msgspec.DecodeError):
        read("no facts", Node("a"))


def test_files_that_were_never_heard_of_are_not_taken_for_none() -> None:
    again = msgspec.json.encode(Node("a", version="1.2", same_files=True))
    assert read(again, A).files == FILES
    with pytest.raises(FilesUnknownError):
        read(again, A, files_known=False)
