"""The documentation at /docs: rendered from the OpenAPI document, with nothing from elsewhere."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#222}
h1{margin-bottom:.2rem}h2{border-bottom:1px solid #ddd;margin-top:2.5rem}
details{border:1px solid #ddd;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:13px ui-monospace,monospace;background:#f5f5f5}
pre{padding:.6rem;overflow:auto}table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid #eee;padding:.25rem .5rem;text-align:left;vertical-align:top}
.m{display:inline-block;min-width:4rem;font-weight:600}.get{color:#06c}.post{color:#080}
.put,.patch{color:#a60}.delete{color:#c00}.p{white-space:pre-wrap}
"""


@router.get("/docs")
def docs(request: Request) -> Response:
    """A page that needs no script and no network."""
    page = request.app.state
    if not hasattr(page, "docs"):
        page.docs = _page(request.app.openapi()).encode()
    return Response(
        page.docs,
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )


def _page(document: dict[str, Any]) -> str:
    info, schemas = document["info"], document["components"]["schemas"]
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = _operation(method, path, operation)
            groups.setdefault(operation["tags"][0], []).append(shown)
    parts = [f"<h2>{escape(tag)}</h2>{''.join(shown)}" for tag, shown in groups.items()]
    models = "".join(_model(name, schemas[name]) for name in sorted(schemas))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])}</h1><p>Version {escape(str(info['version']))},"
        ' machine-readable at <a href="/openapi.json">/openapi.json</a></p>'
        f'<p class="p">{escape(info["description"].strip())}</p>'
        "<pre>curl -H 'Authorization: Bearer TOKEN' 'http://127.0.0.1:8000/v1/products?q=茶'</pre>"
        f"{''.join(parts)}<h2>models</h2>{models}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}"
        f"{' (needed)' if one.get('required') else ''}</td><td>{_type(one['schema'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
    )
    body = "".join(
        f"<p>Body <code>{escape(kind)}</code>: {_type(content['schema'])}</p>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<tr><td>{status}</td><td>{escape(answer['description'])}</td><td>"
        + ", ".join(_type(one["schema"]) for one in answer.get("content", {}).values())
        + "</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="m {method}">{method.upper()}</span> <code>{escape(path)}</code> '
        f"{escape(operation.get('summary', ''))}</summary>"
        f'<p class="p">{escape(operation.get("description", ""))}</p>'
        f"<table>{rows}</table>{body}<table>{answers}</table></details>"
    )


def _model(name: str, schema: dict[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{' *' if field in needed else ''}</td>"
        f"<td>{_type(about)}</td><td>{escape(about.get('description', ''))}</td></tr>"
        for field, about in schema.get("properties", {}).items()
    )
    said = escape(schema.get("description", ""))
    return (
        f'<details id="model-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<p>{said}</p><table>{rows}</table></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#model-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return escape(" | ".join(str(one) for one in schema["enum"]))
    limits = [schema[key] for key in ("pattern", "format") if key in schema]
    told = f" <code>{escape(limits[0])}</code>" if limits else ""
    return escape(str(schema.get("type", "anything"))) + told
