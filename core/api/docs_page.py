"""The page of the API: Swagger UI from this machine alone, and what each kind of problem means."""

import html
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from core.api.problems import DATABASE_AWAY, INTERNAL, KINDS, MALFORMED, language_of
from core.i18n import translations

FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shelfwright API</title>
<link rel="icon" href="/docs/files/favicon.png">
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/files/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  docExpansion: "list", defaultModelsExpandDepth: 0, displayRequestDuration: true
});
"""


def add_docs(app: FastAPI) -> None:
    """/docs, its files, and /problems. Nothing is fetched from elsewhere, and the browser is told to refuse it."""
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_api_route("/docs/files/start.js", _start, include_in_schema=False)
    for name, media_type in FILES.items():
        app.add_api_route(f"/docs/files/{name}", _sender(name, media_type), include_in_schema=False)
    app.add_api_route("/problems", _problems, include_in_schema=False)


def _docs() -> Response:
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


def _start() -> Response:
    return Response(START, media_type="text/javascript")


def _sender(name: str, media_type: str):  # type: ignore[no-untyped-def]
    def send() -> Response:
        return FileResponse(_folder() / name, media_type=media_type)

    return send


def _folder() -> Path:
    """Where the package keeps Swagger UI; the package itself is not imported."""
    spec = find_spec("fastapi_offline")
    assert spec, "fastapi-offline is in requirements.txt"
    assert spec.origin, "it is a package with files"
    return Path(spec.origin).parent / "static"


def _problems(request: Request) -> Response:
    say = translations(language_of(request)).gettext
    kinds = sorted({*KINDS.values(), DATABASE_AWAY, INTERNAL, MALFORMED}, key=lambda kind: (kind.status, kind.name))
    rows = "".join(
        f'<tr id="{kind.name}"><td>{kind.status}</td><td>{kind.name}</td><td>{html.escape(say(kind.title))}</td></tr>'
        for kind in kinds
    )
    page = f'<!DOCTYPE html><meta charset="utf-8"><title>Problems</title><table>{rows}</table>'
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Vary": "Accept-Language"})
