"""Bugs that the proofs of our promises must catch: one edit of the sources each, and what then must fail."""

import msgspec


class Bug(msgspec.Struct, frozen=True):
    """`old`, which stands exactly once in `file`, becomes `new`; then `proof`, a command, must fail."""

    promise: int
    title: str
    proof: str
    file: str
    old: str
    new: str


def _chaos(promise: str, rounds: int, slack: float = 5) -> str:
    return f"scripts/chaos --promise {promise} --rounds {rounds} --seed 1 --slack {slack:g}"


KILLS = _chaos("1", 8)
LINKS = "scripts/chaos --promise machines --rounds 3 --seed 3363 --slack 5"
"""Another host key, and a line cut before an answer and in the middle of one, come first with this seed."""
SIMULATE = "scripts/simulate --seeds 200 --seed 0"
CANARY = "pytest tests/attack/test_prompt_canary.py"
OTHER_USER = "pytest tests/process/test_other_user.py"
LAUNCHER = "pytest tests/contract/test_launcher.py"
REFUSALS = "pytest tests/unit/workers/engines/transformers/loading/test_refusals.py"
KEYS = "pytest tests/contract/test_provider_keys.py tests/process/test_what_goes_out.py -k key"
DOUBTED = "pytest tests/unit/server/router/test_doubt_canary.py"
FAULTS = "pytest tests/contract/test_provider_faults.py -k openai"
KEPT = "pytest tests/unit/conversations/test_store.py"
CHANNEL = "pytest tests/contract/test_channel.py"
MATRIX = "pytest tests/gateway/test_keys.py"
CALLERS = "pytest tests/unit/gateway/access/test_callers.py"
CLIENT_KEYS = "pytest tests/unit/config/test_client_keys.py"

SIDE_THREAD = """
        def beat() -> None:
            while True:
                time.sleep(BEAT_SECONDS)
                self._socket.send_multipart([encode(Beat(self._outbox.steps, 0))], zmq.DONTWAIT)

        threading.Thread(target=beat, daemon=True).start()
        while self._exit is None:
            self._flush()
"""

BUGS = (
    Bug(
        1,
        "the exit watch is swallowed",
        KILLS,
        "ai_pal/server/nodes/local.py",
        "        self._loop.call_later(SETTLE_SECONDS, self._on_exit, status)\n",
        "",
    ),
    Bug(
        1,
        "the end is sent from two places",
        SIMULATE,
        "ai_pal/server/router/table.py",
        "        self._clients.send(request.client, event)\n        self._observe(\n",
        "        self._clients.send(request.client, event)\n"
        "        self._clients.send(request.client, event)\n"
        "        self._observe(\n",
    ),
    Bug(
        2,
        "what a request says of its privacy is forgotten",
        CANARY,
        "ai_pal/server/router/planner.py",
        'asked.privacy == "local" or self.policy.local_only',
        "self.policy.local_only",
    ),
    Bug(
        2,
        "that a request is for the user's machines alone is forgotten",
        "pytest tests/process/test_what_goes_out.py",
        "ai_pal/server/router/planner.py",
        'asked.privacy == "mine" or self.policy.mine',
        "self.policy.mine",
    ),
    Bug(
        2,
        "the plan has clouds for a private prompt",
        "pytest tests/properties/test_routing.py",
        "ai_pal/server/router/policy/eligibility.py",
        "    if query.private and candidate.remote:\n",
        "    if False:\n",
    ),
    Bug(
        2,
        "a doubted answer asks whom its plan has ruled out",
        DOUBTED,
        "ai_pal/server/router/policy/fallback_chain.py",
        "    if not able:\n        return None\n",
        "    able += [Step(out.candidate, Reason.STRONGER) for out in chain.plan.ruled_out]\n"
        "    if not able:\n        return None\n",
    ),
    Bug(
        3,
        "what was held back of a doubted answer is lost on a cancel",
        "pytest tests/unit/server/router/test_escalation.py",
        "ai_pal/server/router/chains.py",
        "            attempt.let_go()\n            self.attempts.stop(attempt)\n",
        "            self.attempts.stop(attempt)\n",
    ),
    Bug(
        3,
        "another's answer runs into a doubted one that was kept for long",
        "pytest tests/unit/server/router/test_escalation.py",
        "ai_pal/server/router/escalation.py",
        "        if may_have_two_answers(request.chat):\n            self._goes_on(attempt)",
        "        if True:\n            self._goes_on(attempt)",
    ),
    Bug(
        3,
        "behind a doubted answer that broke off another begins without a seam",
        "pytest tests/unit/server/router/test_escalation.py",
        "ai_pal/server/router/escalation.py",
        "            request.broke_off = other is None or other.begun_at is None\n",
        "",
    ),
    Bug(
        6,
        "a question of a calibration goes on beside a request",
        "pytest tests/unit/server/services/test_idle_calibration.py",
        "ai_pal/server/services/idle_calibration.py",
        "        if asking is not None and asking.handle is not None:\n            asking.handle.cancel()\n",
        "",
    ),
    Bug(
        2,
        "the supervisor does not check what it hands to the egress process",
        "pytest tests/unit/server/backends/test_providers.py",
        "ai_pal/server/backends/providers.py",
        "        return privacy.admit(complete, local_only=job.private or self._local_only())\n",
        "        return complete\n",
    ),
    Bug(
        2,
        "the egress process does not check what it is handed",
        "pytest tests/contract/test_local_only.py",
        "ai_pal/egress/completing.py",
        "        request = privacy.admit(self._request, local_only=False)\n",
        "        request = self._request\n",
    ),
    Bug(
        3,
        "a delta is not delivered",
        KILLS,
        "ai_pal/server/pool/jobs/job.py",
        "        request.next_seq += item.n\n",
        "        request.next_seq += item.n\n        if 3 <= item.seq < 9: return True\n",
    ),
    Bug(
        3,
        "a delta that is missing goes unnoticed",
        SIMULATE,
        "ai_pal/server/pool/jobs/job.py",
        "        if item.seq != request.next_seq:\n            return False\n",
        "",
    ),
    Bug(
        4,
        "no parent-death signal",
        _chaos("4", 26),
        "ai_pal/transport/parent_death.py",
        "if libc.prctl(PR_SET_PDEATHSIG, by, 0, 0, 0) != 0:",
        "if False:",
    ),
    Bug(
        5,
        "beats come from a side thread",
        _chaos("5", 8),
        "workers/loop.py",
        "        while self._exit is None:\n            self._flush()\n",
        SIDE_THREAD,
    ),
    Bug(
        5,
        "an engine that makes no step counts as alive",
        SIMULATE,
        "ai_pal/server/pool/lifecycle/transitions.py",
        "    stepped = not event.busy or event.steps != state.steps\n",
        "    stepped = True\n",
    ),
    Bug(
        6,
        "the cancel flag is forgotten",
        _chaos("6", 24),
        "workers/loop.py",
        "                self._outbox.cancel(message.key)\n"
        "                if self._engine is not None and self._ready is not None:\n"
        "                    self._engine.cancel(message.key)\n",
        "                pass\n",
    ),
    Bug(
        7,
        "memory is looked at, not reserved",
        _chaos("7", 30),
        "ai_pal/server/pool/admission/admission.py",
        "        worker.reserved = 0 if hopeful or isinstance(decision, memory.Refuse) else need\n",
        "        worker.reserved = 0\n",
    ),
    Bug(
        7,
        "memory that was promised to one load is given to another",
        SIMULATE,
        "ai_pal/memory/decision.py",
        "    room = free - sum(one.promised for one in others)\n",
        "    room = free\n",
    ),
    Bug(
        8,
        "acknowledged before the commit",
        _chaos("8", 40),
        "ai_pal/store/writer.py",
        "        try:\n            self._ledger.record(batch)\n",
        "        self._committed(self._ledger, batch)\n"
        "        try:\n            self._ledger.record(batch)\n",
    ),
    Bug(
        9,
        "the queue has no bound",
        _chaos("9", 4),
        "ai_pal/server/pool/jobs/fair_queue.py",
        "        if self._size < self._limit:\n            return False\n",
        "        if self._limit:\n            return False\n",
    ),
    Bug(
        9,
        "one client after the other is served",
        "pytest tests/properties/test_fair_queue.py",
        "ai_pal/server/pool/jobs/fair_queue.py",
        "        self._owners.move_to_end(owner)\n        self._taken(owner, principal)\n",
        "        self._taken(owner, principal)\n",
    ),
    Bug(
        10,
        "the count of crashes begins anew with each process",
        SIMULATE,
        "ai_pal/server/pool/lifecycle/transitions.py",
        "now, now, now, crashes=state.crashes, spawned_at=now)",
        "now, now, now, spawned_at=now)",
    ),
    Bug(
        11,
        "the SDK tries again by itself",
        FAULTS,
        "ai_pal/egress/providers/openai/adapter.py",
        "            max_retries=0,\n",
        "            max_retries=2,\n",
    ),
    Bug(
        11,
        "a refused request is mended again and again",
        "pytest tests/contract/test_strict_clouds.py -k two_rules",
        "ai_pal/egress/providers/requests/learned.py",
        "            self._taught(request, rules, fit, error)  # the next prompt gains by it\n"
        "            raise\n",
        "            if self._taught(request, rules, fit, error) is None:\n                raise\n"
        "            return await self.ask(request, known, fit, ask)\n",
    ),
    Bug(
        12,
        "whoever reaches the socket is served",
        OTHER_USER,
        "ai_pal/server/endpoints/clients.py",
        "        if peer is not None and peer.uid != self.identity.uid:\n",
        "        if False:\n",
    ),
    Bug(
        12,
        "modules are imported from where the user stands",
        LAUNCHER,
        "ai_pal/server/nodes/local.py",
        '[sys.executable, "-P", "-m", spec.module,',
        '[sys.executable, "-m", spec.module,',
    ),
    Bug(
        12,
        "whatever name is in Host is ours",
        MATRIX,
        "ai_pal/gateway/access/admission.py",
        "    return not from_a_page(headers) if host is None else _own_host(host, policy)\n",
        "    return True\n",
    ),
    Bug(
        12,
        "a key is known by how it begins",
        CLIENT_KEYS,
        "ai_pal/config/client_keys.py",
        '    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()\n',
        '    return hashlib.sha256(key[:20].encode("utf-8", "surrogateescape")).hexdigest()\n',
    ),
    Bug(
        12,
        "a key that was taken back goes on",
        CALLERS,
        "ai_pal/gateway/access/callers.py",
        "        if stamp == self._stamp:\n",
        "        if self._stamp is not None and self._keys:\n",
    ),
    Bug(
        12,
        "what a key may is not looked at",
        MATRIX,
        "ai_pal/gateway/app.py",
        "        return client if caller is None else KeyedClient(client, caller)\n",
        "        return client\n",
    ),
    Bug(
        12,
        "a stored response is given to whoever knows its id",
        f"{MATRIX} -k another",
        "ai_pal/gateway/openai/responses/kept.py",
        '"WHERE id = ? AND owner = ? AND at > ?",\n',
        '"WHERE id = ? AND ? IS NOT NULL AND at > ?",\n',
    ),
    Bug(
        12,
        "an item of a stored response may be named by anybody",
        f"{MATRIX} -k another",
        "ai_pal/gateway/openai/responses/kept.py",
        '"WHERE items.id = ? AND owner = ? AND at > ?",\n',
        '"WHERE items.id = ? AND ? IS NOT NULL AND at > ?",\n',
    ),
    Bug(
        12,
        "a response in the background is told to anybody",
        "pytest tests/unit/gateway/openai/responses/test_underway.py -k owner",
        "ai_pal/gateway/openai/responses/underway.py",
        '"WHERE underway.id = ? AND underway.owner = ?",\n',
        '"WHERE underway.id = ? AND ? IS NOT NULL",\n',
    ),
    Bug(
        12,
        "a key is compared up to where it differs",
        CLIENT_KEYS,
        "ai_pal/config/client_keys.py",
        "        if hmac.compare_digest(known.sha256, given):\n",
        "        if known.sha256 == given:\n",
    ),
    Bug(
        13,
        "code of a model is trusted",
        REFUSALS,
        "workers/engines/transformers/loading/pretrained.py",
        '"trust_remote_code": False}',
        '"trust_remote_code": True}',
    ),
    Bug(
        13,
        "what a model says reaches the terminal raw",
        "pytest tests/properties/test_neutral_text.py",
        "ai_pal/conversations/neutral.py",
        "    return text.translate(_TEXT)\n",
        "    return text\n",
    ),
    Bug(
        13,
        "a load has no limits",
        "pytest tests/attack/test_hostile_models.py -k load",
        "workers/load_limits.py",
        "    if soft == resource.RLIM_INFINITY or limit < soft:\n",
        "    if False:\n",
    ),
    Bug(
        14,
        "request headers are logged",
        KEYS,
        "ai_pal/egress/providers/http/traffic.py",
        '        step = event.partition(".")[2]\n',
        '        step = event.partition(".")[2]\n'
        '        print(getattr(info.get("request"), "headers", ""), flush=True)\n',
    ),
    Bug(
        14,
        "workers get the whole environment",
        LAUNCHER,
        "ai_pal/server/nodes/local.py",
        "{name: os.environ[name] for name in ENVIRONMENT if name in os.environ}",
        "dict(os.environ)",
    ),
    Bug(
        15,
        "no lock before the bind",
        _chaos("15", 1),
        "ai_pal/transport/run_directory.py",
        "            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
    ),
    Bug(
        15,
        "a file in the place of a socket is deleted",
        "pytest tests/process/test_one_supervisor.py -k stays",
        "ai_pal/transport/run_directory.py",
        "    if not stat.S_ISSOCK(mode):\n        fail(",
        "    if not stat.S_ISSOCK(mode):\n        path.unlink()\n    if False:\n        fail(",
    ),
    Bug(
        15,
        "the end of a supervisor removes the sockets of the one that took its place",
        "pytest tests/process/test_swept.py -k leaves",
        "ai_pal/transport/run_directory.py",
        "            if _id_at(self.folder / name) == made:\n",
        "            if True:\n",
    ),
    Bug(
        15,
        "a swept run directory is not noticed",
        "pytest tests/process/test_swept.py -k harmed",
        "ai_pal/server/app/sweeping.py",
        "        if not (lost := directory.lost()):\n",
        "        if True or not (lost := directory.lost()):\n",
    ),
    Bug(
        16,
        "no look at the socket after a send",
        CHANNEL,
        "ai_pal/transport/channel.py",
        "        finally:\n            self.reader.look()\n        return Sent.OK\n",
        "        return Sent.OK\n",
    ),
    Bug(
        16,
        "one message with a thousand frames is taken in one go",
        _chaos("flood", 4, 2),
        "ai_pal/transport/channel.py",
        "FRAMES_AT_ONCE = 8\n",
        "FRAMES_AT_ONCE = 1_000_000\n",
    ),
    Bug(
        17,
        "the linger is left at its default",
        _chaos("17", 12),
        "ai_pal/transport/channel.py",
        "        self._socket.close(int(linger * 1000))\n",
        "        self._socket.close(-1)\n",
    ),
    Bug(
        20,
        "the table of attachments without its cascade",
        KEPT,
        "ai_pal/store/schema.py",
        "        message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,\n        name",
        "        message INTEGER NOT NULL,\n        name",
    ),
    Bug(
        18,
        "a stream that breaks ends twice",
        _chaos("18", 3),
        "ai_pal/gateway/answering/sending.py",
        "            await self._out.body(self._writer.broken(told(error)))\n",
        "            await self._out.body(2 * self._writer.broken(told(error)))\n",
    ),
    Bug(
        18,
        "a client that leaves is not heard",
        "pytest tests/gateway/test_leaving.py -k computing",
        "ai_pal/gateway/answering/sending.py",
        "                    if left.done():\n                        raise LEFT\n",
        "",
    ),
    Bug(
        18,
        "who leaves an answer in one piece is not heard",
        "pytest tests/gateway/test_leaving.py -k computing",
        "ai_pal/gateway/answering/sending.py",
        "        while not left.done() and not ending.done():\n",
        "        while not ending.done():\n",
    ),
    Bug(
        18,
        "a gateway outlives its supervisor",
        _chaos("18", 3),
        "ai_pal/cli/service/serve_under.py",
        '    parent_death.follow(int(arguments["--parent"]), signal.SIGTERM)\n',
        "",
    ),
    Bug(
        20,
        "what was deleted is not overwritten",
        KEPT,
        "ai_pal/conversations/erasable.py",
        '            self.connection.execute("VACUUM")\n            busy, *_',
        "            busy, *_",
    ),
    Bug(
        20,
        "what models have read is forgotten",
        "pytest tests/unit/conversations/test_recorder.py",
        "ai_pal/conversations/store.py",
        "            self._remove(partial(self._prefixes.remove, mark))\n",
        "            partial(self._prefixes.remove, mark)\n",
    ),
    Bug(
        20,
        "what was taken back stays in what was read",
        "pytest tests/unit/conversations/test_recorder.py",
        "ai_pal/conversations/recorder.py",
        "        if _taken_back(self._marked, turns):\n            self._drop_mark()\n",
        "",
    ),
    Bug(
        20,
        "a worker saves what a slot of another conversation holds",
        "pytest tests/contract/test_kept_prefixes.py",
        "workers/engines/llamacpp/prefixes.py",
        "        if not holds(draft.handle, tokens):\n",
        "        if not tokens:\n",
    ),
    Bug(
        22,
        "what another machine computes for a cut link has ten times the time",
        LINKS,
        "ai_pal/transport/lease.py",
        "LEASE = 2.0\n",
        "LEASE = 20.0\n",
    ),
    Bug(
        22,
        "another host key than the pinned one will do",
        LINKS,
        "ai_pal/machines/ssh.py",
        '"StrictHostKeyChecking": "yes",\n        "UserKnownHostsFile": str(known_hosts),\n        "Global',
        '"StrictHostKeyChecking": "no",\n        "UserKnownHostsFile": str(known_hosts),\n        "Global',
    ),
    Bug(
        21,
        "an agent's lease is ten times as long",
        "scripts/simulate --cluster --seeds 40",
        "ai_pal/transport/lease.py",
        "LEASE = 2.0\n",
        "LEASE = 20.0\n",
    ),
    Bug(
        21,
        "a host that was switched off is waited for, however long it says nothing",
        "pytest tests/contract/test_command_nodes.py",
        "ai_pal/cluster/command_engine.py",
        "        if now > self._tell_by and self._program is not None:\n",
        "        if False:\n",
    ),
)
