"""Stands in for the GPU fixtures of the worker API tests: engines that run already, named by LINEAGE_ENGINE_URL."""

import os
from types import SimpleNamespace

import pytest
from infra import ConnectionMode, Gateway

ENGINE_URL = os.environ["LINEAGE_ENGINE_URL"]
NO_GRPC = "workers that speak gRPC are not available in this version yet"


class Engines:
    def get(self, model, mode=ConnectionMode.HTTP):
        if mode == ConnectionMode.GRPC:
            pytest.skip(NO_GRPC)
        return SimpleNamespace(worker_url=ENGINE_URL, base_url=ENGINE_URL, model_path=model)


@pytest.fixture(scope="session")
def model_pool():
    return Engines()


@pytest.fixture(scope="class")
def setup_backend(request):
    if request.param == "grpc":
        pytest.skip(NO_GRPC)
    gateway = Gateway()
    gateway.start(worker_urls=[ENGINE_URL], model_path="tiny")
    try:
        yield request.param, "tiny", None, gateway
    finally:
        gateway.shutdown()


def pytest_configure(config):
    for marker in ("e2e", "slow"):
        config.addinivalue_line("markers", f"{marker}: of the suite")
