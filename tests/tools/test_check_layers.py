"""A layer check that finds nothing would look exactly like a clean tree: each arrow is seeded."""

import pytest


def with_targets(tree):
    for path in ("base/task.h", "base/result.h", "domain/ids.h", "net/url.h", "routing/choose.h",
                 "store/registry_store.h", "store/store_contract.h", "view/core_view.h",
                 "gateway/session.h", "gateway/llm/provider.h", "net/http_head.h",
                 "control/admin/promote.h", "control/publish/publisher.h", "testing/sim_clock.h",
                 "app/settings.h"):
        tree.write(f"src/{path}", "#pragma once\n")
    return tree.write("include/podium/version.h", "#pragma once\n")


@pytest.mark.parametrize("path, include", [
    ("src/gateway/session.cc", '"store/registry_store.h"'),
    ("src/gateway/session.cc", '"control/admin/promote.h"'),
    ("src/control/admin/promote.cc", '"gateway/session.h"'),
    ("src/control/admin/promote.cc", '"control/publish/publisher.h"'),
    ("src/routing/choose.cc", '"store/registry_store.h"'),
    ("src/routing/choose.cc", '"view/core_view.h"'),
    ("src/net/url.cc", '"domain/ids.h"'),
    ("src/base/task.cc", '"domain/ids.h"'),
    ("src/view/core_view.cc", '"app/settings.h"'),
    ("src/routing/choose.cc", '"testing/sim_clock.h"'),
    ("src/routing/choose_test.cc", '"store/registry_store.h"'),
    ("src/routing/choose.cc", '"choose.h"'),
    ("src/routing/choose.cc", '"routing/absent.h"'),
    ("src/orphan/thing.cc", '"base/result.h"'),
    ("include/podium/registry.h", '"base/result.h"'),
    ("include/podium/registry.h", "<fmt/format.h>"),
    ("src/gateway/session.h", "<boost/asio/io_context.hpp>"),
    ("src/base/result.h", "<boost/asio/awaitable.hpp>"),
    ("src/net/url.h", "<boost/beast/http.hpp>"),
    ("src/routing/choose.cc", "<nlohmann/json.hpp>"),
    ("src/control/admin/promote.cc", "<simdjson.h>"),
    ("src/control/admin/promote.cc", "<sqlite3.h>"),
    ("src/app/serve.cc", "<onnxruntime_cxx_api.h>"),
    ("src/gateway/session.cc", "<yaml-cpp/yaml.h>"),
    ("src/gateway/session.cc", "<openssl/evp.h>"),
    ("src/routing/choose.cc", "<unistd.h>"),
    ("src/routing/choose.cc", "<gtest/gtest.h>"),
    ("src/base/result.cc", "<curl/curl.h>"),
    ("src/store/sqlite_store.cc", '"store/store_contract.h"'),
    ("src/gateway/llm/provider.h", '"view/core_view.h"'),
    ("src/gateway/llm/openai/chat.cc", '"gateway/session.h"'),
    ("src/gateway/llm/openai/chat.cc", '"net/url.h"'),
])
def test_a_forbidden_include_is_found(tree, path, include):
    with_targets(tree).write(path, f"// A file.\n#include {include}\n")
    code, lines = tree.run("check_layers.py")
    assert code == 1
    assert len(lines) >= 2, lines
    assert all(line.startswith(f"{path}:2: ") or path.startswith("src/orphan/")
               for line in lines[:-1]), lines


@pytest.mark.parametrize("path, include", [
    ("src/gateway/session.cc", '"gateway/session.h"'),
    ("src/gateway/session.cc", '"view/core_view.h"'),
    ("src/gateway/session.cc", "<simdjson.h>"),
    ("src/control/admin/promote.cc", '"control/admin/promote.h"'),
    ("src/control/admin/promote.cc", '"store/registry_store.h"'),
    ("src/routing/choose_test.cc", '"testing/sim_clock.h"'),
    ("src/store/store_contract.h", '"testing/sim_clock.h"'),
    ("src/store/sqlite_store_test.cc", '"store/store_contract.h"'),
    ("src/testing/sim_world.cc", '"gateway/session.h"'),
    ("src/gateway/llm/openai/chat.cc", '"gateway/llm/provider.h"'),
    ("src/gateway/session.cc", '"gateway/llm/provider.h"'),
    ("src/gateway/llm/provider.h", '"net/http_head.h"'),
    ("src/gateway/llm/chat_test.cc", '"testing/sim_clock.h"'),
    ("src/app/serve.cc", '"gateway/session.h"'),
    ("src/app/serve.cc", '"control/publish/publisher.h"'),
    ("src/base/task.h", "<boost/asio/awaitable.hpp>"),
    ("src/store/sqlite_store.cc", "<sqlite3.h>"),
    ("src/routing/choose.cc", "<vector>"),
    ("include/podium/registry.h", "<podium/version.h>"),
])
def test_an_allowed_include_passes(tree, path, include):
    with_targets(tree).write(path, f"#include {include}\n")
    assert tree.run("check_layers.py")[0] == 0


@pytest.mark.parametrize("module, call", [
    ("gateway", "podium_module(gateway DEPS view store LIBS fmt::fmt)"),
    ("routing", "podium_module(routing\n  DEPS base\n       runtime)"),
    ("control/admin", "podium_module(control_admin DEPS control_publish)"),
    ("base", "podium_module(base DEPS net)"),
    ("routing", "podium_module(routing DEPS testing)"),
    ("gateway/llm", "podium_module(gateway_llm DEPS domain view)"),
    ("app", "podium_module(app DEPS control_admin gateway_llm)"),
])
def test_a_forbidden_link_is_found(tree, module, call):
    with_targets(tree).write(f"src/{module}/CMakeLists.txt", call + "\n")
    code, lines = tree.run("check_layers.py")
    assert code == 1
    assert lines[0].startswith(f"src/{module}/CMakeLists.txt: ")


def test_links_follow_the_same_arrows(tree):
    with_targets(tree)
    tree.write("src/gateway/CMakeLists.txt",
               "podium_module(gateway DEPS gateway_llm view net LIBS fmt::fmt)")
    tree.write("src/gateway/llm/CMakeLists.txt", "podium_module(gateway_llm DEPS domain net)")
    tree.write("src/app/CMakeLists.txt", "podium_module(app DEPS gateway control_admin store)")
    assert tree.run("check_layers.py")[0] == 0


def test_an_empty_tree_is_no_success(tree):
    tree.write("README.md", "nothing\n")
    assert tree.run("check_layers.py")[0] == 1
