"""What must hold of a registry's file, checked with nothing of Podium's: SQL, SHA-256 and a replay.

    check_file(path) -> Registry    fails the test unless the file is sound
    table_of(audit)                 what the rows must say, by the audit rows alone
"""

import hashlib
import json
import sqlite3

AUDIT_COLUMNS = ("revision, route, kind, from_id, to_id, share_before_bp, share_after_bp, undoes, "
                 "actor, origin, reason, request_id, evidence, at, previous_hash, hash")
# The layout that is hashed, in order: (name in the text, column).
CHAINED = [("revision", "revision"), ("route", "route"), ("kind", "kind"), ("from", "from_id"),
           ("to", "to_id"), ("share_before", "share_before_bp"),
           ("share_after", "share_after_bp"), ("undoes", "undoes"), ("actor", "actor"),
           ("origin", "origin"), ("reason", "reason"), ("request_id", "request_id"),
           ("evidence", "evidence"), ("at", "at"), ("previous", "previous_hash")]

TWO_IN_ONE_ROLE = """SELECT model_type, status, count(*) FROM model_registry
    WHERE status IN ('primary', 'canary') GROUP BY model_type, status HAVING count(*) > 1"""


class Registry:
    """What one look at the file showed."""

    def __init__(self, head, audit, events, versions, routes):
        self.revision, self.head_hash, self.audit_count = head
        self.audit = audit        # Oldest first, by column.
        self.events = events      # [(revision, data)], oldest first.
        self.versions = versions  # model_id -> (route, status or "deleted", share in basis points)
        self.routes = routes      # route -> revision

    @property
    def by_request(self):
        """request id -> its audit rows."""
        found = {}
        for row in self.audit:
            found.setdefault(row["request_id"], []).append(row)
        return found

    @property
    def events_by_request(self):
        found = {}
        for revision, data in self.events:
            found.setdefault(data["request_id"], []).append((revision, data))
        return found


def hash_of(row):
    text = "podium.audit.1\n"
    for name, column in CHAINED:
        value = row[column]
        text += f"{name}:-\n" if value is None else f"{name}:{len(str(value).encode())}:{value}\n"
    return hashlib.sha256(text.encode()).hexdigest()


def is_same(seen, expected):
    if expected is not None and expected[1] == "registered":
        return seen in [(expected[0], status, 0) for status in ("standby", "shadow")]
    return seen == expected


def table_of(audit):
    """model_id -> (route, status, share), replayed from the audit rows."""
    table = {}

    def place(row, model_id, status, share=0):
        if model_id is not None and table[model_id][1] != "deleted":
            table[model_id] = (row["route"], status, share)

    for row in audit:
        kind, old, new = row["kind"], row["from_id"], row["to_id"]
        rollout = json.loads(row["evidence"] or "{}").get("rollout", {})
        if kind == "register":
            # Its status, standby or shadow, is in no column of the audit.
            table[new] = (row["route"], "registered", 0)
        elif kind == "activate":
            for model_id, (route, status, _) in list(table.items()):
                if route == row["route"] and status not in ("retired", "deleted"):
                    place(row, model_id, "standby")
            place(row, new, "primary")
        elif kind == "ramp":
            place(row, old, "standby")
            place(row, new, "canary", row["share_after_bp"])
        elif kind == "abort":
            place(row, old, "standby")
        elif kind == "promote" and rollout.get("move") == "abort":
            for model_id, (route, status, _) in list(table.items()):
                if route == row["route"] and status == "canary":
                    place(row, model_id, "standby")
            place(row, old, "shadow")
            place(row, new, "primary")
        elif kind == "promote" or (kind == "rollback" and row["undoes"] is not None):
            place(row, old, "shadow")
            place(row, new, "primary")
        elif kind == "rollback":
            place(row, old, "standby" if rollout.get("move") == "roll_back" else "canary")
        elif kind == "retire":
            place(row, old, "retired")
        elif kind == "delete":
            place(row, old, "deleted")
        elif kind in ("follow", "unfollow", "follow-resume", "rollout"):
            pass  # Who drives the route changes, or how its rollout stands; its traffic does not.
        else:
            raise AssertionError(f"no replay for {kind}")
    return table


def read_file(path):
    # Opened as a second process would: the server may run beside.
    database = sqlite3.connect(path, isolation_level=None, timeout=120)
    database.row_factory = sqlite3.Row
    try:
        database.execute("BEGIN")
        assert [tuple(row) for row in database.execute("PRAGMA integrity_check")] == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        two = [tuple(row) for row in database.execute(TWO_IN_ONE_ROLE)]
        assert not two, f"INV-1: {two}"
        head = tuple(database.execute(
            "SELECT revision, head_hash, audit_count FROM registry_revision").fetchone())
        audit = [dict(row) for row in database.execute(
            f"SELECT {AUDIT_COLUMNS} FROM model_promotions ORDER BY revision")]
        events = [(row[0], json.loads(row[1])) for row in database.execute(
            "SELECT revision, data FROM event_outbox ORDER BY sequence")]
        versions = {row[0]: (row[1], "deleted" if row[4] else row[2], row[3])
                    for row in database.execute(
                        "SELECT model_id, model_type, status, traffic_bp, deleted "
                        "FROM model_registry")}
        routes = dict(tuple(row) for row in database.execute("SELECT route, revision FROM routes"))
        return Registry(head, audit, events, versions, routes)
    finally:
        database.close()


def check_file(path):
    """INV-1 and INV-2 of the whole file; gives what it holds."""
    seen = read_file(path)
    revisions = list(range(1, seen.revision + 1))
    assert [row["revision"] for row in seen.audit] == revisions, "INV-2: audit rows"
    assert [revision for revision, _ in seen.events] == revisions, "INV-2: events"
    assert seen.audit_count == seen.revision, "INV-2: count"
    previous = ""
    for row, (_, event) in zip(seen.audit, seen.events):
        assert row["previous_hash"] == previous, f"the chain breaks before {row}"
        assert row["hash"] == hash_of(row), f"{row} was edited"
        assert event["head_hash"] == row["hash"] and event["request_id"] == row["request_id"], event
        previous = row["hash"]
    assert seen.head_hash == previous, "the head is not the last row"
    # Each change is in the rows as a whole: they are what the audit rows add up to.
    expected = table_of(seen.audit)
    differ = {model_id: (seen.versions.get(model_id), expected.get(model_id))
              for model_id in seen.versions.keys() | expected.keys()
              if not is_same(seen.versions.get(model_id), expected.get(model_id))}
    assert not differ, f"(rows, audit): {differ}"
    last = {row["route"]: row["revision"] for row in seen.audit}
    assert seen.routes == last
    return seen
