import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[3] / "test" / "assertion" / "vectors.json"


def read_vectors() -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads(VECTORS.read_text())
    return vectors
