"""The tables, as the steps that lead to them. A step that was released is never changed: add another."""

_LEDGER = (
    """
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        request TEXT NOT NULL,
        tier INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL CHECK (prompt_tokens BETWEEN 0 AND 1000000000),
        completion_tokens INTEGER NOT NULL CHECK (completion_tokens BETWEEN 0 AND 1000000000),
        cost REAL NOT NULL CHECK (cost BETWEEN 0 AND 1e9),
        queued REAL NOT NULL,
        connect REAL NOT NULL,
        first_token REAL NOT NULL,
        total REAL NOT NULL,
        outcome TEXT NOT NULL,
        score REAL,
        remote INTEGER NOT NULL,
        local_only INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX attempts_at ON attempts (at, cost)",
)

_CONVERSATIONS = (
    """
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        model TEXT NOT NULL,
        system TEXT,
        local_only INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX conversations_updated ON conversations (updated)",
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        at REAL NOT NULL,
        tier INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        remote INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        interrupted INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX messages_conversation ON messages (conversation, id)",
    """
    CREATE VIRTUAL TABLE words USING fts5 (
        content, content = 'messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
        INSERT INTO words (rowid, content) VALUES (new.id, new.content);
    END
    """,
    """
    CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
        INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
    END
    """,
)

_PAID = ("CREATE INDEX attempts_paid ON attempts (at, cost) WHERE cost > 0",)
"""What was spent is asked for after every commit: the many attempts that cost nothing are not looked at."""

_PRICED = ("ALTER TABLE attempts ADD COLUMN priced INTEGER NOT NULL DEFAULT 1",)
"""Without it, what nobody knew the price of looked as if it had cost nothing."""

_STAND_INS = ("ALTER TABLE messages ADD COLUMN stands_for TEXT NOT NULL DEFAULT ''",)

_PARTS = (
    "ALTER TABLE messages ADD COLUMN beside TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE attachments (
        id INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
        name TEXT NOT NULL,
        about TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('document', 'image', 'audio')),
        media_type TEXT NOT NULL,
        data BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX attachments_message ON attachments (message, id)",
)
"""`beside` is JSON: what was thought and the tools that were called. Neither is in the index of words, nor
are files: a search finds what was said."""

_PRINCIPALS = ("ALTER TABLE attempts ADD COLUMN principal TEXT NOT NULL DEFAULT ''",)

_PREFIXES = ("ALTER TABLE conversations ADD COLUMN mark TEXT NOT NULL DEFAULT ''",)
"""The name of the folder for what models have read of it."""

_SHELF = (
    "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conversations ADD COLUMN root INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN figures TEXT NOT NULL DEFAULT ''",
)
"""A branch has as its `root` the conversation that it began in, whose own is 0. `figures` is JSON: what an
answer cost, and how fast it was."""

_TAGS = ("ALTER TABLE conversations ADD COLUMN tags TEXT NOT NULL DEFAULT ''",)
"""One a line."""

_MINE = (
    "ALTER TABLE attempts ADD COLUMN mine INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conversations ADD COLUMN mine INTEGER NOT NULL DEFAULT 0",
)
"""What must not leave the user's own machines."""

STEPS: tuple[tuple[str, ...], ...] = (
    _LEDGER + _CONVERSATIONS,
    _PAID,
    _PRICED,
    _STAND_INS,
    _PARTS,
    _PRINCIPALS,
    _PREFIXES,
    _SHELF,
    _TAGS,
    _MINE,
)
"""Step N leads from version N to N + 1; the version of a database is its `user_version`."""
