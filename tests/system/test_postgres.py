"""The registry in PostgreSQL, by the real binary and a real server: it is the same registry, it
survives restarts of both, and no live call notices that it is gone."""

import json
import threading

import pytest

from conftest import MODELS, done, make_two, metric, refused, scrape, wait_until
from postgres import Postgres

COUNTS = ("SELECT (SELECT revision FROM registry_revision) || ' ' || (SELECT audit_count FROM "
          "registry_revision) || ' ' || (SELECT count(*) FROM model_promotions) || ' ' || (SELECT "
          "count(DISTINCT revision) FROM event_outbox) || ' ' || (SELECT count(*) FROM event_outbox)")


@pytest.fixture(scope="module")
def database():
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture
def empty(database):
    """The database, with nothing of podium in it."""
    database.sql("podium", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return database


@pytest.fixture
def shared(make_server, empty):
    return make_server(env={"DATABASE_URL": empty.url})


def test_a_registry_in_postgresql(shared, register, empty):
    """Register, promote, predict, restart: as with a file."""
    make_two(shared, register)
    assert done(shared.predict("number", [[1.0]]))["predictions"] is not None
    before = done(shared.get("/internal/models/active?type=number"))
    assert before["active_version"] == "1"
    done(shared.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 10}))
    done(shared.post("/api/v1/versions/n2/promote"))
    shared.restart()
    shared.wait_ready("n2")
    after = done(shared.get("/internal/models/active?type=number"))
    assert after["active_version"] == "2" and after["generation"] > before["generation"]
    assert empty.sql("podium", "SELECT model_id FROM model_registry WHERE status = 'primary'") == "n2"
    revision, count, rows, events, all_events = empty.sql("podium", COUNTS).split()
    assert revision == count == rows == events == all_events
    assert "registry opened" in shared.log_text and "podium on" in shared.log_text


def test_the_database_stopped_under_load(shared, register, empty):
    """Every call is answered from the last view; nothing is lost or doubled when it is back."""
    make_two(shared, register)
    answers, ended = [], threading.Event()

    def call():
        with shared.line() as line:
            while not ended.is_set():
                answers.append(line.predict("number", [[1.0]]).status)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        empty.stop()
        here = len(answers)
        refused(shared.post("/api/v1/versions/n2/activate"), 503, "database")
        wait_until(lambda: len(answers) > here + 200, what="calls without a database")
        wait_until(lambda: metric(scrape(shared), "podium_table_read_failures_total") > 0)
        empty.start()
        wait_until(lambda: shared.post("/api/v1/versions/n2/activate").status == 200,
                   what="a change after the database came back")
    finally:
        ended.set()
        for caller in callers:
            caller.join()
    assert set(answers) == {200}, {status: answers.count(status) for status in set(answers)}
    assert done(shared.get("/internal/models/active?type=number"))["active_version"] == "2"
    revision, count, rows, events, all_events = empty.sql("podium", COUNTS).split()
    assert revision == count == rows == events == all_events
    activations = empty.sql("podium", "SELECT count(*) FROM model_promotions WHERE to_id = 'n2' AND "
                                      "kind = 'activate'")
    assert activations == "1"


def test_a_start_without_the_database_says_so(podium, empty, tmp_path):
    """Never an empty registry in its place, and never its password."""
    url = f"postgresql://podium:hunter2@/podium?host={tmp_path}"
    ended = podium("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0",
                   env={"DATABASE_URL": url, "PODIUM_DATABASE_START_TIMEOUT": "300ms"})
    assert ended.code == 1 and "cannot be reached" in ended.err, ended
    wrong = podium("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0",
                   env={"DATABASE_URL": "mysql://podium:hunter2@db/podium"})
    assert wrong.code == 2 and "postgresql://" in wrong.err, wrong
    for text in (ended.err, ended.out, wrong.err, wrong.out):
        assert "hunter2" not in text
    assert not (tmp_path / "data" / "podium.db").exists()


def test_db_commands(podium, shared, register, empty):
    """What an operator asks of the database itself, with and without a server."""
    make_two(shared, register)
    env = {"DATABASE_URL": empty.url}
    status = json.loads(podium("db", "status", "-o", "json", env=env).out)
    assert status["kind"] == "postgresql" and status["schema"] == status["newest_schema"], status
    assert (status["versions"], status["epoch"]) == (2, 0)
    assert json.loads(podium("db", "verify", "-o", "json", env=env).out)["intact"] is True
    assert podium("db", "migrate", env=env).code == 0
    backup = podium("db", "backup", "copy.db", env=env)
    assert backup.code == 2 and "pg_dump" in backup.err
    raised = podium("db", "restore", "--epoch", "--above", "6", "-o", "json", env=env)
    assert json.loads(raised.out)["epoch"] == 7, raised
    empty.sql("podium", "SET session_replication_role = replica; UPDATE model_promotions SET actor = "
                        "'nobody' WHERE revision = 2")
    broken = podium("db", "verify", "-o", "json", env=env)
    assert broken.code == 1 and json.loads(broken.out)["first_broken"] == 2, broken


def test_db_commands_on_a_file(podium, server, register, tmp_path):
    """A copy is made while the server runs; it is put back when it does not."""
    make_two(server, register)
    data, copy = ["--data", server.data], tmp_path / "copy.db"
    made = json.loads(podium("db", "backup", copy, *data, "-o", "json").out)
    assert made["versions"] == 2
    assert podium("db", "verify", copy).code == 0
    elsewhere = {"DATABASE_URL": "postgresql://podium@127.0.0.1:1/podium"}
    named = json.loads(podium("db", "status", *data, "-o", "json", env=elsewhere).out)
    assert named["kind"] == "sqlite" and named["versions"] == 2, named
    done(server.post("/api/v1/versions/n2/activate"))
    before = done(server.get("/internal/models/active?type=number"))["generation"]
    in_use = podium("db", "restore", copy, *data)
    assert in_use.code != 0 and "stop" in in_use.err, in_use
    server.stop()
    restored = podium("db", "restore", copy, *data, "-o", "json")
    assert restored.code == 0 and json.loads(restored.out)["epoch"] == 1, restored
    server.start()
    active = done(server.get("/internal/models/active?type=number"))
    assert active["active_version"] == "1" and active["generation"] > before
