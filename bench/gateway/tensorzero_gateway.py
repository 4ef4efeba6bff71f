"""Starts TensorZero's HTTP gateway out of its Python package, and says where it is.

    tensorzero_gateway.py CONFIG

The package carries the gateway for those who patch an OpenAI client with it; nobody is patched here, and no
Python runs while it answers.
"""

import sys
import threading

from tensorzero import _start_http_gateway

gateway = _start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, postgres_url=None,
                              valkey_url=None, async_setup=False)
print(f"\n{gateway.base_url}", flush=True)
threading.Event().wait()
