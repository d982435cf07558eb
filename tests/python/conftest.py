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


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A storage that is no local disk as far as its type tells."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "bucket" / "exp").mkdir(parents=True)
    return tmp_path / "bucket"
