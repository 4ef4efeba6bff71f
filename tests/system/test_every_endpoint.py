"""What holds of every endpoint of the admin API, asked of each: a new one cannot forget it.

The list is the source's own: whoever adds an endpoint adds its line here, or this fails.
"""

import json
import re

import pytest

from conftest import MODELS, ROOT, make_two

# (method, path): what it is about. `guarded`: it changes what has a revision, so If-Match counts.
# `plain`: it changes what has none. `list`: pages. `one`: a single thing that changes, with its ETag.
# `read`: anything else. `rollout`: of one that must run first (test_rollouts.py).
KINDS = {
    ("POST", "/api/v1/versions"): "guarded",
    ("GET", "/api/v1/versions"): "list",
    ("GET", "/api/v1/versions/{id}"): "one",
    ("GET", "/api/v1/versions/{id}/diff"): "read",
    ("DELETE", "/api/v1/versions/{id}"): "guarded",
    ("POST", "/api/v1/versions/{id}/activate"): "guarded",
    ("POST", "/api/v1/versions/{id}/retire"): "guarded",
    ("POST", "/api/v1/versions/{id}/promote"): "guarded",
    ("POST", "/api/v1/versions/{id}/retry"): "guarded",
    ("GET", "/api/v1/routes"): "list",
    ("GET", "/api/v1/routes/{route}"): "one",
    ("PUT", "/api/v1/routes/{route}/canary"): "guarded",
    ("DELETE", "/api/v1/routes/{route}/canary"): "guarded",
    ("PUT", "/api/v1/routes/{route}/arms"): "guarded",
    ("POST", "/api/v1/routes/{route}/rollback"): "guarded",
    ("GET", "/api/v1/routes/{route}/shadow"): "one",
    ("PUT", "/api/v1/routes/{route}/shadow"): "guarded",
    ("DELETE", "/api/v1/routes/{route}/shadow"): "guarded",
    ("GET", "/api/v1/routes/{route}/challenger"): "one",
    ("PUT", "/api/v1/routes/{route}/challenger"): "guarded",
    ("DELETE", "/api/v1/routes/{route}/challenger"): "guarded",
    ("PUT", "/api/v1/routes/{route}/follow"): "guarded",
    ("DELETE", "/api/v1/routes/{route}/follow"): "guarded",
    ("POST", "/api/v1/routes/{route}/follow/resume"): "guarded",
    ("POST", "/api/v1/routes/{route}/reload"): "plain",
    ("GET", "/api/v1/routes/{route}/rollouts"): "read",
    ("POST", "/api/v1/routes/{route}/rollouts"): "guarded",
    ("GET", "/api/v1/routes/{route}/rollouts/{id}"): "rollout",
    ("GET", "/api/v1/routes/{route}/rollouts/{id}/verdicts"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/pause"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/resume"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/step"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/share"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/promote"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/abort"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/rollback"): "rollout",
    ("POST", "/api/v1/routes/{route}/rollouts/{id}/metrics"): "rollout",
    ("GET", "/api/v1/routes/{route}/as-of"): "read",
    ("GET", "/api/v1/routes/{route}/explain"): "read",
    ("GET", "/api/v1/routes/{route}/compare"): "read",
    ("GET", "/api/v1/routes/{route}/evaluate"): "read",
    ("GET", "/api/v1/explain"): "read",
    ("GET", "/admin/ai-quality/models"): "list",
    ("POST", "/admin/ai-quality/models/{id}/promote"): "guarded",
    ("POST", "/admin/ai-quality/models/{id}/rollback"): "guarded",
    ("POST", "/api/v1/artifacts"): "plain",
    ("GET", "/api/v1/audit"): "list",
    ("GET", "/api/v1/audit/models"): "list",
    ("POST", "/api/v1/import/mlflow/models"): "plain",
    ("GET", "/api/v1/metrics/versions"): "list",
    ("GET", "/api/v1/metrics/versions/{id}"): "read",
    ("DELETE", "/api/v1/metrics/versions/{id}"): "plain",
    ("GET", "/api/models/costs"): "read",
    ("GET", "/api/v1/prices"): "list",
    ("PUT", "/api/v1/prices"): "plain",
}
ADDED = re.compile(r'routes\.Add\(\s*(?:net::HttpMethod::)?k(\w+),\s*"([^"]+)"')
JSON = {"Content-Type": "application/json"}


def in_source():
    found = set()
    for file in (ROOT / "src" / "control" / "admin").glob("*.cc"):
        for method, path in ADDED.findall(file.read_text()):
            found.add((method.upper(), path))
    return found


def test_the_list_is_whole():
    """Endpoints without a resource (status, health, reload) are named where they are tested."""
    listed = {key for key in in_source()
              if key[1].startswith(("/api/v1/versions", "/api/v1/routes", "/api/v1/audit", "/api/v1/explain",
                                    "/api/v1/metrics", "/api/v1/artifacts", "/api/v1/prices",
                                    "/api/v1/import",
                                    "/admin/", "/api/models"))}
    assert listed == set(KINDS)


PROVIDER = """
providers:
  openai: {kind: openai, base_url: "http://127.0.0.1:9", allow_private: true}
"""


@pytest.fixture
def two(make_server, register):
    """With a provider, since only then there are costs, and paths to them."""
    return make_two(make_server(config=PROVIDER), register)


def concrete(path, name):
    return path.replace("{id}", name).replace("{route}", name)


def of_kind(*kinds):
    return [key for key, kind in KINDS.items() if kind in kinds]


def name_for(path):
    return "number" if "{route}" in path or path.endswith("rollback") else "n2"


@pytest.mark.parametrize("method, path", of_kind("guarded"))
def test_if_match_is_honoured(two, method, path):
    """A stale page must never overwrite what a colleague did in between."""
    body = {"route": "number", "version": "9", "provider_key": "openai", "upstream_model": "m",
            "model_id": "n2", "traffic_pct": 1, "arms": [], "model": "m", "candidate": "n2", "rate": 1,
            "challenger": "n2", "testing": False}
    wanted = {"/api/v1/versions": ("route", "version", "provider_key", "upstream_model"),
              "canary": ("model_id", "traffic_pct") if method == "PUT" else (),
              "arms": ("arms",), "rollouts": ("candidate",), "follow": ("model",) if method == "PUT" else (),
              "shadow": ("rate",) if method == "PUT" else (),
              "challenger": ("challenger", "testing") if method == "PUT" else ()}
    fields = wanted.get(path, wanted.get(path.rsplit("/", 1)[-1], ()))
    sent = json.dumps({name: body[name] for name in fields}).encode()
    target = concrete(path, name_for(path))
    before = two.get("/api/v1/audit").json
    answer = two.request(method, target, sent, {**JSON, "If-Match": '"99999"'})
    assert answer.status == 412, answer
    assert answer.json["code"] == "revision_mismatch"
    assert answer.json["current"] and answer.json["changed_by"]["actor"], answer
    assert answer.headers["etag"]
    assert two.request(method, target, sent, {**JSON, "If-Match": "newest"}).status == 400
    assert two.get("/api/v1/audit").json == before


@pytest.mark.parametrize("method, path", of_kind("plain"))
def test_a_condition_that_nobody_looks_at_is_refused(two, method, path):
    answer = two.request(method, concrete(path, "n2"), b"{}", {**JSON, "If-Match": '"1"'})
    assert answer.status == 400 and "If-Match" in answer.json["detail"], answer


@pytest.mark.parametrize("method, path", of_kind("one"))
def test_what_changes_has_its_tag(two, method, path):
    answer = two.get(concrete(path, name_for(path)))
    assert answer.headers["etag"] == f"\"{answer.json['revision']}\""


@pytest.mark.parametrize("method, path", of_kind("list"))
def test_lists_page_by_key(two, method, path):
    """All items once, in pages of one; a cursor from elsewhere is refused."""
    for number in range(3):
        row = {"route": f"r{number}", "version": "1", "provider_key": "openai",
               "upstream_model": "m", "model_id": f"r{number}"}
        assert two.post("/api/v1/versions", row).status == 201
        price = {"provider": "openai", "model": f"m{number}", "input": "1", "output": "1"}
        assert two.put("/api/v1/prices", price).status == 201
        assert two.post("/api/2.0/mlflow/registered-models/create",
                        {"name": f"model{number}"}).status == 200
    for version in ("n1", "n2"):
        assert two.predict("number", [[1]],
                           headers={"X-Podium-Model-Version": version}).status == 200
    whole = two.get(path).json["items"]
    assert len(whole) >= 2
    seen, target = [], f"{path}?limit=1"
    while target:
        page = two.get(target)
        assert page.status == 200 and len(page.json["items"]) <= 1, page
        seen += page.json["items"]
        cursor = page.json["next_cursor"]
        assert (cursor is None) == ("link" not in page.headers)
        target = cursor and f"{path}?limit=1&cursor={cursor}"
    assert seen == whole
    for limit in ("0", "501", "-1", "x", "1e2"):
        assert two.get(f"{path}?limit={limit}").status == 400
    assert two.get(f"{path}?offset=1").status == 400


@pytest.mark.parametrize("method, path", sorted(KINDS))
def test_errors_are_problem_details(two, method, path):
    """RFC 9457, whatever goes wrong: an unknown name, parameter or verb."""
    # A query string that no endpoint knows, on a name that is not there.
    target = concrete(path, "nobody") + "?nonsense=1"
    body = None if method == "GET" else b"[]"
    answer = two.request(method, target, body, JSON if body else None)
    assert 400 <= answer.status < 500, answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem = answer.json
    assert problem["status"] == answer.status and problem["title"] and problem["detail"]
    assert problem["code"] and problem["type"] and problem["request_id"]
