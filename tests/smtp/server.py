"""A mail server on loopback for the tests: python3 server.py CERTIFICATE KEY

Asks for STARTTLS and a login (fenghuo / PASSWORD-PLANTED). Prints its port, then one line of JSON for
each mail it has taken. Receivers with a number before the @, like 450@example.cn, are answered with it;
one that begins with a number and "once" only the first time.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        code = local.removesuffix("once")
        if code.isdigit() and not (local.endswith("once") and local in self.seen):
            self.seen.add(local)
            return f"{code} as asked"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        taken = {
            "to": envelope.rcpt_tos,
            "subject": mail["subject"],
            "id": mail["message-id"],
            "text": mail.get_content(),
            "tls": session.ssl is not None,
            "login": session.authenticated,
        }
        print(json.dumps(taken, ensure_ascii=False), flush=True)
        return "250 taken as 4711"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"fenghuo", b"PASSWORD-PLANTED")
    return AuthResult(success=good, handled=False)


class Server(Controller):
    def factory(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        return SMTP(
            self.handler,
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
            enable_SMTPUTF8=True,
        )


async def main():
    server = Server(Handler(), hostname="127.0.0.1", port=0)
    bound = await asyncio.get_running_loop().create_server(server.factory, "127.0.0.1", 0)
    print(bound.sockets[0].getsockname()[1], flush=True)
    # Ends with the test, whatever becomes of that.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
