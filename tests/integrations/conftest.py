"""A real Ray cluster of three nodes on 127.0.0.1, which ends with the tests of this folder."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from byrote.integrations.ray import loopback
from integrations.nodes import NODE, until


@pytest.fixture(scope="package")
def cluster() -> Iterator[Any]:
    """Three nodes of one CPU each; the first has the head and this process."""
    import ray
    from ray.cluster_utils import Cluster

    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # Ray interrupts with it; who starts us may have it ignored
    with loopback():
        nodes = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        try:
            for _ in range(2):
                nodes.add_node(**NODE)
            yield nodes
        finally:
            ray.shutdown()
            nodes.shutdown()


@pytest.fixture
def joined(cluster: Any) -> Iterator[Any]:
    """The cluster, and this process connected to it; nodes that a test has killed are replaced."""
    import ray

    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    try:
        while len(cluster.worker_nodes) < 2:
            cluster.add_node(**NODE)
        until(lambda: ray.cluster_resources().get("CPU") == 3)
        yield cluster
    finally:
        ray.shutdown()
