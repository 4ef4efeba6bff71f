"""The command line against a real server, as a person or a script uses it."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading

import pytest

from conftest import EXAMPLES, MODELS, clean_environment, wait_until

TOKEN = "a-token-for-the-tests"
ONE = MODELS / "constant_one.onnx"
TWO = MODELS / "constant_two.onnx"


@pytest.fixture
def two_versions(server, podium):
    """Route `number`: version 1 is the primary and answers 1, version 2 stands by and answers 2."""
    for version, model in (("1", ONE), ("2", TWO)):
        done = podium("version", "register", "number", model, "--version", version, "--model-id",
                      f"number-v{version}", "--wait", server=server)
        assert done.code == 0, done.err
    assert podium("version", "activate", "number@1", server=server).code == 0
    return server


def answer(podium, server, *args):
    done = podium("predict", "number", "-d", "[[7]]", *args, server=server)
    assert done.code == 0, done.err
    return done.out.strip()


def test_the_life_of_a_version(server, podium):
    """Register, activate, canary, promote, roll back: each says what happened and how to undo it."""
    done = podium("version", "register", "number", ONE, "--version", "1", "--model-id", "number-v1",
                  "--wait", server=server)
    assert done.code == 0, done.err
    assert done.out == "registered number@1 (number-v1) as standby, ready\n"
    # The first version of a route serves nothing yet; the next command can be pasted.
    following = re.search(r"^next: podium (.+)$", done.err, re.MULTILINE).group(1)
    assert podium("predict", "number", "-d", "[[7]]", server=server).code != 0
    done = podium(*following.split(), server=server)
    assert done.code == 0, done.err
    assert "nothing → number@1 is the primary of number" in done.out
    assert answer(podium, server) == "1"

    done = podium("version", "register", "number", TWO, "--version", "2", "--model-id", "number-v2",
                  server=server)
    assert done.code == 0, done.err
    assert "next: podium canary number 2 5" in done.err
    done = podium("canary", "number", "2", "100", server=server)
    assert done.code == 0, done.err
    assert "canary number@2 of number: 0 % → 100 % of the traffic" in done.out
    assert "Undo: podium canary number --end" in done.out
    assert answer(podium, server) == "2"
    done = podium("canary", "number", "0", server=server)
    assert done.code == 0, done.err
    assert answer(podium, server) == "1"

    done = podium("promote", "number", "--reason", "looks good", server=server)
    assert done.code == 0, done.err
    assert "number@1 → number@2 is the primary of number" in done.out
    assert answer(podium, server) == "2"
    undo = re.search(r"Undo: podium (.+)$", done.out, re.MULTILINE).group(1)
    done = podium(*undo.split(), server=server)
    assert done.code == 0, done.err
    assert "number@2 → number@1 is the primary of number again" in done.out
    assert answer(podium, server) == "1"

    trail = podium("audit", "--route", "number", "-o", "json", server=server).json
    assert [row["kind"] for row in trail][:2] == ["rollback", "promote"]
    assert trail[1]["reason"] == "looks good"
    assert {row["origin"] for row in trail} == {"cli"}
    shown = podium("audit", "list", server=server)
    assert "looks good" in shown.out and "local (cli)" in shown.out


def test_ending_a_canary_says_how_to_get_it_back(two_versions, podium):
    assert podium("canary", "number", "2", "30", server=two_versions).code == 0
    done = podium("canary", "number", "--end", server=two_versions)
    assert done.code == 0, done.err
    assert "canary number@2 of number: 30 % → 0 % of the traffic, ended" in done.out
    undo = re.search(r"Undo: podium (.+)$", done.out, re.MULTILINE).group(1)
    assert podium(*undo.split(), server=two_versions).code == 0
    route = podium("status", "number", "-o", "json", server=two_versions).json["routes"][0]
    assert route["canary"]["model_id"] == "number-v2" and route["traffic_pct"] == 30


def test_rolling_back_a_canary(two_versions, podium):
    assert podium("canary", "number", "2", "30", server=two_versions).code == 0
    done = podium("rollback", "number", server=two_versions)
    assert done.code == 0, done.err
    assert "canary number@2 of number: 30 % → 0 % of the traffic" in done.out


def test_lists_and_rows(two_versions, podium):
    listed = podium("version", "list", "number", server=two_versions)
    assert listed.code == 0
    lines = listed.out.splitlines()
    assert lines[0].split()[:4] == ["ROUTE", "VERSION", "ID", "STATUS"]
    assert {line.split()[2] for line in lines[1:]} == {"number-v1", "number-v2"}
    rows = podium("version", "list", "-o", "json", server=two_versions).json
    assert {row["model_id"]: row["status"] for row in rows} == {
        "number-v1": "primary", "number-v2": "standby"}
    row = podium("version", "get", "number@2", "-o", "json", server=two_versions).json
    assert row == two_versions.get("/api/v1/versions/number-v2").json
    assert "load_state       ready" in podium("version", "get", "number-v2",
                                              server=two_versions).out


def test_status_counts_the_traffic(two_versions, podium):
    assert podium("canary", "number", "2", "50", server=two_versions).code == 0
    for i in range(40):
        assert two_versions.predict("number", [[7]], headers={"X-Session-Id": f"s{i}"}).status == 200

    def counted():
        shown = podium("status", server=two_versions)
        assert shown.code == 0, shown.err
        rows = [re.split(r"\s{2,}", line) for line in shown.out.splitlines()]
        table = [dict(zip(rows[0], row)) for row in rows[1:]]
        return table if sum(int(row["REQUESTS"]) for row in table) == 40 else None

    table = wait_until(counted, what="40 requests counted")
    assert [(row["ROUTE"], row["VERSION"], row["ROLE"], row["STATE"], row["ASKED"])
            for row in table] == [("number", "1", "primary", "ready", "50 %"),
                                  ("number", "2", "canary", "ready", "50 %")]
    assert table[1]["SEEN"] != "-" and table[1]["ERRORS"] == "0 %"
    assert float(table[0]["P99 ms"]) > 0


def test_watching_ends_with_ctrl_c(two_versions, podium_bin):
    watch = subprocess.Popen([podium_bin, "status", "-w", "--server", two_versions.addr],
                             env=clean_environment({}), stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(2):  # Two looks: it goes on by itself.
            while "primary" not in watch.stdout.readline():
                assert watch.poll() is None
        watch.send_signal(signal.SIGINT)
        assert watch.wait(120) == 130
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()


def test_predict_takes_a_file_a_session_and_a_version(two_versions, podium, tmp_path):
    rows = tmp_path / "rows.json"
    rows.write_text('{"rows": [[1], [2]]}')
    assert podium("predict", "number", "-f", rows, server=two_versions).out == "1\n1\n"
    piped = podium("predict", "number", "-f", "-", server=two_versions, stdin="[[1]]")
    assert piped.out == "1\n"
    forced = podium("predict", "number", "-d", "[1]", "--version", "2", "--session", "me", "-o",
                    "json", server=two_versions).json
    assert forced["predictions"] == [2] and forced["version"] == "2"
    assert forced["routing"]["reason"] == "override"
    shown = podium("predict", "number", "-d", "[1]", server=two_versions)
    assert "answered by number-v1, version 1 (not the canary; reason " in shown.err


def test_a_real_model_with_its_signature(server, podium):
    model = EXAMPLES / "tumour-v1.onnx"
    done = podium("version", "register", "tumour", model, "--version", "1", "--wait", "--metric",
                  "accuracy=0.93", "--tag", "data=wisconsin", server=server)
    assert done.code == 0, done.err
    assert "tumour-v1.signature.json" in done.err
    assert podium("version", "activate", "tumour@1", server=server).code == 0
    row = podium("version", "get", "tumour@1", "-o", "json", server=server).json
    assert row["signature"]["columns"][0] == "mean radius"
    assert row["metrics"] == {"accuracy": 0.93} and row["tags"] == {"data": "wisconsin"}
    data = json.loads((EXAMPLES / "tumour.rows.json").read_text())
    named = dict(zip(data["columns"], data["rows"][0]))
    done = podium("predict", "tumour", "-d", json.dumps(named), server=server)
    assert done.out.strip() == str(data["predictions"]["1"][0]), done.err


def test_a_file_that_is_no_model_is_registered_and_named_as_broken(server, podium):
    done = podium("version", "register", "broken", MODELS / "corrupt.onnx", "--version", "1",
                  "--wait", server=server)
    assert done.code == 1
    assert "does not load" in done.err and "cause: " in done.err
    assert "podium version delete" in done.err


@pytest.mark.parametrize("args,code,said", [
    (["promote", "number-v3"], 5, 'did you mean "number-v'),
    (["promote", "number@3"], 5, "route number has no version 3"),
    (["rollback", "numbr"], 5, 'did you mean "number"?'),
    (["status", "numbr"], 5, 'did you mean "number"?'),
    (["predict", "numbr", "-d", "[[1]]"], 5, 'did you mean "number"?'),
    (["canary", "number", "5"], 5, "podium canary number VERSION 5"),
    (["rollback", "number"], 6, "error: "),
    (["version", "register", "number", str(ONE), "--version", "1"], 6, "error: "),
    (["predict", "number", "-d", "[[1, 2]]"], 1, "error: "),
    (["version", "register", "number", str(MODELS / "nowhere.onnx"), "--version", "9"], 1,
     "cannot read"),
    (["version", "delete", "number-v2"], 2, "--yes"),
    (["promot", "number"], 2, "podium promote"),
    (["version", "register", "number"], 2, "FILE, or --provider and --model"),
    (["canary", "number", "2", "101"], 2, "0 to 100"),
])
def test_exit_codes(two_versions, podium, args, code, said):
    done = podium(*args, server=two_versions)
    assert done.code == code, done.err
    assert said in done.err
    assert done.out == ""  # Nothing that went wrong is mistaken for data.


def test_a_deleted_version_is_gone(two_versions, podium):
    assert podium("version", "delete", "number@2", "--yes", server=two_versions).code == 0
    assert podium("version", "get", "number-v2", server=two_versions).code == 5
    done = podium("version", "retire", "number@1", server=two_versions)
    assert done.code in (1, 6), done.err  # It serves: first something else must.


def test_no_server(podium):
    with socket.socket() as taken:  # Bound and not listening: nobody answers there.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = podium("status", "--server", address)
    assert done.code == 7
    assert address in done.err and "fix: start one (podium serve)" in done.err


def test_what_answers_is_something_else(podium):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"

        def greet():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        done = podium("status", "--server", address)
        thread.join()
    assert done.code == 7 and "error: " in done.err


def test_token(make_server, podium):
    server = make_server(token=TOKEN)
    refused = podium("version", "list", server=server)
    assert refused.code == 4 and "PODIUM_TOKEN" in refused.err
    wrong = podium("version", "list", server=server, env={"PODIUM_TOKEN": TOKEN + "x"})
    assert wrong.code == 4
    for name in ("PODIUM_TOKEN", "PODIUM_ADMIN_TOKEN"):
        allowed = podium("version", "list", server=server, env={name: TOKEN})
        assert allowed.code == 0, allowed.err
    assert TOKEN not in server.log_text + refused.err + wrong.err


def test_the_server_is_found_by_flag_then_environment(server, podium):
    elsewhere = {"PODIUM_ADDR": "127.0.0.1:1"}  # banned: fixed port (nobody listens there)
    assert podium("status", env=elsewhere).code == 7
    assert podium("status", "--server", server.url, env=elsewhere).code == 0
    assert podium("status", server=server).code == 0


# --- serve and check ---

def test_serve_prints_its_real_port_and_stops_cleanly(server):
    assert server.port > 0
    assert server.get("/healthz").status == 200
    assert server.stop() == 0
    assert server.start() is None  # The same data directory opens again.
    assert server.stop(signal.SIGINT) == 0


def test_a_second_signal_ends_at_once(make_server, register):
    """The first lets running requests end; whoever cannot wait for that asks again."""
    server = make_server(config="server: { drain_timeout: 5m }\n"
                                "serving: { inline_limit: 0, inference_threads: 1 }\n")
    register(server, "slow", MODELS / "slow.onnx", "1", activate=True)
    body = b'{"rows": [[100000]]}'
    request = (b"POST /predict/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
               b"\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    with server.connect() as first, server.connect() as second:
        first.sendall(request)
        second.sendall(request)
        wait_until(lambda: re.search(r"^podium_inference_queue(\{.*\})? 1$",
                                     server.get("/metrics").text, re.MULTILINE),
                   what="one inference running and one waiting")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"stopping' in server.log_text, what="the first signal noticed")
        assert server.process.poll() is None
        assert server.stop() == 130


def test_serve_logs_json_lines_when_nobody_watches(server):
    server.stop()
    lines = server.log_text.splitlines()
    assert lines
    for line in lines:
        json.loads(line)


def test_a_taken_port_is_named_with_the_fix(server, podium, tmp_path):
    done = podium("serve", "--data", tmp_path / "other", "--listen", server.addr)
    assert done.code == 1
    assert server.addr in done.err and "fix: " in done.err
    assert done.out == ""


def test_serving_the_outside_needs_a_token(podium, tmp_path):
    done = podium("serve", "--data", tmp_path / "data", "--listen", "0.0.0.0:0")
    assert done.code == 2
    assert "flag --listen: error: 0.0.0.0 is not a loopback address" in done.err
    assert "PODIUM_ADMIN_TOKEN=$(" in done.err
    assert not (tmp_path / "data").exists()


def test_serve_takes_its_settings_from_a_file(make_server, podium):
    server = make_server(config="auth: { admin_token: '${env:SOMEWHERE}' }\nlog: { level: error }\n",
                         env={"SOMEWHERE": TOKEN})
    assert podium("version", "list", server=server).code == 4
    assert podium("version", "list", server=server, env={"PODIUM_TOKEN": TOKEN}).code == 0


def test_serve_and_check_find_the_same_mistakes(podium, tmp_path):
    file = tmp_path / "podium.yaml"
    file.write_text("server:\n  lisen: 127.0.0.1:0\nlog: { level: loud }\n")
    mistakes = [f'{file}:2:3: error: unknown key "lisen" in server (did you mean "listen"?)\n',
                f"{file}:3:15: error: log.level is"]
    checked = podium("check", file)
    assert checked.code == 1
    assert all(m in checked.out for m in mistakes), checked.out
    assert "2 errors" in checked.err
    served = podium("serve", "--data", tmp_path / "data", "--config", file)
    assert served.code == 2
    assert all(m in served.err for m in mistakes), served.err
    file.write_text("log: { level: info }\n")
    assert podium("check", file).code == 0
    assert podium("check", tmp_path / "nowhere.yaml").code == 2
    assert podium("check", env={"PODIUM_LOG_LEVEL": "loud"}).code == 1
    warned = podium("check", env={"PODIUM_LOG_LEVL": "info"})
    assert warned.code == 0 and "PODIUM_LOG_LEVEL" in warned.out


def test_help_and_version(podium):
    for args in (["--help"], ["help"], [], ["promote", "--help"], ["help", "version", "register"]):
        done = podium(*args)
        assert done.code == 0 and "podium" in done.out and done.err == ""
    assert re.fullmatch(r"podium \d+\.\d+\.\d+\n", podium("--version").out)
    assert "130  interrupted" in podium("help", "exit-codes").out


# --- on a terminal ---

def on_terminal(podium_bin, args, server, typed):
    """Runs the command on a pseudo terminal, types once asked; gives the exit code and the text."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([podium_bin, *args], stdin=follower, stdout=follower,
                               stderr=follower, close_fds=True,
                               env=clean_environment({"PODIUM_ADDR": server.addr}))
    os.close(follower)
    text = b""
    try:
        while True:
            ready, _, _ = select.select([leader], [], [], 120)
            assert ready, text
            try:
                chunk = os.read(leader, 4096)
            except OSError:  # The other side is closed: the command has ended.
                break
            if not chunk:
                break
            text += chunk
            if typed is not None and text.endswith(b"[y/N] "):
                os.write(leader, typed)
                typed = None
        return process.wait(120), text.decode()
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def test_a_terminal_is_asked_before_traffic_moves(two_versions, podium, podium_bin):
    declined, text = on_terminal(podium_bin, ["canary", "number", "2", "100"], two_versions, b"n\n")
    assert declined == 3
    assert "now version 1 (number-v1) serves 100 %" in text
    assert answer(podium, two_versions) == "1"
    accepted, text = on_terminal(podium_bin, ["canary", "number", "2", "100"], two_versions, b"y\n")
    assert accepted == 0, text
    assert answer(podium, two_versions) == "2"
    # Less traffic, and going back, are never asked about.
    assert on_terminal(podium_bin, ["canary", "number", "50"], two_versions, None)[0] == 0
    assert on_terminal(podium_bin, ["rollback", "number"], two_versions, None)[0] == 0


def test_a_route_that_serves_nothing_is_activated_without_a_question(server, podium, podium_bin):
    assert podium("version", "register", "number", ONE, "--version", "1", server=server).code == 0
    code, text = on_terminal(podium_bin, ["version", "activate", "number@1"], server, None)
    assert code == 0, text
    assert "y/N" not in text and "nothing → number@1" in text


def test_a_terminal_shows_the_upload(server, podium_bin):
    code, text = on_terminal(podium_bin, ["version", "register", "number", str(ONE), "--version",
                                          "1"], server, None)
    assert code == 0, text
    assert "100 % of" in text
