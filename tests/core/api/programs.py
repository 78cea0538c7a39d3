"""A program that talks to the API: tokens of people with roles, and short ways to ask."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from core.api_tokens import Scope, create_token
from core.people import sign_in_local
from core.runtime import Runtime
from db.enums import Role


@dataclass
class Program:
    """One token at the API. `client` answers problems, it does not raise them."""

    runtime: Runtime
    client: TestClient
    name: str = "tester"
    role: Role = Role.ADMIN
    scopes: Iterable[Scope] = tuple(Scope)
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        token, _ = create_token(self.runtime, sign_in_local(self.runtime, self.name, self.role), "t", self.scopes)
        self.headers = {"Authorization": f"Bearer {token}"}

    def of(self, name: str, role: Role, *scopes: Scope) -> "Program":
        """Another person's token."""
        return Program(self.runtime, self.client, name, role, scopes or tuple(Scope))

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self.ask("GET", path, status, **options).json()

    def post(self, path: str, body: Any = None, key: str | None = None, status: int = 200, **options: Any) -> Any:
        headers = {"Idempotency-Key": key} if key is not None else {}
        answer = self.ask("POST", path, status, headers=headers, json=body, **options)
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, status: int, headers: dict[str, str] | None = None, **options: Any) -> Any:
        answer = self.client.request(method, path, headers={**self.headers, **(headers or {})}, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        if status >= 400:
            check_problem(answer, status)
        return answer

    def ask_status(self, method: str, path: str, body: Any = None, key: str = "k") -> int:
        """For what may be refused in more than one way."""
        headers = {**self.headers, "Idempotency-Key": key}
        answer = self.client.request(method, path, headers=headers, json=body)
        if answer.status_code >= 400:
            check_problem(answer, answer.status_code)
        return int(answer.status_code)

    def all_pages(self, path: str) -> list[Any]:
        """Every item of a list, page by page along its `next`."""
        items, address = [], path
        while address:
            page = self.get(address)
            items += page["items"]
            assert (page["next"] is None) == (page["next_cursor"] is None), page
            address = page["next"]
        return items


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    """Every error is problem+json with its own status, its request's id, and no trace."""
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status, problem
    assert problem["type"].startswith("/problems#"), problem
    assert problem["title"], problem
    assert problem["request_id"] == answer.headers["x-request-id"], problem
    assert "Traceback" not in answer.text, answer.text
    return problem
