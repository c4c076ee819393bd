"""Small status pages in the real shapes, made here."""

import json
from typing import Any

PAGE_ULID = "01HZX3V7Q8K2M4N6P8R0S2T4W6"


def statuspage(**changes: Any) -> dict[str, Any]:
    """A summary.json of Atlassian's, all well, with two groups' worth of detail."""
    return {
        "page": {"id": "a1b2c3d4e5f6", "name": "Acme", "url": "https://status.acme.example", "time_zone": "Etc/UTC"},
        "components": [
            component("g1", "Models", group=True, status="partial_outage"),
            component("c1", "Chat", group_id="g1"),
            component("c2", " Embeddings ", group_id="gone"),
        ],
        "incidents": [],
        "scheduled_maintenances": [],
        "status": {"indicator": "none", "description": "All Systems Operational"},
        **changes,
    }


def component(key: str, name: str, status: str = "operational", **more: Any) -> dict[str, Any]:
    return {"id": key, "name": name, "status": status, "group": False, "group_id": None, **more}


def incident(**changes: Any) -> dict[str, Any]:
    return {
        "id": "i1",
        "name": "Elevated errors",
        "status": "investigating",
        "impact": "major",
        "created_at": "2026-03-02T03:00:00.000-06:00",
        "updated_at": "2026-03-02T09:30:00Z",
        "components": [component("c1", "Chat", "partial_outage")],
        **changes,
    }


def widget(**changes: Any) -> dict[str, Any]:
    """incident.io's /api/v1/summary with one incident and one maintenance."""
    return {
        "page_title": "Acme",
        "page_url": "https://status.acme.example/",
        "ongoing_incidents": [
            {
                "id": "01HZX3V7Q8K2M4N6P8R0S2T4W7",
                "name": "Slow answers",
                "status": "identified",
                "last_update_at": "2026-03-02T09:40:00Z",
                "current_worst_impact": "degraded_performance",
                "affected_components": [
                    {"id": "x1", "name": "Chat", "group_name": "APIs", "current_status": "partial_outage"},
                    {"id": "x2", "name": "Batch", "group_name": "APIs"},
                ],
            }
        ],
        "in_progress_maintenances": [],
        "scheduled_maintenances": [{"id": "m1", "name": "Move", "status": "maintenance_scheduled"}],
        **changes,
    }


def proxy(**changes: Any) -> dict[str, Any]:
    """incident.io's /proxy/<host>: components are listed apart from what affects them."""
    return {
        "summary": {
            "components": [{"id": "x1", "name": "Chat"}, {"id": "x2", "name": "Batch"}],
            "affected_components": [{"component_id": "x2", "status": "full_outage"}],
            "ongoing_incidents": [],
            "scheduled_maintenances": [],
            "structure": {
                "items": [{"group": {"id": "g", "name": "APIs", "components": [{"component_id": "x1"}]}}],
            },
            **changes,
        }
    }


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()
