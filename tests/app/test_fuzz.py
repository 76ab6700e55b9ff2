"""Two hundred requests that no page would send; `python -m benchmarks.app --fuzz 1000` sends more."""

from __future__ import annotations

import tempfile

from tests.app import made
from tests.app.fuzzing import Fuzz, strays
from tests.app.serving import Served, tree


def test_it_answers_whatever_it_is_sent_and_writes_nowhere_else(tmp_path, bundled, monkeypatch):
    outputs, scratch = tmp_path / "outputs", tmp_path / "tmp"
    scratch.mkdir()
    made.run(outputs / "tone")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    with Served(outputs, fit=lambda *_, **__: None) as served:
        found = Fuzz(served.port, sorted(bundled.glob("*.flac"))[:3], seed=1, fits=5).run(200)
        assert found.crashes == []
        assert served.get("/api/state").status == 200
        assert strays(tmp_path, outputs, before) == []
    assert found.requests == 200 and {201, 400, 403, 404, 421} <= set(found.answers)
    assert tree(tmp_path) == before
