# SPDX-License-Identifier: Apache-2.0
import pytest
import support


@pytest.fixture
def witness(tmp_path):
    made = support.Witness(tmp_path)
    yield made
    made.plugin.close()


@pytest.fixture(params=["jsonl", "aimlog"])
def either(request, tmp_path):
    """Each of the two plugins, open."""
    with support.open_plugin(request.param, tmp_path) as plugin:
        yield plugin
