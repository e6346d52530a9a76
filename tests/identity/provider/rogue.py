"""A provider that says what it is told to: what a wrong, broken or captured one may send."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Rogue:
    """What it says next, and what it was asked."""

    issuer: str = ""
    key: Any = field(default_factory=new_key)
    kid: str = "first"
    algorithm: str = "RS256"
    published: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[dict[str, str], str]] = field(default_factory=list)
    key_requests: int = 0

    def publish(self) -> None:
        """Publish the present key."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.published = {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def say(self, claims: dict[str, Any]) -> None:
        """Say in the next ID token what an honest provider would, but for ``claims`` (None: without)."""
        now = int(time.time())
        honest = {
            "iss": self.issuer,
            "sub": "somebody",
            "aud": "rapport",
            "iat": now,
            "exp": now + 300,
            "email": "new@corp.example",
            "email_verified": True,
            "name": "New Person",
        }
        self.said = {name: value for name, value in (honest | claims).items() if value is not None}

    async def metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        self.key_requests += 1
        return web.json_response(self.published)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((form, request.headers.get("Authorization", "")))
        token = jwt.encode(self.said, self.key, algorithm=self.algorithm, headers={"kid": self.kid})
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": token})


@contextlib.asynccontextmanager
async def rogue_provider() -> AsyncIterator[Rogue]:
    """Run one on loopback."""
    rogue = Rogue()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", rogue.metadata)
    app.router.add_get("/jwks", rogue.keys)
    app.router.add_post("/token", rogue.token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    rogue.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    rogue.publish()
    try:
        yield rogue
    finally:
        await runner.cleanup()
