"""`podium import mlflow`: another registry comes over as it is, however often it is cut off."""

import itertools
import json
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

from conftest import Answer, clean_environment
from mlflow_fake import FIRST_MS, basic, make_certificate, serving_fake, version
from terminal import Terminal
from test_bad_fields import WRONG_TYPES, documented, send
from test_mlflow import MLFLOW, client_python, environment, run, tracking_server

IMPORT = "/api/v1/import/mlflow/models"
KEPT = ("name", "version", "creation_timestamp", "last_updated_timestamp", "user_id",
        "current_stage", "description", "source", "run_id", "run_link")


@pytest.fixture
def fake():
    with serving_fake() as made:
        yield made


@pytest.fixture
def bring(podium, server):
    """`podium import mlflow` into `server`; the exit code must be as said."""
    def call(url, *flags, code=0, **kw):
        ended = podium("import", "mlflow", url, *flags, **{"server": server, **kw})
        assert ended.code == code, (ended.code, ended.out[-3000:], ended.err[-3000:])
        assert "Traceback" not in ended.err
        return ended
    return call


class Source:
    """The server that was read, asked as Podium is."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=120) as answer:
            return Answer(answer.status, answer.getheaders(), answer.read())


def all_pages(server, path, key, **query):
    """Rows of a search of MLflow's API."""
    rows, token = [], ""
    while True:
        text = urllib.parse.urlencode({**query, **({"page_token": token} if token else {})})
        answer = server.get(f"{MLFLOW}/{path}?{text}")
        assert answer.status == 200, answer
        rows += answer.json.get(key, [])
        token = answer.json.get("next_page_token", "")
        if not token:
            return rows


def tags_of(row):
    return sorted((tag["key"], tag.get("value", "")) for tag in row.get("tags", []))


def shown(row):
    """What an import keeps of a version, in one form."""
    return {**{name: row.get(name) or "" for name in KEPT}, "tags": tags_of(row)}


def versions_of(server, name, more=""):
    quote = '"' if "'" in name else "'"
    rows = all_pages(server, "model-versions/search", "model_versions", max_results=1000,
                     filter=f"name = {quote}{name}{quote}{more}", order_by="version_number ASC")
    return [shown(row) for row in rows]


def registry(server):
    """All that an import may have brought: by model its description, times, tags, aliases, versions."""
    models = all_pages(server, "registered-models/search", "registered_models", max_results=1000)
    return {each["name"]: (each.get("description") or "", each["creation_timestamp"],
                           each["last_updated_timestamp"], tags_of(each),
                           sorted((a["alias"], a["version"]) for a in each.get("aliases", [])),
                           versions_of(server, each["name"])) for each in models}


def trail(server):
    return server.get("/api/v1/audit/models?limit=500").json["items"]


def counts(ended, kind):
    return {name: count for name, count in ended.json[kind].items() if count}


FILL = """
import sys
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
run = client.create_run("0")
client.create_registered_model("churn", tags={"team": "ml", "odd key": "ü"}, description="words\\nand ü")
for number in range(1, 8):
    client.create_model_version("churn", f"s3://bucket/{number}", run_id=run.info.run_id,
                                tags={"n": str(number)}, description=f"number {number}",
                                run_link="http://ci/1")
client.transition_model_version_stage("churn", "2", "Archived")
client.transition_model_version_stage("churn", "3", "Production")
client.transition_model_version_stage("churn", "4", "Staging")
client.delete_model_version("churn", "5")
client.set_registered_model_alias("churn", "champion", "3")
client.set_registered_model_alias("churn", "challenger", "4")
client.set_model_version_tag("churn", "6", "later", "x" * 4000)
client.create_registered_model("it's odd; -- %")
client.create_model_version("it's odd; -- %", "s3://bucket/odd")
client.create_registered_model("bare")
client.copy_model_version("models:/churn/3", "copied")
for number in range(120):
    client.create_registered_model(f"many-{number:03}")
mlflow.genai.register_prompt("greeting", "Hello {{name}}", tags={"by": "ann"})
mlflow.genai.register_prompt("greeting", "Good day {{name}}")
print("ok")
"""


def test_a_real_server_comes_over_whole(bring, server, make_server, podium, tmp_path):
    """Numbers, times, stages, tags, aliases, runs, users: what its own client finds is the same."""
    python = client_python("3")
    script = tmp_path / "fill.py"
    script.write_text(FILL)
    with tracking_server(python, tmp_path) as url:
        assert "ok" in run(python, script, env=environment(MLFLOW_TRACKING_URI=url))
        dry = bring(url, "--dry-run", "--json")
        assert counts(dry, "models") == {"created": 125} and dry.json["dry_run"] is True
        assert registry(server) == {} and trail(server) == []
        first = bring(url, "--json")
        assert counts(first, "models") == {"created": 125}, first.json["models"]
        assert counts(first, "versions") == {"created": 10}, first.json["versions"]
        assert counts(first, "aliases") == {"created": 2} and first.json["findings"] == []

        there = Source(url)
        assert registry(server) == registry(there)
        assert [row["version"] for row in versions_of(server, "churn")] == ["1", "2", "3", "4", "6", "7"]
        copied = server.get(f"{MLFLOW}/model-versions/get-download-uri?name=copied&version=1").json
        assert copied == {"artifact_uri": "s3://bucket/3"}
        prompts = " AND tags.`mlflow.prompt.is_prompt` = 'true'"
        assert versions_of(server, "greeting", prompts) == versions_of(there, "greeting", prompts)
        assert len(versions_of(server, "greeting", prompts)) == 2

        rows = trail(server)
        assert {row["origin"] for row in rows} == {"import"} and len(rows) == 125
        again = bring(url, "--json")
        assert counts(again, "versions") == {"unchanged": 10} and counts(again, "models") == {"unchanged": 125}
        assert trail(server) == rows, "the same again leaves no trace"
        only = make_server()
        bring(url, "--model", "churn", "--model", "bare", server=only)
        assert sorted(registry(only)) == ["bare", "churn"]
    verified = podium("db", "verify", "--data", server.data)
    assert verified.code == 0, verified.err
    # Podium speaks the same API: a registry of ours is a source as well.
    second = make_server()
    bring(server.url, server=second)
    assert registry(second) == registry(server)


def test_ten_thousand_versions_cut_off_and_gone_on(fake, bring, server, podium_bin, figure):
    """Ctrl-C anywhere: run again it ends with what one run would have left."""
    fake.add("large", range(1, 10_001), aliases={"champion": 9_999, "first": 1}, stage="Staging")
    fake.add("small", [1, 3])
    reached = threading.Event()

    def hold(path, query):
        if query.get("page_token") == "2900":
            reached.set()
            let_go.wait(240)

    let_go = threading.Event()
    fake.before = hold
    process = subprocess.Popen([podium_bin, "import", "mlflow", fake.url],
                               env=clean_environment({"PODIUM_ADDR": server.addr}),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert reached.wait(240)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    let_go.set()
    there = len(versions_of(server, "large"))
    assert there == 2_900
    fake.before = lambda path, query: None
    started = time.monotonic()
    ended = bring(fake.url, "--json")
    figure(f"import: {10_002 - there} versions of 10,002 in {time.monotonic() - started:.1f} s after a cut")
    assert counts(ended, "versions") == {"created": 10_002 - there, "unchanged": there}
    assert counts(ended, "aliases") == {"created": 1, "unchanged": 1}
    assert "large: 10,000 versions" in ended.err
    assert versions_of(server, "large") == [shown(row) for row in fake.versions["large"]]
    started = time.monotonic()
    rows = trail(server)
    again = bring(fake.url, "--json")
    figure(f"import: 10,002 versions that are there already in {time.monotonic() - started:.1f} s")
    assert counts(again, "versions") == {"unchanged": 10_002} and trail(server) == rows
    made = server.post(f"{MLFLOW}/model-versions/create", {"name": "large", "source": "s3://new"})
    assert made.json["model_version"]["version"] == "10001"


def test_the_server_dies_in_between(fake, bring, server):
    """A kill -9 of Podium ends the import with 7; after its restart the same command goes on."""
    for name in ("a", "b", "c"):
        fake.add(name, range(1, 251), aliases={"champion": 240})

    def kill(path, query):
        if "'b'" in query.get("filter", "") and query.get("page_token") == "100":
            server.kill()
        return None

    fake.before = kill
    ended = bring(fake.url, code=7)
    assert "as far as it went" in ended.out and "run the same command again" in ended.err
    fake.before = lambda path, query: None
    server.start()
    assert counts(bring(fake.url, "--json"), "versions")["unchanged"] >= 350
    assert all(versions_of(server, name) == [shown(row) for row in fake.versions[name]]
               for name in ("a", "b", "c"))
    assert all(rest[4] == [("champion", "240")] for rest in registry(server).values())


def test_the_source_dies_in_between(fake, bring, server):
    fake.add("a", range(1, 301))
    fake.before = lambda path, query: (None, {}, b"") if query.get("page_token") == "200" else None
    ended = bring(fake.url, code=7)
    assert "does not answer" in ended.err and "run the same command again" in ended.err
    assert len(versions_of(server, "a")) == 200
    fake.before = lambda path, query: None
    bring(fake.url)
    assert len(versions_of(server, "a")) == 300


def test_a_busy_source_is_asked_again(fake, bring, server):
    for name in ("good", "broken", "last"):
        fake.add(name, [1, 2])
    moods = itertools.cycle([(503, {"Retry-After": "0"}, b"busy"), (429, {"Retry-After": "0"}, b""), None])
    fake.before = lambda path, query: next(moods)
    bring(fake.url)
    assert len(registry(server)) == 3

    def broken(path, query):
        if "'broken'" in query.get("filter", ""):
            return 500, {"Retry-After": "0"}, b'{"error_code": "INTERNAL_ERROR", "message": "disk"}'
        return None

    fake.before = broken
    ended = bring(fake.url, "--json", code=1)
    assert [(each["kind"], each["model"]) for each in ended.json["findings"]] == [("failed", "broken")]
    assert "answered 500: disk" in ended.json["findings"][0]["detail"]


def test_https_with_a_certificate_and_a_sign_in(bring, server, tmp_path):
    tls = make_certificate(tmp_path)
    with serving_fake(tls) as fake:
        fake.add("a", [1, 2])
        fake.credential = basic("ann", "secret word")
        refused = bring(fake.url, code=7)
        assert "certificate" in refused.err and fake.asked == 0
        trusted = ("--ca-file", tls[0])
        assert "MLFLOW_TRACKING_TOKEN" in bring(fake.url, *trusted, code=4).err
        wrong = bring(fake.url, *trusted, "--username", "ann", "--password", "other", code=4)
        assert "You are not authenticated" in wrong.err and "other" not in wrong.err
        bring(fake.url, *trusted, "--username", "ann",
              env={"MLFLOW_TRACKING_PASSWORD": "secret word"})
        assert len(registry(server)) == 1
        fake.credential = "Bearer t-1"
        bring(fake.url, env={"MLFLOW_TRACKING_TOKEN": "t-1",
                             "MLFLOW_TRACKING_SERVER_CERT_PATH": str(tls[0])})
        assert bring(fake.url, "--ca-file", tmp_path / "none.pem", code=1).err


GARBAGE = {
    "html": (200, {}, b"<html>hello</html>"), "nothing": (200, {}, b""),
    "list": (200, {}, b"[]"), "deep": (200, {}, b"[" * 100_000), "half": (200, {}, b'{"registered_models": ['),
    "twice": (200, {}, b'{"registered_models": [], "registered_models": []}'),
    "not utf-8": (200, {}, b'{"registered_models": "\xff\xfe"}'),
    "rows of numbers": (200, {}, b'{"registered_models": 7}'),
    "redirect": (302, {"Location": "https://sso.example/login"}, b""),
    "not found": (404, {}, b"<html>"), "teapot": (418, {}, b"{}")}


@pytest.mark.parametrize("kind", sorted(GARBAGE))
def test_what_is_no_mlflow_is_said(fake, bring, server, kind):
    """The address of something else: a sentence, and nothing in the registry."""
    fake.before = lambda path, query: GARBAGE[kind]
    ended = bring(fake.url, code=1)
    assert "error: " in ended.err and "\nfix: " in ended.err or kind == "teapot", ended.err
    assert ended.out == "" and len(ended.err) < 2000
    if kind == "redirect":
        assert "https://sso.example/login" in ended.err
    assert registry(server) == {}


def test_nobody_there_and_wrong_addresses(bring):
    with socket.socket() as nobody:  # Bound and not listening: every connection is refused.
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert "does not answer" in bring(address, code=7).err
    for url in ("somewhere", "ftp://x", "http://", "http://ann:secret@127.0.0.1"):
        assert "secret" not in bring(url, code=2).err, url


def test_bad_rows_cost_only_themselves(fake, bring, server):
    fake.add("good", [1, 2], aliases={"champion": 2, "lost": 9, "latest": 1})
    fake.models += [{"name": "a/b", "creation_timestamp": FIRST_MS}, {"name": 7}, "x",
                    {"name": "timeless"}]
    fake.versions["good"] += [version("good", 3, status="FAILED_REGISTRATION"),
                              version("good", 4, source="x" * 501), version("other", 5),
                              version("good", 6, current_stage="Nowhere"), None,
                              version("good", 7, tags={"a": "b"}), version("good", 2)]
    ended = bring(fake.url, "--json", code=1)
    assert counts(ended, "versions") == {"created": 2, "failed": 7}, ended.json
    assert counts(ended, "models") == {"created": 1, "failed": 4}, ended.json
    assert counts(ended, "aliases") == {"created": 1, "failed": 2}, ended.json
    assert [row["version"] for row in versions_of(server, "good")] == ["1", "2"]
    assert counts(bring(fake.url, "--json", code=1), "versions") == {"unchanged": 2, "failed": 7}


def test_what_is_here_stays_unless_it_may_go(fake, bring, server):
    fake.add("m", [1, 2, 3], aliases={"champion": 2})
    bring(fake.url)

    def change(path, body, method="POST"):
        assert server.request(method, f"{MLFLOW}/{path}", {"name": "m", **body}).status == 200

    change("model-versions/transition-stage", {"version": "1", "stage": "Production"})
    change("registered-models/alias", {"alias": "champion", "version": "3"})
    change("registered-models/alias", {"alias": "ours", "version": "3"})
    change("model-versions/delete", {"version": "2"}, method="DELETE")
    fake.versions["m"][2]["source"] = "s3://another"
    before = registry(server)
    ended = bring(fake.url, "--json", code=6)
    assert counts(ended, "versions") == {"conflicts": 3} and counts(ended, "aliases") == {"conflicts": 1}
    told = {(each["version"], each["alias"]): each["detail"] for each in ended.json["findings"]}
    assert told["1", None] == "stage is Production here, None there"
    assert told["2", None].startswith("it was deleted here")
    assert "s3://another" in told["3", None] and ("2", "champion") in told
    assert "--overwrite" in ended.err and registry(server) == before
    ended = bring(fake.url, "--overwrite", "--json", code=6)
    assert counts(ended, "versions") == {"updated": 1, "conflicts": 2}
    assert versions_of(server, "m")[0]["current_stage"] == "None"
    assert registry(server)["m"][4] == [("champion", "3"), ("ours", "3")]


def test_a_terminal_sees_a_bar(fake, server, podium_bin):
    for number in range(5):
        fake.add(f"m{number}", [1, 2])
    terminal = Terminal([podium_bin, "import", "mlflow", fake.url],
                        clean_environment({"PODIUM_ADDR": server.addr, "TERM": "xterm"}), 120, 40)
    try:
        terminal.read_until(lambda seen: b"aliases" in seen)
        assert terminal.process.wait(120) == 0
        assert b"\r[==" in terminal.bytes
        assert b"100 %  5 of 5 models, 10 versions" in terminal.bytes
    finally:
        terminal.close()


GOOD = {"name": "m", "description": "d", "tags": {"k": "v"}, "aliases": {"a": "1"},
        "created_at": "2026-03-09T14:00:00Z", "updated_at": "2026-03-09T14:00:00Z",
        "overwrite": False, "dry_run": False,
        "versions": [{"version": "1", "stage": "None", "description": "d", "source": "s3://b",
                      "storage_location": "s3://c", "run_id": "r", "run_link": "l", "model_id": "i",
                      "user": "u", "tags": {"k": "v"}, "created_at": "2026-03-09T14:00:00Z",
                      "updated_at": "2026-03-09T14:00:00Z"}]}


def test_fields_of_another_kind(server):
    """What cannot be read is refused whole, with its place."""
    with server.line() as line:
        for field, value in itertools.product((*GOOD, "unknown"), WRONG_TYPES):
            right = GOOD.get(field)
            if type(value) is type(right) and not isinstance(value, (dict, list)):
                continue
            if value in ({}, []) and type(value) is type(right):
                continue
            answer = send(line, "POST", IMPORT, {**GOOD, field: value})
            documented(answer)
            assert answer.json["where"].startswith("/" + field.split("/")[0]), (field, value, answer)
        for field, value in itertools.product((*GOOD["versions"][0], "unknown"), WRONG_TYPES):
            right = GOOD["versions"][0].get(field)
            if type(value) is type(right) and (field not in ("version", "stage", "created_at", "updated_at")
                                               and value in ({}, "x")):
                continue
            spoilt = {**GOOD["versions"][0], field: value}
            answer = send(line, "POST", IMPORT, {**GOOD, "versions": [spoilt]})
            documented(answer)
            assert answer.json["where"] == f"/versions/0/{field}", (field, value, answer)
    assert registry(server) == {} and trail(server) == []
    answer = server.post(IMPORT, GOOD)
    assert answer.status == 200 and answer.json["changed"] is True, answer
    assert server.post(IMPORT, GOOD).json["changed"] is False


def test_limits_and_rights(make_server):
    """INV-16: 100 versions a call, 4 MiB a body; and only an administrator may."""
    server = make_server(token="a-token-of-some-length")
    rows = [{"version": str(n), "source": "s3://b", "created_at": "2026-03-09T14:00:00Z"}
            for n in range(1, 102)]
    refused = server.post(IMPORT, {**GOOD, "aliases": {}, "versions": rows})
    documented(refused)
    assert refused.json["where"] == "/versions"
    assert server.post(IMPORT, {**GOOD, "aliases": {}, "versions": rows[:100]}).status == 200
    big = {"k": "x" * 90_000}
    large = {**GOOD, "name": "large", "aliases": {}, "versions": [{**row, "tags": big} for row in rows[:45]]}
    assert 4_000_000 < len(json.dumps(large)) < 4 * 1024 * 1024
    assert server.post(IMPORT, large).status == 200
    large["versions"] = [{**row, "tags": {"k": "x" * 99_000}} for row in rows[:45]]
    assert server.post(IMPORT, large).status == 413
    plain = server.request("POST", IMPORT, b"{}", {"Content-Type": "text/plain"})
    assert plain.status == 415, plain
    trailed = server.get("/api/v1/audit/models?limit=1").json["items"][0]
    assert trailed["origin"] == "import" and trailed["actor"] == "admin", trailed
    server.headers = {}
    assert server.post(IMPORT, GOOD).status == 401


def test_the_trail_holds(make_server, podium, fake):
    """The chain holds behind an import, as it does behind any change."""
    fake.add("m", range(1, 301), aliases={"champion": 300})
    server = make_server()
    assert podium("import", "mlflow", fake.url, server=server).code == 0
    listed = podium("audit", "list", "--model", "m", server=server)
    assert listed.code == 0 and "registered_model.imported" in listed.out, listed.out
    assert "(import)" in listed.out
    assert podium("db", "verify", "--data", server.data).code == 0
