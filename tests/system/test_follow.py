"""Routes that follow a registered model: MLflow's aliases and stages move live traffic."""

import json
import signal
import threading

import pytest

from conftest import EXAMPLES, done, metric, refused, registry_file, scrape, upload, wait_until
from followed_route import (ARTIFACTS, CORRUPT, MODEL, ONE, ROUTE, TWO, Refused,  # noqa: F401
                            Registry, follow, predicted, real_client, registry, route, says, serves,
                            serving, trail)
from test_mlflow import MLFLOW

# ---- With MLflow's own client.


@pytest.mark.parametrize("release", ["3", "2"])
def test_the_real_client_moves_live_traffic(release, server, podium, tmp_path):
    """From a logged model to an answer, and all the ways in which MLflow's users name a version."""
    rows = json.loads((EXAMPLES / "tumour.rows.json").read_text())["rows"][:1]
    with real_client(release, server, tmp_path / "files") as client:
        client("create_registered_model", MODEL)
        shape = [["features", "float32", [-1, 30]]]
        for name in ("tumour-v1", "tumour-v2"):
            uri = client("log_onnx", name, str(EXAMPLES / f"{name}.onnx"), inputs=shape)
            client("create_model_version", MODEL, uri)
        told = podium("route", "follow", "ads", MODEL, server=server)
        assert told.code == 0 and "ads follows ads-ranker" in told.out, told.err
        says(server, "waiting", "no version has alias champion or stage Production")
        assert server.predict("ads", rows).status == 503

        client("set_registered_model_alias", MODEL, "champion", "1")
        serves(server, 1)
        assert server.predict("ads", rows).headers["x-podium-version"] == "1"
        client("set_registered_model_alias", MODEL, "challenger", "2")
        serves(server, 1, 2, 5)
        shown = podium("status", "ads", server=server)
        assert "ads follows ads-ranker (champion v1; challenger v2 at 5 %)" in shown.out, shown.out

        # The challenger wins.
        client("set_registered_model_alias", MODEL, "champion", "2")
        serves(server, 2)
        client("delete_registered_model_alias", MODEL, "challenger")
        client("delete_registered_model_alias", MODEL, "champion")
        says(server, "waiting", "version 2 stays")
        assert server.predict("ads", rows).headers["x-podium-version"] == "2"

        # Stages, as those know them who have used MLflow for long.
        client("transition_model_version_stage", MODEL, "1", "Production")
        serves(server, 1)
        client("transition_model_version_stage", MODEL, "2", "Staging")
        serves(server, 1, 2, 5)
        client("transition_model_version_stage", MODEL, "2", "Production",
               archive_existing_versions=True)
        serves(server, 2)
        # An alias beats a stage.
        client("set_registered_model_alias", MODEL, "champion", "1")
        serves(server, 1)

        uri = client("log_onnx", "digits", str(EXAMPLES / "digits-v1.onnx"),
                     inputs=[["features", "float32", [-1, 64]]])
        client("create_model_version", MODEL, uri)
        for call in (("set_registered_model_alias", MODEL, "champion", "3"),
                     ("set_registered_model_alias", MODEL, "challenger", "3"),
                     ("transition_model_version_stage", MODEL, "3", "Staging")):
            with pytest.raises(Refused) as refusal:
                client(*call)
            assert refusal.value.code == "INVALID_PARAMETER_VALUE", refusal.value
            assert "does not fit the callers" in refusal.value.message, refusal.value
            assert "[-1, 64] instead of [-1, 30]" in refusal.value.message, refusal.value
    assert serving(server) == ("1", None, 0)
    changes = [(row["kind"], row["origin"]) for row in trail(server)]
    assert changes[0] == ("follow", "cli") and set(changes[1:]) <= {
        (kind, "mlflow") for kind in ("register", "activate", "ramp", "abort")}, changes
    assert {row["actor"] for row in trail(server)} == {"local"}, "who moved the aliases"


# ---- Champion and challenger.


def test_a_share_of_ones_own(server, registry):
    registry.alias("champion", registry.version(ONE))
    registry.alias("challenger", registry.version(TWO))
    follow(server, challenger_share=12.5)
    serves(server, 1, 2, 12.5)
    follow(server, challenger_share=0)
    serves(server, 1, 2, 0)
    follow(server, challenger="none")
    serves(server, 1)
    loaded = server.get("/api/v1/versions?route=ads").json["items"]
    states = {row["version"]: (row["status"], row["load_state"]) for row in loaded}
    assert states["2"][0] == "standby"
    # A challenger that is none any more takes no memory.
    wait_until(lambda: {row["version"]: row["load_state"] for row in
                        server.get("/api/v1/versions?route=ads").json["items"]}["2"]
               in (None, "unloaded"), what="version 2 unloaded")


def test_selectors_of_ones_own(server, registry):
    for file in (ONE, TWO, ONE):
        registry.version(file)
    registry.stage(1, "Production")
    registry.alias("champion", 2)
    registry.alias("best", 3)
    follow(server, champion="Production", challenger="@best", challenger_share=1)
    serves(server, 1, 3, 1)
    follow(server, champion="@best", challenger="none")
    serves(server, 3)
    for body in ({"champion": "@latest"}, {"champion": "Archived"}, {"champion": "champion"},
                 {"challenger": "@champion", "champion": "@champion"}, {"challenger_share": 101},
                 {"challenger_share": 0.001}, {"on_champion": "frob"}, {"model": "a/b"},
                 {"model": ""}, {"champion": 7}, {"extra": 1}):
        refused(server.put(f"{ROUTE}/follow", {"model": MODEL, **body}), 400)
    assert route(server)["follow"]["champion"] == "@best"


def test_an_emptied_stage_keeps_its_champion(server, registry):
    """F3: champion stays and that is reported, the challenger is unloaded."""
    registry.stage(registry.version(ONE), "Production")
    registry.stage(registry.version(TWO), "Staging")
    follow(server)
    serves(server, 1, 2, 5)
    registry.stage(1, "Archived")
    registry.stage(2, "None")
    serves(server, 1)
    says(server, "waiting", "version 1 stays")
    assert predicted(server) == 1
    done(server.delete(f"{MLFLOW}/registered-models/delete", {"name": MODEL}))
    says(server, "blocked", "there is no registered model ads-ranker", "version 1 stays")
    assert predicted(server) == 1


def test_the_highest_in_a_stage_serves(server, registry):
    first, second = registry.version(ONE), registry.version(TWO)
    registry.stage(second, "Production")
    follow(server)
    serves(server, 2)
    registry.stage(first, "Production")  # Lower: it changes nothing.
    done(server.post(f"{ROUTE}/reload"))
    assert serving(server) == ("2", None, 0)
    registry.stage(second, "Archived")
    serves(server, 1)


# ---- One driver at a time.


def test_a_followed_route_refuses_podiums_verbs(server, registry, podium):
    registry.alias("champion", registry.version(ONE))
    registry.alias("challenger", registry.version(TWO))
    follow(server)
    serves(server, 1, 2, 5)
    ids = {row["version"]: row["model_id"]
           for row in server.get("/api/v1/versions?route=ads").json["items"]}
    before = trail(server)
    for method, path, body in (
            ("POST", f"/api/v1/versions/{ids['2']}/promote", {}),
            ("POST", f"/api/v1/versions/{ids['2']}/activate", {}),
            ("POST", f"/admin/ai-quality/models/{ids['2']}/promote", {}),
            ("PUT", f"{ROUTE}/canary", {"model_id": ids["2"], "traffic_pct": 50}),
            ("DELETE", f"{ROUTE}/canary", {}),
            ("PUT", f"{ROUTE}/arms", {"arms": []})):
        detail = refused(server.request(method, path, body), 409,
                         "route ads follows registered model ads-ranker")
        assert "DELETE /api/v1/routes/ads/follow" in detail, detail
    told = podium("promote", "ads@2", server=server)
    assert told.code == 6 and "follows registered model ads-ranker" in told.err, told.err
    assert trail(server) == before
    # What moves no traffic is still Podium's.
    stored = upload(server, TWO)
    made = server.post("/api/v1/versions", {"route": "ads", "version": "by-hand", "model_id": "hand",
                                            "artifact_uri": stored["artifact_uri"]})
    assert made.status == 201, made
    done(server.post("/api/v1/versions/hand/retire"))
    done(server.delete("/api/v1/versions/hand"))

    # Driven by hand again, what MLflow says moves nothing.
    told = podium("route", "unfollow", "ads", server=server)
    assert told.code == 0 and "follows no registered model" in told.out, told.err
    assert route(server)["follow"] is None and serving(server) == ("1", "2", 5)
    done(server.post(f"/api/v1/versions/{ids['2']}/promote"))
    registry.alias("champion", 1)
    refused(server.post(f"{ROUTE}/reload"), 409, "does not follow a registered model")
    assert serving(server)[0] == "2"


def test_a_split_route_does_not_follow(server, register, registry):
    register(server, "ads", ONE, "a", model_id="a", activate=True)
    register(server, "ads", TWO, "b", model_id="b")
    done(server.put(f"{ROUTE}/arms", {"arms": [{"model_id": "b", "weight": 0.5}]}))
    refused(server.put(f"{ROUTE}/follow", {"model": MODEL}), 409, "arms")
    done(server.put(f"{ROUTE}/arms", {"arms": []}))
    follow(server)
    says(server, "waiting", "version a stays")
    assert serving(server)[0] == "a"


def test_a_rollback_detaches_until_it_is_resumed(server, registry, podium):
    registry.alias("champion", registry.version(ONE))
    follow(server)
    serves(server, 1)
    registry.alias("champion", registry.version(TWO))
    serves(server, 2)
    assert metric(scrape(server), "podium_follow_held", route="ads") == 0
    told = podium("rollback", "ads", "--as", "alice", "--reason", "it errs", server=server)
    assert told.code == 0, told.err
    assert "ads is held and does not follow ads-ranker until: podium route follow ads --resume" \
        in told.out, told.out
    assert serving(server)[0] == "1" and predicted(server) == 1
    held = route(server)["follow"]
    assert held["held"] and "alice rolled back: it errs" in held["held_because"], held
    assert held["held_at"]
    shown = podium("status", server=server)
    assert "held since" in shown.err and "alice rolled back" in shown.err, shown.err
    assert "podium route follow ads --resume" in shown.err, shown.err
    wait_until(lambda: metric(scrape(server), "podium_follow_held", route="ads") == 1,
               what="the metric")
    events = done(server.get("/api/v1/events?route=ads&limit=500"))["items"]
    rolled = [event for event in events if event["data"]["kind"] == "rollback"]
    assert rolled[-1]["data"]["follow"]["held"] is True, rolled

    # Whatever MLflow says, and whoever asks for a look: a person has the route.
    registry.alias("champion", 1)
    registry.alias("champion", 2)
    assert done(server.post(f"{ROUTE}/reload"))["standing"]["state"] == "held"
    server.restart()
    assert serving(server)[0] == "1"
    says(server, "held", "alice rolled back")
    told = podium("route", "follow", "ads", "--resume", server=server)
    assert told.code == 0 and "ads follows ads-ranker again" in told.out, told.err
    serves(server, 2)
    assert route(server)["follow"]["held"] is False
    assert done(server.post(f"{ROUTE}/follow/resume"))["changed"] is False


# ---- What cannot be served.


def test_a_bad_source_is_refused_at_once(server, registry):
    """The one who moves the alias is told, in the shape that MLflow's clients know."""
    registry.alias("champion", registry.version(ONE))
    follow(server)
    serves(server, 1)
    lost = registry.version(source="s3://bucket/model")
    registry.put("bare/MLmodel", b"flavors: {sklearn: {pickled_model: m.pkl}}")
    pickled = registry.version(source="mlflow-artifacts:/bare")
    registry.put("up/MLmodel", b"flavors: {onnx: {data: ../../../podium.db}}")
    upwards = registry.version(source="mlflow-artifacts:/up")
    for number, word in ((lost, "is not in this server's artifact store"),
                         (pickled, "has no flavor onnx"), (upwards, "no path within its folder")):
        for alias in ("champion", "challenger"):
            answer = registry.try_alias(alias, number)
            assert answer.status == 400, answer
            assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE", answer
            message = answer.json["message"]
            assert message.startswith("Route ads follows this model"), message
            assert word in message and f"version {number} cannot be served" in message, message
        done(registry.try_alias("another", number))
    aliases = done(server.get(f"{MLFLOW}/registered-models/get?name={MODEL}"))
    named = {entry["alias"]: entry["version"] for entry in aliases["registered_model"]["aliases"]}
    assert named["champion"] == "1" and "challenger" not in named
    assert serving(server) == ("1", None, 0)


def test_what_was_named_before_is_found_out_later(server, registry):
    """Nobody followed when the alias was set: the route says what is wrong, and takes no harm."""
    registry.alias("champion", registry.version(source="s3://bucket/model"))
    follow(server)
    says(server, "blocked", "version 1 cannot be served: its source s3://bucket/model is not in")
    assert wait_until(lambda: metric(scrape(server), "podium_follow_behind_seconds", route="ads"),
                      what="it is behind") > 0
    registry.alias("champion", registry.version(ONE))
    serves(server, 2)
    wait_until(lambda: metric(scrape(server), "podium_follow_behind_seconds", route="ads") == 0,
               what="it is behind no more")


def test_a_model_that_does_not_load_harms_nobody(server, registry, podium):
    registry.alias("champion", registry.version(ONE))
    follow(server)
    serves(server, 1)
    registry.alias("champion", registry.version(CORRUPT))  # Nobody knows it yet.
    says(server, "blocked", "version 2 cannot be served", "1 goes on")
    assert predicted(server) == 1
    told = podium("reload", "ads", server=server)
    assert told.code == 1 and "version 2 cannot be served" in told.err, told.err
    shown = podium("status", server=server)
    assert "version 2 cannot be served" in shown.err, shown.err
    registry.alias("champion", 1)
    says(server, "following", "version 1 is the champion")
    # Now it is known, and refused at once.
    answer = registry.try_alias("champion", 2)
    assert answer.status == 400 and "version 2 cannot be served" in answer.json["message"], answer


def test_a_signature_that_does_not_fit(server, registry, podium):
    """Refused at once as far as it is known, at the gate once it is; forced by a person only."""
    tumour, digits = EXAMPLES / "tumour-v1.onnx", EXAMPLES / "digits-v1.onnx"
    registry.alias("champion", registry.version(tumour))
    follow(server)
    serves(server, 1)
    beside = json.loads((EXAMPLES / "digits-v1.signature.json").read_text())
    known = registry.version(digits, signature=beside)
    answer = registry.try_alias("champion", known)
    assert answer.status == 400 and "does not fit the callers" in answer.json["message"], answer
    assert "podium.force" in answer.json["message"], answer
    unknown = registry.version(digits)
    registry.alias("champion", unknown)
    says(server, "blocked", f"version {unknown} cannot be served", "does not fit the callers")
    assert serving(server)[0] == "1"

    # A person, in the registry.
    registry.tag(unknown, "podium.force", "dora")
    registry.alias("champion", unknown)
    serves(server, unknown)
    change = trail(server)[-1]
    assert change["kind"] == "activate" and change["actor"].endswith(":dora"), change
    registry.tag(1, "podium.force", "dora")
    registry.alias("champion", 1)
    serves(server, 1)

    # A person, at the command line.
    registry.alias("challenger", registry.version(digits))
    says(server, "blocked", "does not fit the callers")
    assert podium("reload", "ads", "--force", server=server).code == 1, "force takes a name"
    told = podium("reload", "ads", "--force", "--as", "erin", server=server)
    assert told.code == 0, told.err
    assert serving(server)[1] == "4"
    assert trail(server)[-1]["actor"] == "local:erin"


def test_a_trusted_registry_forces(make_server):
    server = make_server(env={"PODIUM_FOLLOW_TRUST": "true"})
    registry = Registry(server)
    registry.alias("champion", registry.version(EXAMPLES / "tumour-v1.onnx"))
    follow(server)
    serves(server, 1)
    registry.alias("champion", registry.version(EXAMPLES / "digits-v1.onnx"))
    serves(server, 2)


def test_what_mlflow_deletes_serves_on(server, registry):
    """The file is copied when it goes live: a clean-up in MLflow ends no service, nor a rollback."""
    registry.alias("champion", registry.version(ONE))
    follow(server)
    serves(server, 1)
    registry.alias("champion", registry.version(TWO))
    serves(server, 2)
    for entry in server.get(ARTIFACTS).json["files"]:
        assert server.delete(f"{ARTIFACTS}/{entry['path']}").status == 200
    server.restart()
    server.wait_ready(route(server)["primary"]["model_id"])
    assert predicted(server) == 2
    assert server.post(f"{ROUTE}/rollback").status == 200
    assert predicted(server) == 1


# ---- Several servers, restarts, kills.


def test_two_replicas_follow_together(make_server, tmp_path):
    """Both look at once: each version is registered once, and both serve what was named."""
    data = tmp_path / "shared"
    a, b = (make_server(data=data, env={"PODIUM_REPLICA_ID": name}) for name in "ab")
    registry = Registry(a)
    registry.alias("champion", registry.version(ONE))
    follow(b)
    for server in (a, b):
        serves(server, 1)
    for number in range(2, 8):
        made = registry.version(TWO if number % 2 == 0 else ONE)
        assert made == number
        registry.alias("champion", made)
        for server in (a, b):
            serves(server, number)
            assert predicted(server) == (2 if number % 2 == 0 else 1)
    kinds = [row["kind"] for row in trail(a)]
    assert kinds.count("register") == kinds.count("activate") == 7, kinds
    assert {row["actor"] for row in trail(a)} == {"local"}, "who moved them, on either replica"
    for server in (a, b):
        says(server, "following", "version 7 is the champion")
        assert "panic" not in server.log_text


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_serves_the_last_champion(server, registry, end):
    registry.alias("champion", registry.version(ONE))
    registry.alias("challenger", registry.version(TWO))
    follow(server, challenger_share=100)
    serves(server, 1, 2, 100)
    server.stop(end) if end == signal.SIGTERM else server.kill()
    server.start()
    for version in ("1", "2"):
        shown = {row["version"]: row["model_id"]
                 for row in server.get("/api/v1/versions?route=ads").json["items"]}
        server.wait_ready(shown[version])
    assert serving(server) == ("1", "2", 100) and predicted(server) == 2
    says(server, "following", "version 1 is the champion", "version 2 is the challenger")
    registry.alias("champion", 2)
    serves(server, 2)


def test_changes_by_sql_are_found_by_the_poll(make_server):
    """Whoever writes past the API is followed too, within two intervals."""
    server = make_server(env={"PODIUM_FOLLOW_POLL_INTERVAL": "1s"})
    registry = Registry(server)
    registry.alias("champion", registry.version(ONE))
    registry.version(TWO)
    follow(server)
    serves(server, 1)
    database = registry_file(server)
    database.execute("UPDATE model_aliases SET version = 2 WHERE name = ? AND alias = 'champion'",
                     (MODEL,))
    database.close()
    serves(server, 2)
    assert trail(server)[-1]["actor"].startswith("mlflow:"), trail(server)[-1]


def test_traffic_goes_on_while_champions_change(server, registry):
    """INV-8: no request is lost while MLflow moves the champion to and fro."""
    for file in (ONE, TWO):
        registry.version(file)
    registry.alias("champion", 1)
    follow(server)
    serves(server, 1)
    stop, answers = threading.Event(), []

    def ask():
        with server.line() as line:
            while not stop.is_set():
                answers.append(line.predict("ads", [[0]]))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for number in (2, 1, 2, 1, 2):
        registry.alias("champion", number)
        serves(server, number)
        seen = len(answers)
        wait_until(lambda after=seen, version=str(number):
                   any(answer.headers["x-podium-version"] == version for answer in answers[after:])
                   or not all(thread.is_alive() for thread in asking), what=f"an answer of {number}")
    stop.set()
    for thread in asking:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert {answer.headers["x-podium-version"] for answer in answers} == {"1", "2"}


def test_if_match_and_lost_updates(server, registry):
    follow(server)
    tag = server.get(ROUTE).headers["etag"]
    follow(server, challenger="none")
    stale = server.put(f"{ROUTE}/follow", {"model": MODEL}, headers={"If-Match": tag})
    assert stale.status == 412 and stale.json["current"]["follow"]["challenger"] == "none", stale
    assert follow(server, challenger="none")["changed"] is False
    refused(server.post("/api/v1/routes/nobody/reload"), 404)
    refused(server.post("/api/v1/routes/nobody/follow/resume"), 404)
    refused(server.request("POST", f"{ROUTE}/reload", b"{}",
                           {"Content-Type": "application/json", "If-Match": tag}), 400, "If-Match")
