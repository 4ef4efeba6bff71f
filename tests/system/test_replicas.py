"""Several servers on one registry: what is promoted on one is served by all."""

import contextlib
import http.client
import json
import threading

from conftest import MODELS, committed, done, make_two, refused, registry_file, wait_until

ROUNDS = 6


def answer_of(server):
    """Which version of route `number` answers, and by which generation."""
    answer = server.predict("number", [[0]])
    done(answer)
    return answer.headers["x-podium-version"], int(answer.headers["x-podium-generation"])


def replicas_of(server):
    return {item["id"]: item for item in done(server.get("/api/v1/replicas"))["items"]}


def live(server):
    return {name for name, item in replicas_of(server).items() if item["live"]}


def make_replicas(make_server, data, names, **each):
    """Servers on one data directory; each(name) gives what is its own."""
    servers = {}
    for name in names:
        own = each.get(name, {})
        servers[name] = make_server(
            data=data, env={"PODIUM_REPLICA_ID": name, **own.get("env", {})},
            config=own.get("config"))
    wait_until(lambda: live(next(iter(servers.values()))) == set(names), what="all replicas live")
    return servers


def promote(server, model, **kw):
    return server.post(f"/api/v1/versions/{model}/activate", kw.pop("body", {}), **kw)


def applied(changed):
    """Who had the change when it was answered."""
    return {one["id"] for one in changed["replicas"] if one["applied"]}


def all_serve(servers, model):
    """Waits for those who were late."""
    for server in servers.values():
        wait_until(lambda at=server: answer_of(at)[0] == model[1:], what=f"{model} everywhere")


def ready_everywhere(server, count):
    """Every live replica says that so many versions are ready."""
    return all(item["ready"] == count for item in replicas_of(server).values() if item["live"])


def test_a_promote_on_one_is_served_by_all(make_server, register, tmp_path):
    """The answer says which replicas have it: a request to those right after it meets no old
    answer. As a rule that is all of them."""
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b", "c"])
    a, b, c = servers.values()
    make_two(a, register)
    wait_until(lambda: ready_everywhere(a, 2), what="both versions ready everywhere")
    number = whole = 0

    def whole_often_enough():
        nonlocal number, whole
        model = "n2" if number % 2 == 0 else "n1"
        actor = (a, b, c)[number % 3]
        number += 1
        changed = committed(promote(actor, model))
        assert [one["id"] for one in changed["replicas"]] == ["a", "b", "c"], changed
        for name in applied(changed):
            version, generation = answer_of(servers[name])
            assert version == model[1:] and generation >= changed["generation"]
        all_serve(servers, model)
        whole += len(applied(changed)) == len(servers)
        return whole >= ROUNDS and number >= ROUNDS
    wait_until(whole_often_enough, what=f"{ROUNDS} changes that all had in time")
    wait_until(lambda: {item["behind"] for item in replicas_of(b).values()} == {0},
               what="nobody behind")


def test_a_dead_replica_is_waited_for_only_until_it_expires(make_server, register, tmp_path):
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b"])
    a, b = servers.values()
    make_two(a, register)
    wait_until(lambda: ready_everywhere(a, 2), what="both versions ready everywhere")
    b.kill()
    changed = promote(a, "n2")
    # It is live for a few seconds more: the commit is in, and the answer says who lacks it. Had it
    # been waited for until it expired, it would not be named.
    assert changed.status == 202, changed
    assert {"id": "b", "applied": False} in changed.json["replicas"]
    assert changed.json["replicas_known"] is True
    assert answer_of(a)[0] == "2"
    wait_until(lambda: live(a) == {"a"}, what="b expired")
    changed = done(promote(a, "n1"))
    assert changed["replicas"] == [{"id": "a", "applied": True}]
    b.start()
    wait_until(lambda: live(a) == {"a", "b"} and ready_everywhere(b, 2), what="b back")
    assert answer_of(b)[0] == "1"


def test_who_stops_in_order_is_not_waited_for(make_server, register, tmp_path):
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b"])
    a, b = servers.values()
    make_two(a, register)
    assert b.stop() == 0
    assert set(replicas_of(a)) == {"a"}
    assert done(promote(a, "n2"))["replicas"] == [{"id": "a", "applied": True}]


PROVIDER = """
providers:
  openai:
    kind: openai
    base_url: http://127.0.0.1:9/v1
    allow_private: true
    api_key_env: SOME_KEY
"""


def test_inv7_what_another_replica_cannot_serve_is_not_promoted(make_server, podium, tmp_path):
    """INV-7: b has no credential for the provider of the new version. It is named, with why."""
    key = {"env": {"SOME_KEY": "secret-of-a"}, "config": PROVIDER}
    none = {"env": {}, "config": PROVIDER}
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b"], a=key, b=none)
    a, b = servers.values()
    for model in ("m1", "m2"):
        registered = a.post("/api/v1/versions", {
            "route": "chat", "version": model, "model_id": model, "provider_key": "openai",
            "upstream_model": model})
        assert registered.status == 201, registered
    wait_until(lambda: replicas_of(a)["b"]["failed"] == 2, what="b said what it cannot serve")
    detail = refused(promote(a, "m1"), 422, "replica b", "m1")
    assert "SOME_KEY" in detail, detail
    not_ready = replicas_of(b)["b"]["not_ready"]
    assert [item["model_id"] for item in not_ready] == ["m1", "m2"]

    # Force takes a person with a name; the trail says what was forced.
    refused(promote(a, "m1", body={"force": True}), 422, "replica b")
    forced = promote(a, "m1", body={"force": True, "reason": "b goes today"},
                     headers={"X-Podium-Actor": "ann"})
    assert forced.status in (200, 202), forced
    change = forced.json["change"]
    assert change["actor"].endswith(":ann") and "replica b" in change["reason"], change

    listed = podium("replica", "list", server=a)
    assert listed.code == 0, listed.err
    assert "a" in listed.out and "b" in listed.out, listed.out
    shown = podium("replica", "list", "-o", "json", server=a)
    assert {item["id"] for item in shown.json} == {"a", "b"}

    # Without b, nobody is in the way.
    assert b.stop() == 0
    assert done(promote(a, "m2"))["replicas"] == [{"id": "a", "applied": True}]


def test_a_lazy_version_is_loaded_by_all_before_it_goes_live(make_server, register, tmp_path):
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b"])
    a, b = servers.values()
    make_two(a, register, wait=False, load="lazy")
    wait_until(lambda: ready_everywhere(a, 1), what="the eager one ready everywhere")
    committed(promote(a, "n2"))
    all_serve(servers, "n2")  # No answer on the way there was an error.


def test_a_restored_registry_begins_an_epoch_on_every_replica(make_server, register, tmp_path):
    """INV-3: the revision goes back, the generation does not."""
    data = tmp_path / "shared"
    servers = make_replicas(make_server, data, ["a", "b"])
    a, b = servers.values()
    make_two(a, register)
    wait_until(lambda: ready_everywhere(a, 2), what="both versions ready everywhere")
    copy = registry_file(a)
    saved = {table: copy.execute(f"SELECT * FROM {table}").fetchall()
             for table in ("routes", "model_registry", "registry_revision", "model_promotions")}
    before = committed(promote(a, "n2"))["generation"]
    all_serve(servers, "n2")
    # As a restore does: the rows of the past, in one transaction.
    copy.execute("BEGIN IMMEDIATE")
    guards = copy.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        copy.execute(f"DROP TRIGGER {name}")
    copy.execute("PRAGMA defer_foreign_keys = ON")
    for table in ("model_promotions", "registry_revision", "model_registry", "routes"):
        copy.execute(f"DELETE FROM {table}")
    for table in ("routes", "model_registry", "registry_revision", "model_promotions"):
        kept = saved[table]
        columns = [row[1] for row in copy.execute(f"PRAGMA table_info({table})")]
        copy.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [row[:len(columns)] for row in without_generated(copy, table, kept)])
    for _, sql in guards:
        copy.execute(sql)
    copy.execute("COMMIT")
    copy.close()
    for server in servers.values():
        wait_until(lambda s=server: answer_of(s)[0] == "1", what="the restored primary")
        assert answer_of(server)[1] > before
        assert server.get("/readyz").status == 200
    changed = committed(promote(b, "n2"))
    assert [one["id"] for one in changed["replicas"]] == ["a", "b"], changed
    all_serve(servers, "n2")


def without_generated(database, table, kept):
    """SELECT * shows generated columns, INSERT does not take them."""
    everything = [row[1] for row in database.execute(f"PRAGMA table_xinfo({table})")]
    plain = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    places = [i for i, name in enumerate(everything) if name in plain]
    return [tuple(row[i] for i in places) for row in kept]


def test_two_servers_of_one_directory_have_ids_of_their_own(make_server, tmp_path):
    data = tmp_path / "shared"
    first, second = make_server(data=data), make_server(data=data)
    wait_until(lambda: len(live(first)) == 2, what="both live")
    names = sorted(live(second))
    assert names[1] == names[0] + "-2"


# --- events ---


class Events:
    """A stream of server-sent events, read as it comes."""

    def __init__(self, server, query="", **headers):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=120)
        self.connection.request("GET", f"/api/v1/events{query}", headers={
            "Accept": "text/event-stream", **server.headers, **headers})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.getheader("content-type") == "text/event-stream"

    def next(self):
        """The next event: {"id", "event", "data"}."""
        fields = {}
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            line = line.rstrip("\n")
            if line == "" and "data" in fields:
                return {**fields, "data": json.loads(fields["data"])}
            if line == "" or line.startswith(":"):
                continue
            name, _, value = line.partition(": ")
            fields[name] = value

    def close(self):
        self.connection.close()


def test_events_of_one_replica_are_heard_on_another_and_resumed(make_server, register, tmp_path):
    servers = make_replicas(make_server, tmp_path / "shared", ["a", "b"])
    a, b = servers.values()
    make_two(a, register)
    wait_until(lambda: ready_everywhere(a, 2), what="both versions ready everywhere")
    stream = Events(b, "?type=podium.version.activated")
    committed(promote(a, "n2"))
    heard = stream.next()
    assert heard["event"] == "podium.version.activated"
    event = heard["data"]
    assert (event["specversion"], event["source"], event["type"]) == ("1.0", "podium",
                                                                     heard["event"])
    assert event["id"] == heard["id"] and event["subject"] == "number"
    assert event["data"]["to"] == "n2" and event["data"]["head_hash"]
    stream.close()

    # What happens while nobody listens is not lost.
    committed(promote(b, "n1"))
    committed(promote(a, "n2"))
    resumed = Events(a, **{"Last-Event-ID": heard["id"]})
    ids, targets = [], []
    for _ in range(2):
        got = resumed.next()
        ids.append(int(got["id"]))
        targets.append(got["data"]["data"]["to"])
    assert targets == ["n1", "n2"] and ids == sorted(ids) and ids[0] > int(heard["id"])
    resumed.close()
    other = Events(a, "?after=0&route=elsewhere")
    for model in ("n1", "n2"):
        committed(promote(a, model))
    register(a, "elsewhere", MODELS / "constant_one.onnx", "1", model_id="e1")
    assert other.next()["data"]["data"]["to"] == "e1"
    other.close()

    page = done(a.get("/api/v1/events?after=0&limit=2"))
    assert len(page["items"]) == 2 and page["next_cursor"]
    rest = done(a.get(f"/api/v1/events?cursor={page['next_cursor']}&limit=500"))
    assert [item["id"] for item in page["items"] + rest["items"]] == sorted(
        (item["id"] for item in page["items"] + rest["items"]), key=int)
    for bad in ("?after=x", "?after=-1", "?cursor=zz", "?nonsense=1"):
        refused(a.get(f"/api/v1/events{bad}"), 400)


def test_events_end_when_the_server_stops(make_server, register):
    server = make_server()
    stream = Events(server)
    ended = threading.Event()

    def read():
        with contextlib.suppress(OSError, http.client.HTTPException):
            while stream.answer.readline():
                pass
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert server.stop() == 0
    assert ended.wait(120)
    reader.join()


def test_the_command_line_shows_events(make_server, register, podium):
    server = make_server()
    make_two(server, register)
    shown = podium("events", server=server)
    assert shown.code == 0 and "podium.version.activated" in shown.out, shown
    listed = podium("events", "--type", "podium.version.activated", "-o", "json", server=server)
    assert [item["type"] for item in listed.json] == ["podium.version.activated"]
